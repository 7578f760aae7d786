//! Several messages in one: inputs on their way up, replies on their way down.

use super::bits::{Reader, put_fields};
use super::header::is_of_kind;
use super::{MessageKind, WireError, read_header, write_header};
use crate::ring::Ring;

/// Most messages in a batch.
pub const MAX_BATCH: usize = 64;

/// What stands before the messages: header and their number.
pub const BATCH_FIELDS_LEN: usize = super::HEADER_LEN + size_of::<u16>();

/// Whether a message says that it is a batch.
#[must_use]
pub fn is_batch(message: &[u8]) -> bool {
    is_of_kind(message, MessageKind::Batch)
}

/// The messages of a batch, which are all of the same length; they are yet to be read.
///
/// # Errors
/// The first thing about the batch itself that is not as it should be.
pub fn read_batch<'a>(
    message: &'a [u8],
    ring: &Ring,
) -> Result<impl ExactSizeIterator<Item = &'a [u8]> + use<'a>, WireError> {
    let mut reader = Reader::new(read_header(message, MessageKind::Batch, ring)?);
    let count: u16 = reader.fields(2, || "the number of messages".to_owned())?;
    let count = usize::from(count);
    if !(1..=MAX_BATCH).contains(&count) {
        return Err(WireError::BatchCount { found: count });
    }
    let messages = reader.rest();
    let bytes = messages.len();
    if bytes == 0 || !bytes.is_multiple_of(count) {
        return Err(WireError::BatchLength { count, bytes });
    }
    Ok(messages.chunks_exact(bytes / count))
}

/// Writes messages of the same length as one, in the form [`read_batch`] reads.
///
/// # Errors
/// [`WireError::BatchCount`] for none or more than [`MAX_BATCH`], [`WireError::BatchLength`] if
/// their lengths differ.
pub fn write_batch(messages: &[Vec<u8>], ring: &Ring) -> Result<Vec<u8>, WireError> {
    let found = messages.len();
    let count = u16::try_from(found)
        .ok()
        .filter(|_| (1..=MAX_BATCH).contains(&found))
        .ok_or(WireError::BatchCount { found })?;
    let bytes = messages.iter().map(Vec::len).sum();
    let length = bytes / found;
    if length == 0 || messages.iter().any(|message| message.len() != length) {
        return Err(WireError::BatchLength {
            count: found,
            bytes,
        });
    }
    let mut batch = write_header(MessageKind::Batch, ring);
    batch.reserve_exact(size_of::<u16>() + bytes);
    put_fields(&mut batch, count);
    for message in messages {
        batch.extend_from_slice(message);
    }
    Ok(batch)
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, LazyLock};

    use proptest::prelude::*;

    use super::*;
    use crate::params::{Parameters, shipped};

    fn ring() -> Arc<Ring> {
        Ring::new(Parameters::new(shipped().remove(0)).expect("shipped"))
    }

    fn read(batch: &[u8], ring: &Ring) -> Result<Vec<Vec<u8>>, WireError> {
        Ok(read_batch(batch, ring)?.map(<[u8]>::to_vec).collect())
    }

    fn messages(count: usize, length: usize) -> Vec<Vec<u8>> {
        (0..count)
            .map(|at| (0..length).map(|byte| (at * 7 + byte) as u8).collect())
            .collect()
    }

    #[test]
    fn batches_are_read_back() {
        let ring = ring();
        for count in [1, 2, MAX_BATCH] {
            let messages = messages(count, 5);
            let batch = write_batch(&messages, &ring).expect("fits");
            assert!(is_batch(&batch));
            assert_eq!(batch.len(), BATCH_FIELDS_LEN + count * 5);
            assert_eq!(read(&batch, &ring), Ok(messages));
        }
    }

    #[test]
    fn batches_of_none_too_many_or_unequal_messages() {
        let ring = ring();
        for found in [0, MAX_BATCH + 1] {
            let refusal = WireError::BatchCount { found };
            let written = write_batch(&messages(found, 5), &ring);
            assert_eq!(written, Err(refusal.clone()));
            let mut batch = write_batch(&messages(1, 5), &ring).expect("fits");
            batch[16] = found as u8;
            assert_eq!(read(&batch, &ring), Err(refusal));
        }
        let mut unequal = messages(3, 5);
        unequal[1].push(0);
        let count = 3;
        let refusal = WireError::BatchLength { count, bytes: 16 };
        assert_eq!(write_batch(&unequal, &ring), Err(refusal));
        let refusal = WireError::BatchLength { count, bytes: 0 };
        assert_eq!(write_batch(&messages(3, 0), &ring), Err(refusal.clone()));
        let empty = [write_header(MessageKind::Batch, &ring), vec![3, 0]].concat();
        assert_eq!(read(&empty, &ring), Err(refusal));
    }

    #[test]
    fn other_kinds_are_no_batch() {
        let ring = ring();
        let input = write_header(MessageKind::Input, &ring);
        assert!(!is_batch(&input) && !is_batch(b"INKV"));
        let refusal = WireError::Kind {
            found: 1,
            expected: MessageKind::Batch,
        };
        assert_eq!(read(&input, &ring), Err(refusal));
    }

    proptest! {
        /// What is read is a batch of its own: written again, it gives the same bytes.
        #[test]
        fn there_is_one_way_to_write_a_batch(
            count in 1..=MAX_BATCH,
            length in 1..9usize,
            cut in any::<prop::sample::Index>(),
            change in any::<(prop::sample::Index, u8)>(),
        ) {
            static RING: LazyLock<Arc<Ring>> = LazyLock::new(ring);
            let ring = &*RING;
            let whole = write_batch(&messages(count, length), ring).expect("fits");
            let mut changed = whole.clone();
            changed[change.0.index(whole.len())] ^= change.1;
            for batch in [&changed[..], &whole[..cut.index(whole.len())]] {
                if let Ok(messages) = read(batch, ring) {
                    prop_assert_eq!(write_batch(&messages, ring).expect("fits"), batch);
                }
            }
        }
    }
}
