//! Sets that would end in garbage: said before they run, and nothing is written.

use std::fs;
use std::process::Command;

use shared::params::ParameterSpec;

use crate::materials::{file, images, model, n12, weak};

/// Runs the program with a set, and asserts that it refuses and leaves nothing behind.
#[track_caller]
fn check(parameters: &str, layers: &str, expected: &[&str]) {
    let directory = images(2, None);
    let params = directory.path().join("params.json");
    fs::write(&params, parameters).unwrap();
    let out = directory.path().join("report");
    let output = Command::new(env!("CARGO_BIN_EXE_evaluator-check"))
        .arg(model())
        .arg("--images")
        .arg(file(&directory))
        .arg("--params")
        .arg(&params)
        .args(["--layers", layers])
        .arg("--out")
        .arg(&out)
        .output()
        .unwrap();
    let message = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{message}");
    for expected in expected {
        assert!(
            message.contains(expected),
            "{message:?} does not say {expected:?}"
        );
    }
    // No progress: nothing has run.
    assert_eq!(message.lines().count(), 1, "{message}");
    assert!(output.stdout.is_empty() && !out.exists());
}

fn json(spec: &ParameterSpec) -> String {
    serde_json::to_string(spec).unwrap()
}

#[test]
fn noise_that_would_drown_the_values() {
    let expected = [
        "parameter set weak was not run: at layer 'first + square', noise would drown the values: an \
         error of ",
    ];
    check(&json(&weak()), "0..3", &expected);
}

#[test]
fn too_few_levels() {
    let mut spec = n12();
    spec.name = "flat".to_owned();
    spec.levels.truncate(1);
    let expected = [
        "parameter set flat was not run: at layer 'first + square', 2 levels are needed up to here, \
         the parameter set has 1",
    ];
    check(&json(&spec), "0..3", &expected);
}

#[test]
fn an_insecure_set() {
    let mut spec = n12();
    spec.special.push(134_111_233);
    let expected = [
        "parameter set n12 is insecure: log2(QP) takes 133 bits, 128-bit security at N = 2^12 allows \
         106",
    ];
    check(&json(&spec), "0..3", &expected);
}

#[test]
fn no_set_at_all() {
    let expected = ["params.json: is no parameter set", "missing field"];
    check("{\"name\": \"n12\"}", "0..3", &expected);
}
