//! `inkveil`, the command line, as its users meet it: a program with files, an evaluator beside it.

mod classify;
mod front;
mod models;
mod outage;
mod private;
mod refusals;
mod sealed;
mod stages;

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;

use anyhow::{Context, Result, ensure};
use tests::program;

/// Names a program to test instead of the one that the source makes.
const BINARY_VARIABLE: &str = "INKVEIL_CLI";

/// What would change a run, were it taken over from whoever runs the tests.
const FOREIGN: [&str; 9] = [
    "INKVEIL_PASSPHRASE",
    "INKVEIL_SERVER",
    "INKVEIL_TOKEN",
    "ALL_PROXY",
    "all_proxy",
    "HTTP_PROXY",
    "http_proxy",
    "HTTPS_PROXY",
    "https_proxy",
];

/// The program's path; built by the first who asks.
#[track_caller]
fn binary() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    let find = || program::find(BINARY_VARIABLE, "client", "inkveil", &[]);
    BINARY.get_or_init(|| find().expect("the command line can be built"))
}

/// The program, to be run in a directory.
fn command(directory: &Path, args: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Command {
    let mut command = Command::new(binary());
    command.args(args).current_dir(directory);
    for variable in FOREIGN {
        command.env_remove(variable);
    }
    command
}

/// Runs the program in a directory.
fn run(directory: &Path, args: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Result<Output> {
    let output = command(directory, args).output();
    output.context("inkveil could not be started")
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
