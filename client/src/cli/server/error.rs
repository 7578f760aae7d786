//! Why a server gave no answer that can be used.

use client::models::{self, ChoiceError};
use shared::api::{API_VERSION, PROBLEM_SESSION_GONE, Problem};
use thiserror::Error;
use ureq::http::StatusCode;

/// Why a server gave no answer that can be used.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ServerError {
    /// The address can't be one.
    #[error("{address:?} is no server's address; give one such as http://127.0.0.1:8080")]
    Address {
        /// What was given.
        address: String,
    },
    /// No connection, or it broke.
    #[error("{server} can't be reached: {reason}")]
    Unreachable {
        /// The address.
        server: String,
        /// The connection's words.
        reason: String,
    },
    /// The server said why not.
    #[error("{server} refused: {} ({}): {}", problem.title, problem.status, problem.detail)]
    Refused {
        /// The address.
        server: String,
        /// The server's words.
        problem: Problem,
    },
    /// Something else listens there.
    #[error("{server} answered {status} without a reason; is it an Inkveil evaluator?")]
    Strange {
        /// The address.
        server: String,
        /// HTTP status code.
        status: u16,
    },
    /// Requests with a body can't follow.
    #[error("{server} has moved to {to}; give that address")]
    Moved {
        /// The address.
        server: String,
        /// Where it sends its clients.
        to: String,
    },
    /// It had no time, again and again.
    #[error("{server} was busy {attempts} times in a row; try again later")]
    Busy {
        /// The address.
        server: String,
        /// Requests made.
        attempts: u32,
    },
    /// A reply of another form.
    #[error("{what} from {server} can't be read: {reason}")]
    Unreadable {
        /// The address.
        server: String,
        /// What was asked for.
        what: &'static str,
        /// The parser's words.
        reason: String,
    },
    /// It speaks another version of the protocol.
    #[error("{server} speaks version {found} of the protocol, this program version {API_VERSION}")]
    Version {
        /// The address.
        server: String,
        /// Its version.
        found: u32,
    },
    /// Nothing to classify with, or nothing of that name.
    #[error("{server}: {reason}")]
    Model {
        /// The address.
        server: String,
        /// Why there is no model.
        reason: ChoiceError,
    },
}

impl ServerError {
    /// Whether this is the refusal of a session that expired or was evicted, which uploading the
    /// keys again mends.
    pub fn is_session_gone(&self) -> bool {
        let Self::Refused { problem, .. } = self else {
            return false;
        };
        problem.status == StatusCode::GONE.as_u16() || problem.kind == PROBLEM_SESSION_GONE
    }

    /// Whether this is the refusal of a model that the server doesn't have.
    pub fn is_unknown_model(&self) -> bool {
        matches!(self, Self::Refused { problem, .. } if models::is_unknown(problem))
    }
}
