//! Inputs and replies against their bytes as `docs/wire-format.md` has them.

use super::*;
use crate::packing::{CoefficientPacking, SlotPacking};
use crate::ring::{Ntt, Poly};
use crate::wire::by_hand::{DEGREE, Q, RING, header, packed, polynomial};

const SEED: Seed = [7; 32];

/// An input at this level and scale, and the residues of its first half.
fn input(level: u8, scale: f64) -> (Vec<u8>, Vec<u32>) {
    let mut message = header(1);
    message.push(level);
    message.extend(scale.to_le_bytes());
    message.extend(SEED);
    let (residues, bytes) = polynomial(&Q[usize::from(level)], 3);
    message.extend(bytes);
    (message, residues)
}

/// Seven logits in two parts: four, then three.
const COEFFICIENTS: OutputPacking = OutputPacking::Coefficients(CoefficientPacking {
    classes: 7,
    zeros: 0,
    copies: 2,
});

fn slots() -> OutputPacking {
    OutputPacking::Slots(SlotPacking { slots: vec![1, 9] })
}

/// A reply whose parts have so many coefficients, and what it is to be read as.
fn reply(log_modulus: u32, coefficients: &[usize]) -> (Vec<u8>, Reply) {
    let mut message = header(2);
    message.push(log_modulus as u8);
    message.extend(1e6f64.to_le_bytes());
    let numbers = |count: usize, start: u32| -> Vec<u32> {
        let number = |at: u32| (at + start).wrapping_mul(2_654_435_761) >> (32 - log_modulus);
        (0..count as u32).map(number).collect()
    };
    let parts = coefficients.iter().zip(0..).map(|(&count, part)| {
        let part = ReplyPart {
            c0: numbers(count, 5 + part),
            c1: numbers(DEGREE, 11 + part),
        };
        for half in [&part.c0, &part.c1] {
            message.extend(packed(&[(half.clone(), log_modulus)]));
        }
        part
    });
    let parts = parts.collect();
    let reply = Reply {
        log_modulus,
        scale: Scale(1e6),
        parts,
    };
    (message, reply)
}

#[test]
fn inputs_are_the_bytes_that_the_format_gives_them() {
    for level in [0, 1] {
        let (message, residues) = input(level, 1e5);
        let mut c0 = Poly::<Ntt>::zero(&RING, Basis::Q(Level(level)));
        c0.residues_mut().copy_from_slice(&residues);
        let ciphertext = SeededCiphertext {
            c0,
            seed: SEED,
            scale: Scale(1e5),
        };
        assert!(write_input(&ciphertext, &RING) == message);
        assert_eq!(read_input(&message, &RING), Ok(ciphertext));
    }
}

#[test]
fn replies_are_the_bytes_that_the_format_gives_them() {
    for log_modulus in [1, 15, 31, 32] {
        let cases: [(_, &[usize]); 2] = [(COEFFICIENTS, &[4, 3]), (slots(), &[DEGREE])];
        for (packing, coefficients) in cases {
            let (message, reply) = reply(log_modulus, coefficients);
            assert!(write_reply(&reply, &RING) == message);
            assert_eq!(read_reply(&message, &packing, &RING), Ok(reply));
        }
    }
}

#[test]
fn levels_above_the_top_are_refused() {
    for found in [2, 128, 255] {
        let mut message = input(1, 1e5).0;
        message[16] = found;
        let refusal = WireError::Level {
            what: "the ciphertext".to_owned(),
            found: Level(found),
            highest: Level(1),
        };
        assert_eq!(read_input(&message, &RING), Err(refusal));
    }
}

#[test]
fn scales_are_from_one_to_two_to_the_two_hundred() {
    let largest = 2f64.powi(200);
    let read = |scale: f64| read_input(&input(0, scale).0, &RING).map(|input| input.scale);
    for scale in [1.0, largest] {
        assert_eq!(read(scale), Ok(Scale(scale)));
    }
    for found in [
        1f64.next_down(),
        largest.next_up(),
        0.0,
        -1e5,
        f64::INFINITY,
        f64::NEG_INFINITY,
    ] {
        assert_eq!(read(found), Err(WireError::Scale { found }));
        let mut message = reply(15, &[4, 3]).0;
        message[17..25].copy_from_slice(&found.to_le_bytes());
        let refused = read_reply(&message, &COEFFICIENTS, &RING);
        assert_eq!(refused, Err(WireError::Scale { found }));
    }
    assert!(matches!(read(f64::NAN), Err(WireError::Scale { found }) if found.is_nan()));
}

#[test]
fn moduli_are_of_one_to_thirty_two_bits() {
    for found in [0, 33, 255] {
        let mut message = reply(15, &[4, 3]).0;
        message[16] = found;
        let refused = read_reply(&message, &COEFFICIENTS, &RING);
        assert_eq!(refused, Err(WireError::Modulus { found }));
    }
}

#[test]
fn nothing_may_be_missing_nor_left_over() {
    check_ends(&input(1, 1e5).0, |bytes| read_input(bytes, &RING).err());
    check_ends(&reply(15, &[4, 3]).0, |bytes| {
        read_reply(bytes, &COEFFICIENTS, &RING).err()
    });
}

#[track_caller]
fn check_ends(message: &[u8], refusal: impl Fn(&[u8]) -> Option<WireError>) {
    assert_eq!(refusal(message), None);
    let longer = [message, &[0, 0, 0]].concat();
    assert_eq!(refusal(&longer), Some(WireError::Trailing { count: 3 }));
    // Every cut in the fields, then some, then the last.
    let cuts = (0..70).chain((70..message.len()).step_by(997));
    for length in cuts.chain([message.len() - 1]) {
        match refusal(&message[..length]) {
            Some(WireError::Truncated { needed, found, .. }) => {
                assert!(found < needed && found <= length, "{length}");
            }
            other => panic!("{length} bytes: {other:?}"),
        }
    }
}
