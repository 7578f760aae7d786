//! Errors of other modules as problems: their words stay, this adds kind, title and status.
//!
//! | kind | status | the message |
//! |---|---|---|
//! | `wrong-version` | 400 | is of another version of the format |
//! | `wrong-parameter-set` | 400 | was made for another parameter set |
//! | `wrong-message` | 400 | is none of Inkveil's, or of another kind |
//! | `truncated-body` | 400 | ends too early |
//! | `trailing-bytes` | 400 | goes on after its end |
//! | `residue-out-of-range` | 400 | has a residue that isn't below its prime |
//! | `malformed-body` | 400 | is wrong in another way |
//! | `missing-key` | 422 | is fine, but the session lacks a key for the circuit |
//! | `key-level-wrong` | 422 | is fine, but a key was made for another level |
//! | `key-digits-too-large` | 422 | is fine, but a key's digits have more primes than asked for |
//! | `wrong-input` | 422 | is a ciphertext of another level or scale than the circuit takes |

use actix_web::http::StatusCode;
use shared::wire::WireError;

use super::ApiError;
use crate::engine::EvalError;
use crate::server::pool::PoolError;
use crate::server::session::SessionError;

const WRONG_SET: (&str, &str) = ("wrong-parameter-set", "Wrong parameter set");

fn malformed(kind: &'static str, title: &'static str, detail: String) -> ApiError {
    ApiError::Message {
        kind,
        title,
        status: StatusCode::BAD_REQUEST,
        detail,
    }
}

impl From<WireError> for ApiError {
    fn from(error: WireError) -> Self {
        let (kind, title) = match error {
            WireError::Version { .. } => ("wrong-version", "Wrong format version"),
            WireError::ParameterSet { .. } => WRONG_SET,
            WireError::Magic | WireError::Kind { .. } => ("wrong-message", "Wrong message"),
            WireError::Truncated { .. } => ("truncated-body", "Truncated body"),
            WireError::Trailing { .. } => ("trailing-bytes", "Trailing bytes"),
            WireError::Residue { .. } => ("residue-out-of-range", "Residue out of range"),
            _ => ("malformed-body", "Malformed body"),
        };
        malformed(kind, title, error.to_string())
    }
}

impl From<EvalError> for ApiError {
    fn from(error: EvalError) -> Self {
        let (kind, title) = match error {
            EvalError::MissingKey { .. } => ("missing-key", "Missing evaluation key"),
            EvalError::KeyLevel { .. } => ("key-level-wrong", "Evaluation key of another level"),
            EvalError::KeyDigits { .. } => {
                ("key-digits-too-large", "Evaluation key of large digits")
            }
            EvalError::Input { .. } => ("wrong-input", "Wrong input"),
            // Keys and input were checked: what is left is the circuit's own mistake.
            _ => {
                tracing::error!(%error, "the circuit failed");
                return Self::Internal;
            }
        };
        let status = StatusCode::UNPROCESSABLE_ENTITY;
        Self::Message {
            kind,
            title,
            status,
            detail: error.to_string(),
        }
    }
}

impl From<SessionError> for ApiError {
    fn from(error: SessionError) -> Self {
        match error {
            SessionError::TooLarge { bytes, limit } => Self::KeysTooLarge { bytes, limit },
            SessionError::OwnerFull { limit, retry_after } => {
                Self::TooManySessions { limit, retry_after }
            }
            SessionError::NoRandomness => Self::NoRandomness,
        }
    }
}

impl From<PoolError> for ApiError {
    fn from(error: PoolError) -> Self {
        match error {
            PoolError::Full { places } => Self::Busy {
                places,
                what: "arithmetic",
            },
            PoolError::Waited { limit } => Self::QueueWait { limit },
            PoolError::Panicked => {
                tracing::error!("a job panicked");
                Self::Internal
            }
        }
    }
}

impl ApiError {
    /// The same about one digit of a batch.
    #[must_use]
    pub fn of_digit(mut self, number: usize, count: usize) -> Self {
        if let Self::Message { detail, .. } = &mut self {
            *detail = format!("digit {number} of {count}: {detail}");
        }
        self
    }

    /// Keys for a parameter set that no loaded model uses.
    #[must_use]
    pub fn unserved_parameters(found: u64, served: &[String]) -> Self {
        let (kind, title) = WRONG_SET;
        let served = served.join(", ");
        let detail = format!(
            "the keys were made for parameter set {found:016x}; the models here use {served}"
        );
        malformed(kind, title, detail)
    }

    /// A session whose keys are for another parameter set than the model's.
    #[must_use]
    pub fn keys_of_other_parameters(model: &str, expected: &str) -> Self {
        let (kind, title) = WRONG_SET;
        let detail = format!(
            "the session's keys are not for parameter set {expected}, which model {model} uses; \
             make keys for it and open a session with them"
        );
        malformed(kind, title, detail)
    }
}
