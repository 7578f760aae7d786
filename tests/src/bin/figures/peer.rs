//! The same network in TenSEAL, timed in the same run.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use tempfile::tempdir;
use tests::plain::PlainModel;
use tests::root;

use crate::Effort;
use crate::report::{Figure, Section};
use crate::sample::Sample;
use crate::setting::{model_file, pixels};

/// TenSEAL's figures and the ratio to `own`, or why there are none.
///
/// # Errors
/// If the comparison was asked for and fails.
pub fn measure(
    effort: &Effort,
    python: Option<&PathBuf>,
    left_out: Option<&str>,
    own: &Sample,
) -> Result<Section> {
    let title = "A peer on the same network: TenSEAL";
    let Some(python) = python else {
        let mut section = Section::new(title, "");
        let why = left_out.unwrap_or("no Python was named");
        section.add("one digit, one core", Figure::Missing(why.to_owned()));
        return Ok(section);
    };
    eprintln!("TenSEAL, {} digits", effort.peer_digits);
    let found = run(python, effort.peer_digits)?;
    let text = |key: &str| found[key].as_str().with_context(|| key.to_owned());
    let bytes = |key: &str| {
        let bytes = found[key].as_u64().with_context(|| key.to_owned())?;
        anyhow::Ok(Figure::Bytes(bytes))
    };
    let times = found["milliseconds"].as_array().context("no times")?;
    let times = times.iter().map(|time| time.as_f64().context("no time"));
    let times = times.collect::<Result<Vec<_>>>()?;
    let ratios = times.iter().map(|time| time / own.median()).collect();
    let mut section = Section::new(
        title,
        format!(
            "TenSEAL {}, {}; `tests/peer/tenseal_mnist.py`. The weights and the digits are the \
             same, its answers are checked against plain inference.",
            text("version")?,
            text("parameters")?
        ),
    );
    section.add("one digit, one core", Figure::Time(Sample::new(times)?));
    section.add(
        "its time over Inkveil's",
        Figure::Ratio(Sample::new(ratios)?),
    );
    section.add("evaluation keys", bytes("key_bytes")?);
    section.add("one digit, up", bytes("up_bytes")?);
    section.add("one digit, down", bytes("down_bytes")?);
    Ok(section)
}

/// What the script prints.
fn run(python: &Path, digits: u8) -> Result<Value> {
    let plain = PlainModel::load(&model_file(), &[1, 28, 28])?;
    let images: Vec<Vec<f64>> = (0..digits)
        .map(|digit| pixels(digit % 10))
        .collect::<Result<_>>()?;
    let class = |image: &Vec<f64>| -> Result<usize> {
        let pixels: Vec<f32> = image.iter().map(|&pixel| pixel as f32).collect();
        let logits = plain.logits(&pixels)?;
        let best = logits.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1));
        Ok(best.context("no logits")?.0)
    };
    let classes: Vec<usize> = images.iter().map(class).collect::<Result<_>>()?;
    let directory = tempdir()?;
    let file = directory.path().join("digits.json");
    let digits = json!({ "images": images, "classes": classes });
    fs::write(&file, digits.to_string())?;
    let output = Command::new(python)
        .arg(root().join("tests/peer/tenseal_mnist.py"))
        .args([&model_file(), &file])
        .stderr(Stdio::inherit())
        .output()
        .with_context(|| python.display().to_string())?;
    ensure!(
        output.status.success(),
        "the TenSEAL script ended with {}",
        output.status
    );
    serde_json::from_slice(&output.stdout).context("from the TenSEAL script")
}
