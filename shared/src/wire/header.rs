//! The sixteen bytes that every message starts with.

use super::WireError;
use super::bits::{Reader, put_fields};
use crate::ring::Ring;

/// Version of all formats here; raised with every change to any of them.
pub const FORMAT_VERSION: u16 = 1;

/// Bytes of a header.
pub const HEADER_LEN: usize = 16;

const MAGIC: [u8; 4] = *b"INKV";

/// What a message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MessageKind {
    /// A fresh ciphertext.
    Input = 1,
    /// A ciphertext that comes back.
    Reply = 2,
    /// All evaluation keys of a session.
    EvaluationKeys = 3,
    /// A secret key file; never sent.
    SecretKey = 4,
    /// Several inputs or replies.
    Batch = 5,
    /// A fresh ciphertext for each input, with an image in each slot.
    BulkInput = 6,
    /// The logits of all these images.
    BulkReply = 7,
    /// A secret key file that only its passphrase opens; never sent.
    SealedSecretKey = 8,
}

/// Magic, version, kind, a zero byte, fingerprint of the parameter set.
type Fields = ([u8; 4], u16, u8, u8, u64);

fn read_fields(reader: &mut Reader<'_>) -> Result<Fields, WireError> {
    let fields: Fields = reader.fields(HEADER_LEN, || "the header".to_owned())?;
    let (magic, version, ..) = fields;
    if magic != MAGIC {
        return Err(WireError::Magic);
    }
    if version != FORMAT_VERSION {
        return Err(WireError::Version {
            found: version,
            expected: FORMAT_VERSION,
        });
    }
    Ok(fields)
}

/// The fingerprint of the parameter set that a message says it was made for.
///
/// # Errors
/// When the header is cut, or not one of this format's version.
pub fn fingerprint(message: &[u8]) -> Result<u64, WireError> {
    read_fields(&mut Reader::new(message)).map(|(.., fingerprint)| fingerprint)
}

/// Whether a message has a header of this format's version that names this kind.
pub(super) fn is_of_kind(message: &[u8], kind: MessageKind) -> bool {
    read_fields(&mut Reader::new(message)).is_ok_and(|(_, _, found, ..)| found == kind as u8)
}

/// Checks the header of a message for whatever parameter set; returns the set's fingerprint and what
/// follows the header.
///
/// # Errors
/// The first field that is not as it should be.
pub fn read_foreign_header(message: &[u8], kind: MessageKind) -> Result<(u64, &[u8]), WireError> {
    let (_, _, found, zero, fingerprint) = read_fields(&mut Reader::new(message))?;
    if zero != 0 {
        let reason = format!("byte 7 is {zero}, not 0");
        return Err(WireError::Fields {
            what: "the header".to_owned(),
            reason,
        });
    }
    if found != kind as u8 {
        return Err(WireError::Kind {
            found,
            expected: kind,
        });
    }
    Ok((fingerprint, message.get(HEADER_LEN..).unwrap_or_default()))
}

/// Checks the header of a message for a ring's parameter set and returns what follows it.
///
/// # Errors
/// The first field that is not as it should be.
pub fn read_header<'a>(
    message: &'a [u8],
    kind: MessageKind,
    ring: &Ring,
) -> Result<&'a [u8], WireError> {
    let (found, body) = read_foreign_header(message, kind)?;
    let expected = ring.parameters().fingerprint();
    if found != expected {
        let name = ring.parameters().spec().name.clone();
        return Err(WireError::ParameterSet {
            found,
            expected,
            name,
        });
    }
    Ok(body)
}

/// A message with nothing but its header.
#[must_use]
pub fn write_header(kind: MessageKind, ring: &Ring) -> Vec<u8> {
    let mut message = Vec::with_capacity(HEADER_LEN);
    let fields: Fields = (
        MAGIC,
        FORMAT_VERSION,
        kind as u8,
        0,
        ring.parameters().fingerprint(),
    );
    put_fields(&mut message, fields);
    message
}

#[cfg(test)]
mod tests;
