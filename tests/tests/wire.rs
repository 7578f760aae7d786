//! Messages from outside: whatever is wrong with them is an error that names it, never a panic.

use std::sync::OnceLock;

use proptest::prelude::*;
use shared::ciphertext::Reply;
use shared::params::{Parameters, shipped};
use shared::ring::Ring;
use shared::wire::{
    HEADER_LEN, WireError, read_evaluation_keys, read_input, read_reply, write_reply,
};

use crate::scheme::Fixture;

/// One message of each kind, made by the real client and evaluator.
struct Messages {
    fixture: Fixture,
    input: Vec<u8>,
    reply: Vec<u8>,
    keys: Vec<u8>,
}

fn messages() -> &'static Messages {
    static MESSAGES: OnceLock<Messages> = OnceLock::new();
    MESSAGES.get_or_init(|| {
        let fixture = Fixture::new(shipped().remove(0), 20, &[1, 4], 9);
        let ring = fixture.engine.ring();
        let input = fixture
            .keys
            .encrypt(&vec![0.5; fixture.engine.slots()])
            .unwrap();
        let whole = read_input(&input, ring).unwrap().expand(ring).unwrap();
        let reply = write_reply(&Reply::new(whole, PERIOD, ring), ring);
        let keys = fixture
            .keys
            .evaluation_keys()
            .collect::<Result<Vec<_>, _>>()
            .unwrap()
            .concat();
        Messages {
            input,
            reply,
            keys,
            fixture,
        }
    })
}

fn read(kind: &str, message: &[u8]) -> Result<(), WireError> {
    let ring = messages().fixture.engine.ring();
    match kind {
        "input" => read_input(message, ring).map(|_| ()),
        "reply" => read_reply(message, PERIOD, ring).map(|_| ()),
        _ => read_evaluation_keys(message, ring).map(|_| ()),
    }
}

fn good(kind: &str) -> &'static [u8] {
    match kind {
        "input" => &messages().input,
        "reply" => &messages().reply,
        _ => &messages().keys,
    }
}

/// Of the slots in the reply.
const PERIOD: usize = 16;

const KINDS: [&str; 3] = ["input", "reply", "keys"];

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
    let other = Ring::new(Parameters::new(shipped().remove(1)).unwrap());
    let error = read_input(good("input"), &other).unwrap_err().to_string();
    assert!(error.contains("this is for n13 ("), "{error}");
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
        |m| m[HEADER_LEN] = 4,
        "the ciphertext is at level 4, the highest is 3",
    );
    for scale in [f64::NAN, f64::INFINITY, -1.0, 0.0, 1e-300, 1e300] {
        let set = |m: &mut Vec<u8>| {
            m[HEADER_LEN + 1..HEADER_LEN + 9].copy_from_slice(&scale.to_le_bytes());
        };
        check("input", set, "is not a finite number between 1 and 2^200");
        check("reply", set, "is not a finite number between 1 and 2^200");
    }
}

/// The first residue of the first prime, 20 bits of it, set to all ones.
#[test]
fn residues_that_are_not_below_their_prime() {
    let ones = |at: usize| move |m: &mut Vec<u8>| m[at..at + 3].fill(0xff);
    let expected = "is 1048575, not below its prime 1032193";
    check(
        "input",
        ones(HEADER_LEN + 9 + 32),
        "residue 0 of the ciphertext is 1048575",
    );
    check("input", ones(HEADER_LEN + 9 + 32), expected);
    check(
        "reply",
        ones(HEADER_LEN + 9),
        "residue 0 of the reply's first half is 1048575",
    );
    let first_key = HEADER_LEN + 4;
    check(
        "keys",
        ones(first_key + 38),
        "residue 0 of the relinearization key, digit 0 is 1048575",
    );
}

#[test]
fn cut_messages_say_where() {
    let half = |m: &mut Vec<u8>| m.truncate(m.len() / 2);
    check("input", half, "message is truncated in the ciphertext: ");
    check(
        "reply",
        half,
        "message is truncated in the reply's second half: ",
    );
    let last_byte = |m: &mut Vec<u8>| m.truncate(m.len() - 1);
    check(
        "keys",
        last_byte,
        "truncated in the key for rotations by 4, digit 3: ",
    );
}

#[test]
fn keys_out_of_order_or_out_of_range() {
    let key_length = (messages().keys.len() - HEADER_LEN - 4) / 3;
    let step_at = |key: usize| HEADER_LEN + 4 + key * key_length;
    check(
        "keys",
        |m| m[step_at(2)] = 1,
        "key 2 rotates by 1; steps must ascend from 1",
    );
    check(
        "keys",
        |m| m[step_at(1)] = 0,
        "key 1 rotates by 0; steps must ascend from 0",
    );
    check("keys", |m| m[step_at(2) + 1] = 8, "stay below 2048");
    check(
        "keys",
        |m| m[step_at(2) + 4] = 4,
        "the key for rotations by 4 is at level 4",
    );
    check(
        "keys",
        |m| m[step_at(2) + 5] = 0,
        "rotations by 4 has digits of 0 primes; 1 to 4",
    );
    check(
        "keys",
        |m| m[step_at(2) + 5] = 5,
        "rotations by 4 has digits of 5 primes; 1 to 4",
    );
    let more = |m: &mut Vec<u8>| m[HEADER_LEN..HEADER_LEN + 4].fill(0xff);
    check(
        "keys",
        more,
        "truncated in key 3 of 4294967295: 38 bytes needed, 0 left",
    );
    let fewer = |m: &mut Vec<u8>| m[HEADER_LEN] = 2;
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
