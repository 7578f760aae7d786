//! Evaluation keys, one after the other, so that they can be sent while others are still made.

use super::bits::{Reader, put_fields, put_poly};
use super::ciphertext::checked_level;
use super::{HEADER_LEN, MessageKind, WireError, read_header, write_header};
use crate::keys::{EvaluationKeys, SeededSwitchingKey, digits_at};
use crate::ring::{Basis, Level, Ring, Seed};

/// Kind (0: relinearization, 1: conjugation, 2: rotation), rotation step, level, primes in a digit,
/// seed.
type Fields = (u8, u32, u8, u8, Seed);
const FIELDS_LEN: usize = 39;

/// Bytes of the beginning of a key message: header and number of keys.
pub const KEYS_HEADER_LEN: usize = HEADER_LEN + 4;

/// What a switching key is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum KeyUse {
    /// Switching `s²` to `s`.
    Relinearization,
    /// Conjugating the slots.
    Conjugation,
    /// Rotating the slots this far to the left.
    Rotation(u32),
}

impl KeyUse {
    fn to_fields(self) -> (u8, u32) {
        match self {
            Self::Relinearization => (0, 0),
            Self::Conjugation => (1, 0),
            Self::Rotation(step) => (2, step),
        }
    }

    fn from_fields(kind: u8, step: u32) -> Option<Self> {
        match (kind, step) {
            (0, 0) => Some(Self::Relinearization),
            (1, 0) => Some(Self::Conjugation),
            (2, 1..) => Some(Self::Rotation(step)),
            _ => None,
        }
    }
}

impl std::fmt::Display for KeyUse {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Relinearization => f.write_str("the relinearization key"),
            Self::Conjugation => f.write_str("the conjugation key"),
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

/// One key of a key message. They come in ascending order of [`KeyUse`].
#[must_use]
pub fn write_key(key_use: KeyUse, key: &SeededSwitchingKey, ring: &Ring) -> Vec<u8> {
    let (kind, step) = key_use.to_fields();
    let digit_primes = u8::try_from(key.digit_primes).unwrap_or(u8::MAX);
    let fields: Fields = (kind, step, key.level.0, digit_primes, key.seed);
    let mut piece = Vec::new();
    put_fields(&mut piece, fields);
    for b in &key.b {
        put_poly(&mut piece, b, ring);
    }
    piece
}

/// Bytes of one key in a key message.
#[must_use]
pub fn key_len(level: Level, digit_primes: usize, ring: &Ring) -> usize {
    let digit = ring.encoded_bits(Basis::Qp(level)).div_ceil(8);
    FIELDS_LEN + digits_at(ring, level, digit_primes) * digit
}

/// Reads all keys of a session and expands their uniform halves.
///
/// # Errors
/// The first thing about the bytes that is not as it should be, with the key it belongs to.
pub fn read_evaluation_keys(message: &[u8], ring: &Ring) -> Result<EvaluationKeys, WireError> {
    let (header, keys) = message
        .split_at_checked(KEYS_HEADER_LEN)
        .unwrap_or((message, &[]));
    let mut reader = KeyReader::new(header, ring)?;
    let mut keys = Reader::new(keys);
    while reader.missing() > 0 {
        reader.read_key(&mut keys, ring)?;
    }
    keys.finish()?;
    Ok(reader.keys)
}

/// Reads a key message that comes in parts: the header, then one or more keys at a time.
#[derive(Debug)]
pub struct KeyReader {
    count: u32,
    read: u32,
    previous: Option<KeyUse>,
    keys: EvaluationKeys,
}

impl KeyReader {
    /// Reads the beginning of a key message, as [`write_keys_header`] writes it.
    ///
    /// # Errors
    /// The first thing about the bytes that is not as it should be.
    pub fn new(header: &[u8], ring: &Ring) -> Result<Self, WireError> {
        let mut reader = Reader::new(read_header(header, MessageKind::EvaluationKeys, ring)?);
        let count = reader.fields(4, || "the number of keys".to_owned())?;
        reader.finish()?;
        Ok(Self {
            count,
            read: 0,
            previous: None,
            keys: EvaluationKeys::default(),
        })
    }

    /// Keys that have not come yet.
    #[must_use]
    pub fn missing(&self) -> u32 {
        self.count - self.read
    }

    /// Reads the next keys, at least one, and expands their uniform halves.
    ///
    /// # Errors
    /// The first thing about the bytes that is not as it should be, with the key it belongs to. The
    /// keys before it are kept.
    pub fn read(&mut self, part: &[u8], ring: &Ring) -> Result<(), WireError> {
        let mut reader = Reader::new(part);
        loop {
            if self.missing() == 0 {
                return reader.finish();
            }
            self.read_key(&mut reader, ring)?;
            if reader.is_empty() {
                return Ok(());
            }
        }
    }

    /// The keys read so far.
    #[must_use]
    pub fn keys(&self) -> &EvaluationKeys {
        &self.keys
    }

    /// The keys.
    #[must_use]
    pub fn into_keys(self) -> EvaluationKeys {
        self.keys
    }

    fn read_key(&mut self, reader: &mut Reader<'_>, ring: &Ring) -> Result<(), WireError> {
        let (at, count, previous) = (self.read, self.count, self.previous);
        let slots = ring.parameters().slots();
        let (kind, step, level, digit_primes, seed): Fields =
            reader.fields(FIELDS_LEN, || format!("key {at} of {count}"))?;
        let key_use = KeyUse::from_fields(kind, step)
            .filter(|&key_use| previous < Some(key_use) && (step as usize) < slots)
            .ok_or(WireError::KeyUse {
                at: at as usize,
                kind,
                step,
                previous,
                slots,
            })?;
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
            KeyUse::Relinearization => self.keys.relinearization = Some(key),
            KeyUse::Conjugation => self.keys.conjugation = Some(key),
            KeyUse::Rotation(step) => drop(self.keys.rotations.insert(step, key)),
        }
        self.previous = Some(key_use);
        self.read += 1;
        Ok(())
    }
}

#[cfg(test)]
mod tests;
