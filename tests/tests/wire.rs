//! Messages from outside: whatever is wrong with them is an error that names it, never a panic.

use std::sync::OnceLock;

use proptest::prelude::*;
use shared::ciphertext::{Reply, ReplyPart};
use shared::packing::{CoefficientPacking, OutputPacking, PackingError, SlotPacking};
use shared::params::{Parameters, shipped};
use shared::ring::Ring;
use shared::wire::{
    HEADER_LEN, WireError, read_evaluation_keys, read_input, read_reply, write_reply,
};
use tests::networks::sets;

use crate::scheme::Fixture;

/// One message of each kind, made by the real client and evaluator.
struct Messages {
    fixture: Fixture,
    input: Vec<u8>,
    reply: Vec<u8>,
    slots: Vec<u8>,
    keys: Vec<u8>,
}

/// A reply of numbers that look random, with a part for each of these counts of coefficients.
fn reply(packing: &OutputPacking, fixture: &Fixture) -> Vec<u8> {
    let ring = fixture.engine.ring();
    let numbers = |count: usize, step: u32| {
        let number = |at: u32| at.wrapping_mul(step) % (1 << 15);
        (0..count as u32).map(number).collect()
    };
    let part = |coefficients| ReplyPart {
        c0: numbers(coefficients, 7919),
        c1: numbers(ring.degree(), 104_729),
    };
    let parts = packing.parts(ring.degree());
    let reply = Reply {
        log_modulus: 15,
        scale: fixture.scale(),
        parts: parts.into_iter().map(part).collect(),
    };
    let message = write_reply(&reply, ring);
    assert_eq!(read_reply(&message, packing, ring), Ok(reply));
    message
}

fn messages() -> &'static Messages {
    static MESSAGES: OnceLock<Messages> = OnceLock::new();
    MESSAGES.get_or_init(|| {
        let fixture = Fixture::new(shipped().remove(0), 20, &[1, 4], 9);
        let input = fixture
            .keys
            .encrypt(&vec![0.5; fixture.engine.slots()])
            .unwrap();
        let slots = reply(&slots(), &fixture);
        let reply = reply(&PACKING, &fixture);
        let keys = fixture
            .keys
            .evaluation_keys()
            .collect::<Result<Vec<_>, _>>()
            .unwrap()
            .concat();
        Messages {
            input,
            reply,
            slots,
            keys,
            fixture,
        }
    })
}

fn read(kind: &str, message: &[u8]) -> Result<(), WireError> {
    let ring = messages().fixture.engine.ring();
    match kind {
        "input" => read_input(message, ring).map(|_| ()),
        "reply" => read_reply(message, &PACKING, ring).map(|_| ()),
        "slots" => read_reply(message, &slots(), ring).map(|_| ()),
        _ => read_evaluation_keys(message, ring).map(|_| ()),
    }
}

fn good(kind: &str) -> &'static [u8] {
    match kind {
        "input" => &messages().input,
        "reply" => &messages().reply,
        "slots" => &messages().slots,
        _ => &messages().keys,
    }
}

/// Of the logits: four and three in two parts.
const PACKING: OutputPacking = OutputPacking::Coefficients(CoefficientPacking {
    classes: 7,
    zeros: 0,
    copies: 2,
});

/// Of values in slots: all coefficients, however few values there are.
fn slots() -> OutputPacking {
    OutputPacking::Slots(SlotPacking {
        slots: vec![5, 0, 2047],
    })
}

/// Bytes in front of a key's residues.
const KEY_FIELDS: usize = 39;

const KINDS: [&str; 4] = ["input", "reply", "slots", "keys"];

#[track_caller]
fn check(kind: &str, damage: impl FnOnce(&mut Vec<u8>), expected: &str) {
    let mut message = good(kind).to_vec();
    damage(&mut message);
    let found = read(kind, &message).map_or_else(|error| error.to_string(), |()| "accepted".into());
    assert!(
        found.contains(expected),
        "{kind}: {found:?} does not say {expected:?}"
    );
}

#[test]
fn untouched_messages_are_read() {
    for kind in KINDS {
        assert_eq!(read(kind, good(kind)), Ok(()));
    }
}

#[test]
fn headers_that_do_not_fit() {
    for kind in KINDS {
        check(kind, |m| m[0] = b'X', "must start with the bytes \"INKV\"");
        check(
            kind,
            |m| m[4] = 9,
            "format version 9, this side reads version 1",
        );
        check(
            kind,
            |m| m[7] = 1,
            "fields of the header are malformed: byte 7 is 1, not 0",
        );
        check(kind, |m| m[6] = 77, "message is of kind 77, expected");
        check(kind, |m| m[8] ^= 1, "was made for parameter set");
        check(
            kind,
            |m| m.truncate(7),
            "truncated in the header: 16 bytes needed, 7 left",
        );
        check(kind, Vec::clear, "truncated in the header");
        check(kind, |m| m.push(0), "message has 1 bytes after its end");
    }
}

#[test]
fn another_parameter_set_is_named() {
    let other = Ring::new(Parameters::new(sets().remove(1)).unwrap());
    let error = read_input(good("input"), &other).unwrap_err().to_string();
    assert!(error.contains("this is for nested ("), "{error}");
}

#[test]
fn one_kind_is_not_taken_for_another() {
    check(
        "input",
        |m| m.clone_from(&messages().reply),
        "message is of kind 2, expected 1 (Input)",
    );
    check(
        "keys",
        |m| m.clone_from(&messages().input),
        "message is of kind 1, expected 3",
    );
}

#[test]
fn levels_and_scales_that_do_not_exist() {
    check(
        "input",
        |m| m[HEADER_LEN] = 2,
        "the ciphertext is at level 2, the highest is 1",
    );
    for bits in [0, 33, 255] {
        let expected = format!("the reply is modulo 2^{bits}; 1 to 32 bits are possible");
        for kind in ["reply", "slots"] {
            check(kind, |m| m[HEADER_LEN] = bits, &expected);
        }
    }
    for scale in [f64::NAN, f64::INFINITY, -1.0, 0.0, 1e-300, 1e300] {
        let set = |m: &mut Vec<u8>| {
            m[HEADER_LEN + 1..HEADER_LEN + 9].copy_from_slice(&scale.to_le_bytes());
        };
        check("input", set, "is not a finite number between 1 and 2^200");
        check("reply", set, "is not a finite number between 1 and 2^200");
        check("slots", set, "is not a finite number between 1 and 2^200");
    }
}

/// The first residue of the first prime, 29 bits of it, set to all ones.
#[test]
fn residues_that_are_not_below_their_prime() {
    let ones = |at: usize| move |m: &mut Vec<u8>| m[at..at + 4].fill(0xff);
    let expected = "is 536870911, not below its prime 536813569";
    check(
        "input",
        ones(HEADER_LEN + 9 + 32),
        "residue 0 of the ciphertext is 536870911",
    );
    check("input", ones(HEADER_LEN + 9 + 32), expected);
    let first_key = HEADER_LEN + 4;
    check(
        "keys",
        ones(first_key + KEY_FIELDS),
        "residue 0 of the relinearization key, digit 0 is 536870911",
    );
}

#[test]
fn bits_behind_the_last_number_are_zero() {
    // Four numbers of 15 bits leave four bits of their last byte, three leave three.
    let first = HEADER_LEN + 9 + 7;
    let degree = messages().fixture.engine.ring().degree();
    let third = first + 1 + degree * 15 / 8 + 5;
    for (at, bit, part) in [(first, 4, 0), (first, 7, 0), (third, 5, 1), (third, 7, 1)] {
        let expected = format!("the padding bits of part {part} of the reply, first half are not");
        check("reply", |m| m[at] |= 1 << bit, &expected);
    }
}

#[test]
fn cut_messages_say_where() {
    let half = |m: &mut Vec<u8>| m.truncate(m.len() / 2);
    check("input", half, "message is truncated in the ciphertext: ");
    check(
        "reply",
        half,
        "message is truncated in part 0 of the reply, second half: ",
    );
    let most = |m: &mut Vec<u8>| m.truncate(m.len() - 9);
    check(
        "reply",
        most,
        "message is truncated in part 1 of the reply, second half: ",
    );
    // Two halves of equal length: half of the message ends just before the first one's end.
    check(
        "slots",
        half,
        "message is truncated in part 0 of the reply, first half: ",
    );
    let last_byte = |m: &mut Vec<u8>| m.truncate(m.len() - 1);
    check(
        "keys",
        last_byte,
        "truncated in the key for rotations by 4, digit 1: ",
    );
}

/// A reply is as long as its packing says: one in slots is none in coefficients, and the other way
/// round.
#[test]
fn replies_of_another_packing() {
    let ring = messages().fixture.engine.ring();
    let found = read_reply(good("slots"), &PACKING, ring);
    // Its first coefficients are read as logits; the next numbers are none of a second half.
    assert!(found.is_err(), "{found:?}");
    let found = read_reply(good("reply"), &slots(), ring);
    assert!(found.is_err(), "{found:?}");
}

/// A modulus that the numbers don't have makes another length.
#[test]
fn slots_of_another_modulus() {
    let wider = "message is truncated in part 0 of the reply, ";
    check("slots", |m| m[HEADER_LEN] = 16, wider);
    check("slots", |m| m[HEADER_LEN] = 14, "bytes after its end");
}

#[test]
fn packings_that_do_not_fit() {
    let check = |slots: Vec<usize>, fits: bool| {
        let (values, last) = (slots.len(), slots.iter().copied().max().unwrap_or(0));
        let found = OutputPacking::Slots(SlotPacking { slots }).check(2048);
        let slots = 2048;
        let refused = PackingError::Slots {
            values,
            last,
            slots,
        };
        assert_eq!(found, if fits { Ok(()) } else { Err(refused) });
    };
    check(vec![0], true);
    check(vec![2047, 0, 2047], true);
    check((0..2048).collect(), true);
    check(Vec::new(), false);
    check(vec![0, 2048], false);
    check(vec![usize::MAX], false);
    check(vec![0; 2049], false);
}

#[test]
fn keys_out_of_order_or_out_of_range() {
    let key_length = (messages().keys.len() - HEADER_LEN - 4) / 4;
    // Relinearization, conjugation, rotations by 1 and by 4.
    let kind_at = |key: usize| HEADER_LEN + 4 + key * key_length;
    let step_at = |key: usize| kind_at(key) + 1;
    check(
        "keys",
        |m| m[step_at(3)] = 1,
        "key 3 is of kind 2 for step 1; after the key for rotations by 1 only",
    );
    check(
        "keys",
        |m| m[step_at(2)] = 0,
        "key 2 is of kind 2 for step 0; after the conjugation key only",
    );
    check(
        "keys",
        |m| m[kind_at(1)] = 0,
        "key 1 is of kind 0 for step 0; after the relinearization key only",
    );
    check(
        "keys",
        |m| m[kind_at(2)] = 1,
        "key 2 is of kind 1 for step 1; after the conjugation key only",
    );
    check(
        "keys",
        |m| m[step_at(0)] = 1,
        "key 0 is of kind 0 for step 1; after the header only",
    );
    check("keys", |m| m[kind_at(3)] = 3, "key 3 is of kind 3 for");
    check("keys", |m| m[step_at(3) + 1] = 8, "steps in 1..2048");
    check(
        "keys",
        |m| m[step_at(3) + 4] = 2,
        "the key for rotations by 4 is at level 2",
    );
    check(
        "keys",
        |m| m[step_at(3) + 5] = 0,
        "rotations by 4 has digits of 0 primes; 1 to 4",
    );
    check(
        "keys",
        |m| m[step_at(3) + 5] = 5,
        "rotations by 4 has digits of 5 primes; 1 to 4",
    );
    let more = |m: &mut Vec<u8>| m[HEADER_LEN..HEADER_LEN + 4].fill(0xff);
    check(
        "keys",
        more,
        "truncated in key 4 of 4294967295: 39 bytes needed, 0 left",
    );
    let fewer = |m: &mut Vec<u8>| m[HEADER_LEN] = 3;
    check("keys", fewer, "bytes after its end");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Cut anywhere, a message is never accepted.
    #[test]
    fn every_cut_is_noticed(kind in proptest::sample::select(&KINDS[..]), at in any::<prop::sample::Index>()) {
        let message = good(kind);
        prop_assert!(read(kind, &message[..at.index(message.len())]).is_err());
    }

    /// With a byte changed, a message is refused, or it is another message: never a panic.
    #[test]
    fn changed_bytes_never_panic(
        kind in proptest::sample::select(&KINDS[..]),
        at in any::<prop::sample::Index>(),
        in_front in any::<bool>(),
        change in 1u8..,
    ) {
        let mut message = good(kind).to_vec();
        let at = at.index(if in_front { 64 } else { message.len() });
        message[at] ^= change;
        let _ = read(kind, &message);
    }
}
