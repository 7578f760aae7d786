//! Evaluation keys, one after the other, so that they can be sent while others are still made.

use super::bits::{Reader, put_fields, put_poly};
use super::ciphertext::checked_level;
use super::{MessageKind, WireError, read_header, write_header};
use crate::keys::{EvaluationKeys, SeededSwitchingKey, digits_at};
use crate::ring::{Basis, Ring, Seed};

/// Rotation step (0 for relinearization), level, primes in a digit, seed.
type Fields = (u32, u8, u8, Seed);
const FIELDS_LEN: usize = 38;

/// What a switching key is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum KeyUse {
    /// Switching `s²` to `s`.
    Relinearization,
    /// Rotating the slots this far to the left.
    Rotation(u32),
}

impl std::fmt::Display for KeyUse {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Relinearization => f.write_str("the relinearization key"),
            Self::Rotation(step) => write!(f, "the key for rotations by {step}"),
        }
    }
}

/// The beginning of a key message: its header and the number of keys that follow.
#[must_use]
pub fn write_keys_header(keys: u32, ring: &Ring) -> Vec<u8> {
    let mut message = write_header(MessageKind::EvaluationKeys, ring);
    put_fields(&mut message, keys);
    message
}

/// One key of a key message. Relinearization comes first, rotations in ascending order.
#[must_use]
pub fn write_key(key_use: KeyUse, key: &SeededSwitchingKey, ring: &Ring) -> Vec<u8> {
    let step = match key_use {
        KeyUse::Relinearization => 0,
        KeyUse::Rotation(step) => step,
    };
    let digit_primes = u8::try_from(key.digit_primes).unwrap_or(u8::MAX);
    let fields: Fields = (step, key.level.0, digit_primes, key.seed);
    let mut piece = Vec::new();
    put_fields(&mut piece, fields);
    for b in &key.b {
        put_poly(&mut piece, b, ring);
    }
    piece
}

/// Reads all keys of a session and expands their uniform halves.
///
/// # Errors
/// The first thing about the bytes that is not as it should be, with the key it belongs to.
pub fn read_evaluation_keys(message: &[u8], ring: &Ring) -> Result<EvaluationKeys, WireError> {
    let mut reader = Reader::new(read_header(message, MessageKind::EvaluationKeys, ring)?);
    let count: u32 = reader.fields(4, || "the number of keys".to_owned())?;
    let mut keys = EvaluationKeys::default();
    let slots = ring.parameters().slots();
    let mut previous = None;
    for at in 0..count as usize {
        let (step, level, digit_primes, seed): Fields =
            reader.fields(FIELDS_LEN, || format!("key {at} of {count}"))?;
        let key_use = if step == 0 {
            KeyUse::Relinearization
        } else {
            KeyUse::Rotation(step)
        };
        if previous >= Some(step) || step as usize >= slots {
            return Err(WireError::Step {
                at,
                found: step,
                above: previous.unwrap_or(0),
                slots,
            });
        }
        previous = Some(step);
        let level = checked_level(level, &key_use.to_string(), ring)?;
        let digit_primes = usize::from(digit_primes);
        let most = ring.q_count();
        if digit_primes == 0 || digit_primes > most {
            return Err(WireError::Digits {
                key: key_use,
                found: digit_primes,
                most,
            });
        }
        let digits = 0..digits_at(ring, level, digit_primes);
        let b = digits
            .map(|digit| {
                reader.poly(ring, Basis::Qp(level), || {
                    format!("{key_use}, digit {digit}")
                })
            })
            .collect::<Result<_, _>>()?;
        let key = SeededSwitchingKey {
            b,
            seed,
            level,
            digit_primes,
        }
        .expand(ring);
        match key_use {
            KeyUse::Relinearization => keys.relinearization = Some(key),
            KeyUse::Rotation(step) => drop(keys.rotations.insert(step, key)),
        }
    }
    reader.finish()?;
    Ok(keys)
}
