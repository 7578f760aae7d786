//! `cargo xtask accuracy`: the encrypted run over the test images.

use anyhow::Result;

use crate::workspace::{Workspace, succeed};

/// Classifies the MNIST test images encrypted and prints accuracy, agreement and timings.
///
/// Every argument goes to the `accuracy` program of the `tests` package; `--help` lists them.
#[derive(clap::Args)]
#[command(disable_help_flag = true)]
pub struct Args {
    /// Passed on.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    rest: Vec<String>,
}

/// Runs it in release.
pub fn run(workspace: &Workspace, args: &Args) -> Result<()> {
    succeed(&mut workspace.run_binary("tests", "accuracy", &args.rest))
}
