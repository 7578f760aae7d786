//! Networks that PyTorch trained and exported, where the project's data directory is there.
//!
//! The directory is `shared/data/onnx` beside the repository, or what `INKVEIL_DATA` names with
//! `onnx` below it. Without it the tests say so and pass.

use std::env;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use evaluator::import::import;
use evaluator::network::Layer;

use super::plain::check_against_tract;

fn directory() -> Option<PathBuf> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data");
    let data = env::var_os("INKVEIL_DATA").map_or(beside, PathBuf::from);
    Some(data.join("onnx")).filter(|onnx| onnx.is_dir())
}

/// Both exporters' files of a network.
fn files(name: &str) -> Vec<(String, Vec<u8>)> {
    let Some(directory) = directory() else {
        // Not `eprintln`, which is kept back for tests that pass.
        let skipped = "SKIPPED: no directory with trained networks; set INKVEIL_DATA to test";
        writeln!(io::stderr(), "{skipped} {name}").expect("stderr is open");
        return Vec::new();
    };
    let file = |ending: &str| {
        let file = format!("{name}{ending}");
        let bytes =
            fs::read(directory.join(&file)).unwrap_or_else(|error| panic!("{file}: {error}"));
        (file, bytes)
    };
    vec![file(".onnx"), file(".legacy.onnx")]
}

#[track_caller]
fn check_accepted(name: &str, hidden: usize) {
    for (_, bytes) in files(name) {
        let network = check_against_tract(&bytes, &[1, 1, 28, 28]);
        assert_eq!(network.input_shape, [28, 28]);
        assert_eq!(network.classes.len(), 10);
        let [Layer::Linear(first), Layer::Square, Layer::Linear(last)] = &*network.layers else {
            panic!("{:?} layers", network.layers.len());
        };
        assert_eq!((first.columns, first.rows), (784, hidden));
        assert_eq!((last.columns, last.rows), (hidden, 10));
    }
}

#[track_caller]
fn check_refused(name: &str, expected: &[&str]) {
    for (file, bytes) in files(name) {
        let message = import(&file, &bytes)
            .map(drop)
            .expect_err("has to be refused")
            .to_string();
        assert!(message.starts_with(&format!("{file}: ")), "{message}");
        for expected in expected {
            assert!(
                message.contains(expected),
                "{message:?} does not say {expected:?}"
            );
        }
    }
}

const CONV: &str = "it is linear, but this version does not import it; write it as a Gemm";

#[test]
fn mlp_128_square() {
    check_accepted("mlp_128_square", 128);
}

#[test]
fn homomorphic_mnist_16() {
    check_accepted("homomorphic_mnist_16", 16);
}

#[test]
fn convolutions_are_refused() {
    for name in ["lenet1_square", "cryptonets", "pycrcnn_small", "conv_bn"] {
        check_refused(name, &["Conv '", CONV]);
    }
}

#[test]
fn activations_that_are_no_polynomials_are_refused() {
    check_refused(
        "lenet1_tanh",
        &["Conv '", "Tanh '", "only polynomials can be evaluated"],
    );
    check_refused(
        "tfe_512_relu",
        &["Relu '", "it compares values", "use x² (Pow 2, or Mul x·x)"],
    );
}
