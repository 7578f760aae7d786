//! Evaluation keys, in one message and in parts.
#![no_main]

use fuzz::material::{KEYS, coefficients, description, keys_for, ring};
use fuzz::memory::bounded;
use libfuzzer_sys::fuzz_target;
use shared::api::KeySpec;
use shared::wire::{KEYS_HEADER_LEN, KeyReader, key_len, read_evaluation_keys};

fuzz_target!(init: fuzz::seeds(seeds), |message: &[u8]| run(message));

fn run(message: &[u8]) {
    let whole = bounded(message, |message| read_evaluation_keys(message, ring()));
    let Some((header, body)) = message.split_at_checked(KEYS_HEADER_LEN) else {
        assert!(whole.is_err(), "a cut header was read");
        return;
    };
    let Ok(mut reader) = KeyReader::new(header, ring()) else {
        assert!(whole.is_err(), "a bad header was read");
        return;
    };
    let in_parts = match &whole {
        Ok(_) => key_by_key(&mut reader, body),
        Err(_) => reader.read(body, ring()),
    };
    match (whole, in_parts) {
        (Ok(keys), in_parts) => {
            assert_eq!(in_parts, Ok(()), "parts of a good message are refused");
            assert_eq!(reader.missing(), 0);
            assert!(reader.keys() == &keys, "parts make other keys");
        }
        (Err(_), Ok(())) => assert!(reader.missing() > 0, "parts of a bad message are read"),
        (Err(whole), Err(in_parts)) => assert_eq!(whole, in_parts),
    }
}

/// Reads each key of a good message alone.
fn key_by_key(reader: &mut KeyReader, mut body: &[u8]) -> Result<(), shared::wire::WireError> {
    while reader.missing() > 0 {
        // Level and primes in a digit stand behind kind and step.
        let (level, digit_primes) = (shared::ring::Level(body[5]), usize::from(body[6]));
        let (key, rest) = body.split_at(key_len(level, digit_primes, ring()));
        reader.read(key, ring())?;
        body = rest;
    }
    Ok(())
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
