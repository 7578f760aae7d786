//! Secret keys that a passphrase seals.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Result, ensure};
use client::sealed::SealedKey;
use tempfile::tempdir;
use tests::digits::Hand;
use tests::drawings::save;

use super::stages::{describe, evaluate};
use super::{binary, read, refused};

const PASSPHRASE: &str = "correct horse äöü";

const KEYGEN: [&str; 5] = ["keygen", "--model", "model.json", "--out", "own.keys"];
const ENCRYPT: [&str; 7] = [
    "encrypt",
    "--model",
    "model.json",
    "--secret",
    "own.key",
    "--out",
    "digit.ct",
];
const DECRYPT: [&str; 6] = [
    "decrypt",
    "--model",
    "model.json",
    "--secret",
    "own.key",
    "reply.ct",
];

/// A directory with a description, a drawing, and passphrases in files.
fn prepare(directory: &Path) -> Result<()> {
    describe(directory)?;
    save(&directory.join("4.png"), 4, &Hand::default())?;
    fs::write(
        directory.join("right"),
        format!("{PASSPHRASE}\nsecond line\n"),
    )?;
    fs::write(directory.join("wrong"), "battery staple\n")?;
    fs::write(directory.join("short"), "battery\n")?;
    fs::write(directory.join("empty"), "\n")?;
    Ok(())
}

/// A command with more arguments.
fn with<'a>(command: &[&'a str], more: &[&'a str]) -> Vec<&'a str> {
    [command, more].concat()
}

#[test]
fn a_sealed_key_serves_every_stage() -> Result<()> {
    let directory = tempdir()?;
    let directory = directory.path();
    prepare(directory)?;
    let sealed = ["--secret", "own.key", "--passphrase-file", "right"];
    read(directory, with(&KEYGEN, &sealed))?;
    let file = fs::read(directory.join("own.key"))?;
    let key = SealedKey::read(&file)?;
    assert_eq!(key.model, "mnist-fast");
    ensure!(key.made_at > 1_700_000_000_000, "{}", key.made_at);

    let right = ["--passphrase-file", "right"];
    read(directory, with(&ENCRYPT, &with(&right, &["4.png"])))?;
    evaluate(directory, "own.keys")?;
    let text = read(directory, with(&DECRYPT, &right))?;
    let last = text.lines().last().unwrap_or_default();
    ensure!(last.starts_with("4  "), "{text}");

    let output = Command::new(binary())
        .args(DECRYPT)
        .current_dir(directory)
        .env("INKVEIL_PASSPHRASE", PASSPHRASE)
        .output()?;
    ensure!(output.status.success(), "the variable doesn't open it");
    assert_eq!(String::from_utf8(output.stdout)?, text);
    Ok(())
}

#[test]
fn a_key_stays_closed_to_all_else() -> Result<()> {
    let directory = tempdir()?;
    let directory = directory.path();
    prepare(directory)?;
    let sealed = ["--secret", "own.key", "--passphrase-file", "right"];
    read(directory, with(&KEYGEN, &sealed))?;
    let encrypt = |passphrase: &str| {
        let more = ["--passphrase-file", passphrase, "4.png"];
        refused(directory, with(&ENCRYPT, &more))
    };
    assert_eq!(
        encrypt("wrong")?,
        "own.key: the passphrase is wrong, or the key file is damaged"
    );
    assert_eq!(
        encrypt("empty")?,
        "empty: its first line is empty; it has to be the passphrase"
    );
    let said = encrypt("none")?;
    ensure!(said.starts_with("none: "), "{said}");

    let mut damaged = fs::read(directory.join("own.key"))?;
    let last = damaged.len() - 1;
    damaged[last] ^= 1;
    fs::write(directory.join("own.key"), &damaged)?;
    assert_eq!(
        encrypt("right")?,
        "own.key: the passphrase is wrong, or the key file is damaged"
    );
    fs::write(directory.join("own.key"), &damaged[..last])?;
    assert_eq!(
        encrypt("right")?,
        "own.key: the key file is damaged: its end is missing"
    );
    ensure!(
        !directory.join("digit.ct").exists(),
        "something was encrypted"
    );
    Ok(())
}

#[test]
fn a_short_passphrase_writes_nothing() -> Result<()> {
    let directory = tempdir()?;
    let directory = directory.path();
    prepare(directory)?;
    let sealed = ["--secret", "own.key", "--passphrase-file", "short"];
    assert_eq!(
        refused(directory, with(&KEYGEN, &sealed))?,
        "own.key: the passphrase has 7 characters; at least 10 are needed"
    );
    ensure!(
        !directory.join("own.key").exists() && !directory.join("own.keys").exists(),
        "a key was written"
    );
    Ok(())
}
