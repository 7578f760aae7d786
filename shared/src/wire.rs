//! Bytes of ciphertexts and evaluation keys, as `docs/wire-format.md` describes them.
//!
//! Knows formats and limits; knows no secret key, no model, no network.
//!
//! **Invariant:** whatever leaves a reader here is canonical: its lengths fit the parameter set,
//! every residue is below its prime, and the bytes are the only ones that mean it. Nothing is
//! allocated for a polynomial before all its bytes are there, so memory is at most eight times
//! the message; of a reply, whose numbers may be of a single bit each, 32 times.
//! `shared/tests/memory.rs` measures it.

#![deny(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used
)]

mod batch;
mod bits;
mod bulk;
#[cfg(test)]
mod by_hand;
mod ciphertext;
mod header;
mod keys;

pub use batch::{BATCH_FIELDS_LEN, MAX_BATCH, is_batch, read_batch, write_batch};
pub use bulk::{
    bulk_input_len, read_bulk_input, read_bulk_reply, write_bulk_input, write_bulk_reply,
};
pub use ciphertext::{read_input, read_reply, write_input, write_reply};
pub use header::{
    FORMAT_VERSION, HEADER_LEN, MessageKind, fingerprint, read_foreign_header, read_header,
    write_header,
};
pub use keys::{
    KEYS_HEADER_LEN, KeyReader, KeyUse, key_len, read_evaluation_keys, write_key, write_keys_header,
};

use thiserror::Error;

use crate::ring::Level;

/// Why bytes are not the message they should be.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum WireError {
    /// Not one of Inkveil's messages.
    #[error("not an Inkveil message: it must start with the bytes \"INKV\"")]
    Magic,
    /// Made by another version of the format.
    #[error("message has format version {found}, this side reads version {expected}")]
    Version {
        /// Version in the message.
        found: u16,
        /// [`FORMAT_VERSION`].
        expected: u16,
    },
    /// Another message than the one expected here.
    #[error("message is of kind {found}, expected {} ({expected:?})", *expected as u8)]
    Kind {
        /// Kind in the message.
        found: u8,
        /// Kind that belongs here.
        expected: MessageKind,
    },
    /// Made for other primes or another ring.
    #[error(
        "message was made for parameter set {found:016x}, this is for {name} ({expected:016x}); \
         fetch the model's description again"
    )]
    ParameterSet {
        /// Fingerprint in the message.
        found: u64,
        /// Fingerprint of the set in use.
        expected: u64,
        /// Name of the set in use.
        name: String,
    },
    /// The message ends too early.
    #[error("message is truncated in {what}: {needed} bytes needed, {found} left")]
    Truncated {
        /// Part that is cut.
        what: String,
        /// Bytes it takes.
        needed: usize,
        /// Bytes that are there.
        found: usize,
    },
    /// The message goes on after its end.
    #[error("message has {count} bytes after its end")]
    Trailing {
        /// Bytes too many.
        count: usize,
    },
    /// A residue that isn't below its prime.
    #[error("residue {at} of {what} is {value}, not below its prime {prime}")]
    Residue {
        /// Polynomial it stands in.
        what: String,
        /// The prime.
        prime: u32,
        /// Coefficient index.
        at: usize,
        /// Value found.
        value: u32,
    },
    /// Bits that fill the last byte of a polynomial must be zero.
    #[error("the padding bits of {what} are not zero")]
    Padding {
        /// Polynomial it stands in.
        what: String,
    },
    /// A level above the parameter set's top.
    #[error("{what} is at level {}, the highest is {}", found.0, highest.0)]
    Level {
        /// Ciphertext or key.
        what: String,
        /// Level found.
        found: Level,
        /// Top level.
        highest: Level,
    },
    /// A scale that is no scale.
    #[error("scale {found:e} is not a finite number between 1 and 2^200")]
    Scale {
        /// Value found.
        found: f64,
    },
    /// Keys have to come in ascending order of their uses, with steps below the number of slots.
    #[error(
        "key {at} is of kind {kind} for step {step}; after {} only a relinearization key (0), a \
         conjugation key (1) or keys (2) for ascending steps in 1..{slots} may come, in this order",
        previous.map_or("the header".to_owned(), |key| key.to_string())
    )]
    KeyUse {
        /// Position in the message.
        at: usize,
        /// Kind found.
        kind: u8,
        /// Step found.
        step: u32,
        /// The key before it.
        previous: Option<KeyUse>,
        /// Slots of the parameter set.
        slots: usize,
    },
    /// A reply whose modulus no client asked for.
    #[error("the reply is modulo 2^{found}; 1 to 32 bits are possible")]
    Modulus {
        /// log2 of the modulus found.
        found: u8,
    },
    /// Digits of no primes, or of more than there are.
    #[error("{key} has digits of {found} primes; 1 to {most} are possible")]
    Digits {
        /// Which key.
        key: KeyUse,
        /// Primes in a digit.
        found: usize,
        /// Primes of the parameter set's Q.
        most: usize,
    },
    /// A batch of nothing, or of too much.
    #[error("a batch holds 1 to {MAX_BATCH} messages, this one {found}")]
    BatchCount {
        /// Messages found.
        found: usize,
    },
    /// Bytes that can't be cut into the messages of a batch.
    #[error("{bytes} bytes are not {count} messages of the same length")]
    BatchLength {
        /// Messages of the batch.
        count: usize,
        /// Bytes of all of them.
        bytes: usize,
    },
    /// A bulk input for another number of inputs than the model reads.
    #[error("the bulk input has {found} ciphertexts, the model takes {expected}")]
    BulkCount {
        /// Ciphertexts found.
        found: usize,
        /// Ciphertexts that belong there.
        expected: usize,
    },
    /// Fields that can't be read.
    #[error("fields of {what} are malformed: {reason}")]
    Fields {
        /// Part they belong to.
        what: String,
        /// The decoder's words.
        reason: String,
    },
}
