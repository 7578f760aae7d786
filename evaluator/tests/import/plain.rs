//! Networks on plain numbers: ours, and the same file in tract.

use evaluator::import::import;
use evaluator::network::{Layer, Network};
use proptest::prelude::Rng;
use proptest::test_runner::{RngAlgorithm, TestRng};
use tract_onnx::prelude::*;

/// Largest difference between two sums of the same floats in different order, relative to the
/// larger of 1 and the value: 2^-24 a term, some thousand terms.
const TOLERANCE: f64 = 1e-4;

/// What an imported network computes, from the definition of its layers.
pub fn evaluate(network: &Network, image: &[f32]) -> Vec<f64> {
    let image = image.iter().copied().map(f64::from).collect();
    network
        .layers
        .iter()
        .fold(image, |values: Vec<f64>, layer| match layer {
            Layer::Square => values.iter().map(|value| value * value).collect(),
            Layer::Linear(linear) => {
                assert_eq!(values.len(), linear.columns);
                assert_eq!(linear.weights.len(), linear.rows * linear.columns);
                assert_eq!(linear.bias.len(), linear.rows);
                let row = |(row, bias): (&[f64], &f64)| {
                    bias + row
                        .iter()
                        .zip(&values)
                        .map(|(weight, value)| weight * value)
                        .sum::<f64>()
                };
                linear
                    .weights
                    .chunks(linear.columns)
                    .zip(&linear.bias)
                    .map(row)
                    .collect()
            }
        })
}

/// The file in tract. Not its optimised form: tract 0.23.9 can't generate code for a product of an
/// image with a single output.
pub fn tract(bytes: &[u8], shape: &[usize], image: &[f32]) -> TractResult<Vec<f32>> {
    let mut model = onnx().model_for_read(&mut &*bytes)?;
    model.set_input_fact(0, f32::fact(shape).into())?;
    let model = model.into_typed()?.into_runnable()?;
    let image: Tensor = tract_ndarray::ArrayD::from_shape_vec(shape, image.to_vec())?.into();
    let outputs = model.run(tvec!(image.into()))?;
    Ok(outputs[0]
        .to_plain_array_view::<f32>()?
        .iter()
        .copied()
        .collect())
}

/// Imports a file and compares it with tract on random images; returns the network.
#[track_caller]
pub fn check_against_tract(bytes: &[u8], shape: &[usize]) -> Network {
    let network = import("test.onnx", bytes).unwrap_or_else(|error| panic!("{error}"));
    assert!(
        !network
            .layers
            .windows(2)
            .any(|pair| matches!(pair, [Layer::Linear(_), Layer::Linear(_)])),
        "linear layers stand next to each other"
    );
    let mut random = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    for _ in 0..4 {
        let pixels = shape.iter().product();
        let image: Vec<f32> = (0..pixels)
            .map(|_| (random.next_u32() >> 8) as f32 / (1 << 24) as f32)
            .collect();
        let got = evaluate(&network, &image);
        let want = tract(bytes, shape, &image).expect("tract runs the file");
        assert_eq!(got.len(), want.len());
        assert_eq!(got.len(), network.classes.len());
        for (class, (got, want)) in got.iter().zip(want).enumerate() {
            let want = f64::from(want);
            let allowed = TOLERANCE * want.abs().max(1.0);
            assert!(
                (got - want).abs() <= allowed,
                "class {class}: {got} against tract's {want}"
            );
        }
    }
    network
}
