//! Servers that go in the middle of it, and servers that have no room.

use std::time::{Duration, Instant};

use anyhow::Result;
use serde_json::Value;
use tempfile::tempdir;
use tests::digits::Hand;
use tests::drawings::save;
use tests::root;
use tests::server::Server;

use super::front::{Front, Mishap};
use super::{refused, run};

/// An evaluator, and a directory with a drawing of a three.
fn prepare() -> Result<(Server, tempfile::TempDir)> {
    let server = Server::start_with(&root().join("models"), None, None)?;
    let directory = tempdir()?;
    save(&directory.path().join("3.png"), 3, &Hand::default())?;
    Ok((server, directory))
}

#[test]
fn what_was_in_flight_when_a_server_went_is_sent_again() -> Result<()> {
    let (server, directory) = prepare()?;
    let mishaps = [Mishap::Noise, Mishap::Nobody(502), Mishap::Nobody(504)];
    let front = Front::start(&server, &mishaps)?;
    let url = front.url()?;
    let output = run(
        directory.path(),
        ["classify", "--server", &url, "--json", "3.png"],
    )?;
    let said = String::from_utf8(output.stderr)?;
    assert!(output.status.success(), "{said}");
    for pause in ["0.5", "1.0"] {
        let words = format!("{url} gives no answer; trying again in {pause} s");
        assert!(said.contains(&words), "{said}");
    }
    let document: Value = serde_json::from_slice(&output.stdout)?;
    assert_eq!(document["images"][0]["class"], "3");
    let routes = front.routes();
    let asked = |what: &str| routes.iter().filter(|route| route.contains(what)).count();
    assert_eq!(
        (asked("POST sessions"), asked("classify")),
        (2 + 3, 3),
        "{routes:?}"
    );
    Ok(())
}

#[test]
fn a_server_that_stays_away_is_given_up() -> Result<()> {
    let (server, directory) = prepare()?;
    let front = Front::start(&server, &[Mishap::Nobody(502); 9])?;
    let url = front.url()?;
    let said = refused(directory.path(), ["classify", "--server", &url, "3.png"])?;
    let expected = format!("{url} can't be reached: something in between answers 502");
    assert_eq!(said, expected);
    let routes = front.routes();
    let asked = routes.iter().filter(|route| route.contains("classify"));
    assert_eq!(asked.count(), 5, "{routes:?}");
    Ok(())
}

#[test]
fn a_full_server_says_what_is_full_and_for_how_long() -> Result<()> {
    let (server, directory) = prepare()?;
    let front = Front::start(&server, &[Mishap::Full(1800)])?;
    let (url, start) = (front.url()?, Instant::now());
    let said = refused(directory.path(), ["classify", "--server", &url, "3.png"])?;
    let expected = format!(
        "{url} refused: Too many sessions (429): this address holds 1000; try again in 30 minutes"
    );
    assert_eq!(said, expected);
    assert!(start.elapsed() < Duration::from_secs(600), "it waited");
    assert_eq!(
        front.routes().last().map(String::as_str),
        Some("POST sessions")
    );
    Ok(())
}
