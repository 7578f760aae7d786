//! A whole run on a few made-up images.

use candle_core::{Device, Tensor};
use train::augment::Augmentation;
use train::curves::picture;
use train::export::{logit_bound, to_onnx};
use train::fields::{CLASSES, looks_at};
use train::inputs::Form;
use train::mnist::{LabelledImages, Mnist};
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
        hidden: 16,
        epochs: 8,
        batch: 20,
        learning_rate: 0.01,
        weight_decay: 0.01,
        smoothing: 0.05,
        logit_cost: 0.001,
        averaging: 0.8,
        augmentation: Augmentation {
            rotation: 3.0,
            ..Augmentation::default()
        },
        seed: 11,
    }
}

fn run() -> (Mnist, Vec<Epoch>, Trained) {
    let data = Mnist {
        train: set(200, 1),
        test: set(50, 2),
    };
    let mut epochs = Vec::new();
    let trained = train(&data, &settings(), |epoch| epochs.push(*epoch)).unwrap();
    (data, epochs, trained)
}

#[test]
fn the_loss_falls_and_the_file_computes_what_was_trained() {
    let (data, epochs, trained) = run();
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

    // Every hidden unit reaches the same magnitude.
    for largest in &trained.all.largest_hidden {
        assert!((largest - 8.0).abs() < 1e-3, "{largest}");
    }

    let bound = logit_bound(trained.all.largest_logit).unwrap();
    let file = onnx::write(&to_onnx(&trained.weights, "Reads bars.", bound));
    check_file(&file, bound);

    let images: Vec<_> = data
        .test
        .images
        .iter()
        .map(|image| Form::Raw.digit(image).pixels().to_vec())
        .collect();
    let chosen = |image: &Vec<f32>| {
        trained
            .weights
            .pixels
            .iter()
            .map(|&pixel| image[pixel])
            .collect::<Vec<_>>()
    };
    let inputs: Vec<_> = images.iter().flat_map(chosen).collect();
    let inputs = Tensor::from_vec(inputs, (images.len(), 625), &Device::Cpu).unwrap();
    let network = Network::new(&trained.weights).unwrap();
    let expected = network
        .forward(&inputs)
        .unwrap()
        .logits
        .to_vec2::<f32>()
        .unwrap();
    let found = runtime::logits(&file, &images);
    for (found, expected) in found.iter().flatten().zip(expected.iter().flatten()) {
        // Sums of 256 and 16 products in another order.
        assert!(
            (found - expected).abs() < 1e-3,
            "{found}, expected {expected}"
        );
    }
}

fn check_file(file: &[u8], bound: u32) {
    let model = onnx::read(file).unwrap();
    assert_eq!((model.opset, &*model.description), (17, "Reads bars."));
    assert_eq!(model.metadata["inkveil.logit_bound"], bound.to_string());
    let operators: Vec<_> = model.nodes.iter().map(|node| &*node.op_type).collect();
    assert_eq!(operators, ["Flatten", "Gemm", "Mul", "Gemm"]);
    assert_eq!(model.nodes[2].input, ["hidden", "hidden"]);
    assert_eq!(model.inputs[0].name, "image");
    assert_eq!(model.inputs[0].shape(), [None, Some(1), Some(28), Some(28)]);
    assert_eq!(model.outputs[0].name, "logits");
    assert_eq!(model.initializers["first.weight"].dims, [16, 784]);
    assert_eq!(model.initializers["second.weight"].dims, [10, 16]);
    check_windows(model.initializers["first.weight"].floats().unwrap());
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
    let (_, epochs, _) = run();
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
