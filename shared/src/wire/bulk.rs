//! Many images at once: a ciphertext for each input on the way up, three polynomials for each class
//! on the way down.

use super::bits::{Reader, put_fields, put_poly, put_residues};
use super::ciphertext::{FIELDS_LEN, Fields, checked_level, checked_modulus, checked_scale};
use super::{HEADER_LEN, MessageKind, WireError, read_header, write_header};
use crate::ciphertext::{BulkInput, BulkReply};
use crate::ring::{Basis, Level, Ring, Seed};

const COUNT_LEN: usize = size_of::<u32>();

/// Bytes of a bulk input of `count` ciphertexts at a level.
#[must_use]
pub fn bulk_input_len(count: usize, level: Level, ring: &Ring) -> usize {
    let poly = ring.encoded_bits(Basis::Q(level)).div_ceil(8);
    HEADER_LEN + FIELDS_LEN + size_of::<Seed>() + COUNT_LEN + count * poly
}

/// Reads a bulk input for a model that reads `expected` inputs.
///
/// # Errors
/// The first thing about the bytes that is not as it should be.
pub fn read_bulk_input(
    message: &[u8],
    expected: usize,
    ring: &Ring,
) -> Result<BulkInput, WireError> {
    let mut reader = Reader::new(read_header(message, MessageKind::BulkInput, ring)?);
    let what = || "the bulk input".to_owned();
    let (level, scale): Fields = reader.fields(FIELDS_LEN, what)?;
    let level = checked_level(level, "the bulk input", ring)?;
    let scale = checked_scale(scale)?;
    let seed: Seed = reader.fields(size_of::<Seed>(), what)?;
    let count: u32 = reader.fields(COUNT_LEN, what)?;
    let found = usize::try_from(count).unwrap_or(usize::MAX);
    if found != expected {
        return Err(WireError::BulkCount { found, expected });
    }
    let mut poly = |index| {
        reader.poly(ring, Basis::Q(level), || {
            format!("ciphertext {index} of the bulk input")
        })
    };
    let c0 = (0..expected).map(&mut poly).collect::<Result<_, _>>()?;
    reader.finish()?;
    Ok(BulkInput { c0, seed, scale })
}

/// Writes a bulk input in the form [`read_bulk_input`] reads.
#[must_use]
pub fn write_bulk_input(input: &BulkInput, ring: &Ring) -> Vec<u8> {
    let mut message = write_header(MessageKind::BulkInput, ring);
    let level = input.c0.first().map_or(Level(0), |c0| c0.basis().level());
    message.reserve_exact(bulk_input_len(input.c0.len(), level, ring) - HEADER_LEN);
    put_fields(&mut message, (level.0, input.scale.0));
    put_fields(&mut message, input.seed);
    put_fields(
        &mut message,
        u32::try_from(input.c0.len()).unwrap_or(u32::MAX),
    );
    for c0 in &input.c0 {
        put_poly(&mut message, c0, ring);
    }
    message
}

/// Reads the logits of this many classes.
///
/// # Errors
/// The first thing about the bytes that is not as it should be.
pub fn read_bulk_reply(
    message: &[u8],
    classes: usize,
    ring: &Ring,
) -> Result<BulkReply, WireError> {
    let mut reader = Reader::new(read_header(message, MessageKind::BulkReply, ring)?);
    let (log_modulus, scale): Fields = reader.fields(FIELDS_LEN, || "the bulk reply".to_owned())?;
    let log_modulus = checked_modulus(log_modulus)?;
    let scale = checked_scale(scale)?;
    let mut part = |class, part| {
        let what = || format!("part {part} of class {class} of the bulk reply");
        reader.numbers(ring.degree(), log_modulus, what)
    };
    let class = |class| Ok([part(class, 0)?, part(class, 1)?, part(class, 2)?]);
    let classes = (0..classes).map(class).collect::<Result<_, _>>()?;
    reader.finish()?;
    Ok(BulkReply {
        log_modulus,
        scale,
        classes,
    })
}

/// Writes logits in the form [`read_bulk_reply`] reads.
#[must_use]
pub fn write_bulk_reply(reply: &BulkReply, ring: &Ring) -> Vec<u8> {
    let mut message = write_header(MessageKind::BulkReply, ring);
    let log_modulus = u8::try_from(reply.log_modulus).unwrap_or(u8::MAX);
    put_fields(&mut message, (log_modulus, reply.scale.0));
    for part in reply.classes.iter().flatten() {
        put_residues(
            &mut message,
            [(part.as_slice(), reply.log_modulus)].into_iter(),
        );
    }
    message
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, LazyLock};

    use proptest::prelude::*;

    use super::*;
    use crate::encoding::Scale;
    use crate::params::{Parameters, shipped};
    use crate::ring::uniform;

    const COUNT: usize = 3;
    const CLASSES: usize = 2;

    static RING: LazyLock<Arc<Ring>> =
        LazyLock::new(|| Ring::new(Parameters::new(shipped().remove(0)).expect("shipped")));

    fn input() -> BulkInput {
        let level = RING.parameters().top();
        let c0 = |index| uniform(&[1; 32], index, &RING, Basis::Q(level));
        BulkInput {
            c0: (0..COUNT as u64).map(c0).collect(),
            seed: [2; 32],
            scale: Scale(1e5),
        }
    }

    fn reply() -> BulkReply {
        let part = |start: u32| {
            let number = |at| at * 7 + start;
            (0..RING.degree() as u32).map(number).collect()
        };
        let class = |class| [part(class), part(class + 11), part(class + 22)];
        BulkReply {
            log_modulus: 30,
            scale: Scale(1e6),
            classes: (0..CLASSES as u32).map(class).collect(),
        }
    }

    #[test]
    fn what_was_written_is_read() {
        let (input, reply) = (input(), reply());
        let written = write_bulk_input(&input, &RING);
        let level = RING.parameters().top();
        assert_eq!(written.len(), bulk_input_len(COUNT, level, &RING));
        assert_eq!(read_bulk_input(&written, COUNT, &RING), Ok(input));
        let written = write_bulk_reply(&reply, &RING);
        assert_eq!(read_bulk_reply(&written, CLASSES, &RING), Ok(reply));
    }

    #[test]
    fn another_number_of_ciphertexts_is_refused() {
        let written = write_bulk_input(&input(), &RING);
        for expected in [0, COUNT - 1, COUNT + 1, usize::MAX] {
            let refusal = WireError::BulkCount {
                found: COUNT,
                expected,
            };
            assert_eq!(read_bulk_input(&written, expected, &RING), Err(refusal));
        }
        let written = write_bulk_reply(&reply(), &RING);
        let read = |classes| read_bulk_reply(&written, classes, &RING);
        assert!(matches!(read(CLASSES - 1), Err(WireError::Trailing { .. })));
        assert!(matches!(
            read(CLASSES + 1),
            Err(WireError::Truncated { .. })
        ));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        /// What is read after a change is what its bytes say: written again, it gives the same.
        #[test]
        fn there_is_one_way_to_write(
            at in any::<prop::sample::Index>(),
            early in any::<bool>(),
            change in 1..=u8::MAX,
        ) {
            let (input, reply) = (write_bulk_input(&input(), &RING), write_bulk_reply(&reply(), &RING));
            let changed = |bytes: &[u8]| {
                let mut bytes = bytes.to_vec();
                let at = at.index(if early { 64 } else { bytes.len() });
                bytes[at] ^= change;
                bytes
            };
            let bytes = changed(&input);
            if let Ok(read) = read_bulk_input(&bytes, COUNT, &RING) {
                prop_assert_eq!(write_bulk_input(&read, &RING), bytes);
            }
            let bytes = changed(&reply);
            if let Ok(read) = read_bulk_reply(&bytes, CLASSES, &RING) {
                prop_assert_eq!(write_bulk_reply(&read, &RING), bytes);
            }
            prop_assert!(read_bulk_input(&input[..at.index(input.len())], COUNT, &RING).is_err());
            prop_assert!(read_bulk_reply(&reply[..at.index(reply.len())], CLASSES, &RING).is_err());
        }
    }
}
