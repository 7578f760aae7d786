//! The IDX format that MNIST comes in: the trainer and the command line both read it.
//!
//! Two zero bytes, an element type, the number of dimensions, each dimension as a big-endian
//! 32-bit number, and then the elements. Only unsigned bytes are read.
//!
//! **Invariant:** the elements that come out fill the dimensions exactly; nothing is copied.

#![deny(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used
)]

use thiserror::Error;

/// The type code of an unsigned byte.
const UNSIGNED_BYTE: u8 = 8;

/// An array of bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Idx<'a> {
    /// Its sizes.
    pub dims: Vec<usize>,
    /// As many elements as the sizes say, in row-major order.
    pub data: &'a [u8],
}

/// Why bytes are no IDX array.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum IdxError {
    /// The file ends within its header.
    #[error("the header needs {expected} bytes, found {found}")]
    Header {
        /// Length of the header.
        expected: usize,
        /// Length of the file.
        found: usize,
    },
    /// Some other format.
    #[error("starts with {found:?}, but an IDX file starts with [0, 0]")]
    Magic {
        /// The first two bytes.
        found: [u8; 2],
    },
    /// Elements that aren't unsigned bytes.
    #[error("element type {found:#04x} is not supported; only unsigned bytes (0x08) are")]
    ElementType {
        /// The type code.
        found: u8,
    },
    /// The elements don't fill the dimensions, or go on after them.
    #[error("dimensions {dims:?} need {expected} bytes, found {found}")]
    Length {
        /// The sizes.
        dims: Vec<usize>,
        /// Their product.
        expected: u128,
        /// Bytes after the header.
        found: usize,
    },
}

/// Reads an array.
///
/// # Errors
/// The first property that doesn't hold.
pub fn parse(bytes: &[u8]) -> Result<Idx<'_>, IdxError> {
    let found = bytes.len();
    let header = |expected| IdxError::Header { expected, found };
    let (&[zero, null, kind, rank], rest) = bytes.split_first_chunk().ok_or(header(4))?;
    if [zero, null] != [0, 0] {
        return Err(IdxError::Magic {
            found: [zero, null],
        });
    }
    if kind != UNSIGNED_BYTE {
        return Err(IdxError::ElementType { found: kind });
    }
    let length = 4 * usize::from(rank);
    let (sizes, data) = rest.split_at_checked(length).ok_or(header(4 + length))?;
    let (sizes, _) = sizes.as_chunks();
    let dims: Vec<_> = sizes
        .iter()
        .map(|&size| u32::from_be_bytes(size) as usize)
        .collect();
    let expected = dims
        .iter()
        .fold(1_u128, |count, &size| count.saturating_mul(size as u128));
    if expected != data.len() as u128 {
        return Err(IdxError::Length {
            dims,
            expected,
            found: data.len(),
        });
    }
    Ok(Idx { dims, data })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(bytes: &[u8], expected: Result<(&[usize], &[u8]), &str>) {
        let found = parse(bytes).map_err(|error| error.to_string());
        let expected = expected.map(|(dims, data)| Idx {
            dims: dims.to_vec(),
            data,
        });
        assert_eq!(found, expected.map_err(str::to_owned));
    }

    #[test]
    fn good_arrays() {
        check(&[0, 0, 8, 1, 0, 0, 0, 2, 7, 9], Ok((&[2], &[7, 9])));
        check(
            &[0, 0, 8, 2, 0, 0, 0, 1, 0, 0, 0, 2, 7, 9],
            Ok((&[1, 2], &[7, 9])),
        );
        check(&[0, 0, 8, 1, 0, 0, 0, 0], Ok((&[0], &[])));
    }

    #[test]
    fn bad_arrays() {
        check(&[], Err("the header needs 4 bytes, found 0"));
        check(&[0, 0, 8], Err("the header needs 4 bytes, found 3"));
        check(
            &[0, 0, 8, 2, 0, 0, 0, 1],
            Err("the header needs 12 bytes, found 8"),
        );
        check(
            &[31, 139, 8, 0],
            Err("starts with [31, 139], but an IDX file starts with [0, 0]"),
        );
        check(
            &[0, 0, 13, 1, 0, 0, 0, 0],
            Err("element type 0x0d is not supported; only unsigned bytes (0x08) are"),
        );
        check(
            &[0, 0, 8, 1, 0, 0, 0, 2, 7],
            Err("dimensions [2] need 2 bytes, found 1"),
        );
        check(
            &[0, 0, 8, 1, 0, 0, 0, 2, 7, 9, 1],
            Err("dimensions [2] need 2 bytes, found 3"),
        );
        let huge = [&[0, 0, 8, 3][..], &[255; 12]].concat();
        let expected = (u128::from(u32::MAX)).pow(3);
        let message = format!(
            "dimensions {:?} need {expected} bytes, found 0",
            [u32::MAX; 3]
        );
        check(&huge, Err(&message));
    }
}
