//! `cargo xtask deny`: what all dependencies are, where they come from, and what is known against
//! them.
//!
//! Knows cargo-deny and its version; what is allowed stands in `deny.toml`.
//!
//! **Invariant:** advisories that can't be fetched are reported as not looked at, never as passed.

use std::process::Command;

use anyhow::{Context, Result};

use crate::tools::Tools;
use crate::workspace::{Workspace, show, succeed};

const VERSION: &str = "0.20.2";

/// Checks licences, sources and duplicates of all dependencies, then known advisories.
#[derive(clap::Args)]
pub struct Args {}

/// What became of the advisories.
pub enum Advisories {
    /// None is known against a dependency.
    Clear,
    /// The database couldn't be fetched; why not.
    Unreachable(String),
}

/// Runs both checks.
pub fn run(workspace: &Workspace, Args {}: &Args) -> Result<bool> {
    dependencies(workspace)?;
    if let Advisories::Unreachable(why) = advisories(workspace)? {
        println!("!!! advisories were SKIPPED: {why}");
    }
    Ok(true)
}

/// Licences, sources and duplicates: needs nothing but the packages themselves.
pub fn dependencies(workspace: &Workspace) -> Result<()> {
    let mut check = cargo_deny(workspace)?;
    check.args(["check", "licenses", "bans", "sources"]);
    println!("+ {}", show(&check));
    succeed(&mut check)
}

/// Advisories and yanked versions: needs a database that git fetches.
pub fn advisories(workspace: &Workspace) -> Result<Advisories> {
    let mut fetch = cargo_deny(workspace)?;
    fetch.args(["fetch", "db"]);
    println!("+ {}", show(&fetch));
    let fetched = fetch.output().context("cargo-deny could not be started")?;
    if !fetched.status.success() {
        let said = String::from_utf8_lossy(&fetched.stderr);
        eprint!("{said}");
        return Ok(Advisories::Unreachable(reason(&said)));
    }
    let mut check = cargo_deny(workspace)?;
    check.args(["check", "advisories"]);
    println!("+ {}", show(&check));
    succeed(&mut check)?;
    Ok(Advisories::Clear)
}

fn cargo_deny(workspace: &Workspace) -> Result<Command> {
    let mut command = workspace.cargo(["deny", "--locked"]);
    Tools::subcommand(workspace, "deny", VERSION)?.apply(&mut command)?;
    Ok(command)
}

/// The last thing that was said: git's own words.
fn reason(said: &str) -> String {
    let last = said.lines().rev().find(|line| !line.trim().is_empty());
    let words = last.map_or("it didn't say why", str::trim);
    format!("the advisory database could not be fetched: {words}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn git_s_own_words_are_the_reason() {
        let said = "[ERROR] failed to clone\nCloning into 'db'...\nfatal: no such host\n\n";
        let words = "the advisory database could not be fetched: fatal: no such host";
        assert_eq!(reason(said), words);
        assert!(reason("").ends_with("it didn't say why"));
    }
}
