//! Evaluation keys, in one message and in parts.
#![no_main]

use fuzz::material::{KEYS, coefficients, description, keys_for, ring};
use fuzz::memory::bounded;
use libfuzzer_sys::fuzz_target;
use shared::api::KeySpec;
use shared::keys::EvaluationKeys;
use shared::wire::{KEYS_HEADER_LEN, KeyReader, WireError, key_len, read_evaluation_keys};

fuzz_target!(init: fuzz::seeds(seeds), |message: &[u8]| run(message));

/// An odd number, so that pieces begin everywhere.
const PIECE: usize = 1009;

fn run(message: &[u8]) {
    let whole = bounded(message, |message| read_evaluation_keys(message, ring()));
    let Some((header, body)) = message.split_at_checked(KEYS_HEADER_LEN) else {
        assert!(whole.is_err(), "a cut header was read");
        return;
    };
    let Ok(reader) = KeyReader::new(header, ring()) else {
        assert!(whole.is_err(), "a bad header was read");
        return;
    };
    match (&whole, in_pieces(reader, body)) {
        // A piece knows how many bytes of its own are too many.
        (Err(WireError::Trailing { .. }), Err(WireError::Trailing { .. })) => {}
        (whole, pieces) => assert_eq!(whole, &pieces, "pieces are read otherwise"),
    }
    if let Ok(keys) = whole {
        assert_eq!(
            key_by_key(header, body),
            Ok(keys),
            "parts are read otherwise"
        );
    }
}

/// Reads a message that is cut without regard to keys.
fn in_pieces(mut reader: KeyReader, body: &[u8]) -> Result<EvaluationKeys, WireError> {
    for piece in body.chunks(PIECE) {
        reader.feed(piece, ring())?;
    }
    reader.into_keys(ring())
}

/// Reads each key of a good message alone.
fn key_by_key(header: &[u8], mut body: &[u8]) -> Result<EvaluationKeys, WireError> {
    let mut reader = KeyReader::new(header, ring())?;
    while reader.missing() > 0 {
        // Level and primes in a digit stand behind kind and step.
        let (level, digit_primes) = (shared::ring::Level(body[5]), usize::from(body[6]));
        let (key, rest) = body.split_at(key_len(level, digit_primes, ring()));
        reader.read_part(key, ring())?;
        body = rest;
    }
    reader.into_keys(ring())
}

fn seeds() -> Vec<Vec<u8>> {
    let message = |keys: &client::ClientKeys| {
        let pieces = keys.evaluation_keys().collect::<Result<Vec<_>, _>>();
        pieces.expect("keys").concat()
    };
    let all = &KEYS.plan().info().keys;
    let relinearization = KeySpec {
        rotations: Vec::new(),
        conjugation: None,
        ..all.clone()
    };
    let conjugation = KeySpec {
        conjugation: all.conjugation,
        ..KeySpec::default()
    };
    let rotation = KeySpec {
        rotations: all.rotations[..1].to_vec(),
        ..KeySpec::default()
    };
    let some = [KeySpec::default(), relinearization, conjugation, rotation].map(|keys| {
        let mut info = description(coefficients());
        info.keys = keys;
        message(&keys_for(info))
    });
    some.into_iter().chain([message(&KEYS)]).collect()
}
