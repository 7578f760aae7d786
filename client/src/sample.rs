//! A model and keys for it, for this crate's tests.

use std::sync::Arc;

use shared::api::{API_VERSION, BulkSpec, InputSpec, KeySpec, ModelInfo, OutputSpec, Preparation};
use shared::packing::{InputPacking, OutputPacking, SlotPacking};
use shared::params::ParameterSpec;
use shared::ring::Level;

use crate::{ClientKeys, Plan, SecretSeed};

/// Scale of inputs.
pub const INPUT_SCALE: f64 = 1e6;

/// Scale of the output.
pub const SCALE: f64 = 1e3;

/// Four inputs in the first four slots, over and over; one value comes back in the first slot.
pub fn description(parameters: ParameterSpec) -> ModelInfo {
    let level = Level(0);
    ModelInfo {
        api_version: API_VERSION,
        id: "sample".to_owned(),
        layers: None,
        description: String::new(),
        parameters,
        input: InputSpec {
            shape: vec![4],
            preparation: Preparation::default(),
            packing: InputPacking {
                real: (0..4).map(Some).collect(),
                imaginary: Vec::new(),
            },
            scale: INPUT_SCALE,
            level,
        },
        output: OutputSpec {
            classes: vec!["value".to_owned()],
            packing: OutputPacking::Slots(SlotPacking { slots: vec![0] }),
            scale: SCALE,
            log_modulus: 20,
            bound: 1.0,
        },
        bulk: Some(BulkSpec {
            images: 3,
            inputs: vec![1, 2],
            level,
            scale: INPUT_SCALE,
            reply_scale: SCALE,
            log_modulus: 20,
            bound: 1.0,
        }),
        keys: KeySpec::default(),
    }
}

/// Keys that are the same each time.
pub fn keys(info: ModelInfo, seed: u8) -> ClientKeys {
    let plan = Arc::new(Plan::new(info).expect("a sound description"));
    ClientKeys::from_seed(plan, SecretSeed::from_bytes([seed; 32]))
}
