//! Why a server gave no answer that can be used.

use std::time::Duration;

use client::manners;
use client::models::{self, ChoiceError};
use shared::api::{API_VERSION, PROBLEM_SESSION_GONE, Problem};
use thiserror::Error;
use ureq::http::StatusCode;

const NO_TOKEN: &str = "is private; give the token that its host gave you";
const REFUSED_TOKEN: &str = "refused the token; give one that its host gave you";

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
    /// It has no time or no room, for now.
    #[error("{server} {}; try again {}", busy(*status, problem.as_ref(), *attempts), later(*wait))]
    Busy {
        /// The address.
        server: String,
        /// HTTP status code.
        status: u16,
        /// The server's words, if it said any.
        problem: Option<Problem>,
        /// Requests made.
        attempts: u32,
        /// How long it asked to wait.
        wait: Option<Duration>,
    },
    /// It wants a token, or another one.
    #[error(
        "{server} {} with --token or INKVEIL_TOKEN",
        if *refused { REFUSED_TOKEN } else { NO_TOKEN }
    )]
    Private {
        /// The address.
        server: String,
        /// True if there was a token.
        refused: bool,
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

    /// Whether this is the refusal of a body that is too long for the server, or for something in
    /// between.
    pub fn is_too_large(&self) -> bool {
        let status = match self {
            Self::Refused { problem, .. } => problem.status,
            Self::Strange { status, .. } => *status,
            _ => return false,
        };
        status == StatusCode::PAYLOAD_TOO_LARGE.as_u16()
    }

    /// Whether this is the refusal of a model that the server doesn't have.
    pub fn is_unknown_model(&self) -> bool {
        matches!(self, Self::Refused { problem, .. } if models::is_unknown(problem))
    }
}

/// What a busy server said, and how often it was asked.
fn busy(status: u16, problem: Option<&Problem>, attempts: u32) -> String {
    let said = match problem {
        Some(Problem { title, detail, .. }) => format!("refused: {title} ({status}): {detail}"),
        None => format!("is busy ({status})"),
    };
    match attempts {
        1 => said,
        attempts => format!("{said}, {attempts} times in a row"),
    }
}

fn later(wait: Option<Duration>) -> String {
    wait.map_or_else(
        || "later".to_owned(),
        |wait| format!("in {}", manners::in_words(wait)),
    )
}
