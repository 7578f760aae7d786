//! What the crypto worker does with a message.
//!
//! Knows the client's keys and the clock it is given; knows neither browser nor network, so it
//! runs in a native test just as in the worker.
//!
//! **Invariant:** every message is answered, with [`FromWorker::Failed`] if need be, and no answer
//! contains the secret key.

use std::collections::BTreeMap;
use std::sync::Arc;

use client::{ClientError, ClientKeys, Plan};
use thiserror::Error;

use crate::protocol::{FromWorker, JobId, KeysId, Task, ToWorker};

/// Why the worker can't follow a message.
#[derive(Debug, Error)]
enum CryptoError {
    #[error("there are no such keys; reload the page to make them")]
    NoKeys,
    #[error("the server's description of its model can't be read: {0}")]
    Model(#[from] serde_json::Error),
    #[error(transparent)]
    Client(#[from] ClientError),
}

/// The secret keys, and how to use them.
pub struct Crypto {
    keys: BTreeMap<KeysId, ClientKeys>,
    now: fn() -> f64,
}

impl Crypto {
    /// Starts without keys; `now` tells the time in milliseconds.
    pub fn new(now: fn() -> f64) -> Self {
        Self {
            keys: BTreeMap::new(),
            now,
        }
    }

    /// Follows one message and tells its results as they come.
    pub fn handle(&mut self, message: ToWorker, tell: &mut dyn FnMut(&FromWorker)) {
        let (task, done) = match message {
            ToWorker::MakeKeys { keys, model } => {
                (Task::Keys(keys), self.make_keys(keys, &model, tell))
            }
            ToWorker::ForgetKeys { keys } => {
                self.keys.remove(&keys);
                return;
            }
            ToWorker::Encrypt { keys, job, input } => {
                (Task::Job(job), self.encrypt(keys, job, &input, tell))
            }
            ToWorker::Decrypt { keys, job, reply } => {
                (Task::Job(job), self.decrypt(keys, job, &reply, tell))
            }
        };
        if let Err(error) = done {
            tell(&FromWorker::Failed {
                task: Some(task),
                reason: error.to_string(),
            });
        }
    }

    fn make_keys(
        &mut self,
        id: KeysId,
        model: &str,
        tell: &mut dyn FnMut(&FromWorker),
    ) -> Result<(), CryptoError> {
        let start = (self.now)();
        let keys = ClientKeys::generate(Arc::new(Plan::new(serde_json::from_str(model)?)?))?;
        let pieces = keys.evaluation_keys();
        let count = u32::try_from(pieces.len()).unwrap_or(u32::MAX);
        let total = pieces.bytes() as u64;
        for (made, piece) in (1..).zip(pieces) {
            tell(&FromWorker::KeyPiece {
                keys: id,
                made,
                pieces: count,
                total,
                bytes: piece?,
            });
        }
        self.keys.insert(id, keys);
        tell(&FromWorker::KeysMade {
            keys: id,
            ms: (self.now)() - start,
        });
        Ok(())
    }

    fn encrypt(
        &self,
        keys: KeysId,
        job: JobId,
        input: &[f64],
        tell: &mut dyn FnMut(&FromWorker),
    ) -> Result<(), CryptoError> {
        let start = (self.now)();
        let ciphertext = self.keys(keys)?.encrypt(input)?;
        tell(&FromWorker::Query {
            job,
            ms: (self.now)() - start,
            ciphertext,
        });
        Ok(())
    }

    fn decrypt(
        &self,
        keys: KeysId,
        job: JobId,
        reply: &[u8],
        tell: &mut dyn FnMut(&FromWorker),
    ) -> Result<(), CryptoError> {
        let start = (self.now)();
        let logits = self.keys(keys)?.decrypt(reply)?;
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

    fn keys(&self, id: KeysId) -> Result<&ClientKeys, CryptoError> {
        self.keys.get(&id).ok_or(CryptoError::NoKeys)
    }
}

#[cfg(test)]
mod tests {
    use shared::api::{API_VERSION, InputSpec, KeySpec, ModelInfo, OutputSpec, Preparation};
    use shared::packing::{InputPacking, OutputPacking, SlotPacking};
    use shared::params::shipped;
    use shared::ring::Level;

    use super::*;

    /// What comes of these messages, in order.
    fn told(crypto: &mut Crypto, messages: impl IntoIterator<Item = ToWorker>) -> Vec<FromWorker> {
        let mut told = Vec::new();
        for message in messages {
            crypto.handle(message, &mut |message| told.push(message.clone()));
        }
        told
    }

    #[track_caller]
    fn check_failure(crypto: &mut Crypto, message: ToWorker, task: Task, part: &str) {
        let told = told(crypto, [message]);
        let [FromWorker::Failed { task: of, reason }] = told.as_slice() else {
            panic!("expected one failure, got {told:?}");
        };
        assert_eq!(*of, Some(task));
        assert!(reason.contains(part), "{reason}");
    }

    fn encrypt(keys: KeysId, job: JobId) -> ToWorker {
        let input = vec![0.5; 4];
        ToWorker::Encrypt { keys, job, input }
    }

    #[test]
    fn failures_are_told() {
        let (job, keys) = (JobId::default().next(), KeysId::default());
        let crypto = &mut Crypto::new(|| 0.0);
        check_failure(crypto, encrypt(keys, job), Task::Job(job), "no such keys");
        let reply = vec![1, 2];
        let decrypt = ToWorker::Decrypt { keys, job, reply };
        check_failure(crypto, decrypt, Task::Job(job), "no such keys");
        let model = "{}".into();
        let make = ToWorker::MakeKeys { keys, model };
        check_failure(crypto, make, Task::Keys(keys), "can't be read");
    }

    /// A description with inputs at this level.
    fn description(level: u8) -> String {
        let parameters = shipped().remove(0);
        let info = ModelInfo {
            api_version: API_VERSION,
            id: "model".into(),
            layers: None,
            description: String::new(),
            parameters,
            input: InputSpec {
                shape: vec![4],
                preparation: Preparation::default(),
                packing: InputPacking {
                    real: (0..4).map(Some).collect(),
                    imaginary: Vec::new(),
                },
                scale: 1e3,
                level: Level(level),
            },
            output: OutputSpec {
                classes: vec!["only".into()],
                packing: OutputPacking::Slots(SlotPacking { slots: vec![0] }),
                scale: 1e3,
                log_modulus: 15,
                bound: 1.0,
            },
            bulk: None,
            keys: KeySpec::default(),
        };
        serde_json::to_string(&info).unwrap()
    }

    #[test]
    fn each_models_keys_stay_until_they_are_forgotten() {
        let crypto = &mut Crypto::new(|| 0.0);
        let ids = [KeysId::default(), KeysId::default().next()];
        for (keys, level) in ids.into_iter().zip(0..) {
            let model = description(level);
            let told = told(crypto, [ToWorker::MakeKeys { keys, model }]);
            let [
                FromWorker::KeyPiece { keys: of, .. },
                FromWorker::KeysMade { keys: made, .. },
            ] = told.as_slice()
            else {
                panic!("{told:?}");
            };
            assert_eq!((*of, *made), (keys, keys));
        }
        let job = JobId::default();
        let lengths = ids.map(|keys| match told(crypto, [encrypt(keys, job)]).pop() {
            Some(FromWorker::Query { ciphertext, .. }) => ciphertext.len(),
            other => panic!("{other:?}"),
        });
        assert!(lengths[0] < lengths[1], "{lengths:?}");
        assert_eq!(told(crypto, [ToWorker::ForgetKeys { keys: ids[0] }]), []);
        check_failure(crypto, encrypt(ids[0], job), Task::Job(job), "no such keys");
        assert_eq!(told(crypto, [encrypt(ids[1], job)]).len(), 1);
    }
}
