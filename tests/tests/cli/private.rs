//! A server that its host keeps for people with a token.

use anyhow::Result;
use tempfile::tempdir;
use tests::digits::Hand;
use tests::drawings::save;
use tests::root;
use tests::server::Server;

use super::front::Front;
use super::{command, read, refused};

const TOKEN: &str = "x7Qm.4-sesame_open~2Zb9==";

#[test]
fn every_command_that_asks_a_server_takes_a_token() -> Result<()> {
    let flags = ["--allow-layer-ranges"];
    let server = Server::start_with_flags(&root().join("models"), None, None, &flags)?;
    let (front, directory) = (Front::start_private(&server, TOKEN)?, tempdir()?);
    let (url, directory) = (front.url()?, directory.path());
    save(&directory.join("7.png"), 7, &Hand::default())?;
    let commands: [&[&str]; 4] = [
        &["models"],
        &["describe", "--out", "model.json", "--force"],
        &["classify", "7.png"],
        &["values", "--layers", "0..1", "7.png"],
    ];
    for args in commands {
        let args = args.iter().copied().chain(["--server", &url]);
        let args: Vec<&str> = args.collect();
        let said = refused(directory, &args)?;
        let none = format!(
            "{url} is private; give the token that its host gave you with --token or INKVEIL_TOKEN"
        );
        assert_eq!(said, none, "{args:?}");

        let with = |token| args.iter().copied().chain(["--token", token]);
        let other = format!(
            "{url} refused the token; give one that its host gave you with --token or INKVEIL_TOKEN"
        );
        assert_eq!(refused(directory, with("another"))?, other, "{args:?}");
        read(directory, with(TOKEN))?;

        let output = command(directory, &args)
            .env("INKVEIL_TOKEN", TOKEN)
            .output()?;
        assert!(output.status.success(), "{args:?} with the variable");
        let said = [output.stdout, output.stderr].concat();
        let said = String::from_utf8_lossy(&said);
        assert!(!said.contains(TOKEN), "{said}");
    }
    Ok(())
}

#[test]
fn what_is_no_token_is_refused_unsaid_and_unsent() -> Result<()> {
    let directory = tempdir()?;
    // Nothing listens on port 1: whoever asked there would say so.
    let models = ["models", "--server", "http://127.0.0.1:1", "--token"];
    for bad in ["", "sesame open", "sesame\r\nHost: a", "sésame"] {
        let said = refused(directory.path(), models.into_iter().chain([bad]))?;
        let expected = "--token or INKVEIL_TOKEN can't be used: a token has 1 to 512 letters, digits \
                        and -._~+/ with = at its end only";
        assert_eq!(said, expected, "{bad:?}");
    }
    Ok(())
}

#[test]
fn the_help_shows_no_token() -> Result<()> {
    let directory = tempdir()?;
    for name in ["models", "describe", "classify", "values"] {
        let mut help = command(directory.path(), [name, "--help"]);
        let output = help.env("INKVEIL_TOKEN", TOKEN).output()?;
        let said = String::from_utf8(output.stdout)?;
        assert!(said.contains("INKVEIL_TOKEN"), "{name}: {said}");
        assert!(!said.contains(TOKEN), "{name}: {said}");
    }
    Ok(())
}
