//! What the crypto worker does with a message.
//!
//! Knows the client's keys and the clock it is given; knows neither browser nor network, so it
//! runs in a native test just as in the worker.
//!
//! **Invariant:** every message is answered, with [`FromWorker::Failed`] if need be, and no answer
//! contains the secret key.

use std::sync::Arc;

use client::{ClientError, ClientKeys, Plan};
use thiserror::Error;

use crate::protocol::{FromWorker, JobId, ToWorker};

/// Why the worker can't follow a message.
#[derive(Debug, Error)]
enum CryptoError {
    #[error("there are no keys yet; reload the page to make them")]
    NoKeys,
    #[error("the server's description of its model can't be read: {0}")]
    Model(#[from] serde_json::Error),
    #[error(transparent)]
    Client(#[from] ClientError),
}

/// The keys, and how to use them.
pub struct Crypto {
    keys: Option<ClientKeys>,
    now: fn() -> f64,
}

impl Crypto {
    /// Starts without keys; `now` tells the time in milliseconds.
    pub fn new(now: fn() -> f64) -> Self {
        Self { keys: None, now }
    }

    /// Follows one message and tells its results as they come.
    pub fn handle(&mut self, message: ToWorker, tell: &mut dyn FnMut(&FromWorker)) {
        let (job, done) = match message {
            ToWorker::MakeKeys { model } => (None, self.make_keys(&model, tell)),
            ToWorker::Encrypt { job, input } => (Some(job), self.encrypt(job, &input, tell)),
            ToWorker::Decrypt { job, reply } => (Some(job), self.decrypt(job, &reply, tell)),
        };
        if let Err(error) = done {
            tell(&FromWorker::Failed {
                job,
                reason: error.to_string(),
            });
        }
    }

    fn make_keys(
        &mut self,
        model: &str,
        tell: &mut dyn FnMut(&FromWorker),
    ) -> Result<(), CryptoError> {
        let start = (self.now)();
        self.keys = None;
        let keys = ClientKeys::generate(Arc::new(Plan::new(serde_json::from_str(model)?)?))?;
        let pieces = keys.evaluation_keys();
        let count = u32::try_from(pieces.len()).unwrap_or(u32::MAX);
        let total = pieces.bytes() as u64;
        for (made, piece) in (1..).zip(pieces) {
            tell(&FromWorker::KeyPiece {
                made,
                pieces: count,
                total,
                bytes: piece?,
            });
        }
        self.keys = Some(keys);
        tell(&FromWorker::KeysMade {
            ms: (self.now)() - start,
        });
        Ok(())
    }

    fn encrypt(
        &self,
        job: JobId,
        input: &[f64],
        tell: &mut dyn FnMut(&FromWorker),
    ) -> Result<(), CryptoError> {
        let start = (self.now)();
        let ciphertext = self.keys()?.encrypt(input)?;
        tell(&FromWorker::Query {
            job,
            ms: (self.now)() - start,
            ciphertext,
        });
        Ok(())
    }

    fn decrypt(
        &self,
        job: JobId,
        reply: &[u8],
        tell: &mut dyn FnMut(&FromWorker),
    ) -> Result<(), CryptoError> {
        let start = (self.now)();
        let logits = self.keys()?.decrypt(reply)?;
        let ms = (self.now)() - start;
        let class = u32::try_from(logits.argmax()).unwrap_or(u32::MAX);
        tell(&FromWorker::Answer {
            job,
            ms,
            class,
            probabilities: logits.probabilities(),
        });
        Ok(())
    }

    fn keys(&self) -> Result<&ClientKeys, CryptoError> {
        self.keys.as_ref().ok_or(CryptoError::NoKeys)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_failure(message: ToWorker, job: Option<JobId>, part: &str) {
        let mut told = Vec::new();
        Crypto::new(|| 0.0).handle(message, &mut |message| told.push(message.clone()));
        let [FromWorker::Failed { job: of, reason }] = told.as_slice() else {
            panic!("expected one failure, got {told:?}");
        };
        assert_eq!(*of, job);
        assert!(reason.contains(part), "{reason}");
    }

    #[test]
    fn failures_are_told() {
        let job = JobId::default().next();
        check_failure(
            ToWorker::Encrypt {
                job,
                input: vec![0.0; 784],
            },
            Some(job),
            "no keys yet",
        );
        check_failure(
            ToWorker::Decrypt {
                job,
                reply: vec![1, 2],
            },
            Some(job),
            "no keys yet",
        );
        check_failure(
            ToWorker::MakeKeys { model: "{}".into() },
            None,
            "can't be read",
        );
    }
}
