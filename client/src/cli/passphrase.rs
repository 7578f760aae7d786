//! The passphrase of a sealed secret key: from a file, the environment or the terminal.
//!
//! **Invariant:** it is wiped when dropped, never shown, and never an argument, which other users of
//! the machine could see.

use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use zeroize::Zeroizing;

use super::files;

/// The environment's name for it.
const VARIABLE: &str = "INKVEIL_PASSPHRASE";

/// The longest file that is read for it.
const LIMIT: u64 = 4096;

/// Where a passphrase comes from.
#[derive(clap::Args)]
pub struct Source {
    /// A file whose first line is the passphrase of the sealed secret key. Without one it is what
    /// the variable `INKVEIL_PASSPHRASE` holds, or asked for.
    #[arg(long, value_name = "FILE")]
    passphrase_file: Option<PathBuf>,
}

impl Source {
    /// Whether the command names a file.
    pub fn is_named(&self) -> bool {
        self.passphrase_file.is_some()
    }

    /// The passphrase of what is sealed already; `what` names it where a person is asked.
    ///
    /// # Errors
    /// If the file can't be read, or nobody can be asked.
    pub fn existing(&self, what: &str) -> Result<Zeroizing<String>> {
        match self.given()? {
            Some(passphrase) => Ok(passphrase),
            None => ask(&format!("passphrase of {what}: ")),
        }
    }

    /// A passphrase for what is to be sealed; a person is asked twice.
    ///
    /// # Errors
    /// If the file can't be read, nobody can be asked, or the two differ.
    pub fn new_one(&self, what: &str) -> Result<Zeroizing<String>> {
        if let Some(passphrase) = self.given()? {
            return Ok(passphrase);
        }
        let passphrase = ask(&format!("new passphrase of {what}: "))?;
        let again = ask(&format!("new passphrase of {what} once more: "))?;
        ensure!(
            passphrase == again,
            "the two passphrases differ; nothing is written"
        );
        Ok(passphrase)
    }

    fn given(&self) -> Result<Option<Zeroizing<String>>> {
        if let Some(path) = &self.passphrase_file {
            let bytes = Zeroizing::new(files::read(path, LIMIT)?);
            let text = std::str::from_utf8(&bytes)
                .with_context(|| format!("{}: is no text", path.display()))?;
            let first = text.lines().next().unwrap_or_default();
            ensure!(
                !first.is_empty(),
                "{}: its first line is empty; it has to be the passphrase",
                path.display()
            );
            return Ok(Some(Zeroizing::new(first.to_owned())));
        }
        Ok(std::env::var(VARIABLE).ok().map(Zeroizing::new))
    }
}

/// Asks on the terminal without showing what is typed.
fn ask(prompt: &str) -> Result<Zeroizing<String>> {
    let typed = rpassword::prompt_password(prompt).with_context(|| {
        format!(
            "there is no terminal to ask for the {}; give --passphrase-file or {VARIABLE}",
            prompt.trim_end_matches(": ")
        )
    })?;
    Ok(Zeroizing::new(typed))
}
