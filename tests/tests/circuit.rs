//! Whole networks on ciphertexts, compared with the same networks on plain numbers.
//!
//! A circuit promises six bits: every logit of a reply is within 1/64 of the declared bound on them.
//! Rounding to the reply's modulus leaves ten bits of them, and what is in front of it weighs up to
//! three times as much; 1/64 is five standard deviations or more of all of it.

mod graphs;
mod refusals;

use std::collections::BTreeSet;
use std::sync::Arc;

use client::{ClientKeys, Plan, SecretSeed};
use evaluator::circuit::Circuit;
use evaluator::engine::EvalError;
use evaluator::network::{Matrix, Network};
use evaluator::server::models;
use proptest::prelude::*;
use shared::api::ModelInfo;
use shared::image::Digit;
use shared::keys::EvaluationKeys;
use shared::packing::OutputPacking;
use shared::wire::{read_evaluation_keys, read_reply};
use tests::data::{missing, mnist_directory};
use tests::networks::chain;
use tests::plain::{PlainModel, by_definition};
use train::mnist::LabelledImages;

use crate::scheme::numbers;

/// A circuit with a client's keys for it.
pub struct Client {
    pub keys: ClientKeys,
    evaluation: EvaluationKeys,
}

impl Client {
    pub fn new(circuit: &Circuit, seed: u8) -> Self {
        Self::with_info(circuit, circuit.info().clone(), seed)
    }

    fn with_info(circuit: &Circuit, info: ModelInfo, seed: u8) -> Self {
        let plan = Arc::new(Plan::new(info).unwrap());
        let keys = ClientKeys::from_seed(plan, SecretSeed::from_bytes([seed; 32]));
        let upload = keys
            .evaluation_keys()
            .collect::<Result<Vec<_>, _>>()
            .unwrap()
            .concat();
        let evaluation = read_evaluation_keys(&upload, circuit.ring()).unwrap();
        Self { keys, evaluation }
    }

    pub fn classify(&self, circuit: &Circuit, input: &[f64]) -> Result<Vec<u8>, EvalError> {
        let request = self.keys.encrypt(input).unwrap();
        circuit.evaluate(&self.evaluation, circuit.parse_input(&request).unwrap())
    }
}

fn network(widths: &[usize], seed: u64) -> Network {
    let layer = |(at, pair): (usize, &[usize])| {
        // Sums of this many products with inputs around 1 stay around 1.
        let size = 1.5 / (pair[0] as f64).sqrt();
        let seed = seed + at as u64;
        let weights = numbers(pair[0] * pair[1], seed);
        let weights = weights.into_iter().map(|weight| weight * size).collect();
        (weights, numbers(pair[1], seed + 1000))
    };
    let layers = widths.windows(2).enumerate().map(layer).collect();
    chain(widths[0], layers, 16.0)
}

fn bound(network: &Network) -> f64 {
    network.logit_bound.expect("stated")
}

/// What an error of a logit may be, for this bound on them.
pub fn tolerance(bound: f64) -> f64 {
    bound / 64.0
}

/// Asserts that the reply has one number for each logit besides the factors of the secret key, as
/// many in each part as it has room for, and that they decrypt to the logits.
#[track_caller]
fn check_reply(circuit: &Circuit, client: &Client, input: &[f64], logits: &[f64], tolerance: f64) {
    let output = &circuit.info().output;
    let bytes = client.classify(circuit, input).unwrap();
    let reply = read_reply(&bytes, &output.packing, circuit.ring()).unwrap();
    let counts: Vec<usize> = reply.parts.iter().map(|part| part.c0.len()).collect();
    match &output.packing {
        OutputPacking::Coefficients(packing) => {
            let (values, room) = (logits.len() + packing.zeros, 2 * packing.copies);
            let want: Vec<usize> = vec![(); values].chunks(room).map(<[()]>::len).collect();
            assert_eq!(counts, want);
            let left = logits.len().next_multiple_of(room) - logits.len();
            assert_eq!(packing.zeros, left.min(6));
        }
        OutputPacking::Slots(packing) => {
            assert_eq!(counts, [circuit.ring().degree()]);
            assert_eq!(packing.slots.len(), logits.len());
        }
    }
    let degree = circuit.ring().degree();
    assert!(reply.parts.iter().all(|part| part.c1.len() == degree));

    let got = client.keys.decrypt(&bytes).unwrap();
    assert_eq!(got.values().len(), logits.len());
    for (at, (got, want)) in got.values().iter().zip(logits).enumerate() {
        let off = (got - want).abs();
        assert!(
            off < tolerance,
            "logit {at} is {got}, not {want} ± {tolerance}"
        );
    }
}

/// Runs a network on random input, and returns the number of parts of its reply.
#[track_caller]
fn check_network(network: &Network, seed: u64) -> usize {
    let circuit = Circuit::compile("random", network).unwrap();
    let client = Client::new(&circuit, 5);
    let input = numbers(network.inputs(), seed + 77);
    let want = by_definition(network, &input);
    check_reply(
        &circuit,
        &client,
        &input,
        &want,
        // Rows add up their noise: with a hundred of them more than the promise is expected.
        tolerance(bound(network)).max(10.0 * circuit.predicted_error()),
    );
    circuit
        .info()
        .output
        .packing
        .parts(circuit.ring().degree())
        .len()
}

#[track_caller]
fn check(widths: &[usize], seed: u64) {
    check_network(&network(widths, seed), seed);
}

#[test]
fn one_linear_layer() {
    check(&[30, 10], 1);
}

#[test]
fn one_square() {
    check(&[100, 32, 10], 2);
}

#[test]
fn two_squares_need_the_larger_ring() {
    check(&[64, 40, 20, 7], 3);
}

#[test]
fn widths_that_grow() {
    check(&[3, 50, 5], 4);
}

/// 1000 values leave room for two copies, and so for four logits in a part.
#[test]
fn more_classes_than_a_part_has_room_for() {
    assert_eq!(check_network(&network(&[20, 1000, 10], 10), 10), 3);
}

/// 256 values stand eight times in the slots; the ninth row and the next have imaginary weights.
#[test]
fn a_few_more_classes_than_copies() {
    assert_eq!(check_network(&network(&[50, 256, 9], 11), 11), 1);
    assert_eq!(check_network(&network(&[50, 200, 10], 12), 12), 1);
}

#[test]
fn one_linear_layer_in_parts() {
    assert_eq!(check_network(&network(&[2048, 5], 13), 13), 3);
    assert_eq!(check_network(&network(&[900, 9], 14), 14), 3);
}

#[test]
fn single_values() {
    check(&[1, 1, 1], 5);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(6))]
    #[test]
    fn networks_of_any_width(widths in proptest::collection::vec(1usize..200, 2..4), seed in 0u64..1000) {
        check(&widths, seed);
    }
}

#[test]
fn unused_inputs_need_no_slot() {
    let mut network = network(&[600, 16, 4], 6);
    let first = &mut network.layers[0].terms[0].matrix;
    let row = |row: usize| {
        first
            .row(row)
            .filter(|(column, _)| column % 3 != 0)
            .collect()
    };
    *first = Matrix::from_rows(600, (0..16).map(row).collect::<Vec<_>>());
    let circuit = Circuit::compile("pruned", &network).unwrap();
    let packing = &circuit.info().input.packing;
    let sources = packing.real.iter().chain(&packing.imaginary).flatten();
    assert_eq!(sources.collect::<BTreeSet<_>>().len(), 400);
    // 256 pairs, and as often as there is room for them.
    assert_eq!(packing.period(), circuit.ring().degree() / 2);
    let client = Client::new(&circuit, 6);
    let input = numbers(600, 8);
    let want = by_definition(&network, &input);
    check_reply(&circuit, &client, &input, &want, tolerance(bound(&network)));
}

/// The shipped model on real digits where MNIST is there, else on made ones: against tract.
#[test]
fn the_shipped_model_agrees_with_plain_inference() {
    let path = tests::root().join("models/mnist-fast.onnx");
    let circuit = models::load(&path).unwrap();
    let shape = circuit.info().input.shape.clone();
    let truth = PlainModel::load(&path, &shape).unwrap();
    let client = Client::new(&circuit, 8);
    let inputs: Vec<Vec<f32>> = match mnist_directory(&tests::root()) {
        Some(directory) => {
            println!("on digits of {}", directory.display());
            let images = LabelledImages::load_test(&directory).unwrap().images;
            images
                .iter()
                .take(5)
                .map(|image| Digit::from_mnist(image).pixels().to_vec())
                .collect()
        }
        None => {
            println!("on made inputs: {}", missing());
            let made = |seed| {
                numbers(784, seed)
                    .iter()
                    .map(|x| (x.max(0.5) - 0.5) as f32)
                    .collect()
            };
            (0..5).map(made).collect()
        }
    };
    for pixels in inputs {
        let input: Vec<f64> = pixels.iter().map(|&pixel| f64::from(pixel)).collect();
        let want = truth.logits(&pixels).unwrap();
        let tolerance = tolerance(circuit.info().output.bound);
        check_reply(&circuit, &client, &input, &want, tolerance);
    }
}
