//! `deploy/inkveil.service` by systemd's own judgement. Nothing here starts it: that takes a machine
//! of one's own.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use tempfile::TempDir;
use tests::front::program;
use tests::root;
use tests::server::binary;

/// Tenths of systemd's scale of exposure, on which 0 is none and 100 is everything.
const MOST_EXPOSED: &str = "15";

/// The unit with the evaluator that is tested here.
fn unit() -> Result<(TempDir, PathBuf)> {
    let text = fs::read_to_string(root().join("deploy/inkveil.service"))?;
    let installed = "ExecStart=/usr/local/bin/evaluator serve ";
    ensure!(text.contains(installed), "no `{installed}` in the unit");
    let here = format!("ExecStart={} serve ", binary()?.display());
    let directory = TempDir::new()?;
    let file = directory.path().join("inkveil.service");
    fs::write(&file, text.replace(installed, &here))?;
    Ok((directory, file))
}

fn analyze(arguments: &[&str]) -> Result<(bool, String)> {
    let (_directory, file) = unit()?;
    let output = Command::new(program("systemd-analyze"))
        .args(arguments)
        .arg(file)
        .output()
        .context("systemd-analyze could not be started; `cargo xtask test hosting` installs it")?;
    let printed = [output.stdout, output.stderr].concat();
    Ok((
        output.status.success(),
        String::from_utf8_lossy(&printed).into_owned(),
    ))
}

#[test]
fn systemd_finds_nothing_wrong() -> Result<()> {
    let (is_good, printed) = analyze(&["verify", "--man=no"])?;
    ensure!(is_good, "{printed}");
    // What systemd doesn't know, it ignores with a warning.
    ensure!(!printed.contains("inkveil"), "{printed}");
    Ok(())
}

#[test]
fn it_is_hardly_exposed() -> Result<()> {
    let threshold = format!("--threshold={MOST_EXPOSED}");
    let (is_good, printed) = analyze(&["security", "--offline=true", "--no-pager", &threshold])?;
    ensure!(is_good, "{printed}");
    Ok(())
}
