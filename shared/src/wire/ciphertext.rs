//! Ciphertexts on their way up (seeded) and down (as replies).

use super::bits::{Reader, put_fields, put_poly, put_residues};
use super::{MessageKind, WireError, read_header, write_header};
use crate::ciphertext::{Reply, SeededCiphertext};
use crate::encoding::Scale;
use crate::ring::{Basis, Level, Modulus, Ring, Seed};

/// Level and scale.
type Fields = (u8, f64);
const FIELDS_LEN: usize = 9;

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

fn read_fields(
    reader: &mut Reader<'_>,
    what: &str,
    ring: &Ring,
) -> Result<(Level, Scale), WireError> {
    let (level, scale): Fields = reader.fields(FIELDS_LEN, || what.to_owned())?;
    if !Scale(scale).is_usable() {
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
    put_fields(
        &mut message,
        (ciphertext.c0.basis().level().0, ciphertext.scale.0),
    );
    put_fields(&mut message, ciphertext.seed);
    put_poly(&mut message, &ciphertext.c0, ring);
    message
}

/// Reads a reply whose slots have this period.
///
/// # Errors
/// The first thing about the bytes that is not as it should be.
pub fn read_reply(message: &[u8], period: usize, ring: &Ring) -> Result<Reply, WireError> {
    let mut reader = Reader::new(read_header(message, MessageKind::Reply, ring)?);
    let (level, scale) = read_fields(&mut reader, "the reply", ring)?;
    let basis = Basis::Q(level);
    let c0 = reader.residues(2 * period, ring, basis, || {
        "the reply's first half".to_owned()
    })?;
    let c1 = reader.poly(ring, basis, || "the reply's second half".to_owned())?;
    reader.finish()?;
    Ok(Reply { c0, c1, scale })
}

/// Writes a reply in the form [`read_reply`] reads.
#[must_use]
pub fn write_reply(reply: &Reply, ring: &Ring) -> Vec<u8> {
    let mut message = write_header(MessageKind::Reply, ring);
    put_fields(&mut message, (reply.level().0, reply.scale.0));
    let limbs = reply.c0.chunks_exact((2 * reply.period()).max(1));
    let bits = ring.moduli_of(reply.c1.basis()).map(Modulus::bits);
    put_residues(&mut message, limbs.zip(bits));
    put_poly(&mut message, &reply.c1, ring);
    message
}
