//! What the crypto worker does with a message.
//!
//! Knows the client's keys, where they are stored and the clock it is given; knows neither browser
//! nor network, so it runs in a native test just as in the worker.
//!
//! **Invariant:** every message is answered, with [`FromWorker::Failed`] if need be, and no answer
//! contains the secret key but as a sealed file.

use std::collections::BTreeMap;
use std::sync::Arc;

use client::sealed::{SealedError, SealedKey};
use client::{ClientError, ClientKeys, Logits, Plaintext, Plan};
use shared::wire::WireError;
use thiserror::Error;
use zeroize::Zeroizing;

use crate::passphrase::Passphrase;
use crate::protocol::{FromWorker, JobId, KeysId, StoreWish, Task, ToWorker};
use crate::store::{Record, Store, StoreError};

/// Why the worker can't follow a message.
#[derive(Debug, Error)]
enum CryptoError {
    #[error("there are no such keys; reload the page to make them")]
    NoKeys,
    #[error("the server's description of its model can't be read: {0}")]
    Model(serde_json::Error),
    #[error("the model's list of keys has no encoding: {0}")]
    Unwritable(serde_json::Error),
    #[error(transparent)]
    Client(#[from] ClientError),
    #[error(transparent)]
    Sealed(#[from] SealedError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Tells the time.
#[derive(Clone, Copy)]
pub struct Clock {
    /// Milliseconds since some moment; never goes back.
    pub now: fn() -> f64,
    /// Milliseconds since 1970.
    pub date: fn() -> f64,
}

/// A secret key in use.
struct Held {
    keys: ClientKeys,
    /// When it was made, in milliseconds since 1970.
    made_at: f64,
}

/// The secret keys, and how to use them.
pub struct Crypto<S> {
    keys: BTreeMap<KeysId, Held>,
    /// The last plan, with the description that it came from.
    plan: Option<(String, Arc<Plan>)>,
    store: S,
    clock: Clock,
}

/// Where answers go.
pub type Tell<'a> = &'a mut dyn FnMut(&FromWorker);

impl<S: Store> Crypto<S> {
    /// Starts without keys.
    pub fn new(store: S, clock: Clock) -> Self {
        Self {
            keys: BTreeMap::new(),
            plan: None,
            store,
            clock,
        }
    }

    /// Follows one message and tells its results as they come.
    pub async fn handle(&mut self, message: ToWorker, tell: Tell<'_>) {
        let (task, done) = match message {
            ToWorker::RestoreKeys { keys, model } => {
                (Task::Keys(keys), self.restore(keys, model, tell).await)
            }
            ToWorker::MakeKeys { keys, model } => (Task::Keys(keys), self.make(keys, model, tell)),
            ToWorker::OpenKeys {
                keys,
                model,
                passphrase,
                file,
            } => (
                Task::Keys(keys),
                self.open(keys, model, &passphrase, &file, tell),
            ),
            ToWorker::SealKeys { keys, passphrase } => {
                (Task::Keys(keys), self.seal(keys, &passphrase, tell))
            }
            ToWorker::MakeEvaluationKeys { keys } => {
                (Task::Keys(keys), self.make_evaluation_keys(keys, tell))
            }
            ToWorker::StoreKeys {
                keys,
                session,
                wanted,
            } => (
                Task::Keys(keys),
                self.put(keys, session, wanted, tell).await,
            ),
            ToWorker::EmptyStore => (Task::Store, self.empty_store(tell).await),
            ToWorker::ForgetKeys { keys } => {
                self.keys.remove(&keys);
                return;
            }
            ToWorker::Encrypt { keys, job, inputs } => {
                let inputs = Zeroizing::new(inputs);
                (Task::Job(job), self.encrypt(keys, job, &inputs, tell))
            }
            ToWorker::Decrypt {
                keys,
                job,
                digits,
                reply,
            } => (
                Task::Job(job),
                self.decrypt(keys, job, digits, &reply, tell),
            ),
        };
        if let Err(error) = done {
            tell(&FromWorker::Failed {
                task: Some(task),
                reason: error.to_string(),
            });
        }
    }

    async fn restore(
        &mut self,
        id: KeysId,
        model: String,
        tell: Tell<'_>,
    ) -> Result<(), CryptoError> {
        let start = (self.clock.now)();
        let plan = self.plan(model)?;
        let record = match self.store.get(&plan.info().id).await {
            Err(StoreError::Unavailable) => None,
            record => record?,
        };
        let found = record.map(|record| {
            let keys = ClientKeys::from_file(Arc::clone(&plan), &record.key);
            keys.map(|keys| (keys, record))
        });
        match found {
            Some(Ok((keys, record))) => {
                let same = record.evaluation_keys == evaluation_keys(&plan)?;
                let session = record.session.clone().filter(|_| same);
                self.take(id, keys, record.made_at, session, start, tell);
            }
            // The server has other parameters for the model by now.
            None | Some(Err(ClientError::Wire(WireError::ParameterSet { .. }))) => {
                let others = self.stores_any().await?;
                tell(&FromWorker::NothingStored { keys: id, others });
            }
            Some(Err(error)) => return Err(error.into()),
        }
        Ok(())
    }

    fn make(&mut self, id: KeysId, model: String, tell: Tell<'_>) -> Result<(), CryptoError> {
        let start = (self.clock.now)();
        let keys = ClientKeys::generate(self.plan(model)?)?;
        self.take(id, keys, (self.clock.date)(), None, start, tell);
        Ok(())
    }

    fn open(
        &mut self,
        id: KeysId,
        model: String,
        passphrase: &Passphrase,
        file: &[u8],
        tell: Tell<'_>,
    ) -> Result<(), CryptoError> {
        let start = (self.clock.now)();
        let sealed = SealedKey::read(file)?;
        let keys = sealed.open(self.plan(model)?, passphrase.text())?;
        self.take(id, keys, sealed.made_at as f64, None, start, tell);
        Ok(())
    }

    /// Takes a secret key into use.
    fn take(
        &mut self,
        id: KeysId,
        keys: ClientKeys,
        made_at: f64,
        session: Option<String>,
        start: f64,
        tell: Tell<'_>,
    ) {
        self.keys.insert(id, Held { keys, made_at });
        tell(&FromWorker::KeysReady {
            keys: id,
            made_at,
            session,
            ms: (self.clock.now)() - start,
        });
    }

    fn seal(&self, id: KeysId, passphrase: &Passphrase, tell: Tell<'_>) -> Result<(), CryptoError> {
        let Held { keys, made_at } = self.held(id)?;
        let file = keys.seal(passphrase.text(), *made_at as u64)?;
        tell(&FromWorker::KeysSealed { keys: id, file });
        Ok(())
    }

    async fn put(
        &self,
        id: KeysId,
        session: Option<String>,
        wanted: StoreWish,
        tell: Tell<'_>,
    ) -> Result<(), CryptoError> {
        let Held { keys, made_at } = self.held(id)?;
        let (model, key) = (&keys.plan().info().id, keys.to_file());
        if wanted == StoreWish::Update {
            let stored = self.store.get(model).await?;
            if stored.is_none_or(|stored| stored.key != *key) {
                let others = self.stores_any().await?;
                tell(&FromWorker::NothingStored { keys: id, others });
                return Ok(());
            }
        }
        let record = Record {
            key: key.to_vec(),
            made_at: *made_at,
            session,
            evaluation_keys: evaluation_keys(keys.plan())?,
        };
        self.store.put(model, &record).await?;
        tell(&FromWorker::KeysStored { keys: id });
        Ok(())
    }

    async fn empty_store(&self, tell: Tell<'_>) -> Result<(), CryptoError> {
        // What can't be read is deleted, too.
        let records = self.store.all().await.unwrap_or_default();
        match self.store.clear().await {
            Ok(()) | Err(StoreError::Unavailable) => {}
            Err(error) => return Err(error.into()),
        }
        let sessions = records.iter().filter_map(|record| record.session.clone());
        tell(&FromWorker::StoreEmptied {
            sessions: sessions.collect(),
        });
        Ok(())
    }

    async fn stores_any(&self) -> Result<bool, CryptoError> {
        match self.store.all().await {
            Ok(records) => Ok(!records.is_empty()),
            Err(StoreError::Unavailable) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    fn make_evaluation_keys(&self, id: KeysId, tell: Tell<'_>) -> Result<(), CryptoError> {
        let start = (self.clock.now)();
        let pieces = self.held(id)?.keys.evaluation_keys();
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
        tell(&FromWorker::EvaluationKeysMade {
            keys: id,
            ms: (self.clock.now)() - start,
        });
        Ok(())
    }

    fn encrypt(
        &self,
        keys: KeysId,
        job: JobId,
        inputs: &[Vec<f64>],
        tell: Tell<'_>,
    ) -> Result<(), CryptoError> {
        let start = (self.clock.now)();
        let keys = &self.held(keys)?.keys;
        let plaintexts = inputs.iter().map(|input| keys.encode(input));
        let plaintexts: Vec<Plaintext<'_>> = plaintexts.collect::<Result<_, _>>()?;
        let encoded = (self.clock.now)();
        let ciphertext = match plaintexts.as_slice() {
            [plaintext] => plaintext.encrypt()?,
            plaintexts => keys.encrypt_plaintexts(plaintexts)?,
        };
        tell(&FromWorker::Query {
            job,
            encode_ms: encoded - start,
            encrypt_ms: (self.clock.now)() - encoded,
            ciphertext,
        });
        Ok(())
    }

    fn decrypt(
        &self,
        keys: KeysId,
        job: JobId,
        digits: u32,
        reply: &[u8],
        tell: Tell<'_>,
    ) -> Result<(), CryptoError> {
        let start = (self.clock.now)();
        let keys = &self.held(keys)?.keys;
        let logits = if digits == 1 {
            vec![keys.decrypt(reply)?]
        } else {
            keys.decrypt_batch(reply)?
        };
        tell(&FromWorker::Answer {
            job,
            ms: (self.clock.now)() - start,
            probabilities: logits.iter().map(Logits::probabilities).collect(),
        });
        Ok(())
    }

    fn held(&self, id: KeysId) -> Result<&Held, CryptoError> {
        self.keys.get(&id).ok_or(CryptoError::NoKeys)
    }

    /// The plan that a description makes, checked once for all messages in a row that bring it.
    fn plan(&mut self, model: String) -> Result<Arc<Plan>, CryptoError> {
        match &self.plan {
            Some((of, plan)) if *of == model => Ok(Arc::clone(plan)),
            _ => {
                let info = serde_json::from_str(&model).map_err(CryptoError::Model)?;
                let plan = Arc::new(Plan::new(info)?);
                self.plan = Some((model, Arc::clone(&plan)));
                Ok(plan)
            }
        }
    }
}

/// The evaluation keys that a model needs.
fn evaluation_keys(plan: &Plan) -> Result<String, CryptoError> {
    serde_json::to_string(&plan.info().keys).map_err(CryptoError::Unwritable)
}

#[cfg(test)]
mod tests;
