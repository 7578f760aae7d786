//! `cargo xtask train`: makes a model.
//!
//! Knows how the trainer is started; the models are the trainer's own.

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

/// What the trainer is started with, unless the caller sets it. candle's own threads spin while they
/// wait, which costs more than they bring to this size. It allocates every result anew; glibc would
/// give the memory back and fetch it again, which takes as long as the arithmetic.
const ENVIRONMENT: [(&str, &str); 3] = [
    ("CANDLE_NUM_THREADS", "1"),
    ("MALLOC_MMAP_THRESHOLD_", "8589934592"),
    ("MALLOC_TRIM_THRESHOLD_", "8589934592"),
];

/// Runs it in release.
pub fn run(workspace: &Workspace, args: &Args) -> Result<()> {
    let mut command = workspace.run_binary("train", "train", &args.rest);
    for (name, value) in ENVIRONMENT {
        if std::env::var_os(name).is_none() {
            command.env(name, value);
        }
    }
    succeed(&mut command)
}
