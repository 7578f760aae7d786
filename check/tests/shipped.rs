//! The whole network, against tract.

use check::report::{Measured, Report};
use tract_onnx::prelude::*;

use crate::materials::{check, drawing, file, images, model, n12, options};

const COUNT: usize = 12;

/// The logits of the drawings.
fn logits() -> Vec<Vec<f64>> {
    let model = onnx()
        .model_for_path(model())
        .and_then(|model| model.with_input_fact(0, f32::fact([1, 1, 28, 28]).into()))
        .and_then(|model| model.into_optimized()?.into_runnable())
        .unwrap();
    let run = |number| {
        let pixels: Vec<f32> = drawing(number)
            .into_iter()
            .map(|it| f32::from(it) / 255.0)
            .collect();
        let input = Tensor::from_shape(&[1, 1, 28, 28], &pixels).unwrap();
        let output = model.run(tvec!(input.into())).unwrap();
        let logits = output[0].to_plain_array_view::<f32>().unwrap();
        logits.iter().map(|&logit| f64::from(logit)).collect()
    };
    (0..COUNT).map(run).collect()
}

fn argmax(values: &[f64]) -> u8 {
    let best = values.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1));
    best.unwrap().0 as u8
}

#[track_caller]
fn near(found: f64, expected: f64, share: f64) {
    let off = (found / expected - 1.0).abs();
    assert!(off <= share, "{found} is not {expected} within {share}");
}

fn chosen(report: &Report) -> &Measured {
    let mut chosen = report.sets.iter().filter(|set| set.chosen);
    let set = chosen.next().unwrap();
    assert!(chosen.next().is_none(), "two sets are chosen");
    set.measured.as_ref().unwrap()
}

#[test]
fn the_choice_and_its_neighbours_are_measured() {
    let logits = logits();
    let labels: Vec<u8> = logits.iter().map(|logits| argmax(logits)).collect();
    let directory = images(COUNT, Some(&labels));
    let report = check(&options(file(&directory))).unwrap();
    assert_eq!((report.images.count, report.images.watched), (COUNT, 4));
    assert_eq!(report.model.layers.len(), 2);

    let measured = chosen(&report);
    let all: Vec<f64> = logits.iter().flatten().copied().collect();
    let rms = (all.iter().map(|x| x * x).sum::<f64>() / all.len() as f64).sqrt();
    near(measured.outputs.values, rms, 1e-4);
    let largest = all.iter().fold(0.0, |most: f64, x| most.max(x.abs()));
    near(measured.outputs.largest_value, largest, 1e-4);
    assert_eq!(measured.plain_accuracy, Some(1.0));
    assert!(measured.agreement > Some(0.8) && measured.accuracy == measured.agreement);
    assert!(measured.circuit_error < 1e-6 * rms);
    assert!(measured.key_bytes > 100_000 && measured.upload_bytes > 10_000);
    assert!(measured.least_milliseconds <= measured.milliseconds);

    let times: f64 = measured.operations.iter().map(|it| it.milliseconds).sum();
    assert!(times < 3.0 * measured.milliseconds && measured.milliseconds < 3.0 * times);
    for operation in &measured.operations {
        // Predictions are for independent errors; these are a few hundred.
        near(
            operation.errors.rms.log2(),
            operation.errors.predicted.log2(),
            0.5,
        );
        assert!(operation.errors.mean <= operation.errors.rms);
        assert!(operation.errors.rms <= operation.errors.largest);
        let budget = operation.budget;
        let used = operation.errors.largest_value.log2() + operation.log2_scale + 1.0;
        assert!((budget.modulus_bits - budget.left_bits - used).abs() < 1e-9);
        assert!(budget.noise_bits < used && budget.left_bits > 0.0);
    }
    assert_eq!(measured.operations.last().unwrap().errors, measured.outputs);

    let roles: Vec<&str> = report.sets.iter().map(|set| set.role.as_str()).collect();
    assert_eq!(roles[0], "automatic choice");
    assert!(
        roles.contains(&"2 bits less") && roles.contains(&"the next ring"),
        "{roles:?}"
    );
    for set in &report.sets {
        assert_ne!(
            set.measured.is_some(),
            set.refusal.is_some(),
            "{}",
            set.role
        );
    }
    let bits = |role: &str| {
        let set = report.sets.iter().find(|set| set.role == role).unwrap();
        set.measured.as_ref().map(|it| it.precision_bits)
    };
    if let (Some(less), Some(same)) = (bits("2 bits less"), bits("made to measure")) {
        assert!(
            less < same,
            "{less} bits are left with fewer, {same} with more"
        );
    }
    assert!(report.choice.contains("n12"), "{}", report.choice);
}

#[test]
fn the_same_set_gives_the_same_numbers() {
    let directory = images(3, Some(&[9, 9, 9]));
    let mut options = options(file(&directory));
    options.parameters = Some(n12());
    let run = || {
        let mut report = check(&options).unwrap();
        let measured = report.sets[0].measured.take().unwrap();
        (
            measured.outputs,
            measured.accuracy,
            measured.key_bytes,
            report,
        )
    };
    let (outputs, accuracy, key_bytes, report) = run();
    assert_eq!((outputs, accuracy, key_bytes, report.clone()), run());
    let [set] = &report.sets[..] else {
        panic!("one set was given, {} were tried", report.sets.len());
    };
    let security = set.parameters.as_ref().unwrap().security;
    assert_eq!(
        (
            security.log2_qp,
            security.classical_margin,
            security.quantum_margin
        ),
        (106, 0, -5)
    );
}

#[test]
fn labels_are_counted() {
    let mut labels: Vec<u8> = logits().iter().map(|logits| argmax(logits)).collect();
    for label in &mut labels[..COUNT / 4] {
        *label = (*label + 1) % 10;
    }
    let directory = images(COUNT, None);
    let other = images(COUNT, Some(&labels));
    let mut options = options(file(&directory));
    options.parameters = Some(n12());
    let without = check(&options).unwrap();
    assert_eq!(
        (without.images.labels.clone(), chosen(&without).accuracy),
        (None, None)
    );
    options.labels = Some(other.path().join("some-labels-idx1-ubyte"));
    let with = check(&options).unwrap();
    assert_eq!(chosen(&with).plain_accuracy, Some(0.75));
}
