//! Why the page can't go on.
//!
//! Knows causes; what a person reads about them stands in [`crate::text`].
//!
//! **Invariant:** every failure is shown with a way to go on, and none carries anything secret.

use std::time::Duration;

use client::models::ChoiceError;
use shared::api::Problem;
use thiserror::Error;

use crate::link::LinkError;

/// What stopped a job or the preparations for it.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Failure {
    /// No answer at all: no network, or nothing listens.
    #[error("the request got no answer")]
    Unreachable,
    /// The server took too long.
    #[error("no answer within {seconds} s")]
    TimedOut {
        /// How long the page waited.
        seconds: u32,
    },
    /// The server has no time or no room, for now.
    #[error("{}", busy(*status, problem.as_ref(), *attempts))]
    Busy {
        /// HTTP status code.
        status: u16,
        /// The server's words, if it said any.
        problem: Option<Problem>,
        /// Requests made.
        attempts: u32,
        /// How long it asked to wait.
        wait: Option<Duration>,
    },
    /// The server wants a token, or another one.
    #[error("the server asked for a token (401)")]
    Private {
        /// True if there was a token.
        refused: bool,
    },
    /// The server said no.
    #[error("{} ({}): {}", .0.title, .0.status, .0.detail)]
    Refused(Problem),
    /// The reply is not what the protocol promises.
    #[error("the reply to {request} can't be read: {reason}")]
    Unreadable {
        /// What was asked.
        request: &'static str,
        /// What is wrong with the reply.
        reason: String,
    },
    /// The server has no model, or not the one that was asked for.
    #[error(transparent)]
    Model(#[from] ChoiceError),
    /// Page and server speak different versions.
    #[error("the server speaks version {server} of the protocol, this page version {page}")]
    Version {
        /// Version of the page.
        page: u32,
        /// Version of the server.
        server: u32,
    },
    /// The server lost the keys right after it got them.
    #[error("the session was gone again right after the keys had been uploaded")]
    SessionLost,
    /// The worker can't be reached.
    #[error(transparent)]
    Link(#[from] LinkError),
    /// The worker can't do what it was asked.
    #[error("{0}")]
    Crypto(String),
}

impl Failure {
    /// True if a new page may help where trying again in this one can't: page and server are of
    /// different versions, or the page's own parts are.
    pub fn needs_reload(&self) -> bool {
        matches!(
            self,
            Self::Version { .. } | Self::Unreadable { .. } | Self::Link(_)
        )
    }
}

fn busy(status: u16, problem: Option<&Problem>, attempts: u32) -> String {
    let said = match problem {
        Some(problem) => Failure::Refused(problem.clone()).to_string(),
        None => format!("the server answered {status}"),
    };
    format!("{said} (requests made: {attempts})")
}
