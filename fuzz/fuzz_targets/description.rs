//! A model's description, which the client must not believe.
#![no_main]

use std::sync::Arc;

use client::{ClientKeys, Plan, SecretSeed};
use fuzz::material::{coefficients, description, slots};
use libfuzzer_sys::fuzz_target;
use shared::api::{KeySpec, ModelInfo};

/// Most values and numbers of residues of what is encrypted here, so that an input takes no longer.
const MOST: usize = 1 << 17;

fuzz_target!(init: fuzz::seeds(seeds), |json: &[u8]| run(json));

fn run(json: &[u8]) {
    let Ok(info) = serde_json::from_slice::<ModelInfo>(json) else {
        return;
    };
    let written = serde_json::to_vec(&info).expect("can be written");
    serde_json::from_slice::<ModelInfo>(&written).expect("what was written can be read");
    let Ok(plan) = Plan::new(info) else {
        return;
    };
    use_plan(Arc::new(plan));
}

/// What a client does with a description that it has accepted.
fn use_plan(plan: Arc<Plan>) {
    let ring = plan.ring();
    let inputs: usize = plan.info().input.shape.iter().product();
    let residues = ring.degree() * ring.moduli().len();
    if inputs > MOST || residues > MOST {
        return;
    }
    let keys = ClientKeys::from_seed(Arc::clone(&plan), SecretSeed::from_bytes([7; 32]));
    let upload = keys.evaluation_keys();
    assert_eq!(upload.len(), 1 + key_count(&plan.info().keys));
    let _ = keys.encrypt(&vec![1.0; inputs]);
    if upload.bytes() <= 8 * MOST {
        let pieces = upload.collect::<Result<Vec<_>, _>>().expect("keys");
        shared::wire::read_evaluation_keys(&pieces.concat(), ring).expect("what was written");
    }
}

fn key_count(keys: &KeySpec) -> usize {
    let single = [keys.relinearization, keys.conjugation];
    single.into_iter().flatten().count() + keys.rotations.len()
}

fn seeds() -> Vec<Vec<u8>> {
    let write = |info: &ModelInfo| serde_json::to_vec(info).expect("can be written");
    let mut plain = description(coefficients());
    plain.keys = KeySpec::default();
    plain.bulk = None;
    plain.input.preparation.threshold = None;
    let mut range = description(slots());
    range.layers = shared::api::LayerRange::new(0, 3);
    vec![
        write(&plain),
        write(&range),
        write(&description(coefficients())),
    ]
}
