//! Who may know whom.

use std::process::Command;

use anyhow::{Context, Result, ensure};
use tests::root;

/// Names of everything that `package` links or builds with, itself included.
fn links(package: &str) -> Result<Vec<String>> {
    let output = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args([
            "tree",
            "--locked",
            "--package",
            package,
            "--edges",
            "normal,build",
        ])
        .args(["--prefix", "none", "--format", "{p}"])
        .current_dir(root())
        .output()
        .context("cargo could not be started")?;
    ensure!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let text = String::from_utf8(output.stdout)?;
    Ok(text
        .lines()
        .filter_map(|line| line.split_whitespace().next())
        .map(str::to_owned)
        .collect())
}

#[track_caller]
fn check(package: &str, strangers: &[&str]) {
    let links = links(package).expect("cargo tree answers");
    assert!(
        links.iter().any(|name| name == package),
        "{package} isn't in its own tree: {links:?}"
    );
    for stranger in strangers {
        assert!(
            !links.iter().any(|name| name == stranger),
            "{package} links {stranger}"
        );
    }
}

#[test]
fn the_evaluator_links_nothing_that_decrypts() {
    check(
        "evaluator",
        &["check", "client", "client-wasm", "train", "tests"],
    );
}

#[test]
fn the_formats_link_no_side() {
    check(
        "shared",
        &["client", "client-wasm", "evaluator", "train", "onnx"],
    );
    check(
        "onnx",
        &["client", "client-wasm", "evaluator", "train", "shared"],
    );
}

#[test]
fn the_client_links_no_evaluator() {
    check("client", &["client-wasm", "evaluator", "train", "onnx"]);
    check("client-wasm", &["evaluator", "train", "onnx"]);
}

#[test]
fn the_tester_links_both_halves_and_no_more() {
    check("check", &["client-wasm", "train", "tests"]);
}

#[test]
fn the_trainer_links_no_secrets() {
    check("train", &["client", "client-wasm", "evaluator"]);
}
