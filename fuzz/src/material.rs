//! A model, its keys and its messages, all as small as the ring allows: mutations then hit fields
//! more often than residues.

use std::sync::{Arc, LazyLock};

use client::{ClientKeys, Plan, SecretSeed};
use shared::api::{
    API_VERSION, BulkSpec, InputSpec, KeySpec, ModelInfo, OutputSpec, Preparation, RotationKeySpec,
    SwitchingKeySpec,
};
use shared::ciphertext::{BulkReply, Reply, ReplyPart};
use shared::encoding::Scale;
use shared::packing::{CoefficientPacking, InputPacking, OutputPacking, SlotPacking};
use shared::params::ParameterSpec;
use shared::ring::{Level, Ring};
use shared::wire::{write_bulk_reply, write_reply};

/// Inputs that a bulk request has a ciphertext for.
pub const BULK_INPUTS: usize = 2;

/// Images of a bulk request.
pub const IMAGES: usize = 3;

/// Scale of replies.
const SCALE: f64 = 64.0;

/// log2 of replies' modulus.
const LOG_MODULUS: u32 = 12;

/// N = 2^11: two levels that share a prime, 51 bits in all.
fn parameters() -> ParameterSpec {
    ParameterSpec {
        name: "fuzz".to_owned(),
        log_n: 11,
        levels: vec![vec![12_289], vec![12_289, 40_961]],
        special: vec![4_206_593],
    }
}

/// Three logits and a zero, in two parts.
pub fn coefficients() -> OutputPacking {
    OutputPacking::Coefficients(CoefficientPacking {
        classes: 3,
        zeros: 1,
        copies: 1,
    })
}

/// Three values in slots.
pub fn slots() -> OutputPacking {
    OutputPacking::Slots(SlotPacking {
        slots: vec![5, 0, 1023],
    })
}

/// A description with everything in it.
pub fn description(packing: OutputPacking) -> ModelInfo {
    let key = |level, digit_primes| SwitchingKeySpec {
        level: Level(level),
        digit_primes,
    };
    let rotation = |step, key| RotationKeySpec { step, key };
    ModelInfo {
        api_version: API_VERSION,
        id: "fuzz".to_owned(),
        layers: None,
        description: "a small one".to_owned(),
        parameters: parameters(),
        input: InputSpec {
            shape: vec![1, 2, 2],
            preparation: Preparation {
                threshold: Some(0.5),
            },
            packing: InputPacking {
                real: vec![Some(0), Some(3)],
                imaginary: vec![None, Some(2)],
            },
            scale: 128.0,
            level: Level(1),
        },
        output: OutputSpec {
            classes: ["a", "b", "c"].map(str::to_owned).to_vec(),
            packing,
            scale: SCALE,
            log_modulus: LOG_MODULUS,
            bound: 8.0,
        },
        keys: KeySpec {
            relinearization: Some(key(0, 1)),
            conjugation: Some(key(1, 2)),
            rotations: vec![rotation(1, key(0, 1)), rotation(64, key(1, 1))],
        },
        bulk: Some(BulkSpec {
            images: IMAGES,
            inputs: vec![1, 3],
            level: Level(0),
            scale: 128.0,
            reply_scale: SCALE,
            log_modulus: LOG_MODULUS,
            bound: 8.0,
        }),
    }
}

/// Keys for a description, always the same.
pub fn keys_for(info: ModelInfo) -> ClientKeys {
    let plan = Arc::new(Plan::new(info).expect("a sound description"));
    ClientKeys::from_seed(plan, SecretSeed::from_bytes([7; 32]))
}

/// Keys of a model whose logits are coefficients.
pub static KEYS: LazyLock<ClientKeys> = LazyLock::new(|| keys_for(description(coefficients())));

/// Keys of one whose values are in slots.
pub static SLOT_KEYS: LazyLock<ClientKeys> = LazyLock::new(|| keys_for(description(slots())));

/// The ring of both.
pub fn ring() -> &'static Ring {
    KEYS.plan().ring()
}

fn numbers(count: usize, step: u32) -> Vec<u32> {
    let number = |at: u32| at.wrapping_mul(step) % (1 << LOG_MODULUS);
    (0..count as u32).map(number).collect()
}

/// A reply of that packing, of numbers that look random.
pub fn reply(packing: &OutputPacking) -> Vec<u8> {
    let degree = ring().degree();
    let part = |coefficients| ReplyPart {
        c0: numbers(coefficients, 7919),
        c1: numbers(degree, 104_729),
    };
    let reply = Reply {
        log_modulus: LOG_MODULUS,
        scale: Scale(SCALE),
        parts: packing.parts(degree).into_iter().map(part).collect(),
    };
    write_reply(&reply, ring())
}

/// A reply to a bulk request.
pub fn bulk_reply() -> Vec<u8> {
    let part = |step| numbers(ring().degree(), step);
    let class = |class: u32| [part(class + 3), part(class + 7919), part(class + 104_729)];
    let reply = BulkReply {
        log_modulus: LOG_MODULUS,
        scale: Scale(SCALE),
        classes: (0..3).map(class).collect(),
    };
    write_bulk_reply(&reply, ring())
}
