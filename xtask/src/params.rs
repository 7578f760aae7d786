//! `cargo xtask params`: the search for parameters.

use anyhow::Result;

use crate::workspace::{Workspace, succeed};

/// Searches prime chains and walks for a model, measures the best and prints them.
///
/// Every argument goes to the `params` program of the `tests` package; `--help` lists them.
#[derive(clap::Args)]
#[command(disable_help_flag = true)]
pub struct Args {
    /// Passed on.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    rest: Vec<String>,
}

/// Runs it in release.
pub fn run(workspace: &Workspace, args: &Args) -> Result<()> {
    succeed(&mut workspace.run_binary("tests", "params", &args.rest))
}
