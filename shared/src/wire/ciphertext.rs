//! Ciphertexts on their way up (seeded) and down (as replies).

use super::bits::{Reader, put_fields, put_poly, put_residues};
use super::{MessageKind, WireError, read_header, write_header};
use crate::ciphertext::{Reply, ReplyPart, SeededCiphertext};
use crate::encoding::Scale;
use crate::packing::OutputPacking;
use crate::ring::{Basis, Level, Ring, Seed};

/// Level, or log2 of the modulus, and scale.
pub(super) type Fields = (u8, f64);
pub(super) const FIELDS_LEN: usize = 9;

/// Checks that a level is one of the parameter set's.
pub(super) fn checked_level(found: u8, what: &str, ring: &Ring) -> Result<Level, WireError> {
    let (found, highest) = (Level(found), ring.parameters().top());
    if found > highest {
        return Err(WireError::Level {
            what: what.to_owned(),
            found,
            highest,
        });
    }
    Ok(found)
}

pub(super) fn checked_scale(found: f64) -> Result<Scale, WireError> {
    if Scale(found).is_usable() {
        Ok(Scale(found))
    } else {
        Err(WireError::Scale { found })
    }
}

/// Checks log2 of a reply's modulus.
pub(super) fn checked_modulus(found: u8) -> Result<u32, WireError> {
    if (1..=32).contains(&found) {
        Ok(u32::from(found))
    } else {
        Err(WireError::Modulus { found })
    }
}

/// Reads a fresh ciphertext.
///
/// # Errors
/// The first thing about the bytes that is not as it should be.
pub fn read_input(message: &[u8], ring: &Ring) -> Result<SeededCiphertext, WireError> {
    let mut reader = Reader::new(read_header(message, MessageKind::Input, ring)?);
    let (level, scale): Fields = reader.fields(FIELDS_LEN, || "the ciphertext".to_owned())?;
    let level = checked_level(level, "the ciphertext", ring)?;
    let scale = checked_scale(scale)?;
    let seed: Seed = reader.fields(size_of::<Seed>(), || "the ciphertext's seed".to_owned())?;
    let c0 = reader.poly(ring, Basis::Q(level), || "the ciphertext".to_owned())?;
    reader.finish()?;
    Ok(SeededCiphertext { c0, seed, scale })
}

/// Writes a fresh ciphertext in the form [`read_input`] reads.
#[must_use]
pub fn write_input(ciphertext: &SeededCiphertext, ring: &Ring) -> Vec<u8> {
    let mut message = write_header(MessageKind::Input, ring);
    put_fields(
        &mut message,
        (ciphertext.c0.basis().level().0, ciphertext.scale.0),
    );
    put_fields(&mut message, ciphertext.seed);
    put_poly(&mut message, &ciphertext.c0, ring);
    message
}

/// Reads a reply with logits packed like this.
///
/// # Errors
/// The first thing about the bytes that is not as it should be.
pub fn read_reply(
    message: &[u8],
    packing: &OutputPacking,
    ring: &Ring,
) -> Result<Reply, WireError> {
    let mut reader = Reader::new(read_header(message, MessageKind::Reply, ring)?);
    let (log_modulus, scale): Fields = reader.fields(FIELDS_LEN, || "the reply".to_owned())?;
    let log_modulus = checked_modulus(log_modulus)?;
    let scale = checked_scale(scale)?;
    let mut half = |count, part, half| {
        reader.numbers(count, log_modulus, || {
            format!("part {part} of the reply, {half} half")
        })
    };
    let parts = packing
        .parts(ring.degree())
        .into_iter()
        .enumerate()
        .map(|(part, coefficients)| {
            Ok(ReplyPart {
                c0: half(coefficients, part, "first")?,
                c1: half(ring.degree(), part, "second")?,
            })
        })
        .collect::<Result<_, _>>()?;
    reader.finish()?;
    Ok(Reply {
        log_modulus,
        scale,
        parts,
    })
}

/// Writes a reply in the form [`read_reply`] reads.
#[must_use]
pub fn write_reply(reply: &Reply, ring: &Ring) -> Vec<u8> {
    let mut message = write_header(MessageKind::Reply, ring);
    let log_modulus = u8::try_from(reply.log_modulus).unwrap_or(u8::MAX);
    put_fields(&mut message, (log_modulus, reply.scale.0));
    for half in reply.parts.iter().flat_map(|part| [&part.c0, &part.c1]) {
        put_residues(
            &mut message,
            [(half.as_slice(), reply.log_modulus)].into_iter(),
        );
    }
    message
}

#[cfg(test)]
mod tests;
