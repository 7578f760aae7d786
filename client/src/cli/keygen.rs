//! `inkveil keygen`: a secret key, and the evaluation keys that go with it.

use std::path::PathBuf;

use anyhow::{Result, ensure};
use client::ClientKeys;

use super::files::{self, Readers};
use super::{model, progress};

/// Makes a secret key and its evaluation keys.
///
/// Whoever has the secret key can decrypt: keep it. The evaluation keys are for the evaluator.
#[derive(clap::Args)]
pub struct Args {
    /// The model's description, from `inkveil describe`.
    #[arg(long, value_name = "FILE")]
    model: PathBuf,
    /// Where the secret key goes; only its owner may read the file.
    #[arg(long, value_name = "FILE")]
    secret: PathBuf,
    /// Where the evaluation keys go.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// Replaces the files if there are any. What only a replaced secret can decrypt is lost.
    #[arg(long)]
    force: bool,
}

/// Runs the command.
///
/// # Errors
/// If the description can't be used or a file can't be written; then neither is.
pub fn run(args: &Args) -> Result<()> {
    ensure!(
        args.secret != args.out,
        "{}: the secret key and the evaluation keys are two files; name two",
        args.out.display()
    );
    files::check_free(&args.secret, args.force)?;
    files::check_free(&args.out, args.force)?;
    let keys = ClientKeys::generate(model::load(&args.model)?)?;
    let secret = files::stage(
        &args.secret,
        args.force,
        Readers::Owner,
        [Ok(keys.to_file())],
    )?;
    let pieces = keys.evaluation_keys();
    let total = pieces.len() - 1;
    let pieces = pieces.enumerate().map(|(made, piece)| {
        progress::step("keys made", made, total);
        piece
    });
    let evaluation = files::stage(&args.out, args.force, Readers::Everyone, pieces)?;
    // The evaluation keys can be made again from the secret, never the other way round.
    secret.commit()?;
    evaluation.commit()
}
