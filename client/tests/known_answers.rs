//! The same seed gives the same bytes, natively and in the browser.
//!
//! `known/` holds the SHA-256 of every message made from fixed seeds; its README says how. A change
//! of any format, sampler, stream or rounding shows here.

use std::sync::Arc;

use client::{ClientKeys, Plan, SecretSeed};
use sha2::{Digest, Sha256};
use shared::api::{
    API_VERSION, InputSpec, KeySpec, ModelInfo, OutputSpec, Preparation, RotationKeySpec,
    SwitchingKeySpec,
};
use shared::packing::{CoefficientPacking, InputPacking, OutputPacking};
use shared::params::{ParameterSpec, shipped};
use shared::ring::Level;

#[cfg(target_arch = "wasm32")]
wasm_bindgen_test::wasm_bindgen_test_configure!(run_in_browser);

/// An input of 100 values, two of them outside the packing, and keys of all kinds at two levels.
fn description(parameters: ParameterSpec) -> ModelInfo {
    ModelInfo {
        api_version: API_VERSION,
        id: "known".to_owned(),
        layers: None,
        description: String::new(),
        parameters,
        input: InputSpec {
            shape: vec![10, 10],
            preparation: Preparation::default(),
            // Each value in four slots; 64 of them fill the real parts.
            packing: InputPacking {
                real: (0..256).map(|slot| Some(2 + slot / 4)).collect(),
                imaginary: (0..256)
                    .map(|slot| Some(66 + slot / 4).filter(|&index| index < 100))
                    .collect(),
            },
            scale: 3e5,
            level: Level(1),
        },
        output: OutputSpec {
            classes: vec!["only".to_owned()],
            packing: OutputPacking::Coefficients(CoefficientPacking {
                classes: 1,
                zeros: 0,
                copies: 1,
            }),
            scale: 3e5,
            log_modulus: 15,
            bound: 1.0,
        },
        bulk: None,
        keys: KeySpec {
            relinearization: Some(key(0, 2)),
            conjugation: Some(key(1, 2)),
            rotations: vec![
                RotationKeySpec {
                    step: 1,
                    key: key(0, 1),
                },
                RotationKeySpec {
                    step: 512,
                    key: key(1, 1),
                },
            ],
        },
    }
}

fn key(level: u8, digit_primes: usize) -> SwitchingKeySpec {
    SwitchingKeySpec {
        level: Level(level),
        digit_primes,
    }
}

fn hex_digest(bytes: &[u8]) -> String {
    Sha256::digest(bytes)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// One line for each message: its name, length and digest.
fn messages(parameters: ParameterSpec) -> String {
    let plan = Arc::new(Plan::new(description(parameters)).expect("a sound description"));
    let keys = ClientKeys::from_seed(plan, SecretSeed::from_bytes([11; 32]));
    let pixels: Vec<f64> = (0..100).map(|at| f64::from(at) / 100.0).collect();
    let object = SecretSeed::from_bytes([12; 32]);
    let upload: Vec<Vec<u8>> = keys
        .evaluation_keys()
        .collect::<Result<_, _>>()
        .expect("keys");
    let messages = [
        ("secret", keys.to_file().to_vec()),
        ("evaluation-keys", upload.concat()),
        (
            "input",
            keys.encrypt_from_seed(&pixels, &object)
                .expect("values that fit"),
        ),
    ];
    let line =
        |(name, bytes): &(&str, Vec<u8>)| format!("{name} {} {}\n", bytes.len(), hex_digest(bytes));
    messages.iter().map(line).collect()
}

#[track_caller]
fn check(parameters: ParameterSpec, known: &str) {
    let name = parameters.name.clone();
    assert_eq!(messages(parameters), known, "messages of {name} changed");
}

#[cfg_attr(target_arch = "wasm32", wasm_bindgen_test::wasm_bindgen_test)]
#[cfg_attr(not(target_arch = "wasm32"), test)]
fn n12() {
    check(shipped().remove(0), include_str!("known/n12.txt"));
}

/// Levels that share primes.
#[cfg_attr(target_arch = "wasm32", wasm_bindgen_test::wasm_bindgen_test)]
#[cfg_attr(not(target_arch = "wasm32"), test)]
fn nested() {
    let chain = [133_857_281, 133_644_289, 1_073_692_673, 1_032_193];
    let parameters = ParameterSpec {
        name: "nested".to_owned(),
        log_n: 13,
        levels: (2..=4).map(|count| chain[..count].to_vec()).collect(),
        special: vec![1_073_643_521, 1_073_479_681],
    };
    check(parameters, include_str!("known/nested.txt"));
}
