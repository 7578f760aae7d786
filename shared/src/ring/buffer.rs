//! Memory of polynomials, used again by the next ones.
//!
//! A computation makes and drops hundreds of polynomials of few sizes; what one thread drops, the
//! same thread takes again, so that nothing is allocated once it has run a while.
//!
//! **Invariant:** a thread keeps at most [`MOST_KEPT`] numbers. What a buffer held before is
//! visible to its next owner inside this process: secrets are wiped before they are dropped.

use std::cell::RefCell;
use std::ops::{Deref, DerefMut};

/// Most numbers that one thread keeps for later, 8 MiB.
const MOST_KEPT: usize = 1 << 21;

thread_local! {
    static KEPT: RefCell<Kept> = const { RefCell::new(Kept { buffers: Vec::new(), numbers: 0 }) };
}

struct Kept {
    buffers: Vec<Vec<u32>>,
    numbers: usize,
}

/// Numbers in memory that is used again.
#[derive(Debug, PartialEq, Eq)]
pub struct Buffer(Vec<u32>);

impl Buffer {
    /// So many numbers of any value: whoever takes them writes every one before reading it.
    #[must_use]
    pub fn take(len: usize) -> Self {
        let kept = KEPT.try_with(|kept| {
            let mut kept = kept.borrow_mut();
            let at = kept
                .buffers
                .iter()
                .rposition(|buffer| buffer.len() == len)?;
            kept.numbers -= len;
            Some(kept.buffers.swap_remove(at))
        });
        let mut buffer = kept.ok().flatten().unwrap_or_else(|| vec![0; len]);
        if cfg!(debug_assertions) {
            buffer.fill(u32::MAX); // No residue: a test that reads it fails.
        }
        Self(buffer)
    }

    /// So many zeros.
    #[must_use]
    pub fn zeros(len: usize) -> Self {
        let mut buffer = Self::take(len);
        buffer.fill(0);
        buffer
    }

    /// These numbers, in the memory that holds them.
    #[must_use]
    pub fn from_numbers(mut numbers: Vec<u32>) -> Self {
        numbers.shrink_to_fit();
        Self(numbers)
    }

    /// A copy of these numbers.
    #[must_use]
    pub fn copy_of(numbers: &[u32]) -> Self {
        let mut buffer = Self::take(numbers.len());
        buffer.copy_from_slice(numbers);
        buffer
    }
}

impl Clone for Buffer {
    fn clone(&self) -> Self {
        Self::copy_of(self)
    }
}

impl Deref for Buffer {
    type Target = [u32];

    fn deref(&self) -> &[u32] {
        &self.0
    }
}

impl DerefMut for Buffer {
    fn deref_mut(&mut self) -> &mut [u32] {
        &mut self.0
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        let buffer = std::mem::take(&mut self.0);
        // A thread that is ending keeps nothing.
        let _ = KEPT.try_with(|kept| {
            let mut kept = kept.borrow_mut();
            if !buffer.is_empty() && kept.numbers + buffer.len() <= MOST_KEPT {
                kept.numbers += buffer.len();
                kept.buffers.push(buffer);
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_dropped_is_taken_again() {
        let first = Buffer::zeros(1234);
        let address = first.as_ptr();
        drop(first);
        let other = Buffer::take(1235);
        let second = Buffer::take(1234);
        assert_eq!(second.as_ptr(), address);
        assert_ne!(other.as_ptr(), address);
    }

    #[test]
    fn a_thread_keeps_no_more_than_it_may() {
        let all: Vec<Buffer> = (0..5).map(|_| Buffer::take(MOST_KEPT / 3)).collect();
        drop(all);
        KEPT.with_borrow(|kept| assert_eq!(kept.buffers.len(), 3));
    }

    #[test]
    fn zeros_are_zero_whatever_was_there() {
        drop(Buffer::copy_of(&[7; 99]));
        assert_eq!(*Buffer::zeros(99), [0; 99]);
    }
}
