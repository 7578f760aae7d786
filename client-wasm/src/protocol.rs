//! What the page and the crypto worker say to each other.
//!
//! Knows messages and their bytes; knows neither keys nor the network. A message travels as one
//! array whose memory is handed over, not copied.
//!
//! **Invariant:** no message has room for a secret key, and a failure is a message like any other.

use bincode::{Decode, Encode, config};
use js_sys::{Array, Uint8Array};
use thiserror::Error;
use wasm_bindgen::{JsCast, JsValue};

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
}

/// What the page asks of the worker.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
pub enum ToWorker {
    /// Make a key pair for a model.
    MakeKeys {
        /// What they are called from now on.
        keys: KeysId,
        /// The evaluator's description of the model, [`shared::api::ModelInfo`] as JSON.
        model: String,
    },
    /// Wipe a secret key.
    ForgetKeys {
        /// Its name.
        keys: KeysId,
    },
    /// Encrypt a prepared drawing.
    Encrypt {
        /// The key to encrypt with.
        keys: KeysId,
        /// The drawing's job.
        job: JobId,
        /// 28×28 numbers in `[0, 1]`, row by row.
        input: Vec<f64>,
    },
    /// Decrypt the evaluator's reply.
    Decrypt {
        /// The key that the drawing was encrypted with.
        keys: KeysId,
        /// The drawing's job.
        job: JobId,
        /// The reply as it came.
        reply: Vec<u8>,
    },
}

/// What the worker tells the page.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
pub enum FromWorker {
    /// The worker listens now.
    Started,
    /// The next piece of the evaluation keys.
    KeyPiece {
        /// The keys' name.
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
    KeysMade {
        /// The keys' name.
        keys: KeysId,
        /// Milliseconds it took.
        ms: f64,
    },
    /// An encrypted drawing.
    Query {
        /// The drawing's job.
        job: JobId,
        /// Milliseconds it took.
        ms: f64,
        /// The ciphertext.
        ciphertext: Vec<u8>,
    },
    /// A decrypted reply.
    Answer {
        /// The drawing's job.
        job: JobId,
        /// Milliseconds it took.
        ms: f64,
        /// The likeliest class.
        class: u32,
        /// One for each class; they add up to one.
        probabilities: Vec<f64>,
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
    /// The bytes are no message: the two programs come from different builds.
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
    let array = Uint8Array::from(to_bytes(message)?.as_slice());
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
    from_bytes(&array.to_vec())
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
        check_round_trip(ToWorker::MakeKeys {
            keys,
            model: "{\"id\":\"mnist-fast\"}".into(),
        });
        check_round_trip(ToWorker::ForgetKeys { keys });
        check_round_trip(ToWorker::Encrypt {
            keys,
            job,
            input: vec![0.0, 0.25, 1.0],
        });
        check_round_trip(ToWorker::Decrypt {
            keys,
            job,
            reply: vec![0, 255, 7],
        });
        check_round_trip(FromWorker::Started);
        check_round_trip(FromWorker::KeyPiece {
            keys,
            made: 2,
            pieces: 9,
            total: 2_700,
            bytes: vec![1; 300],
        });
        check_round_trip(FromWorker::KeysMade { keys, ms: 41.5 });
        check_round_trip(FromWorker::Query {
            job,
            ms: 1.5,
            ciphertext: vec![9; 1000],
        });
        let probabilities = vec![0.25; 4];
        check_round_trip(FromWorker::Answer {
            job,
            ms: 0.5,
            class: 3,
            probabilities,
        });
        for task in [None, Some(Task::Keys(keys)), Some(Task::Job(job))] {
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
