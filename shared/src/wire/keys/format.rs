//! Key messages against their bytes as `docs/wire-format.md` has them.

use super::*;
use crate::keys::SwitchingKey;
use crate::ring::{Ntt, Poly, uniform};
use crate::wire::by_hand::{DEGREE, P, Q, RING, header, polynomial};

/// One key: its bytes, and the residues of each of its digits.
struct Written {
    bytes: Vec<u8>,
    digits: Vec<Vec<u32>>,
}

/// A key for `n12`, whose levels have two primes: one digit for each if it has one prime, else one
/// for both.
fn key(kind: u8, step: u32, level: u8, digit_primes: u8, seed: u8) -> Written {
    let mut bytes = vec![kind];
    bytes.extend(step.to_le_bytes());
    bytes.extend([level, digit_primes]);
    bytes.extend([seed; 32]);
    let primes = [&Q[usize::from(level)][..], &P].concat();
    let count = if digit_primes == 1 { 2 } else { 1 };
    let digits = (0..count).map(|digit| {
        let (residues, polynomial) = polynomial(&primes, u32::from(seed) * 10 + digit);
        bytes.extend(polynomial);
        residues
    });
    let digits = digits.collect();
    Written { bytes, digits }
}

/// The relinearization key, the conjugation's, and those for the smallest and the largest rotation.
fn four() -> [Written; 4] {
    [
        key(0, 0, 1, 1, 3),
        key(1, 0, 0, 2, 4),
        key(2, 1, 0, 1, 5),
        key(2, 2047, 1, 4, 6),
    ]
}

fn message(count: u32, keys: &[&[u8]]) -> Vec<u8> {
    let mut message = header(3);
    message.extend(count.to_le_bytes());
    message.extend(keys.concat());
    message
}

/// All keys of [`four`] as one message.
fn whole() -> Vec<u8> {
    let keys = four();
    message(4, &keys.each_ref().map(|key| &key.bytes[..]))
}

#[track_caller]
fn check_key(found: Option<&SwitchingKey>, written: &Written, level: u8, primes: usize, seed: u8) {
    let found = found.expect("the key is there");
    assert_eq!(
        (found.level(), found.digit_primes()),
        (Level(level), primes)
    );
    let digits = found.digits().iter();
    let b: Vec<&[u32]> = digits.clone().map(|digit| digit.b.residues()).collect();
    assert_eq!(b, written.digits);
    let a = |index| uniform(&[seed; 32], index, &RING, Basis::Qp(Level(level)));
    let expanded = (0..).map(a).take(b.len());
    assert!(digits.map(|digit| digit.a.clone()).eq(expanded));
}

#[track_caller]
fn check_four(keys: &EvaluationKeys) {
    let [relinearization, conjugation, by_one, by_most] = four();
    check_key(keys.relinearization.as_ref(), &relinearization, 1, 1, 3);
    check_key(keys.conjugation.as_ref(), &conjugation, 0, 2, 4);
    assert_eq!(keys.rotations.keys().collect::<Vec<_>>(), [&1, &2047]);
    check_key(keys.rotations.get(&1), &by_one, 0, 1, 5);
    check_key(keys.rotations.get(&2047), &by_most, 1, 4, 6);
}

/// A message must be refused with these words in the error.
#[track_caller]
fn check_refused(message: &[u8], words: &str) {
    match read_evaluation_keys(message, &RING) {
        Ok(_) => panic!("accepted, though {words}"),
        Err(error) => assert!(error.to_string().contains(words), "{error}"),
    }
}

#[test]
fn keys_are_read_from_the_bytes_that_the_format_gives_them() {
    check_four(&read_evaluation_keys(&whole(), &RING).expect("well formed"));
}

#[test]
fn keys_are_written_as_the_bytes_that_the_format_gives_them() {
    let uses = [
        KeyUse::Relinearization,
        KeyUse::Conjugation,
        KeyUse::Rotation(1),
        KeyUse::Rotation(2047),
    ];
    let sizes = [(1, 1, 3), (0, 2, 4), (0, 1, 5), (1, 4, 6)];
    let mut message = write_keys_header(4, &RING);
    assert_eq!(message.len(), KEYS_HEADER_LEN);
    for ((key_use, written), (level, digit_primes, seed)) in uses.into_iter().zip(four()).zip(sizes)
    {
        let poly = |residues: &Vec<u32>| {
            let mut poly = Poly::<Ntt>::zero(&RING, Basis::Qp(Level(level)));
            poly.residues_mut().copy_from_slice(residues);
            poly
        };
        let key = SeededSwitchingKey {
            b: written.digits.iter().map(poly).collect(),
            seed: [seed; 32],
            level: Level(level),
            digit_primes,
        };
        let found = write_key(key_use, &key, &RING);
        assert_eq!(found.len(), key_len(Level(level), digit_primes, &RING));
        message.extend(found);
    }
    assert!(message == whole());
}

#[test]
fn a_key_is_as_long_as_its_fields_and_digits() {
    let digit = |bits: usize| DEGREE * bits / 8;
    let level_0 = digit(22 + 22 + 25 + 24);
    let level_1 = digit(29 + 28 + 25 + 24);
    for (level, digit_primes, length) in [
        (0, 1, 39 + 2 * level_0),
        (0, 2, 39 + level_0),
        (1, 1, 39 + 2 * level_1),
        (1, 2, 39 + level_1),
        (1, 4, 39 + level_1),
    ] {
        assert_eq!(key_len(Level(level), digit_primes, &RING), length);
    }
}

#[test]
fn a_message_of_no_keys_holds_none() {
    let keys = read_evaluation_keys(&message(0, &[]), &RING);
    assert_eq!(keys, Ok(EvaluationKeys::default()));
}

/// A page sends one or more keys in a request.
#[test]
fn parts_of_one_or_more_keys_add_up_to_the_message() {
    let [first, second, third, fourth] = four().map(|key| key.bytes);
    let mut reader = KeyReader::new(&message(4, &[]), &RING).expect("well formed");
    assert_eq!((reader.missing(), reader.byte_len()), (4, 0));
    // Residues are kept in four bytes: those of the digits' four primes.
    let digit = 4 * 4 * DEGREE;
    for (part, missing, digits) in [
        (first, 3, 2),
        ([second, third].concat(), 1, 5),
        (fourth, 0, 6),
    ] {
        reader.read_part(&part, &RING).expect("well formed");
        assert_eq!(reader.missing(), missing);
        assert_eq!(reader.byte_len(), digits * digit);
    }
    check_four(&reader.into_keys(&RING).expect("all there"));
}

/// The server doesn't wait for a whole key, nor for a whole message.
#[test]
fn bytes_that_come_one_by_one_are_the_message() {
    let whole = whole();
    let (header, keys) = whole.split_at(KEYS_HEADER_LEN);
    let mut reader = KeyReader::new(header, &RING).expect("well formed");
    for byte in keys.chunks(1) {
        reader.feed(byte, &RING).expect("well formed");
    }
    check_four(&reader.into_keys(&RING).expect("all there"));
}

#[test]
fn a_part_of_nothing_lacks_a_key_and_one_of_too_much_has_it_left_over() {
    let [first, second, ..] = four();
    let refusal = |part: &[u8]| {
        let mut reader = KeyReader::new(&message(1, &[]), &RING).expect("well formed");
        reader
            .read_part(part, &RING)
            .map_err(|error| error.to_string())
    };
    let lacking = "message is truncated in key 0 of 1: 39 bytes needed, 0 left";
    assert_eq!(refusal(&[]), Err(lacking.to_owned()));
    let both = [first.bytes, second.bytes].concat();
    let length = key_len(Level(0), 2, &RING);
    let left = format!("message has {length} bytes after its end");
    assert_eq!(refusal(&both), Err(left));
}

#[test]
fn a_part_of_nothing_is_right_where_nothing_is_missing() {
    let mut reader = KeyReader::new(&message(0, &[]), &RING).expect("well formed");
    assert_eq!(reader.read_part(&[], &RING), Ok(()));
}

#[test]
fn headers_of_another_length_or_kind_are_no_beginning_of_keys() {
    let check = |header: &[u8], words: &str| {
        let error = KeyReader::new(header, &RING).map(|_| ()).expect_err(words);
        assert!(error.to_string().contains(words), "{error}");
    };
    let whole = message(4, &[]);
    check(&whole[..19], "the number of keys: 4 bytes needed, 3 left");
    check(&[&whole[..], &[0]].concat(), "1 bytes after its end");
    check(&header(1), "message is of kind 1, expected 3");
}

#[test]
fn fewer_or_more_keys_than_announced_are_refused() {
    let keys = four().map(|key| key.bytes);
    let keys = keys.each_ref().map(|key| &key[..]);
    let lacking = "truncated in key 4 of 5: 39 bytes needed, 0 left";
    check_refused(&message(5, &keys), lacking);
    let length = key_len(Level(1), 4, &RING);
    let left = format!("message has {length} bytes after its end");
    check_refused(&message(3, &keys), &left);
}

#[test]
fn every_key_comes_once_and_in_its_place() {
    let fields = |kind, step| key(kind, step, 0, 2, 9).bytes;
    let check = |before: (u8, u32), (kind, step): (u8, u32), previous: &str| {
        let keys = [fields(before.0, before.1), fields(kind, step)];
        let words = format!("key 1 is of kind {kind} for step {step}; after {previous} only");
        check_refused(&message(2, &keys.each_ref().map(|key| &key[..])), &words);
    };
    check((0, 0), (0, 0), "the relinearization key");
    check((1, 0), (0, 0), "the conjugation key");
    check((1, 0), (1, 0), "the conjugation key");
    check((2, 5), (0, 0), "the key for rotations by 5");
    check((2, 5), (1, 0), "the key for rotations by 5");
    check((2, 5), (2, 5), "the key for rotations by 5");
    check((2, 5), (2, 4), "the key for rotations by 5");
}

#[test]
fn uses_and_steps_that_do_not_exist() {
    for (kind, step) in [
        (0, 1),
        (1, 1),
        (2, 0),
        (2, 2048),
        (2, u32::MAX),
        (3, 0),
        (255, 1),
    ] {
        let words = format!("key 0 is of kind {kind} for step {step}; after the header only");
        check_refused(&message(1, &[&key(kind, step, 0, 2, 9).bytes]), &words);
    }
}

#[test]
fn levels_and_digits_that_do_not_exist() {
    let damaged = |at: usize, value: u8| {
        let mut key = key(2, 7, 1, 2, 9).bytes;
        key[at] = value;
        message(1, &[&key])
    };
    let name = "the key for rotations by 7";
    for level in [2, 255] {
        let words = format!("{name} is at level {level}, the highest is 1");
        check_refused(&damaged(5, level), &words);
    }
    for primes in [0, 5, 255] {
        let words = format!("{name} has digits of {primes} primes; 1 to 4 are possible");
        check_refused(&damaged(6, primes), &words);
    }
}

/// The last residue of the second digit is a prime itself: its 24 bits are the last three bytes.
#[test]
fn a_residue_that_is_none_is_named_with_its_key_and_digit() {
    let mut key = key(1, 0, 1, 1, 9).bytes;
    let (prime, _) = P[1];
    let last = key.len() - 3;
    key[last..].copy_from_slice(&prime.to_le_bytes()[..3]);
    let words = "residue 4095 of the conjugation key, digit 1 is 16760833, not below its prime";
    check_refused(&message(1, &[&key]), words);
}

#[test]
fn a_cut_is_named_with_the_key_and_digit_that_it_is_in() {
    let whole = whole();
    let name = "the key for rotations by 2047, digit 0";
    check_refused(&whole[..whole.len() - 1], name);
    let first = &whole[..KEYS_HEADER_LEN + key_len(Level(1), 1, &RING) - 1];
    check_refused(first, "the relinearization key, digit 1");
    check_refused(
        &whole[..KEYS_HEADER_LEN + 38],
        "key 0 of 4: 39 bytes needed",
    );
}
