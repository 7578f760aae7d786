//! `evaluator evaluate`: one ciphertext from a file.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::Args;
use evaluator::server::models;
use evaluator::settings::Replacing;
use shared::wire;

use super::{calibration_images, options};

/// What is evaluated, and where the reply goes.
#[derive(Args)]
pub struct Evaluate {
    /// The ONNX file.
    #[arg(long, value_name = "FILE")]
    model: PathBuf,
    /// Evaluation keys, as `inkveil keygen` writes them.
    #[arg(long, value_name = "FILE")]
    keys: PathBuf,
    /// The ciphertext, as `inkveil encrypt` writes it.
    #[arg(long = "in", value_name = "FILE")]
    input: PathBuf,
    /// Where the encrypted logits go.
    #[arg(long = "out", value_name = "FILE")]
    output: PathBuf,
    #[command(flatten)]
    replacing: Replacing,
}

/// Evaluates it.
///
/// # Errors
/// A file can't be read or written, or doesn't fit the model.
pub fn run(arguments: &Evaluate) -> Result<()> {
    let images = calibration_images(&arguments.replacing)?;
    let options = options(&arguments.replacing, &images);
    let circuit = models::load_with(&arguments.model, &options)?;
    let keys = read(&arguments.keys)?;
    let keys = wire::read_evaluation_keys(&keys, circuit.ring()).context(name(&arguments.keys))?;
    let input = circuit
        .parse_input(&read(&arguments.input)?)
        .context(name(&arguments.input))?;
    let reply = circuit.evaluate(&keys, input)?;
    fs::write(&arguments.output, reply).with_context(|| name(&arguments.output))
}

fn read(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).with_context(|| name(path))
}

fn name(path: &Path) -> String {
    path.display().to_string()
}
