//! Ciphertexts on their way up (seeded) and down (whole).

use super::bits::{Reader, put_fields, put_poly};
use super::{MessageKind, WireError, read_header, write_header};
use crate::ciphertext::{Ciphertext, SeededCiphertext};
use crate::encoding::Scale;
use crate::ring::{Basis, Level, Ring, Seed};

/// Level and scale.
type Fields = (u8, f64);
const FIELDS_LEN: usize = 9;

/// Checks that a level is one of the parameter set's.
pub(super) fn checked_level(found: u8, what: &str, ring: &Ring) -> Result<Level, WireError> {
    let (found, highest) = (Level(found), ring.parameters().top());
    if found > highest {
        return Err(WireError::Level { what: what.to_owned(), found, highest });
    }
    Ok(found)
}

fn read_fields(
    reader: &mut Reader<'_>,
    what: &str,
    ring: &Ring,
) -> Result<(Level, Scale), WireError> {
    let (level, scale): Fields = reader.fields(FIELDS_LEN, || what.to_owned())?;
    if !(1.0..=2f64.powi(200)).contains(&scale) {
        return Err(WireError::Scale { found: scale });
    }
    Ok((checked_level(level, what, ring)?, Scale(scale)))
}

/// Reads a fresh ciphertext.
///
/// # Errors
/// The first thing about the bytes that is not as it should be.
pub fn read_input(message: &[u8], ring: &Ring) -> Result<SeededCiphertext, WireError> {
    let mut reader = Reader::new(read_header(message, MessageKind::Input, ring)?);
    let (level, scale) = read_fields(&mut reader, "the ciphertext", ring)?;
    let seed: Seed = reader.fields(size_of::<Seed>(), || "the ciphertext's seed".to_owned())?;
    let c0 = reader.poly(ring, Basis::Q(level), || "the ciphertext".to_owned())?;
    reader.finish()?;
    Ok(SeededCiphertext { c0, seed, scale })
}

/// Writes a fresh ciphertext in the form [`read_input`] reads.
#[must_use]
pub fn write_input(ciphertext: &SeededCiphertext, ring: &Ring) -> Vec<u8> {
    let mut message = write_header(MessageKind::Input, ring);
    put_fields(&mut message, (ciphertext.c0.basis().level().0, ciphertext.scale.0));
    put_fields(&mut message, ciphertext.seed);
    put_poly(&mut message, &ciphertext.c0, ring);
    message
}

/// Reads a ciphertext that was computed on.
///
/// # Errors
/// The first thing about the bytes that is not as it should be.
pub fn read_reply(message: &[u8], ring: &Ring) -> Result<Ciphertext, WireError> {
    let mut reader = Reader::new(read_header(message, MessageKind::Reply, ring)?);
    let (level, scale) = read_fields(&mut reader, "the reply", ring)?;
    let c0 = reader.poly(ring, Basis::Q(level), || "the reply's first half".to_owned())?;
    let c1 = reader.poly(ring, Basis::Q(level), || "the reply's second half".to_owned())?;
    reader.finish()?;
    Ciphertext::new(c0, c1, scale)
        .map_err(|error| WireError::Fields { what: "the reply".to_owned(), reason: error.to_string() })
}

/// Writes a ciphertext in the form [`read_reply`] reads.
#[must_use]
pub fn write_reply(ciphertext: &Ciphertext, ring: &Ring) -> Vec<u8> {
    let mut message = write_header(MessageKind::Reply, ring);
    put_fields(&mut message, (ciphertext.level().0, ciphertext.scale().0));
    put_poly(&mut message, ciphertext.c0(), ring);
    put_poly(&mut message, ciphertext.c1(), ring);
    message
}
