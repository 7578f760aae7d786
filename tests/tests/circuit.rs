//! Whole networks on ciphertexts, compared with the same networks on plain numbers.
//!
//! A circuit promises six bits: every logit of a reply is within 1/64 of the declared bound on them.
//! Rounding to the reply's modulus leaves ten bits of them, and what is in front of it weighs up to
//! three times as much; 1/64 is five standard deviations or more of all of it.

use std::sync::Arc;

use client::{ClientKeys, Plan, SecretSeed};
use evaluator::circuit::{Circuit, CircuitError};
use evaluator::engine::EvalError;
use evaluator::network::{Layer, Linear, Network};
use evaluator::server::models;
use proptest::prelude::*;
use shared::api::{ModelInfo, RotationKeySpec, SwitchingKeySpec};
use shared::image::Digit;
use shared::keys::EvaluationKeys;
use shared::params::{Parameters, shipped};
use shared::ring::Level;
use shared::wire::{read_evaluation_keys, read_reply};
use tests::data::{missing, mnist_directory};
use tests::plain::{PlainModel, by_definition};
use train::mnist::LabelledImages;

use crate::scheme::numbers;

/// A circuit with a client's keys for it.
struct Client {
    keys: ClientKeys,
    evaluation: EvaluationKeys,
}

impl Client {
    fn new(circuit: &Circuit, seed: u8) -> Self {
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

    fn classify(&self, circuit: &Circuit, input: &[f64]) -> Result<Vec<u8>, EvalError> {
        let request = self.keys.encrypt(input).unwrap();
        circuit.evaluate(&self.evaluation, circuit.parse_input(&request).unwrap())
    }
}

fn linear(rows: usize, columns: usize, seed: u64, size: f64) -> Layer {
    let weights = numbers(rows * columns, seed);
    Layer::Linear(Linear {
        name: format!("dense{seed}"),
        rows,
        columns,
        weights: weights.into_iter().map(|weight| weight * size).collect(),
        bias: numbers(rows, seed + 1000),
    })
}

fn network(widths: &[usize], seed: u64) -> Network {
    let mut layers = Vec::new();
    for (at, pair) in widths.windows(2).enumerate() {
        if at > 0 {
            layers.push(Layer::Square);
        }
        // Sums of this many products with inputs around 1 stay around 1.
        let size = 1.5 / (pair[0] as f64).sqrt();
        layers.push(linear(pair[1], pair[0], seed + at as u64, size));
    }
    let classes = (0..widths[widths.len() - 1])
        .map(|class| class.to_string())
        .collect();
    Network {
        input_shape: [1, widths[0]],
        layers,
        classes,
        logit_bound: 16.0,
        description: "random".to_owned(),
    }
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
    let values = logits.len() + output.packing.zeros;
    let room = 2 * output.packing.copies;
    let want: Vec<usize> = vec![(); values].chunks(room).map(<[()]>::len).collect();
    assert_eq!(counts, want);
    assert_eq!(
        output.packing.zeros,
        6.min(logits.len().next_multiple_of(room) - logits.len())
    );
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
    let input = numbers(network.input_shape[1], seed + 77);
    let want = by_definition(network, &input);
    check_reply(
        &circuit,
        &client,
        &input,
        &want,
        // Rows add up their noise: with a hundred of them more than the promise is expected.
        tolerance(network.logit_bound).max(10.0 * circuit.predicted_error()),
    );
    circuit.info().output.packing.parts().len()
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
fn a_square_of_a_square() {
    let mut network = network(&[30, 16, 4], 15);
    network.layers.insert(1, Layer::Square);
    check_network(&network, 15);
}

#[test]
fn linear_layers_without_a_square() {
    let mut network = network(&[30, 16, 4], 16);
    network.layers.remove(1);
    check_network(&network, 16);
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
    if let Layer::Linear(first) = &mut network.layers[0] {
        for (at, weight) in first.weights.iter_mut().enumerate() {
            if at % 600 % 3 == 0 {
                *weight = 0.0;
            }
        }
    }
    let circuit = Circuit::compile("pruned", &network).unwrap();
    assert_eq!(circuit.info().input.packing.sources[0].len(), 400);
    assert_eq!(circuit.info().input.packing.period, 256);
    let client = Client::new(&circuit, 6);
    let input = numbers(600, 8);
    let want = by_definition(&network, &input);
    check_reply(
        &circuit,
        &client,
        &input,
        &want,
        tolerance(network.logit_bound),
    );
}

#[test]
fn networks_that_do_not_fit_are_refused() {
    let deep = Circuit::compile("deep", &network(&[4, 4, 4, 4, 4], 7)).unwrap_err();
    assert_eq!(
        deep,
        CircuitError::TooDeep {
            needed: 4,
            available: 3
        }
    );
    let wide = Circuit::compile("wide", &network(&[5000, 2], 8)).unwrap_err();
    assert_eq!(
        wide.to_string(),
        "dense8 has 5000 values, one ciphertext of the largest parameter set holds 4096"
    );
}

#[test]
fn keys_that_are_missing_or_of_another_level_are_named_before_anything_runs() {
    let circuit = Circuit::compile("keys", &network(&[500, 64, 10], 2)).unwrap();
    let check = |change: &dyn Fn(&mut ModelInfo), expected: &str| {
        let mut info = circuit.info().clone();
        change(&mut info);
        let client = Client::with_info(&circuit, info, 7);
        let error = client
            .classify(&circuit, &[0.0; 500])
            .unwrap_err()
            .to_string();
        assert!(
            error.contains(expected),
            "{error:?} does not say {expected:?}"
        );
    };
    let step = circuit.info().keys.rotations[1].step;
    check(
        &|info| {
            info.keys.rotations.remove(1);
        },
        &format!("the key for rotations by {step} was not uploaded; uploaded: the re"),
    );
    check(
        &|info| info.keys.relinearization = None,
        "the relinearization key was not uploaded",
    );
    check(
        &|info| info.keys.conjugation = None,
        "the conjugation key was not uploaded",
    );
    let lower = |info: &mut ModelInfo| info.keys.rotations[1].key.level.0 -= 1;
    let made_for = circuit.info().keys.rotations[1].key.level.0 - 1;
    check(
        &lower,
        &format!("the key for rotations by {step} was made for level {made_for}"),
    );
    let coarse = |info: &mut ModelInfo| {
        for rotation in &mut info.keys.rotations {
            rotation.key.digit_primes = 2;
        }
    };
    check(&coarse, "has digits of 2 primes; the model takes");
    let scale = |info: &mut ModelInfo| info.input.scale *= 2.0;
    check(&scale, "the model takes level 1 and 2^");
}

/// The shipped model on real digits where MNIST is there, else on made ones: against tract.
#[test]
fn the_shipped_model_agrees_with_plain_inference() {
    let path = tests::root().join("models/mnist-fast.onnx");
    let circuit = models::load(&path).unwrap();
    let shape = circuit.info().input.shape;
    let truth = PlainModel::load(&path, shape).unwrap();
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
        let want = truth.logits(&pixels, shape).unwrap();
        let tolerance = tolerance(circuit.info().output.bound);
        check_reply(&circuit, &client, &input, &want, tolerance);
    }
}

#[test]
fn insecure_and_foreign_parameters_are_refused_by_the_client() {
    let circuit = Circuit::compile("plan", &network(&[100, 32, 10], 2)).unwrap();
    let check = |change: &dyn Fn(&mut ModelInfo), expected: &str| {
        let mut info = circuit.info().clone();
        change(&mut info);
        let error = Plan::new(info).unwrap_err().to_string();
        assert!(
            error.contains(expected),
            "{error:?} does not say {expected:?}"
        );
    };
    check(
        &|info| info.parameters.special.push(134_176_769),
        "parameter set n12 is insecure",
    );
    check(
        &|info| info.parameters.log_n = 11,
        "parameter set n12 is insecure",
    );
    check(
        &|info| info.api_version = 2,
        "speaks version 2 of the protocol",
    );
    check(
        &|info| info.input.level.0 = 9,
        "the input is at level 9, the highest",
    );
    check(
        &|info| info.input.scale = f64::NAN,
        "the input has scale NaN",
    );
    check(
        &|info| info.input.packing.period = 3,
        "does not tile 2048 slots",
    );
    check(
        &|info| info.input.packing.sources[0][0] = 100,
        "reads input 100",
    );
    check(
        &|info| info.input.shape = [usize::MAX, 2],
        "more than can be counted",
    );
    let many = |info: &mut ModelInfo| {
        let key = SwitchingKeySpec {
            level: info.input.level,
            digit_primes: 1,
        };
        let all = (1..2048).map(|step| RotationKeySpec { step, key });
        info.keys.rotations = all.collect();
        info.keys.conjugation = Some(key);
    };
    check(&many, "the service asks for keys of");
    check(
        &|info| info.keys.rotations[0].step = 5000,
        "a rotation key by 5000",
    );
    check(
        &|info| info.output.packing.classes = 2049,
        "output packing of 2049 logits",
    );
    check(
        &|info| info.output.packing.copies = 3,
        "from 3 copies does not fit",
    );
    check(
        &|info| info.output.log_modulus = 33,
        "replies are modulo 2^33; 1 to 32 bits are possible",
    );
    check(
        &|info| {
            info.keys.conjugation = Some(SwitchingKeySpec {
                level: Level(0),
                digit_primes: 3,
            });
        },
        "keys with digits of 3 primes; 1 to 2 are possible",
    );
    assert!(
        shipped()
            .into_iter()
            .all(|set| Parameters::new(set).is_ok())
    );
}

#[test]
fn an_input_of_another_size_is_refused() {
    let circuit = Circuit::compile("size", &network(&[100, 32, 10], 2)).unwrap();
    let client = Client::new(&circuit, 9);
    for size in [0, 99, 101] {
        let error = client
            .keys
            .encrypt(&vec![0.5; size])
            .unwrap_err()
            .to_string();
        assert_eq!(
            error,
            format!("input has {size} values, the model takes 100")
        );
    }
}

#[test]
fn a_bound_that_leaves_no_scale_is_refused() {
    let mut network = network(&[100, 32, 10], 2);
    network.logit_bound = 1e17;
    let error = Circuit::compile("bound", &network).unwrap_err();
    assert_eq!(error, CircuitError::Bound { bound: 1e17 });
}

/// Two gadgets under one mask would differ by a multiple of the secret.
#[test]
fn keys_with_digits_of_another_size_share_no_mask() {
    let circuit = Circuit::compile("digits", &network(&[100, 32, 10], 2)).unwrap();
    let with_digits = |digit_primes| {
        let mut info = circuit.info().clone();
        for rotation in &mut info.keys.rotations {
            rotation.key.digit_primes = digit_primes;
        }
        Client::with_info(&circuit, info, 7).evaluation
    };
    let (fine, coarse) = (with_digits(1), with_digits(2));
    for (step, key) in &fine.rotations {
        assert_ne!(
            key.digits()[0].a,
            coarse.rotations[step].digits()[0].a,
            "step {step}"
        );
    }
}
