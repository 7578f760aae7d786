//! Replies against the definition: products of polynomials coefficient by coefficient, slots as
//! values at powers of ζ.

use std::f64::consts::PI;

use shared::api::ModelInfo;
use shared::ciphertext::ReplyPart;
use shared::params::{ParameterSpec, shipped};
use shared::wire::write_reply;

use super::*;
use crate::sample::{self, SCALE};

fn keys(parameters: ParameterSpec, slots: &[usize], log_modulus: u32) -> ClientKeys {
    sample::keys(in_slots(parameters, slots, log_modulus), 5)
}

/// A model whose reply has values in these slots.
fn in_slots(parameters: ParameterSpec, slots: &[usize], log_modulus: u32) -> ModelInfo {
    let mut info = sample::description(parameters);
    let slots = slots.to_vec();
    info.output.packing = OutputPacking::Slots(SlotPacking { slots });
    info.output.log_modulus = log_modulus;
    info
}

/// Numbers that look random.
fn numbers(count: usize, bits: u32, seed: u64) -> Vec<u32> {
    let mut state = seed | 1;
    let step = |_| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> (64 - bits)) as u32
    };
    (0..count).map(step).collect()
}

/// `a·s` modulo X^N + 1 and 2^32, term by term.
fn product(a: &[u32], s: &[i64]) -> Vec<u32> {
    let degree = a.len();
    let mut product = vec![0u32; degree];
    for (i, &s) in s.iter().enumerate().filter(|(_, s)| **s != 0) {
        for (j, &a) in a.iter().enumerate() {
            let term = a.wrapping_mul(s as u32);
            let at = &mut product[(i + j) % degree];
            *at = if i + j < degree {
                at.wrapping_add(term)
            } else {
                at.wrapping_sub(term)
            };
        }
    }
    product
}

/// The real part of the polynomial's value at `ζ^(5^slot)`.
fn value_in_slot(message: &[i32], slot: usize) -> f64 {
    let two_n = 2 * message.len();
    let root = (0..slot).fold(1, |power, _| power * 5 % two_n);
    let term = |(k, &m): (usize, &i32)| {
        let angle = PI * (root * k % two_n) as f64 / message.len() as f64;
        f64::from(m) * angle.cos()
    };
    message.iter().enumerate().map(term).sum()
}

/// Encrypts a message by the definition and has it read back.
#[track_caller]
fn check(parameters: ParameterSpec, log_modulus: u32) {
    let (name, degree) = (parameters.name.clone(), 1 << parameters.log_n);
    let slots = vec![0, 1, 7, degree / 2 - 1, 2, degree / 4];
    let keys = keys(parameters, &slots, log_modulus);
    let mask = u32::MAX >> (32 - log_modulus);
    // Ends of the range and what lies between them.
    let mut c1 = numbers(degree, log_modulus, 3);
    c1[..4].copy_from_slice(&[0, mask, mask / 2, mask / 2 + 1]);
    let message: Vec<i32> = numbers(degree, 5, 8)
        .iter()
        .map(|&number| number.cast_signed() - 16)
        .collect();
    let product = product(&c1, keys.secret().coefficients());
    let c0 = message.iter().zip(product);
    let c0 = c0.map(|(&message, product)| message.cast_unsigned().wrapping_sub(product) & mask);
    let reply = Reply {
        log_modulus,
        scale: Scale(SCALE),
        parts: vec![ReplyPart {
            c0: c0.collect(),
            c1,
        }],
    };
    let reply = write_reply(&reply, keys.plan().ring());
    let values = keys.decrypt(&reply).expect("a reply");
    assert_eq!(values.values().len(), slots.len());
    for (&slot, &got) in slots.iter().zip(values.values()) {
        let want = value_in_slot(&message, slot) / SCALE;
        assert!(
            (got - want).abs() < 1e-6,
            "{name}, 2^{log_modulus}, slot {slot}: {got}, not {want}"
        );
    }
}

#[test]
fn values_in_slots_are_those_of_the_definition() {
    for parameters in shipped() {
        if parameters.log_n <= 13 {
            check(parameters, 20);
        }
    }
    for log_modulus in [6, 31, 32] {
        check(shipped().remove(0), log_modulus);
    }
}

#[test]
fn the_product_has_room() {
    for parameters in shipped() {
        let (name, log_n) = (parameters.name.clone(), parameters.log_n);
        let keys = keys(parameters, &[0], 15);
        let ring = keys.plan().ring();
        for log_modulus in 1..=32 {
            let basis = product_basis(ring, log_modulus).expect("room");
            let primes = ring.moduli_of(basis);
            let modulus: f64 = primes.map(|prime| f64::from(prime.prime())).product();
            let largest = f64::from(log_modulus).exp2() / 2.0 * (1.0 + f64::from(log_n).exp2());
            assert!(2.0 * largest < modulus, "{name}, 2^{log_modulus}");
        }
    }
    let error = ClientError::ReplyTooWide { needed: 9 }.to_string();
    assert!(error.contains("9 bits"), "{error}");
}

#[test]
fn another_keys_reply_is_not_the_message() {
    let info = in_slots(shipped().remove(0), &[3], 20);
    let (own, other) = (sample::keys(info.clone(), 5), sample::keys(info, 6));
    let degree = own.plan().ring().degree();
    let c1 = numbers(degree, 20, 4);
    let c0 = product(&c1, own.secret().coefficients());
    let c0 = c0.iter().map(|number| number.wrapping_neg() & 0xf_ffff);
    let reply = Reply {
        log_modulus: 20,
        scale: Scale(SCALE),
        parts: vec![ReplyPart {
            c0: c0.collect(),
            c1,
        }],
    };
    let reply = write_reply(&reply, own.plan().ring());
    assert!(own.decrypt(&reply).expect("a reply").values()[0].abs() < 1e-9);
    assert!(other.decrypt(&reply).expect("a reply").values()[0].abs() > 1.0);
}
