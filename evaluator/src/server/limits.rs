//! How much the service takes on.

use std::time::Duration;

use super::body::BodyLimits;
use super::session::SessionLimits;

/// Every bound of the service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Threads for the arithmetic.
    pub threads: usize,
    /// Requests with arithmetic running or waiting.
    pub jobs: usize,
    /// Key uploads at a time.
    pub uploads: usize,
    /// Digits being received, waiting or evaluated at a time; a batch counts as many as it may
    /// hold by its length.
    pub inputs: usize,
    /// Body of a key upload, or of a part of one.
    pub key_body: BodyLimits,
    /// Body of a classification; never more is read than a full batch of the model's inputs takes.
    pub input_body: BodyLimits,
    /// What uploads in parts may hold before they are complete.
    pub partial_keys: SessionLimits,
    /// Requests with many images being received, waiting or evaluated at a time.
    pub bulks: usize,
    /// Body of such a request; never more is read than the model's message takes.
    pub bulk_body: BodyLimits,
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
            // A digit takes milliseconds, so this is far less than a second of waiting, and a few
            // seconds if all of them are full batches.
            jobs: threads.saturating_mul(16),
            uploads: 32,
            inputs: 1024,
            key_body: BodyLimits {
                bytes: 16 << 20,
                time: Duration::from_secs(60),
            },
            input_body: BodyLimits {
                bytes: 16 << 20,
                time: Duration::from_secs(15),
            },
            partial_keys: SessionLimits {
                idle: Duration::from_secs(60),
                bytes: 256 << 20,
                count: 256,
            },
            // Each holds up to a few hundred megabytes.
            bulks: threads,
            bulk_body: BodyLimits {
                bytes: 128 << 20,
                time: Duration::from_secs(120),
            },
            sessions: SessionLimits::default(),
        }
    }
}
