//! What the page and the crypto worker say to each other.
//!
//! Knows messages and their bytes; knows neither keys nor the network. A message travels as one
//! array whose memory is handed over, not copied.
//!
//! **Invariant:** no message has room for a secret key but as a sealed file, and a failure is a
//! message like any other.

use bincode::{Decode, Encode, config};
use js_sys::{Array, Uint8Array};
use thiserror::Error;
use wasm_bindgen::{JsCast, JsValue};
use zeroize::Zeroizing;

use crate::passphrase::Passphrase;

/// Names one wish to have a drawing read. An answer that carries an older one comes too late.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Encode, Decode)]
pub struct JobId(u32);

impl JobId {
    /// The one after this.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0.wrapping_add(1))
    }
}

/// Names one wish to have keys made, and the secret key that comes of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Encode, Decode)]
pub struct KeysId(u32);

impl KeysId {
    /// The one after this.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0.wrapping_add(1))
    }
}

/// What a failure is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub enum Task {
    /// Making keys.
    Keys(KeysId),
    /// A drawing.
    Job(JobId),
    /// What this device stores.
    Store,
}

/// Why a key is to be stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub enum StoreWish {
    /// A person wants this key stored, whatever is stored of the model now.
    Put,
    /// Its session is another one now: only if it is this key that is stored. Another tab may have
    /// deleted it, or stored another.
    Update,
}

/// What the page asks of the worker.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
pub enum ToWorker {
    /// Look whether this device stores a secret key for a model, and take it into use.
    RestoreKeys {
        /// What the key is called from now on.
        keys: KeysId,
        /// The evaluator's description of the model, [`shared::api::ModelInfo`] as JSON.
        model: String,
    },
    /// Make a secret key for a model.
    MakeKeys {
        /// What it is called from now on.
        keys: KeysId,
        /// The evaluator's description of the model, as JSON.
        model: String,
    },
    /// Take the secret key of a file into use.
    OpenKeys {
        /// What it is called from now on.
        keys: KeysId,
        /// The evaluator's description of the model, as JSON.
        model: String,
        /// What the file is sealed with.
        passphrase: Passphrase,
        /// The file as [`FromWorker::KeysSealed`] gave it.
        file: Vec<u8>,
    },
    /// Write a secret key as a file that only the passphrase opens.
    SealKeys {
        /// Its name.
        keys: KeysId,
        /// What the file is sealed with.
        passphrase: Passphrase,
    },
    /// Make the evaluation keys of a secret key, piece by piece.
    MakeEvaluationKeys {
        /// The secret key's name.
        keys: KeysId,
    },
    /// Have this device store a secret key, and the name of the session that holds its evaluation
    /// keys.
    StoreKeys {
        /// The secret key's name.
        keys: KeysId,
        /// The session's name.
        session: Option<String>,
        /// Who wants it.
        wanted: StoreWish,
    },
    /// Delete what this device stores; keys in use stay.
    EmptyStore,
    /// Wipe a secret key, not what this device stores of it.
    ForgetKeys {
        /// Its name.
        keys: KeysId,
    },
    /// Encrypt the prepared digits of a drawing for one request.
    Encrypt {
        /// The key to encrypt with.
        keys: KeysId,
        /// The drawing's job.
        job: JobId,
        /// For each digit 28×28 numbers in `[0, 1]`, row by row.
        inputs: Vec<Vec<f64>>,
    },
    /// Decrypt the evaluator's reply.
    Decrypt {
        /// The key that the drawing was encrypted with.
        keys: KeysId,
        /// The drawing's job.
        job: JobId,
        /// How many digits the request held.
        digits: u32,
        /// The reply as it came.
        reply: Vec<u8>,
    },
}

/// What the worker tells the page.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
pub enum FromWorker {
    /// The worker listens now.
    Started,
    /// A secret key is in use, whether made, restored or opened.
    KeysReady {
        /// Its name.
        keys: KeysId,
        /// When it was made, in milliseconds since 1970.
        made_at: f64,
        /// The session that held its evaluation keys when it was stored.
        session: Option<String>,
        /// Milliseconds it took.
        ms: f64,
    },
    /// This device stores no key for the model, or not this one.
    NothingStored {
        /// What the key is or would have been called.
        keys: KeysId,
        /// True if it stores keys for other models.
        others: bool,
    },
    /// A secret key as a sealed file.
    KeysSealed {
        /// The key's name.
        keys: KeysId,
        /// The file.
        file: Vec<u8>,
    },
    /// The device stores the key now.
    KeysStored {
        /// The key's name.
        keys: KeysId,
    },
    /// The device stores no key any more.
    StoreEmptied {
        /// The sessions that were stored with the keys.
        sessions: Vec<String>,
    },
    /// The next piece of the evaluation keys.
    KeyPiece {
        /// The secret key's name.
        keys: KeysId,
        /// Pieces made, this one included.
        made: u32,
        /// Pieces in all.
        pieces: u32,
        /// Bytes of all pieces.
        total: u64,
        /// To be appended to the upload.
        bytes: Vec<u8>,
    },
    /// All pieces have been told.
    EvaluationKeysMade {
        /// The secret key's name.
        keys: KeysId,
        /// Milliseconds it took.
        ms: f64,
    },
    /// An encrypted drawing.
    Query {
        /// The drawing's job.
        job: JobId,
        /// Milliseconds that encoding took.
        encode_ms: f64,
        /// Milliseconds that encrypting took.
        encrypt_ms: f64,
        /// The request's body: one ciphertext, or a batch of several digits'.
        ciphertext: Vec<u8>,
    },
    /// A decrypted reply.
    Answer {
        /// The drawing's job.
        job: JobId,
        /// Milliseconds it took.
        ms: f64,
        /// For each digit one probability for each class; they add up to one.
        probabilities: Vec<Vec<f64>>,
    },
    /// The last message could not be followed.
    Failed {
        /// What it was about, if it could be read.
        task: Option<Task>,
        /// What went wrong, for people.
        reason: String,
    },
}

/// Why a message can't be told or understood.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ProtocolError {
    /// The other side sent something that is no array of bytes.
    #[error("a message between page and worker is not an array of bytes; reload the page")]
    NotBytes,
    /// The bytes are no message: page and worker come from different builds.
    #[error("page and worker do not understand each other ({0}); reload the page")]
    Malformed(String),
    /// The browser refused to hand the message over.
    #[error("the browser did not deliver a message between page and worker")]
    Undelivered,
}

/// Writes a message as bytes.
///
/// # Errors
/// [`ProtocolError::Malformed`] if the message has no encoding.
pub fn to_bytes<M: Encode>(message: &M) -> Result<Vec<u8>, ProtocolError> {
    bincode::encode_to_vec(message, config::standard())
        .map_err(|error| ProtocolError::Malformed(error.to_string()))
}

/// Reads a message from bytes.
///
/// # Errors
/// [`ProtocolError::Malformed`] if they are not exactly one message.
pub fn from_bytes<M: Decode<()>>(bytes: &[u8]) -> Result<M, ProtocolError> {
    match bincode::decode_from_slice(bytes, config::standard()) {
        Ok((message, read)) if read == bytes.len() => Ok(message),
        Ok((_, read)) => Err(ProtocolError::Malformed(format!(
            "{} bytes too many",
            bytes.len() - read
        ))),
        Err(error) => Err(ProtocolError::Malformed(error.to_string())),
    }
}

/// Writes a message as what the browser delivers, and the list of what is handed over with it.
///
/// # Errors
/// As [`to_bytes`].
pub fn to_js<M: Encode>(message: &M) -> Result<(JsValue, JsValue), ProtocolError> {
    // A message may hold a passphrase or a drawing.
    let bytes = Zeroizing::new(to_bytes(message)?);
    let array = Uint8Array::from(bytes.as_slice());
    let handed_over = Array::of1(&array.buffer());
    Ok((array.into(), handed_over.into()))
}

/// Reads a message that the browser delivered.
///
/// # Errors
/// [`ProtocolError::NotBytes`], or as [`from_bytes`].
pub fn from_js<M: Decode<()>>(value: &JsValue) -> Result<M, ProtocolError> {
    let array = value
        .dyn_ref::<Uint8Array>()
        .ok_or(ProtocolError::NotBytes)?;
    from_bytes(&Zeroizing::new(array.to_vec()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_round_trip<M: Encode + Decode<()> + PartialEq + std::fmt::Debug>(message: M) {
        let bytes = to_bytes(&message).unwrap();
        assert_eq!(from_bytes::<M>(&bytes), Ok(message));
    }

    #[test]
    fn messages_survive_the_way() {
        let (job, keys) = (JobId::default().next(), KeysId::default().next());
        let model = || "{\"id\":\"mnist-fast\"}".to_owned();
        let passphrase = || Passphrase::new("correct horse".into());
        let session = Some("5e55".to_owned());
        check_round_trip(ToWorker::RestoreKeys {
            keys,
            model: model(),
        });
        check_round_trip(ToWorker::MakeKeys {
            keys,
            model: model(),
        });
        check_round_trip(ToWorker::OpenKeys {
            keys,
            model: model(),
            passphrase: passphrase(),
            file: vec![7; 200],
        });
        check_round_trip(ToWorker::SealKeys {
            keys,
            passphrase: passphrase(),
        });
        check_round_trip(ToWorker::MakeEvaluationKeys { keys });
        check_round_trip(ToWorker::StoreKeys {
            keys,
            session: session.clone(),
            wanted: StoreWish::Update,
        });
        check_round_trip(ToWorker::EmptyStore);
        check_round_trip(ToWorker::ForgetKeys { keys });
        check_round_trip(ToWorker::Encrypt {
            keys,
            job,
            inputs: vec![vec![0.0, 0.25, 1.0]; 2],
        });
        check_round_trip(ToWorker::Decrypt {
            keys,
            job,
            digits: 2,
            reply: vec![0, 255, 7],
        });
        check_round_trip(FromWorker::Started);
        check_round_trip(FromWorker::KeysReady {
            keys,
            made_at: 1.8e12,
            session,
            ms: 41.5,
        });
        check_round_trip(FromWorker::NothingStored { keys, others: true });
        check_round_trip(FromWorker::KeysSealed {
            keys,
            file: vec![3; 150],
        });
        check_round_trip(FromWorker::KeysStored { keys });
        let sessions = vec!["5e55".to_owned()];
        check_round_trip(FromWorker::StoreEmptied { sessions });
        check_round_trip(FromWorker::KeyPiece {
            keys,
            made: 2,
            pieces: 9,
            total: 2_700,
            bytes: vec![1; 300],
        });
        check_round_trip(FromWorker::EvaluationKeysMade { keys, ms: 41.5 });
        check_round_trip(FromWorker::Query {
            job,
            encode_ms: 0.5,
            encrypt_ms: 1.5,
            ciphertext: vec![9; 1000],
        });
        let probabilities = vec![vec![0.25; 4], vec![0.5; 2]];
        check_round_trip(FromWorker::Answer {
            job,
            ms: 0.5,
            probabilities,
        });
        let tasks = [Task::Keys(keys), Task::Job(job), Task::Store].map(Some);
        for task in tasks.into_iter().chain([None]) {
            check_round_trip(FromWorker::Failed {
                task,
                reason: "no keys yet".into(),
            });
        }
    }

    #[test]
    fn damaged_messages_are_refused() {
        let whole = to_bytes(&ToWorker::Decrypt {
            keys: KeysId::default(),
            job: JobId::default(),
            digits: 1,
            reply: vec![5; 8],
        })
        .unwrap();
        let short = from_bytes::<ToWorker>(&whole[..whole.len() - 1]);
        assert!(
            matches!(short, Err(ProtocolError::Malformed(_))),
            "{short:?}"
        );
        let long = from_bytes::<ToWorker>(&[whole, vec![0]].concat());
        assert_eq!(
            long,
            Err(ProtocolError::Malformed("1 bytes too many".into()))
        );
    }
}
