//! How much the service takes on.

use std::time::Duration;

use shared::wire::MAX_BATCH;

use super::body::BodyLimits;
use super::key_store::KeyLimits;
use super::pool::Queue;
use super::rate::RateLimit;
use super::session::{SessionLimits, Share};

/// Every bound of the service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Threads for the arithmetic.
    pub threads: usize,
    /// Requests with arithmetic running or waiting.
    pub queue: Queue,
    /// How long one evaluation may take; it ends behind the operation that is under way.
    pub evaluation: Duration,
    /// Digits in a request.
    pub batch: usize,
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
    /// Requests of one address to the API.
    pub address_rate: RateLimit,
    /// Requests to one session.
    pub session_rate: RateLimit,
}

impl Limits {
    /// The usual limits for this many threads.
    #[must_use]
    pub fn for_threads(threads: usize) -> Self {
        let threads = threads.max(1);
        let minute = Duration::from_secs(60);
        Self {
            threads,
            queue: Queue {
                // A digit takes milliseconds, so this is far less than a second of waiting, and a
                // few seconds if all of them are full batches.
                places: threads.saturating_mul(16),
                wait: Duration::from_secs(5),
            },
            evaluation: Duration::from_secs(30),
            batch: MAX_BATCH,
            uploads: 32,
            inputs: 1024,
            key_body: BodyLimits {
                bytes: 16 << 20,
                time: minute,
            },
            input_body: BodyLimits {
                bytes: 16 << 20,
                time: Duration::from_secs(15),
            },
            partial_keys: SessionLimits {
                idle: minute,
                life: 10 * minute,
                all: Share {
                    count: 256,
                    bytes: 256 << 20,
                },
                each: Share {
                    count: 64,
                    bytes: 64 << 20,
                },
            },
            // Each holds up to a few hundred megabytes.
            bulks: threads,
            bulk_body: BodyLimits {
                bytes: 128 << 20,
                time: 2 * minute,
            },
            sessions: SessionLimits::default(),
            address_rate: RateLimit {
                per_second: 200,
                burst: 400,
            },
            session_rate: RateLimit {
                per_second: 50,
                burst: 100,
            },
        }
    }

    /// Those of the key store.
    #[must_use]
    pub fn keys(&self) -> KeyLimits {
        KeyLimits {
            sessions: self.sessions,
            uploads: self.partial_keys,
        }
    }
}
