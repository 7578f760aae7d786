//! Keys of a session that come one after the other.
//!
//! Knows the order in which keys come; knows neither HTTP nor how long it waits for the next.
//!
//! **Invariant:** each key is read and checked once, when it comes. After a key that can't be read
//! nothing is kept.

use std::sync::{Arc, Mutex};

use shared::ring::Ring;
use shared::wire::{KeyReader, WireError};

use super::key_store::SessionKeys;
use super::problem::ApiError;

/// The keys of one upload so far.
pub struct PartialKeys {
    ring: Arc<Ring>,
    /// Nothing, once it has ended.
    reader: Mutex<Option<KeyReader>>,
}

/// What a part has led to.
pub enum Progress {
    /// More keys have to come.
    Missing {
        /// How many.
        keys: u32,
        /// Memory of those that have come.
        bytes: u64,
    },
    /// That was the last.
    Complete(SessionKeys),
}

impl PartialKeys {
    /// An upload that begins with this header, and the number of its keys.
    ///
    /// # Errors
    /// The first thing about the header that is not as it should be.
    pub fn new(header: &[u8], ring: Arc<Ring>) -> Result<(Self, u32), WireError> {
        let reader = KeyReader::new(header, &ring)?;
        let missing = reader.missing();
        let reader = Mutex::new(Some(reader));
        Ok((Self { ring, reader }, missing))
    }

    /// Reads the next keys.
    ///
    /// # Errors
    /// The first thing about the bytes that is not as it should be, with the key it belongs to;
    /// [`ApiError::Busy`] while another part is read.
    pub fn read(&self, part: &[u8]) -> Result<Progress, ApiError> {
        let Ok(mut guard) = self.reader.try_lock() else {
            return Err(ApiError::overtaken());
        };
        let mut reader = guard.take().ok_or(ApiError::UploadGone)?;
        reader.read_part(part, &self.ring)?;
        let keys = reader.missing();
        if keys > 0 {
            let bytes = reader.byte_len() as u64;
            *guard = Some(reader);
            return Ok(Progress::Missing { keys, bytes });
        }
        Ok(Progress::Complete(SessionKeys {
            fingerprint: self.ring.parameters().fingerprint(),
            keys: reader.into_keys(&self.ring)?,
        }))
    }
}
