//! `cargo xtask load` and `cargo xtask soak`: what the service bears.

use std::process::Command;

use anyhow::Result;

use crate::page;
use crate::tools::Tools;
use crate::workspace::{Workspace, show, succeed};

/// Sends a crowd of sessions with mixed models to the service, then four times what it takes.
///
/// Every argument goes to the `load` program of the `tests` package; `--help` lists them.
#[derive(clap::Args)]
#[command(disable_help_flag = true)]
pub struct LoadArgs {
    /// Passed on.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    rest: Vec<String>,
}

/// Has one server read many digits, and looks whether its memory stays.
///
/// Every argument goes to the `load` program of the `tests` package; `--help` lists them.
#[derive(clap::Args)]
#[command(disable_help_flag = true)]
pub struct SoakArgs {
    /// Passed on.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    rest: Vec<String>,
}

/// Runs crowd and overload in release, with a page to ask for.
pub fn load(workspace: &Workspace, args: &LoadArgs) -> Result<()> {
    page::build(workspace, &Tools::for_page(workspace)?)?;
    let crowd = with_arguments("crowd", &args.rest);
    succeed(&mut workspace.run_binary("tests", "load", &crowd))?;
    succeed(&mut workspace.run_binary("tests", "load", &["overload".to_owned()]))
}

/// Runs the soak in release.
pub fn soak(workspace: &Workspace, args: &SoakArgs) -> Result<()> {
    let soak = with_arguments("soak", &args.rest);
    succeed(&mut workspace.run_binary("tests", "load", &soak))
}

/// One of the runs as a step of the tests: in their profile, so that nothing is built a second time.
pub fn step(workspace: &Workspace, what: &str) -> Result<()> {
    let args = ["run", "--package", "tests", "--bin", "load", "--", what];
    let mut command: Command = workspace.cargo(args);
    println!("+ {}", show(&command));
    succeed(&mut command)
}

fn with_arguments(what: &str, rest: &[String]) -> Vec<String> {
    [what.to_owned()].iter().chain(rest).cloned().collect()
}
