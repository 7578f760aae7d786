//! What a request is told when it fails: RFC 9457 problem details.
//!
//! Knows every way a request can fail and the status it gets; knows no request, no session and no
//! model. The words of `shared::wire` and `circuit` errors pass through unchanged.
//!
//! **Invariant:** every error reply is `application/problem+json` with a stable `type`, and says
//! what would be right. A detail may quote a request's names, cut to [`QUOTE`] characters, and
//! never a session id, a key or a ciphertext.

mod message;

use std::time::Duration;

use actix_web::http::{StatusCode, header};
use actix_web::{HttpResponse, HttpResponseBuilder, ResponseError};
use shared::api::{OCTET_STREAM, PROBLEM_JSON, Problem};
use thiserror::Error;

use super::session::Full;

/// Most characters of a request that a detail repeats.
pub const QUOTE: usize = 64;

/// After how long a client that was turned away should come back, where nothing better is known.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// Why a request failed.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ApiError {
    /// No such route or file.
    #[error(
        "there is nothing at this address; the API is at {}",
        shared::api::API_PREFIX
    )]
    NotFound,
    /// The route exists, the method doesn't.
    #[error("this address does not take the method {found}; it takes {allowed}")]
    MethodNotAllowed {
        /// The request's method, quoted.
        found: String,
        /// Methods the route has, as the `Allow` header wants them.
        allowed: &'static str,
    },
    /// A model that isn't loaded.
    #[error("no model is called {id:?}; there are {}", known.join(", "))]
    UnknownModel {
        /// The name asked for, quoted.
        id: String,
        /// The names that exist.
        known: Vec<String>,
    },
    /// Layers of a model, on a service that evaluates whole models only.
    #[error(
        "this service evaluates whole models only; started with --allow-layer-ranges, it also \
         returns what their first layers compute"
    )]
    LayersNotAllowed,
    /// Layers that a model doesn't have, or not the first ones.
    #[error(
        "layers {found} of model {model} can't be evaluated: it has {steps} steps, and a range \
         begins with the first, so that 0..1 to 0..{steps} are possible"
    )]
    BadLayers {
        /// The range asked for.
        found: String,
        /// The model.
        model: String,
        /// Steps that it has.
        steps: usize,
    },
    /// Layers whose values can't be computed on their own.
    #[error("layers {layers} of model {model} can't be evaluated: {reason}")]
    NoCircuit {
        /// The range asked for.
        layers: String,
        /// The model.
        model: String,
        /// Why no circuit fits.
        reason: String,
    },
    /// A session id that this server can't have made.
    #[error("a session id is 32 lower-case hexadecimal digits, as POST sessions returned it")]
    MalformedSessionId,
    /// A session that expired, was evicted, was deleted, or is from before a restart.
    #[error(
        "the evaluator does not hold this session's keys (any more); upload them again with POST \
         sessions"
    )]
    SessionGone,
    /// An upload in parts that expired, was evicted, ended, or is from before a restart.
    #[error(
        "the evaluator does not hold this upload's keys (any more); begin again with POST uploads, \
         or send all keys with POST sessions"
    )]
    UploadGone,
    /// Query parameters that can't be read.
    #[error("the query string can't be read: {0}")]
    BadQuery(String),
    /// A body in another format.
    #[error("the body is {found}; send it as {OCTET_STREAM}, without a content encoding")]
    UnsupportedMediaType {
        /// What the request declared, quoted.
        found: String,
    },
    /// A body past the route's limit.
    #[error("the body is larger than the {limit} bytes that this route takes")]
    BodyTooLarge {
        /// Limit in bytes.
        limit: usize,
    },
    /// A body that didn't arrive in time.
    #[error("the body did not arrive within {seconds} s")]
    BodyTimeout {
        /// Time allowed.
        seconds: u64,
    },
    /// A body that broke off.
    #[error("the body ended before the request did")]
    BodyIncomplete,
    /// Keys that are larger than the whole store.
    #[error("the keys take {bytes} bytes in memory; the evaluator holds at most {limit}")]
    KeysTooLarge {
        /// Memory the keys take.
        bytes: u64,
        /// Memory there is for keys.
        limit: u64,
    },
    /// A body in the right format that says something wrong; see [`message`] for the kinds.
    #[error("{detail}")]
    Message {
        /// The problem's kind, without its prefix.
        kind: &'static str,
        /// The problem's title.
        title: &'static str,
        /// The reply's status.
        status: StatusCode,
        /// What was wrong, where, and what would be right.
        detail: String,
    },
    /// A model without a way for many images at once.
    #[error("model {model} takes no bulk requests; send its images to sessions/…/classify")]
    NoBulk {
        /// The model.
        model: String,
    },
    /// All places for work are taken.
    #[error("all {places} places for {what} are taken; try again in a moment")]
    Busy {
        /// How many places there are.
        places: usize,
        /// What they are for.
        what: &'static str,
    },
    /// A batch of more digits than one request may hold.
    #[error(
        "a request holds at most {limit} digits here, this one has {found}; send them in several"
    )]
    BatchTooLarge {
        /// Digits found.
        found: usize,
        /// Most that are taken.
        limit: usize,
    },
    /// A job whose turn didn't come.
    #[error("the evaluator was busy for {} ms, longer than a request waits; try again", limit.as_millis())]
    QueueWait {
        /// How long a request waits.
        limit: Duration,
    },
    /// An evaluation that took too long.
    #[error(
        "the evaluation took longer than the {} s that one may take here; try again when the \
         evaluator is less busy, or with a smaller model",
        limit.as_secs_f64()
    )]
    EvaluationTime {
        /// How long one may take.
        limit: Duration,
    },
    /// More requests than one address or session may send.
    #[error("{whose} may send {per_second} requests a second; try again in a moment")]
    TooManyRequests {
        /// Whose limit it is.
        whose: &'static str,
        /// The limit.
        per_second: u32,
        /// When the next request is taken.
        retry_after: Duration,
    },
    /// More sessions or keys than one address may hold.
    #[error(
        "your address holds {limit} already, as much as it may; delete a session, or wait for one \
         to end"
    )]
    TooManySessions {
        /// What it may hold.
        limit: Full,
        /// When one ends, if it isn't used before.
        retry_after: Duration,
    },
    /// A request without a token that is accepted, to a service that wants one.
    #[error(
        "this service is private: send one of its tokens as `Authorization: Bearer TOKEN`; its host \
         gives them out"
    )]
    Unauthorized,
    /// Redis can't be reached, or fails.
    #[error(
        "the evaluator can't reach its session store now; nothing is lost, try again in a moment"
    )]
    StoreUnavailable,
    /// The service takes no new work.
    #[error("the evaluator isn't ready: {reason}")]
    NotReady {
        /// Why.
        reason: &'static str,
    },
    /// A request to the administrator's listener that a browser made for some page.
    #[error("requests that a web page makes are not taken here")]
    FromBrowser,
    /// Models that can't be served; the old ones stay.
    #[error("nothing was reloaded, what was served before still is: {reason}")]
    Reload {
        /// What is wrong with each.
        reason: String,
    },
    /// The operating system gives no random numbers, so no session id can be made.
    #[error("the evaluator can't make a session id now; try again later")]
    NoRandomness,
    /// A mistake in the evaluator itself.
    #[error("the evaluator failed; its log says more under this reply's x-request-id")]
    Internal,
    /// An error that actix-web found before or after the routes.
    #[error("the request was refused: {}", .0.canonical_reason().unwrap_or("unknown reason"))]
    Framework(StatusCode),
}

impl ApiError {
    /// Status, kind (the last part of `type`) and title.
    fn class(&self) -> (StatusCode, &'static str, &'static str) {
        match self {
            Self::NotFound => (StatusCode::NOT_FOUND, "not-found", "Nothing here"),
            Self::MethodNotAllowed { .. } => (
                StatusCode::METHOD_NOT_ALLOWED,
                "method-not-allowed",
                "Method not allowed",
            ),
            Self::UnknownModel { .. } => (StatusCode::NOT_FOUND, "unknown-model", "Unknown model"),
            Self::LayersNotAllowed => (
                StatusCode::FORBIDDEN,
                "layers-not-allowed",
                "Layers not allowed",
            ),
            Self::BadLayers { .. } => (StatusCode::BAD_REQUEST, "bad-layers", "Bad layers"),
            Self::NoCircuit { .. } => (
                StatusCode::UNPROCESSABLE_ENTITY,
                "no-circuit",
                "No circuit for these layers",
            ),
            Self::MalformedSessionId => (
                StatusCode::NOT_FOUND,
                "malformed-session-id",
                "Malformed session id",
            ),
            Self::SessionGone => (StatusCode::GONE, "session-gone", "Session gone"),
            Self::UploadGone => (StatusCode::GONE, "upload-gone", "Upload gone"),
            Self::BadQuery(_) => (StatusCode::BAD_REQUEST, "bad-query", "Bad query"),
            Self::UnsupportedMediaType { .. } => (
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "unsupported-media-type",
                "Unsupported media type",
            ),
            Self::BodyTooLarge { .. } => (
                StatusCode::PAYLOAD_TOO_LARGE,
                "body-too-large",
                "Body too large",
            ),
            Self::BodyTimeout { .. } => {
                (StatusCode::REQUEST_TIMEOUT, "body-timeout", "Body too slow")
            }
            Self::BodyIncomplete => (
                StatusCode::BAD_REQUEST,
                "body-incomplete",
                "Body incomplete",
            ),
            Self::KeysTooLarge { .. } => (
                StatusCode::PAYLOAD_TOO_LARGE,
                "keys-too-large",
                "Keys too large",
            ),
            Self::Message {
                kind,
                title,
                status,
                ..
            } => (*status, kind, title),
            Self::NoBulk { .. } => (
                StatusCode::UNPROCESSABLE_ENTITY,
                "no-bulk",
                "No bulk requests",
            ),
            Self::Busy { .. } => (StatusCode::SERVICE_UNAVAILABLE, "busy", "Busy"),
            Self::NoRandomness => (
                StatusCode::SERVICE_UNAVAILABLE,
                "no-randomness",
                "No randomness",
            ),
            Self::BatchTooLarge { .. } => (
                StatusCode::PAYLOAD_TOO_LARGE,
                "batch-too-large",
                "Batch too large",
            ),
            Self::QueueWait { .. } => (
                StatusCode::SERVICE_UNAVAILABLE,
                "queue-wait",
                "Waited too long",
            ),
            Self::EvaluationTime { .. } => (
                StatusCode::SERVICE_UNAVAILABLE,
                "evaluation-time",
                "Evaluation too long",
            ),
            Self::TooManyRequests { .. } => (
                StatusCode::TOO_MANY_REQUESTS,
                "too-many-requests",
                "Too many requests",
            ),
            Self::TooManySessions { .. } => (
                StatusCode::TOO_MANY_REQUESTS,
                "too-many-sessions",
                "Too many sessions",
            ),
            Self::Unauthorized => (StatusCode::UNAUTHORIZED, "unauthorized", "No valid token"),
            Self::StoreUnavailable => (
                StatusCode::SERVICE_UNAVAILABLE,
                "store-unavailable",
                "Session store unavailable",
            ),
            Self::NotReady { .. } => (StatusCode::SERVICE_UNAVAILABLE, "not-ready", "Not ready"),
            Self::FromBrowser => (StatusCode::FORBIDDEN, "from-browser", "Made by a browser"),
            Self::Reload { .. } => (
                StatusCode::UNPROCESSABLE_ENTITY,
                "reload-failed",
                "Not reloaded",
            ),
            Self::Internal => (
                StatusCode::INTERNAL_SERVER_ERROR,
                "internal",
                "Evaluator failed",
            ),
            Self::Framework(status) => (*status, "refused", "Request refused"),
        }
    }

    /// The last part of the problem's `type`, for metrics.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        self.class().1
    }

    /// The reply's body.
    #[must_use]
    pub fn problem(&self) -> Problem {
        let (status, kind, title) = self.class();
        Problem {
            kind: format!("/problems/{kind}"),
            title: title.to_owned(),
            status: status.as_u16(),
            detail: self.to_string(),
        }
    }

    /// Another request works on the same upload.
    #[must_use]
    pub fn overtaken() -> Self {
        Self::Busy {
            places: 1,
            what: "parts of these keys",
        }
    }

    /// When the same request may succeed, if it may.
    fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::TooManyRequests { retry_after, .. }
            | Self::TooManySessions { retry_after, .. } => Some(*retry_after),
            _ if self.status_code() == StatusCode::SERVICE_UNAVAILABLE => Some(RETRY_AFTER),
            _ => None,
        }
    }

    fn add_headers(&self, reply: &mut HttpResponseBuilder) {
        match self {
            Self::MethodNotAllowed { allowed, .. } => {
                reply.insert_header((header::ALLOW, *allowed));
            }
            Self::Unauthorized => {
                reply.insert_header((header::WWW_AUTHENTICATE, "Bearer"));
            }
            _ => {}
        }
        if let Some(time) = self.retry_after() {
            // Whole seconds, rounded up: whoever comes back then isn't turned away again.
            let seconds = time.as_secs() + u64::from(time.subsec_nanos() > 0);
            reply.insert_header((header::RETRY_AFTER, seconds.max(1)));
        }
    }
}

impl ResponseError for ApiError {
    fn status_code(&self) -> StatusCode {
        self.class().0
    }

    fn error_response(&self) -> HttpResponse {
        let mut reply = HttpResponse::build(self.status_code());
        reply.insert_header((header::CACHE_CONTROL, "no-store"));
        self.add_headers(&mut reply);
        reply.content_type(PROBLEM_JSON);
        // A `Problem` is three strings and a number: writing it as JSON can't fail.
        let mut response = reply.body(serde_json::to_vec(&self.problem()).unwrap_or_default());
        response.extensions_mut().insert(self.clone());
        response
    }
}

/// The beginning of a request's own words, short enough to repeat.
#[must_use]
pub fn quote(words: &str) -> String {
    words.chars().take(QUOTE).collect()
}

#[cfg(test)]
mod tests {
    use shared::api::{PROBLEM_SESSION_GONE, PROBLEM_UNKNOWN_MODEL, PROBLEM_UPLOAD_GONE};

    use super::*;

    #[test]
    fn the_kinds_of_what_was_lost_are_those_that_clients_know() {
        assert_eq!(ApiError::SessionGone.problem().kind, PROBLEM_SESSION_GONE);
        assert_eq!(ApiError::UploadGone.problem().kind, PROBLEM_UPLOAD_GONE);
        let (id, known) = (String::new(), Vec::new());
        let unknown = ApiError::UnknownModel { id, known };
        assert_eq!(unknown.problem().kind, PROBLEM_UNKNOWN_MODEL);
    }

    #[test]
    fn a_long_name_is_cut() {
        assert_eq!(quote(&"é".repeat(1000)), "é".repeat(QUOTE));
    }
}
