//! How much the service takes on.

use std::time::Duration;

use super::body::BodyLimits;
use super::session::SessionLimits;

/// Every bound of the service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Threads for the arithmetic.
    pub threads: usize,
    /// Arithmetic running or waiting.
    pub jobs: usize,
    /// Key uploads at a time.
    pub uploads: usize,
    /// Bodies of classifications read at a time.
    pub inputs: usize,
    /// Body of a key upload.
    pub key_body: BodyLimits,
    /// Body of a classification; never more is read than the model's input takes.
    pub input_body: BodyLimits,
    /// What sessions may hold.
    pub sessions: SessionLimits,
}

impl Limits {
    /// The usual limits for this many threads.
    #[must_use]
    pub fn for_threads(threads: usize) -> Self {
        let threads = threads.max(1);
        Self {
            threads,
            // A job takes milliseconds, so this is far less than a second of waiting.
            jobs: threads.saturating_mul(16),
            uploads: 32,
            inputs: 256,
            key_body: BodyLimits {
                bytes: 16 << 20,
                time: Duration::from_secs(60),
            },
            input_body: BodyLimits {
                bytes: 1 << 20,
                time: Duration::from_secs(15),
            },
            sessions: SessionLimits::default(),
        }
    }
}
