//! A whole run on a few made-up images.

use train::augment::Augmentation;
use train::curves::picture;
use train::export::{logit_bound, to_onnx};
use train::fields::{CLASSES, looks_at};
use train::inputs::{Form, Inputs, Intake};
use train::mnist::{LabelledImages, Mnist};
use train::models::Model;
use train::network::Network;
use train::random::Random;
use train::training::{Epoch, Settings, Trained, train};

use crate::runtime;

/// A bar for each class, at an angle of its own, with noise.
fn set(count: usize, seed: u64) -> LabelledImages {
    let mut random = Random::new(seed, 99);
    let mut set = LabelledImages::default();
    for index in 0..count {
        let label = index % 10;
        let (sin, cos) = (label as f32 * 0.31).sin_cos();
        let thickness = random.uniform(1.5, 2.5);
        let pixel = |at: usize| {
            let (x, y) = ((at % 28) as f32 - 14.0, (at / 28) as f32 - 14.0);
            let (along, across) = ((x * cos + y * sin).abs(), (y * cos - x * sin).abs());
            if along < 10.0 && across < thickness {
                255
            } else {
                0
            }
        };
        set.images.push(std::array::from_fn(pixel));
        set.labels.push(u8::try_from(label).unwrap());
    }
    set
}

fn settings() -> Settings {
    Settings {
        epochs: 8,
        batch: 20,
        learning_rate: 0.01,
        weight_decay: 0.01,
        smoothing: 0.05,
        logit_cost: 0.001,
        clip: Some(1.0),
        averaging: 0.8,
        augmentation: Augmentation {
            rotation: 3.0,
            ..Augmentation::default()
        },
        seed: 11,
    }
}

fn run(model: Model) -> (Mnist, Vec<Epoch>, Trained) {
    let data = Mnist {
        train: set(200, 1),
        test: set(50, 2),
    };
    let mut epochs = Vec::new();
    let watch = |epoch: &Epoch| epochs.push(*epoch);
    let trained = train(&data, &model.architecture(), &settings(), watch).unwrap();
    (data, epochs, trained)
}

/// Trains a model on bars, compares its file with what was trained, and returns the file.
fn check(model: Model, operators: &[&str], weights: &[(&str, &[usize])]) -> onnx::Model {
    let (data, epochs, trained) = run(model);
    let (first, last) = (epochs[0], epochs[epochs.len() - 1]);
    assert_eq!((first.number, last.number, last.of), (1, 8, 8));
    assert!(
        last.train_loss < 0.7 * first.train_loss,
        "{} to {}",
        first.train_loss,
        last.train_loss
    );
    assert!(last.test_accuracy > 0.8, "{}", last.test_accuracy);
    assert!(trained.raw.accuracy() > 0.8, "{}", trained.raw.accuracy());
    assert_eq!(
        (
            trained.raw.images,
            trained.prepared.images,
            trained.all.images
        ),
        (50, 50, 500)
    );
    // Every channel and unit before a square reaches the same magnitude.
    for largest in trained.all.hidden.iter().flat_map(|range| &range.largest) {
        assert!((largest - 8.0).abs() < 1e-3, "{largest}");
    }

    let bound = logit_bound(trained.all.largest_logit).unwrap();
    let file = onnx::write(&to_onnx(&trained.weights, "Reads bars.", bound));
    let read = onnx::read(&file).unwrap();
    assert_eq!((read.opset, &*read.description), (17, "Reads bars."));
    assert_eq!(read.metadata["inkveil.logit_bound"], bound.to_string());
    assert_eq!(read.inputs[0].name, "image");
    assert_eq!(read.inputs[0].shape(), [None, Some(1), Some(28), Some(28)]);
    assert_eq!(read.outputs[0].name, "logits");
    let found: Vec<_> = read.nodes.iter().map(|node| &*node.op_type).collect();
    assert_eq!(found, operators);
    for node in read.nodes.iter().filter(|node| node.op_type == "Mul") {
        assert_eq!(node.input[0], node.input[1]);
    }
    for &(name, dims) in weights {
        assert_eq!(read.initializers[name].dims, dims, "{name}");
    }
    check_logits(&file, &data, &trained);
    read
}

/// Compares the logits of the test images with those of the trainer's network.
fn check_logits(file: &[u8], data: &Mnist, trained: &Trained) {
    let architecture = &trained.weights.architecture;
    let seen = |pixel: f32| match architecture.threshold {
        Some(threshold) if pixel < threshold => 0.0,
        Some(_) => 1.0,
        None => pixel,
    };
    let images: Vec<Vec<f32>> = data
        .test
        .images
        .iter()
        .map(|image| {
            let digit = Form::Prepared.digit(image);
            digit.pixels().iter().map(|&pixel| seen(pixel)).collect()
        })
        .collect();
    let found = runtime::logits(file, &images);

    let intake = Intake::of(architecture);
    let inputs = Inputs::new(&data.test, Form::Prepared, &intake).unwrap();
    let (inputs, _) = inputs.batches(images.len()).next().unwrap().unwrap();
    let network = Network::new(&trained.weights).unwrap();
    let expected = network.forward(&inputs).unwrap().logits;
    let expected = expected.to_vec2::<f32>().unwrap();
    for (found, expected) in found.iter().flatten().zip(expected.iter().flatten()) {
        // The same sums in another order.
        assert!(
            (found - expected).abs() < 1e-3,
            "{found}, expected {expected}"
        );
    }
}

#[test]
fn mnist_fast_computes_what_was_trained() {
    let file = check(
        Model::MnistFast,
        &["Flatten", "Gemm", "Mul", "Gemm"],
        &[("first.weight", &[128, 784]), ("second.weight", &[10, 128])],
    );
    check_windows(file.initializers["first.weight"].floats().unwrap());
    assert!(!file.metadata.contains_key("inkveil.threshold"));
}

#[test]
fn mnist_accurate_computes_what_was_trained() {
    check(
        Model::MnistAccurate,
        &["Conv", "Mul", "Flatten", "Gemm", "Mul", "Gemm"],
        &[
            ("first.weight", &[16, 1, 5, 5]),
            ("second.weight", &[128, 2704]),
            ("third.weight", &[10, 128]),
        ],
    );
}

#[test]
fn lenet1_computes_what_was_trained() {
    check(
        Model::LeNet1,
        &[
            "Conv",
            "Mul",
            "AveragePool",
            "Conv",
            "Mul",
            "AveragePool",
            "Flatten",
            "Gemm",
        ],
        &[
            ("first.weight", &[4, 1, 5, 5]),
            ("second.weight", &[12, 4, 5, 5]),
            ("third.weight", &[10, 192]),
        ],
    );
}

#[test]
fn homomorphic_mnist_computes_what_was_trained() {
    let file = check(
        Model::HomomorphicMnist,
        &["Flatten", "Gemm", "Mul", "Gemm"],
        &[("first.weight", &[16, 784]), ("second.weight", &[10, 16])],
    );
    assert_eq!(file.metadata["inkveil.threshold"], "0.5");
}

/// Asserts that each row of a 784-column matrix is zero outside the window of its class.
#[track_caller]
pub fn check_windows(weights: &[f32]) {
    for (unit, row) in weights.chunks_exact(784).enumerate() {
        for (pixel, &weight) in row.iter().enumerate() {
            let inside = looks_at(unit % CLASSES, pixel);
            assert_eq!(
                weight != 0.0,
                inside,
                "unit {unit}, pixel {pixel}: {weight}"
            );
        }
    }
}

#[test]
fn the_picture_names_its_curves() {
    let (_, epochs, _) = run(Model::HomomorphicMnist);
    let svg = picture::draw(&epochs).unwrap();
    assert!(svg.starts_with("<svg"));
    for text in [
        "loss",
        "wrong classes in %",
        "training",
        "test, prepared",
        "epoch",
    ] {
        assert!(svg.contains(text), "{text}");
    }
    // One epoch is enough for a picture.
    assert!(picture::draw(&epochs[..1]).is_ok());
}
