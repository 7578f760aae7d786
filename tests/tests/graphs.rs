//! Random networks of every operator: what is imported against the file in tract.

use evaluator::circuit::Circuit;
use evaluator::import::import;
use proptest::prelude::*;
use proptest::test_runner::TestCaseResult;
use tests::graphs::{RandomGraph, graph};
use tests::plain::PlainModel;

use crate::circuit::Client;

/// Largest difference between two sums of the same floats in different order, relative to the
/// larger of 1 and the value.
const TOLERANCE: f64 = 1e-4;

/// Largest value in front of an activation, for an input from 0 to 1.
const LARGEST: f64 = 200.0;

fn check(graph: &RandomGraph, inputs: &[Vec<f32>]) -> TestCaseResult {
    let network = import("random.onnx", &graph.bytes)
        .map_err(|error| TestCaseError::fail(error.to_string()))?;
    let truth = PlainModel::read(&graph.bytes, &graph.shape).expect("tract reads the file");
    prop_assert_eq!(&network.input_shape, &graph.shape[1..]);
    for input in inputs {
        let values: Vec<f64> = input.iter().copied().map(f64::from).collect();
        let sums = network.trace(&values);
        let largest = sums
            .iter()
            .flatten()
            .fold(0.0, |most: f64, sum| most.max(sum.abs()));
        prop_assert!(largest < LARGEST, "a value of {}", largest);
        let want = truth.logits(input).expect("tract runs the file");
        let got = network.evaluate(&values);
        prop_assert_eq!(got.len(), want.len());
        for (got, want) in got.iter().zip(want) {
            let allowed = TOLERANCE * want.abs().max(1.0);
            prop_assert!(
                (got - want).abs() <= allowed,
                "{} against tract's {}",
                got,
                want
            );
        }
    }
    Ok(())
}

/// A circuit of the network on both engines: on plain slots it is the network, on ciphertexts it is
/// within the bound that it states.
fn check_circuit(graph: &RandomGraph, input: &[f32]) -> TestCaseResult {
    let network = import("random.onnx", &graph.bytes)
        .map_err(|error| TestCaseError::fail(error.to_string()))?;
    let truth = PlainModel::read(&graph.bytes, &graph.shape).expect("tract reads the file");
    let want = truth.logits(input).expect("tract runs the file");
    let input: Vec<f64> = input.iter().copied().map(f64::from).collect();
    let circuit = Circuit::compile("random", &network)
        .map_err(|error| TestCaseError::fail(error.to_string()))?;
    let plain = circuit.plain(&network).expect("the same circuit");
    let slots = plain.outputs(&input, |_, _| {}).expect("runs");
    let client = Client::new(&circuit, 1);
    let reply = client.classify(&circuit, &input).expect("runs");
    let got = client.keys.decrypt(&reply).expect("a reply");
    for ((slot, got), want) in slots.iter().zip(got.values()).zip(want) {
        let rounding = TOLERANCE * want.abs().max(1.0);
        prop_assert!(
            (slot - want).abs() <= rounding,
            "plain slots give {}, not {}",
            slot,
            want
        );
        let bound = circuit.error_bound() + rounding;
        prop_assert!(
            (got - want).abs() <= bound,
            "{} is not {} ± {}",
            got,
            want,
            bound
        );
    }
    Ok(())
}

/// A graph and inputs for it.
fn with_inputs() -> impl Strategy<Value = (RandomGraph, Vec<Vec<f32>>)> {
    graph().prop_flat_map(|graph| {
        let input = prop::collection::vec(0.0..=1.0_f32, graph.inputs());
        (Just(graph), prop::collection::vec(input, 3))
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn random_networks_agree_with_tract((graph, inputs) in with_inputs()) {
        check(&graph, &inputs)?;
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn random_networks_run_on_both_engines((graph, inputs) in with_inputs()) {
        check_circuit(&graph, &inputs[0])?;
    }
}

proptest! {
    /// The result doesn't matter; that there is one does.
    #[test]
    fn damaged_networks_are_answered(
        graph in graph(),
        changes in prop::collection::vec(any::<(usize, u8)>(), 1..8),
    ) {
        let mut bytes = graph.bytes;
        let length = bytes.len();
        for (at, value) in changes {
            bytes[at % length] = value;
        }
        let _ = import("damaged.onnx", &bytes);
    }
}
