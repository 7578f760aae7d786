//! `cargo xtask train`: makes a model.

use anyhow::Result;

use crate::workspace::{Workspace, succeed};

/// Trains a model and writes its ONNX file.
///
/// Every argument goes to the trainer; `cargo xtask train --help` lists them and the models.
#[derive(clap::Args)]
#[command(disable_help_flag = true)]
pub struct Args {
    /// Name of the model, then the trainer's own arguments.
    #[arg(
        trailing_var_arg = true,
        allow_hyphen_values = true,
        value_name = "NAME [ARGS]"
    )]
    rest: Vec<String>,
}

/// Runs it in release.
pub fn run(workspace: &Workspace, args: &Args) -> Result<()> {
    let mut command = workspace.run_binary("train", "train", &args.rest);
    // candle's own threads spin while they wait, which costs more than they bring to this size.
    if std::env::var_os("CANDLE_NUM_THREADS").is_none() {
        command.env("CANDLE_NUM_THREADS", "1");
    }
    succeed(&mut command)
}
