//! Many images in one request, compared with the same network on plain numbers in every slot.
//!
//! Scales are planned so that encryption and the rounding of either layer's weights leave errors of
//! like size; together they stay within 1/64 of the declared bound on the logits.

use std::sync::Arc;

use client::{ClientError, ClientKeys, Logits, Plan, SecretSeed};
use evaluator::circuit::{Circuit, Options};
use evaluator::network::Network;
use evaluator::server::models;
use proptest::prelude::*;
use shared::api::{BulkSpec, ModelInfo};
use shared::encoding::Scale;
use shared::packing::PackingError;
use shared::params::Parameters;
use shared::ring::Level;
use shared::wire::WireError;

use crate::scheme::numbers;
use tests::networks::{chain, sets};
use tests::plain::by_definition;

fn network(widths: &[usize], seed: u64) -> Network {
    let layer = |(at, pair): (u64, &[usize])| {
        // Sums of this many products with inputs around 1 stay around 1.
        let size = 1.5 / (pair[0] as f64).sqrt();
        let weights = numbers(pair[0] * pair[1], seed + at);
        let weights = weights.into_iter().map(|weight| weight * size).collect();
        (weights, numbers(pair[1], seed + at + 1000))
    };
    chain(
        widths[0],
        (0..).zip(widths.windows(2)).map(layer).collect(),
        16.0,
    )
}

fn given(parameters: Parameters) -> Options<'static> {
    Options {
        parameters: Some(parameters),
        ..Options::default()
    }
}

fn shipped_set(id: &str, network: &Network) -> Circuit {
    let parameters = Parameters::new(sets().remove(0)).unwrap();
    Circuit::compile_with(id, network, &given(parameters)).unwrap()
}

fn client(info: ModelInfo) -> ClientKeys {
    let plan = Arc::new(Plan::new(info).unwrap());
    ClientKeys::from_seed(plan, SecretSeed::from_bytes([6; 32]))
}

fn classify(circuit: &Circuit, images: &[Vec<f64>]) -> Vec<Logits> {
    let keys = client(circuit.info().clone());
    let request = keys.encrypt_bulk(images).unwrap();
    let input = circuit.parse_bulk(&request).unwrap().unwrap();
    let reply = circuit.evaluate_bulk(&input).unwrap().unwrap();
    keys.decrypt_bulk(&reply, images.len()).unwrap()
}

#[track_caller]
fn check(circuit: &Circuit, network: &Network, images: &[Vec<f64>]) {
    let logits = classify(circuit, images);
    assert_eq!(logits.len(), images.len());
    let tolerance = network.logit_bound.expect("stated") / 64.0;
    for (slot, (image, logits)) in images.iter().zip(&logits).enumerate() {
        let want = by_definition(network, image);
        assert_eq!(logits.values().len(), want.len());
        for (class, (got, want)) in logits.values().iter().zip(want).enumerate() {
            assert!(
                (got - want).abs() < tolerance,
                "image {slot}, class {class}: {got}, not {want} ± {tolerance}"
            );
        }
    }
}

fn images(count: usize, size: usize, seed: u64) -> Vec<Vec<f64>> {
    let image = |at| numbers(size, seed + at);
    (0..count as u64).map(image).collect()
}

#[test]
fn every_slot_holds_an_image() {
    let network = network(&[60, 24, 7], 3);
    let circuit = Circuit::compile("random", &network).unwrap();
    let slots = circuit.ring().parameters().slots();
    for count in [1, 5, slots] {
        check(&circuit, &network, &images(count, 60, 100));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(6))]

    #[test]
    fn networks_of_any_width(
        widths in proptest::collection::vec(1usize..200, 3),
        seed in 0u64..1000,
    ) {
        let (mut network, images) = (network(&widths, seed), images(3, widths[0], seed));
        // A bound that holds: narrow layers make large logits.
        let logits = images.iter().flat_map(|image| by_definition(&network, image));
        let largest = logits.fold(0.0, |most: f64, logit| most.max(logit.abs()));
        network.logit_bound = network.logit_bound.map(|bound| bound.max(largest));
        let circuit = Circuit::compile("random", &network).unwrap();
        check(&circuit, &network, &images);
    }
}

/// A layer wider than the squares that are held at once.
#[test]
fn many_hidden_units() {
    let network = network(&[20, 300, 3], 9);
    let circuit = Circuit::compile("wide", &network).unwrap();
    check(&circuit, &network, &images(4, 20, 9));
}

#[test]
fn every_parameter_set() {
    let network = network(&[20, 10, 3], 4);
    for spec in sets() {
        let parameters = Parameters::new(spec).unwrap();
        let circuit = Circuit::compile_with("set", &network, &given(parameters)).unwrap();
        let slots = circuit.ring().parameters().slots();
        assert_eq!(circuit.info().bulk.as_ref().unwrap().images, slots);
        check(&circuit, &network, &images(slots, 20, 4));
    }
}

/// A stroke from one place to another, as thick as a pen's.
fn stroke(seed: u64) -> Vec<f64> {
    let ends: Vec<f64> = numbers(4, seed).iter().map(|x| 14.0 + 9.0 * x).collect();
    let (across, down) = (ends[2] - ends[0], ends[3] - ends[1]);
    let pixel = |at: usize| {
        let (x, y) = ((at % 28) as f64 - ends[0], (at / 28) as f64 - ends[1]);
        let along = (x * across + y * down) / (across * across + down * down);
        let along = along.clamp(0.0, 1.0);
        let off = (x - along * across).hypot(y - along * down);
        (2.5 - off).clamp(0.0, 1.0)
    };
    (0..784).map(pixel).collect()
}

#[test]
fn the_shipped_model() {
    let path = tests::root().join("models/mnist-fast.onnx");
    let network = models::read_network(&path).unwrap();
    let circuit = models::load(&path).unwrap();
    let strokes: Vec<Vec<f64>> = (0..2048).map(stroke).collect();
    check(&circuit, &network, &strokes);
}

#[test]
fn other_networks_have_no_bulk() {
    for widths in [&[30, 10][..], &[64, 40, 20, 7]] {
        let circuit = Circuit::compile("other", &network(widths, 1)).unwrap();
        assert_eq!(circuit.info().bulk, None);
        assert!(circuit.parse_bulk(&[]).is_none());
        let refusal = ClientError::NoBulk {
            model: "other".to_owned(),
        };
        let keys = client(circuit.info().clone());
        assert_eq!(keys.encrypt_bulk(&images(1, widths[0], 1)), Err(refusal));
    }
}

#[test]
fn wrong_numbers_of_images_and_values() {
    let circuit = Circuit::compile("counts", &network(&[4, 3, 2], 1)).unwrap();
    let keys = client(circuit.info().clone());
    for found in [0, 2049] {
        let most = 2048;
        let refusal = ClientError::BulkImages { found, most };
        assert_eq!(
            keys.encrypt_bulk(&images(found, 4, 1)),
            Err(refusal.clone())
        );
        assert_eq!(keys.decrypt_bulk(&[], found), Err(refusal));
    }
    let mut unequal = images(3, 4, 1);
    unequal[1].pop();
    let (found, expected) = (3, 4);
    let refusal = PackingError::InputSize { found, expected };
    assert_eq!(keys.encrypt_bulk(&unequal), Err(refusal.into()));
}

#[test]
fn requests_for_another_model_are_refused() {
    let circuit = shipped_set("this", &network(&[4, 3, 2], 1));
    let other = shipped_set("other", &network(&[5, 3, 2], 2));
    let request = client(other.info().clone())
        .encrypt_bulk(&images(1, 5, 1))
        .unwrap();
    let (found, expected) = (5, 4);
    let refusal = WireError::BulkCount { found, expected };
    assert_eq!(circuit.parse_bulk(&request), Some(Err(refusal)));
    let request = client(circuit.info().clone())
        .encrypt_bulk(&images(1, 4, 1))
        .unwrap();
    let mut input = circuit.parse_bulk(&request).unwrap().unwrap();
    input.scale = Scale(2.0 * input.scale.0);
    let refusal = circuit.evaluate_bulk(&input).unwrap().unwrap_err();
    assert!(
        refusal
            .to_string()
            .contains("fetch the model's description"),
        "{refusal}"
    );
}

#[test]
fn descriptions_that_make_no_sense_are_refused() {
    let circuit = shipped_set("plan", &network(&[4, 3, 2], 1));
    let check = |change: fn(&mut BulkSpec), expected: &str| {
        let mut info = circuit.info().clone();
        change(info.bulk.as_mut().unwrap());
        let refusal = Plan::new(info).unwrap_err().to_string();
        assert!(
            refusal.contains(expected),
            "{refusal:?} does not say {expected:?}"
        );
    };
    check(
        |bulk| bulk.images = 0,
        "0 images in a bulk request; 1 to 2048",
    );
    check(|bulk| bulk.images = 4096, "4096 images in a bulk request");
    check(
        |bulk| bulk.inputs.clear(),
        "0 ciphertexts in a bulk request",
    );
    check(
        |bulk| bulk.inputs = (0..1 << 20).collect(),
        "1048576 ciphertexts",
    );
    check(|bulk| bulk.inputs[3] = 4, "reads input 4");
    check(|bulk| bulk.inputs[0] = 1, "must ascend");
    check(|bulk| bulk.level = Level(2), "a bulk input is at level 2");
    check(|bulk| bulk.scale = f64::NAN, "a bulk input has scale NaN");
    check(|bulk| bulk.reply_scale = 0.0, "a bulk reply has scale 0");
    check(|bulk| bulk.log_modulus = 33, "modulo 2^33");
}
