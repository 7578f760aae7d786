//! `inkveil encrypt`: a drawing that only the secret key can read.

use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use shared::image::Digit;

use super::files::{self, Readers};
use super::{model, passphrase, pictures};

/// Encrypts one image.
#[derive(clap::Args)]
pub struct Args {
    /// The model's description, from `inkveil describe`.
    #[arg(long, value_name = "FILE")]
    model: PathBuf,
    /// The secret key, from `inkveil keygen`.
    #[arg(long, value_name = "FILE")]
    secret: PathBuf,
    #[command(flatten)]
    passphrase: passphrase::Source,
    /// Where the ciphertext goes.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// Which image of an IDX file, counted from 0.
    #[arg(long, value_name = "N")]
    index: Option<usize>,
    /// Replaces the file if there is one.
    #[arg(long)]
    force: bool,
    /// A PNG, JPEG or IDX file; IDX may be packed by gzip.
    image: PathBuf,
}

/// Runs the command.
///
/// # Errors
/// If a file can't be read, isn't what it should be or can't be written.
pub fn run(args: &Args) -> Result<()> {
    files::check_free(&args.out, args.force)?;
    let keys = model::load_secret(model::load(&args.model)?, &args.secret, &args.passphrase)?;
    let digit = choose(args)?;
    let ciphertext = keys
        .encrypt(&digit.to_input())
        .with_context(|| args.image.display().to_string())?;
    files::stage(&args.out, args.force, Readers::Everyone, [Ok(ciphertext)])?.commit()
}

fn choose(args: &Args) -> Result<Digit> {
    let found = pictures::load(&args.image, usize::MAX)?;
    let (count, file) = (found.len(), args.image.display());
    let index = match args.index {
        None if count > 1 => bail!(
            "{file}: holds {count} images; choose one with --index, from 0 to {}",
            count - 1
        ),
        index => index.unwrap_or(0),
    };
    match found.into_iter().nth(index) {
        Some(picture) => Ok(picture.digit),
        None if count == 0 => bail!("{file}: holds no image"),
        None => bail!(
            "{file}: has no image {index}; the last one is {}",
            count - 1
        ),
    }
}
