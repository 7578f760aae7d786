//! The shipped models on the real test set.

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
    let threshold = onnx::read(file)
        .unwrap()
        .metadata
        .get("inkveil.threshold")
        .cloned();
    let threshold: Option<f32> = threshold.map(|threshold| threshold.parse().unwrap());
    let seen = |pixel: f32| match threshold {
        Some(threshold) if pixel < threshold => 0.0,
        Some(_) => 1.0,
        None => pixel,
    };
    let test = LabelledImages::load_test(directory).unwrap();
    let images: Vec<Vec<f32>> = test
        .images
        .iter()
        .map(|image| {
            let digit = form.digit(image);
            digit.pixels().iter().map(|&pixel| seen(pixel)).collect()
        })
        .collect();
    let (mut correct, mut largest) = (0, 0.0_f32);
    for (images, labels) in images.chunks(1000).zip(test.labels.chunks(1000)) {
        let logits = runtime::logits(file, images);
        let right = |(row, label): &(&Vec<f32>, &u8)| runtime::class(row) == usize::from(**label);
        correct += logits.iter().zip(labels).filter(right).count();
        let magnitudes = logits.iter().flatten().map(|logit| logit.abs());
        largest = magnitudes.fold(largest, f32::max);
    }
    (correct as f64 / test.labels.len() as f64, largest)
}

/// Asserts that a model reaches the accuracy, keeps its bound, and that its card tells the truth.
#[track_caller]
fn check(name: &str, least: f64) {
    let Some(directory) = data::mnist() else {
        return;
    };
    let file = fs::read(models().join(format!("{name}.onnx"))).unwrap();
    let model = onnx::read(&file).unwrap();
    let bound: f32 = model.metadata["inkveil.logit_bound"].parse().unwrap();
    assert!((1.0..=64.0).contains(&bound), "{bound}");
    assert!(!model.description.is_empty());
    let card = fs::read_to_string(models().join(format!("{name}.md"))).unwrap();
    for form in [Form::Raw, Form::Prepared] {
        let (accuracy, largest) = run(&file, &directory, form);
        println!(
            "{form:?}: {:.2} %, logits within ±{largest:.2}",
            100.0 * accuracy
        );
        assert!(accuracy >= least, "{form:?}: {accuracy}");
        assert!(largest <= bound, "{form:?}: {largest}");
        let claim = format!("{:.2} %", 100.0 * accuracy);
        assert!(card.contains(&claim), "the card doesn't say {claim}");
    }
}

#[test]
fn mnist_fast_is_right_often_enough() {
    check("mnist-fast", 0.985);
}

#[test]
fn mnist_accurate_is_right_often_enough() {
    check("mnist-accurate", 0.992);
}

#[test]
fn lenet1_is_right_often_enough() {
    check("lenet1", 0.989);
}

#[test]
fn homomorphic_mnist_is_right_often_enough() {
    check("homomorphic-mnist", 0.955);
}

#[test]
fn mnist_fast_looks_through_windows() {
    let file = fs::read(models().join("mnist-fast.onnx")).unwrap();
    let model = onnx::read(&file).unwrap();
    let weights = &model.initializers["first.weight"];
    assert_eq!(weights.dims, [128, 784]);
    check_windows(weights.floats().unwrap());
}
