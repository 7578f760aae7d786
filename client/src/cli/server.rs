//! The evaluator's routes.
//!
//! Knows what is asked of an evaluator and how it refuses; is handed keys and ciphertexts as bytes
//! and nothing plain.
//!
//! **Invariant:** every request ends: after [`client::manners::MAX_ATTEMPTS`] attempts, at the latest, and
//! each in its own time; and no reply is read past a limit. Each may be made twice: keys that arrive twice
//! are two sessions, one of which the server forgets by itself, and nothing else leaves a trace there.

mod access;
mod error;

use std::cell::Cell;
use std::time::{Duration, Instant};

use client::manners::{self, evaluation_time};
use client::models::{self, ChoiceError};
use client::token::Token;
use shared::api::{
    API_PREFIX, API_VERSION, LayerRange, ModelInfo, ModelList, ModelSummary, OCTET_STREAM,
    SessionInfo,
};
use ureq::Agent;
use ureq::http::{HeaderMap, Method, Request, StatusCode, Uri, header};

pub use access::Access;
pub use error::ServerError;

use super::progress::say;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// How long an upload of keys or of many images may take: a slow line needs minutes.
const UPLOAD_TIMEOUT: Duration = Duration::from_secs(300);

/// How long any other request may take.
const TIMEOUT: Duration = Duration::from_secs(60);

/// The longest reply: descriptions and ciphertexts are far below.
const REPLY_LIMIT: u64 = 64 << 20;

/// The reply to a ciphertext or a batch.
#[derive(Clone, Debug, PartialEq)]
pub struct Classified {
    /// The encrypted logits.
    pub reply: Vec<u8>,
    /// From the request to the end of the reply.
    pub round_trip: Duration,
    /// The arithmetic, by the server's own account.
    pub evaluate: Option<Duration>,
}

/// An evaluator somewhere.
pub struct Server {
    agent: Agent,
    base: String,
    token: Option<Token>,
    /// True once it has answered: the address is right, then.
    known: Cell<bool>,
}

struct Reply {
    status: StatusCode,
    headers: HeaderMap,
    body: Vec<u8>,
    time: Duration,
}

impl Server {
    /// The evaluator at an address, and what opens it; asks nothing of it yet.
    ///
    /// # Errors
    /// [`ServerError::Address`].
    pub fn new(address: &str, token: Option<Token>) -> Result<Self, ServerError> {
        let uri: Option<Uri> = address.parse().ok();
        let usable = uri.is_some_and(|uri| {
            matches!(uri.scheme_str(), Some("http" | "https")) && uri.query().is_none()
        });
        if !usable {
            return Err(ServerError::Address {
                address: address.to_owned(),
            });
        }
        let agent = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .timeout_connect(Some(CONNECT_TIMEOUT))
            .user_agent(concat!("inkveil/", env!("CARGO_PKG_VERSION")))
            .build()
            .into();
        Ok(Self {
            agent,
            base: address.trim_end_matches('/').to_owned(),
            token,
            known: Cell::new(false),
        })
    }

    /// The models that the server has.
    ///
    /// # Errors
    /// [`ServerError`].
    pub fn models(&self) -> Result<Vec<ModelSummary>, ServerError> {
        let reply = self.send(&Method::GET, "models", None, TIMEOUT)?;
        let list: ModelList = self.read("the list of models", &reply.body)?;
        self.check_version(list.api_version)?;
        Ok(list.models)
    }

    /// The description of a model, or of its first layers: the model named, or else the one that
    /// [`client::models::choose`] takes.
    ///
    /// # Errors
    /// [`ServerError`]; for an id that isn't there with those that are like it.
    pub fn model(
        &self,
        id: Option<&str>,
        layers: Option<LayerRange>,
    ) -> Result<ModelInfo, ServerError> {
        let Some(id) = id else {
            let models = self.models()?;
            let chosen = models::choose(&models, None).map_err(|reason| self.no_model(reason))?;
            return self.describe(&chosen.id, layers);
        };
        match self.describe(id, layers) {
            Err(error) if error.is_unknown_model() => Err(self.no_model(ChoiceError::Unknown {
                id: id.to_owned(),
                near: models::nearest(&self.models()?, id),
            })),
            described => described,
        }
    }

    fn describe(&self, id: &str, layers: Option<LayerRange>) -> Result<ModelInfo, ServerError> {
        let mut route = format!("models/{}", escape(id));
        if let Some(layers) = layers {
            route += &format!("?layers={layers}");
        }
        let reply = self.send(&Method::GET, &route, None, TIMEOUT)?;
        let info: ModelInfo = self.read("the model's description", &reply.body)?;
        self.check_version(info.api_version)?;
        if info.layers == layers {
            return Ok(info);
        }
        // A service that knows no ranges describes the whole model.
        let described = info
            .layers
            .map_or_else(|| "all layers".to_owned(), |l| l.to_string());
        Err(ServerError::Unreadable {
            server: self.base.clone(),
            what: "the model's description",
            reason: format!("it is of {described}, not of what was asked for"),
        })
    }

    fn no_model(&self, reason: ChoiceError) -> ServerError {
        ServerError::Model {
            server: self.base.clone(),
            reason,
        }
    }

    /// Uploads evaluation keys.
    ///
    /// # Errors
    /// [`ServerError`].
    pub fn open_session(&self, keys: &[u8]) -> Result<(SessionInfo, Duration), ServerError> {
        let reply = self.send(&Method::POST, "sessions", Some(keys), UPLOAD_TIMEOUT)?;
        Ok((
            self.read("the answer to the keys", &reply.body)?,
            reply.time,
        ))
    }

    /// Has a ciphertext or a batch classified.
    ///
    /// # Errors
    /// [`ServerError`]; see [`ServerError::is_session_gone`].
    pub fn classify(
        &self,
        session: &str,
        model: &ModelInfo,
        ciphertext: &[u8],
    ) -> Result<Classified, ServerError> {
        self.evaluate("classify", session, model, ciphertext, TIMEOUT)
    }

    /// Has many images classified in one request.
    ///
    /// # Errors
    /// As [`Server::classify`].
    pub fn classify_bulk(
        &self,
        session: &str,
        model: &ModelInfo,
        images: &[u8],
    ) -> Result<Classified, ServerError> {
        self.evaluate("classify-bulk", session, model, images, UPLOAD_TIMEOUT)
    }

    fn evaluate(
        &self,
        way: &str,
        session: &str,
        model: &ModelInfo,
        ciphertext: &[u8],
        timeout: Duration,
    ) -> Result<Classified, ServerError> {
        let (session, id) = (escape(session), escape(&model.id));
        let mut route = format!("sessions/{session}/{way}?model={id}");
        if let Some(layers) = model.layers {
            route += &format!("&layers={layers}");
        }
        let reply = self.send(&Method::POST, &route, Some(ciphertext), timeout)?;
        let timing = reply
            .headers
            .get("server-timing")
            .and_then(|value| value.to_str().ok());
        Ok(Classified {
            evaluate: timing.and_then(evaluation_time),
            round_trip: reply.time,
            reply: reply.body,
        })
    }

    /// Has a session's keys forgotten.
    ///
    /// # Errors
    /// [`ServerError`].
    pub fn close_session(&self, session: &str) -> Result<(), ServerError> {
        let route = format!("sessions/{}", escape(session));
        self.send(&Method::DELETE, &route, None, TIMEOUT).map(drop)
    }

    /// Sends a request until it is answered.
    fn send(
        &self,
        method: &Method,
        route: &str,
        body: Option<&[u8]>,
        timeout: Duration,
    ) -> Result<Reply, ServerError> {
        let mut attempt = 1;
        loop {
            let answer = self.send_once(method, route, body, timeout);
            let (error, pause) = match answer {
                Ok(reply) if reply.status.is_success() => {
                    self.known.set(true);
                    return Ok(reply);
                }
                Ok(reply) => self.setback(attempt, &reply),
                Err(error) => {
                    let pause = may_pass(&error).then(|| self.pause_unanswered(attempt));
                    let reason = error.to_string();
                    let server = self.base.clone();
                    (ServerError::Unreachable { server, reason }, pause.flatten())
                }
            };
            let Some(pause) = pause else {
                return Err(error);
            };
            let what = if matches!(error, ServerError::Busy { .. }) {
                "is busy"
            } else {
                "gives no answer"
            };
            say(&format!(
                "{} {what}; trying again in {:.1} s",
                self.base,
                pause.as_secs_f64()
            ));
            std::thread::sleep(pause);
            attempt += 1;
        }
    }

    /// What an answer means that isn't one, and when to ask again, if that may help.
    fn setback(&self, attempt: u32, reply: &Reply) -> (ServerError, Option<Duration>) {
        let status = reply.status.as_u16();
        if manners::is_broken(status) {
            let reason = format!("something in between answers {status}");
            let server = self.base.clone();
            let unreachable = ServerError::Unreachable { server, reason };
            return (unreachable, self.pause_unanswered(attempt));
        }
        self.known.set(true);
        if !manners::is_busy(status) {
            return (self.refusal(reply), None);
        }
        let asked = reply.headers.get(header::RETRY_AFTER);
        let wait = manners::asked(asked.and_then(|value| value.to_str().ok()));
        let busy = ServerError::Busy {
            server: self.base.clone(),
            status,
            problem: serde_json::from_slice(&reply.body).ok(),
            attempts: attempt,
            wait,
        };
        (busy, manners::pause(attempt, wait))
    }

    /// The pause after a request that got no answer. Who never had one may have a wrong address.
    fn pause_unanswered(&self, attempt: u32) -> Option<Duration> {
        let known = self.known.get();
        let most = if known {
            manners::MAX_ATTEMPTS
        } else {
            manners::QUICK_ATTEMPTS
        };
        manners::pause_unanswered(attempt, most)
    }

    fn send_once(
        &self,
        method: &Method,
        route: &str,
        body: Option<&[u8]>,
        timeout: Duration,
    ) -> Result<Reply, ureq::Error> {
        let start = Instant::now();
        let mut request = Request::builder()
            .method(method)
            .uri(format!("{}{API_PREFIX}/{route}", self.base));
        if let Some(token) = &self.token {
            request = request.header(header::AUTHORIZATION, token.header());
        }
        let reply = match body {
            Some(body) => {
                let request = request.header(header::CONTENT_TYPE, OCTET_STREAM);
                self.run(request.body(body)?, timeout)?
            }
            None => self.run(request.body(())?, timeout)?,
        };
        let (parts, mut body) = reply.into_parts();
        Ok(Reply {
            status: parts.status,
            headers: parts.headers,
            body: body.with_config().limit(REPLY_LIMIT).read_to_vec()?,
            time: start.elapsed(),
        })
    }

    fn run(
        &self,
        request: Request<impl ureq::AsSendBody>,
        timeout: Duration,
    ) -> Result<ureq::http::Response<ureq::Body>, ureq::Error> {
        let request = self
            .agent
            .configure_request(request)
            .timeout_global(Some(timeout))
            .build();
        self.agent.run(request)
    }

    /// A proxy in between refuses in its own words, or in none.
    fn refusal(&self, reply: &Reply) -> ServerError {
        let (server, status) = (self.base.clone(), reply.status);
        if status == StatusCode::UNAUTHORIZED {
            let refused = self.token.is_some();
            return ServerError::Private { server, refused };
        }
        if let Ok(problem) = serde_json::from_slice(&reply.body) {
            return ServerError::Refused { server, problem };
        }
        let to = reply
            .headers
            .get(header::LOCATION)
            .and_then(|value| value.to_str().ok());
        match to {
            Some(to) if status.is_redirection() => ServerError::Moved {
                server,
                to: to.to_owned(),
            },
            _ => ServerError::Strange {
                server,
                status: status.as_u16(),
            },
        }
    }

    fn read<T: serde::de::DeserializeOwned>(
        &self,
        what: &'static str,
        body: &[u8],
    ) -> Result<T, ServerError> {
        serde_json::from_slice(body).map_err(|error| ServerError::Unreadable {
            server: self.base.clone(),
            what,
            reason: error.to_string(),
        })
    }

    fn check_version(&self, found: u32) -> Result<(), ServerError> {
        if found == API_VERSION {
            return Ok(());
        }
        Err(ServerError::Version {
            server: self.base.clone(),
            found,
        })
    }
}

/// Whether a request that failed so may succeed when it is made again: the line broke, or nobody
/// listened. Names that nobody has stay unknown, and who took too long would again.
fn may_pass(error: &ureq::Error) -> bool {
    matches!(
        error,
        ureq::Error::Io(_) | ureq::Error::ConnectionFailed | ureq::Error::Protocol(_)
    )
}

/// A name as one part of an address.
fn escape(name: &str) -> String {
    let byte = |byte: u8| match byte {
        b'-' | b'.' | b'_' | b'~' => char::from(byte).to_string(),
        _ if byte.is_ascii_alphanumeric() => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    };
    name.bytes().map(byte).collect()
}

#[cfg(test)]
mod tests;
