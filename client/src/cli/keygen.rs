//! `inkveil keygen`: a secret key, and the evaluation keys that go with it.

use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, ensure};
use client::ClientKeys;
use zeroize::Zeroizing;

use super::files::{self, Readers};
use super::{model, passphrase, progress};

/// Makes a secret key and its evaluation keys.
///
/// Whoever has the secret key can decrypt: keep it, or seal it with a passphrase. The page opens and
/// writes the same sealed files. The evaluation keys are for the evaluator.
#[derive(clap::Args)]
pub struct Args {
    /// The model's description, from `inkveil describe`.
    #[arg(long, value_name = "FILE")]
    model: PathBuf,
    /// Where the secret key goes; only its owner may read the file.
    #[arg(long, value_name = "FILE")]
    secret: PathBuf,
    /// Seals the secret key with a passphrase; `--passphrase-file` implies it.
    #[arg(long)]
    seal: bool,
    #[command(flatten)]
    passphrase: passphrase::Source,
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
    let file = secret_file(args, &keys)?;
    let secret = files::stage(&args.secret, args.force, Readers::Owner, [Ok(file)])?;
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

fn secret_file(args: &Args, keys: &ClientKeys) -> Result<Zeroizing<Vec<u8>>> {
    if !args.seal && !args.passphrase.is_named() {
        return Ok(keys.to_file());
    }
    let name = args.secret.display().to_string();
    let passphrase = args.passphrase.new_one(&name)?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?;
    let made_at = u64::try_from(now.as_millis())?;
    let file = keys.seal(&passphrase, made_at).context(name)?;
    Ok(Zeroizing::new(file))
}
