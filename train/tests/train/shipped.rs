//! The shipped model on the real test set.

use std::fs;
use std::path::{Path, PathBuf};

use train::inputs::Form;
use train::mnist::LabelledImages;

use crate::small_run::check_windows;
use crate::{data, runtime};

fn models() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../models")
}

/// Share of right classes and largest magnitude of a logit, by tract.
fn run(file: &[u8], directory: &Path, form: Form) -> (f64, f32) {
    let test = LabelledImages::load_test(directory).unwrap();
    let images: Vec<_> = test
        .images
        .iter()
        .map(|image| form.digit(image).pixels().to_vec())
        .collect();
    let logits = runtime::logits(file, &images);
    let right = |(row, label): &(&Vec<f32>, &u8)| runtime::class(row) == usize::from(**label);
    let correct = logits.iter().zip(&test.labels).filter(right).count();
    let largest = logits
        .iter()
        .flatten()
        .map(|logit| logit.abs())
        .fold(0.0, f32::max);
    (correct as f64 / test.labels.len() as f64, largest)
}

#[test]
fn mnist_fast_is_right_often_enough() {
    let Some(directory) = data::mnist() else {
        return;
    };
    let file = fs::read(models().join("mnist-fast.onnx")).unwrap();
    let bound: f32 = onnx::read(&file).unwrap().metadata["inkveil.logit_bound"]
        .parse()
        .unwrap();
    let card = fs::read_to_string(models().join("mnist-fast.md")).unwrap();
    for form in [Form::Raw, Form::Prepared] {
        let (accuracy, largest) = run(&file, &directory, form);
        println!(
            "{form:?}: {:.2} %, logits within ±{largest:.2}",
            100.0 * accuracy
        );
        assert!(accuracy >= 0.985, "{form:?}: {accuracy}");
        assert!(largest <= bound, "{form:?}: {largest}");
        let claim = format!("{:.2} %", 100.0 * accuracy);
        assert!(card.contains(&claim), "the card doesn't say {claim}");
    }
}

#[test]
fn mnist_fast_looks_through_windows() {
    let file = fs::read(models().join("mnist-fast.onnx")).unwrap();
    let model = onnx::read(&file).unwrap();
    let weights = &model.initializers["first.weight"];
    assert_eq!(weights.dims, [128, 784]);
    check_windows(weights.floats().unwrap());
    let bound: u32 = model.metadata["inkveil.logit_bound"].parse().unwrap();
    assert!((1..=64).contains(&bound), "{bound}");
    assert!(!model.description.is_empty());
}
