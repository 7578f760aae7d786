//! `inkveil`, the command line, as its users meet it: a program with files, an evaluator beside it.

mod classify;
mod drawings;
mod front;
mod refusals;
mod stages;

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use tests::root;

/// Names a program to test instead of the one that the source makes.
const BINARY_VARIABLE: &str = "INKVEIL_CLI";

/// The program's path; built by the first who asks.
#[track_caller]
fn binary() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| find_binary().expect("the command line can be built"))
}

fn find_binary() -> Result<PathBuf> {
    if let Some(path) = std::env::var_os(BINARY_VARIABLE) {
        return Ok(path.into());
    }
    let output = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args(["build", "--package", "client", "--bin", "inkveil"])
        .arg("--message-format=json-render-diagnostics")
        .current_dir(root())
        .stderr(Stdio::inherit())
        .output()
        .context("cargo could not be started")?;
    ensure!(
        output.status.success(),
        "`cargo build --package client --bin inkveil` failed"
    );
    String::from_utf8(output.stdout)?
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .filter(|message| message["target"]["name"] == "inkveil")
        .find_map(|message| message["executable"].as_str().map(PathBuf::from))
        .context("cargo named no executable")
}

/// Runs the program in a directory.
fn run(directory: &Path, args: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Result<Output> {
    let mut command = Command::new(binary());
    command
        .args(args)
        .current_dir(directory)
        .env_remove("INKVEIL_SERVER");
    command.output().context("inkveil could not be started")
}

/// What a run that ends well prints.
fn read(directory: &Path, args: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Result<String> {
    let output = run(directory, args)?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(
        output.status.success(),
        "inkveil ended with {}: {said}",
        output.status
    );
    Ok(String::from_utf8(output.stdout)?)
}

/// What a run that fails says; it has to end with exit code 1 and print nothing.
fn refused(directory: &Path, args: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Result<String> {
    let output = run(directory, args)?;
    let said = String::from_utf8(output.stderr)?;
    ensure!(
        output.status.code() == Some(1),
        "it ended with {}: {said}",
        output.status
    );
    ensure!(
        output.stdout.is_empty(),
        "it printed {}",
        String::from_utf8_lossy(&output.stdout)
    );
    let last = said.lines().last().unwrap_or_default();
    Ok(last.strip_prefix("error: ").unwrap_or(last).to_owned())
}
