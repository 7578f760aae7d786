//! `inkveil describe`: what a client has to know of a model.

use std::path::PathBuf;

use anyhow::Result;
use shared::api::LayerRange;

use super::{files, model, server};

/// Saves a model's description, which the other commands take as `--model`.
///
/// Without a server, `evaluator inspect --json MODEL.onnx` prints the same.
#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    server: server::Access,
    /// The model's id, as `inkveil models` lists it; the server's fast one for digits if not given.
    #[arg(long, value_name = "ID")]
    model: Option<String>,
    /// Describes only these steps, such as `0..3`; for services that allow it.
    #[arg(long, value_name = "RANGE")]
    layers: Option<LayerRange>,
    /// Where the description goes.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// Replaces the file if there is one.
    #[arg(long)]
    force: bool,
}

/// Runs the command.
///
/// # Errors
/// If the server can't be reached, its description can't be used or the file can't be written.
pub fn run(args: &Args) -> Result<()> {
    files::check_free(&args.out, args.force)?;
    let info = args
        .server
        .server()?
        .model(args.model.as_deref(), args.layers)?;
    let mut text = serde_json::to_vec_pretty(&info)?;
    text.push(b'\n');
    // What can't be used is better refused now than on the machine it is carried to.
    model::plan(info)?;
    files::stage(&args.out, args.force, files::Readers::Everyone, [Ok(text)])?.commit()
}
