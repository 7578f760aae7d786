//! Evaluation keys, one after the other, so that they can be sent while others are still made.

use super::bits::{OpenPoly, Reader, put_fields, put_poly};
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
    reader.feed(keys, ring)?;
    reader.into_keys(ring)
}

/// Reads a key message while it comes: the header, then bytes that are cut anywhere.
///
/// Every residue is checked once, as soon as the 64 that it stands among have come; what waits for
/// more bytes is less than those take.
#[derive(Debug)]
pub struct KeyReader {
    count: u32,
    keys: Vec<(KeyUse, SeededSwitchingKey)>,
    open: Option<OpenKey>,
    /// Fewer bytes than the next step takes.
    pending: Vec<u8>,
}

/// A key of which the fields have come.
#[derive(Debug)]
struct OpenKey {
    key_use: KeyUse,
    key: SeededSwitchingKey,
    digits: usize,
    digit: OpenPoly,
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
            keys: Vec::new(),
            open: None,
            pending: Vec::new(),
        })
    }

    /// Keys that have not come yet, or not whole.
    #[must_use]
    pub fn missing(&self) -> u32 {
        self.count - self.read()
    }

    /// Reads the next bytes, which may end anywhere.
    ///
    /// # Errors
    /// The first thing about the bytes that is not as it should be, with the key it belongs to. The
    /// reader is of no use then.
    pub fn feed(&mut self, part: &[u8], ring: &Ring) -> Result<(), WireError> {
        let mut rest = part;
        if !self.pending.is_empty() {
            let wanted = self.next_len(ring).saturating_sub(self.pending.len());
            let (first, others) = rest.split_at(wanted.min(rest.len()));
            let mut step = std::mem::take(&mut self.pending);
            step.extend_from_slice(first);
            rest = others;
            if !self.advance(&step, ring)?.is_empty() {
                self.pending = step;
                return Ok(());
            }
        }
        self.pending = self.advance(rest, ring)?.to_vec();
        Ok(())
    }

    /// Reads a part of an upload, which is one or more whole keys.
    ///
    /// # Errors
    /// As [`KeyReader::feed`], and [`WireError::Truncated`] if the part ends within a key.
    pub fn read_part(&mut self, part: &[u8], ring: &Ring) -> Result<(), WireError> {
        if part.is_empty() && self.missing() > 0 {
            return Err(self.truncated_fields());
        }
        self.feed(part, ring)?;
        self.check_end(ring)
    }

    /// Bytes of residues held.
    #[must_use]
    pub fn byte_len(&self) -> usize {
        let polys = self.keys.iter().flat_map(|(_, key)| &key.b);
        polys.map(|poly| size_of_val(poly.residues())).sum()
    }

    /// The keys with their uniform halves written out.
    ///
    /// # Errors
    /// [`WireError::Truncated`] if some have not come.
    pub fn into_keys(self, ring: &Ring) -> Result<EvaluationKeys, WireError> {
        self.check_end(ring)?;
        if self.missing() > 0 {
            return Err(self.truncated_fields());
        }
        let mut keys = EvaluationKeys::default();
        for (key_use, key) in self.keys {
            let key = key.expand(ring);
            match key_use {
                KeyUse::Relinearization => keys.relinearization = Some(key),
                KeyUse::Conjugation => keys.conjugation = Some(key),
                KeyUse::Rotation(step) => drop(keys.rotations.insert(step, key)),
            }
        }
        Ok(keys)
    }

    fn read(&self) -> u32 {
        // No more are read than were promised in 32 bits.
        self.keys.len() as u32
    }

    /// Bytes of the next step: fields, or a block of residues.
    fn next_len(&self, ring: &Ring) -> usize {
        let block = self
            .open
            .as_ref()
            .and_then(|open| open.digit.next_len(ring));
        block.unwrap_or(FIELDS_LEN)
    }

    /// Reads as much as can be read; returns what is left.
    fn advance<'a>(&mut self, mut bytes: &'a [u8], ring: &Ring) -> Result<&'a [u8], WireError> {
        loop {
            if let Some(mut open) = self.open.take() {
                bytes = open.read(bytes, ring)?;
                if open.key.b.len() < open.digits {
                    self.open = Some(open);
                    return Ok(bytes);
                }
                self.keys.push((open.key_use, open.key));
            } else if self.missing() == 0 {
                return match bytes.len() {
                    0 => Ok(bytes),
                    count => Err(WireError::Trailing { count }),
                };
            } else if let Some((fields, rest)) = bytes.split_at_checked(FIELDS_LEN) {
                self.open = Some(self.begin(fields, ring)?);
                bytes = rest;
            } else {
                return Ok(bytes);
            }
        }
    }

    /// A key that begins with these fields.
    fn begin(&self, fields: &[u8], ring: &Ring) -> Result<OpenKey, WireError> {
        let (at, count) = (self.read(), self.count);
        let previous = self.keys.last().map(|&(key_use, _)| key_use);
        let slots = ring.parameters().slots();
        let (kind, step, level, digit_primes, seed): Fields =
            Reader::new(fields).fields(FIELDS_LEN, || format!("key {at} of {count}"))?;
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
        Ok(OpenKey {
            key_use,
            key: SeededSwitchingKey {
                b: Vec::new(),
                seed,
                level,
                digit_primes,
            },
            digits: digits_at(ring, level, digit_primes),
            digit: OpenPoly::new(Basis::Qp(level)),
        })
    }

    /// Refuses an end within a key.
    fn check_end(&self, ring: &Ring) -> Result<(), WireError> {
        if let Some(open) = &self.open {
            return Err(open.truncated(self.pending.len(), ring));
        }
        if self.pending.is_empty() {
            Ok(())
        } else {
            Err(self.truncated_fields())
        }
    }

    fn truncated_fields(&self) -> WireError {
        WireError::Truncated {
            what: format!("key {} of {}", self.read(), self.count),
            needed: FIELDS_LEN,
            found: self.pending.len(),
        }
    }
}

impl OpenKey {
    /// Reads as much of the key as has come; returns what is left.
    fn read<'a>(&mut self, mut bytes: &'a [u8], ring: &Ring) -> Result<&'a [u8], WireError> {
        while self.key.b.len() < self.digits {
            let what = || Self::what(self.key_use, &self.key);
            bytes = self.digit.read(bytes, ring, what)?;
            if self.digit.next_len(ring).is_some() {
                break;
            }
            let next = OpenPoly::new(Basis::Qp(self.key.level));
            let digit = std::mem::replace(&mut self.digit, next);
            self.key.b.extend(digit.close(ring));
        }
        Ok(bytes)
    }

    /// The digit that is read.
    fn what(key_use: KeyUse, key: &SeededSwitchingKey) -> String {
        format!("{key_use}, digit {}", key.b.len())
    }

    fn truncated(&self, pending: usize, ring: &Ring) -> WireError {
        WireError::Truncated {
            what: Self::what(self.key_use, &self.key),
            needed: ring.encoded_bits(Basis::Qp(self.key.level)) / 8,
            found: self.digit.read_len(ring) + pending,
        }
    }
}

#[cfg(test)]
mod format;

#[cfg(test)]
mod tests {
    use std::sync::{Arc, LazyLock};

    use proptest::prelude::*;

    use super::*;
    use crate::params::{Parameters, shipped};
    use crate::ring::uniform;

    static RING: LazyLock<Arc<Ring>> =
        LazyLock::new(|| Ring::new(Parameters::new(shipped().remove(0)).expect("shipped")));

    /// Two keys: one of both levels' primes in one digit, one of a prime in each.
    fn keys() -> Vec<(KeyUse, SeededSwitchingKey)> {
        let key = |level, digit_primes| {
            let digits = 0..digits_at(&RING, level, digit_primes) as u64;
            SeededSwitchingKey {
                b: digits
                    .map(|digit| uniform(&[3; 32], digit, &RING, Basis::Qp(level)))
                    .collect(),
                seed: [5; 32],
                level,
                digit_primes,
            }
        };
        vec![
            (KeyUse::Relinearization, key(Level(0), 2)),
            (KeyUse::Rotation(8), key(Level(1), 1)),
        ]
    }

    static MESSAGE: LazyLock<Vec<u8>> = LazyLock::new(|| {
        let keys = keys();
        let mut message = write_keys_header(keys.len() as u32, &RING);
        for (key_use, key) in &keys {
            message.extend(write_key(*key_use, key, &RING));
        }
        message
    });

    /// Reads what comes behind the header in pieces; with the error, how many bytes had been fed.
    fn feed(message: &[u8], pieces: &[usize]) -> (Result<EvaluationKeys, WireError>, usize) {
        let (header, mut rest) = message.split_at(KEYS_HEADER_LEN);
        let mut reader = KeyReader::new(header, &RING).expect("a header");
        let mut fed = KEYS_HEADER_LEN;
        for &piece in pieces.iter().cycle() {
            let (part, others) = rest.split_at(piece.clamp(1, rest.len().max(1)).min(rest.len()));
            fed += part.len();
            if let Err(error) = reader.feed(part, &RING) {
                return (Err(error), fed);
            }
            rest = others;
            if rest.is_empty() {
                break;
            }
        }
        (reader.into_keys(&RING), fed)
    }

    fn expected() -> EvaluationKeys {
        let mut keys = EvaluationKeys::default();
        for (key_use, key) in keys_by_use() {
            match key_use {
                KeyUse::Rotation(step) => drop(keys.rotations.insert(step, key)),
                _ => keys.relinearization = Some(key),
            }
        }
        keys
    }

    fn keys_by_use() -> impl Iterator<Item = (KeyUse, crate::keys::SwitchingKey)> {
        keys()
            .into_iter()
            .map(|(key_use, key)| (key_use, key.expand(&RING)))
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]

        #[test]
        fn keys_that_come_in_any_pieces_are_the_same_keys(
            pieces in prop::collection::vec(1..60_000_usize, 1..9),
        ) {
            prop_assert_eq!(feed(&MESSAGE, &pieces).0, Ok(expected()));
        }

        /// The words don't depend on how the bytes were cut, and come at once: at most a block of
        /// 64 residues and a piece after the byte that is wrong.
        #[test]
        fn the_first_wrong_residue_is_refused_as_soon_as_it_has_come(
            at in any::<prop::sample::Index>(),
            piece in 1..5_000_usize,
        ) {
            let mut message = MESSAGE.clone();
            let residues = KEYS_HEADER_LEN + FIELDS_LEN;
            let at = residues + at.index(message.len() - residues - 8);
            message[at..at + 8].fill(0xff);
            let whole = read_evaluation_keys(&message, &RING);
            let (found, fed) = feed(&message, &[piece]);
            if matches!(whole, Err(WireError::Residue { .. })) {
                prop_assert!(fed <= at + 8 + 8 * 32 + piece, "{} fed, wrong at {}", fed, at);
            }
            prop_assert_eq!(found, whole);
        }

        #[test]
        fn what_is_cut_names_the_key_and_what_is_missing(cut in any::<prop::sample::Index>()) {
            let cut = KEYS_HEADER_LEN + cut.index(MESSAGE.len() - KEYS_HEADER_LEN);
            let first = KEYS_HEADER_LEN + key_len(Level(0), 2, &RING);
            let second = key_len(Level(1), 1, &RING);
            let digit = |level| RING.encoded_bits(Basis::Qp(level)) / 8;
            let (start, key, name, digit) = if cut < first {
                (KEYS_HEADER_LEN, 0, "the relinearization key", digit(Level(0)))
            } else {
                prop_assert_eq!(MESSAGE.len(), first + second);
                (first, 1, "the key for rotations by 8", digit(Level(1)))
            };
            let of_key = cut - start;
            let expected = match of_key.checked_sub(FIELDS_LEN) {
                None => (format!("key {key} of 2"), FIELDS_LEN, of_key),
                Some(residues) => (
                    format!("{name}, digit {}", residues / digit),
                    digit,
                    residues % digit,
                ),
            };
            let (found, _) = feed(&MESSAGE[..cut], &[7_001]);
            let (what, needed, found_bytes) = expected;
            prop_assert_eq!(found, Err(WireError::Truncated { what, needed, found: found_bytes }));
        }
    }

    #[test]
    fn nothing_may_come_behind_the_last_key() {
        let mut message = MESSAGE.clone();
        message.extend([0; 3]);
        let (found, _) = feed(&message, &[message.len()]);
        assert_eq!(found, Err(WireError::Trailing { count: 3 }));
    }

    #[test]
    fn a_part_ends_with_a_key() {
        let (header, keys) = MESSAGE.split_at(KEYS_HEADER_LEN);
        let first = key_len(Level(0), 2, &RING);
        let mut reader = KeyReader::new(header, &RING).expect("a header");
        assert!(matches!(
            reader.read_part(&[], &RING),
            Err(WireError::Truncated { .. })
        ));
        assert_eq!(reader.read_part(&keys[..first], &RING), Ok(()));
        assert_eq!(reader.missing(), 1);
        assert!(matches!(
            reader.read_part(&keys[first..first + 100], &RING),
            Err(WireError::Truncated { found: 61, .. })
        ));
    }
}
