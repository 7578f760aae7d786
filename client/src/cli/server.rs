//! The evaluator's routes.
//!
//! Knows what is asked of an evaluator and how it refuses; is handed keys and ciphertexts as bytes
//! and nothing plain.
//!
//! **Invariant:** every request ends: after [`client::manners::MAX_ATTEMPTS`] refusals of a busy server, at the
//! latest, and each in its own time; and no reply is read past a limit.

mod error;

use std::time::{Duration, Instant};

use client::manners::{evaluation_time, is_busy, pause};
use client::models::{self, ChoiceError};
use shared::api::{
    API_PREFIX, API_VERSION, LayerRange, ModelInfo, ModelList, ModelSummary, OCTET_STREAM,
    SessionInfo,
};
use ureq::Agent;
use ureq::http::{HeaderMap, Method, Request, StatusCode, Uri, header};

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
}

struct Reply {
    headers: HeaderMap,
    body: Vec<u8>,
    time: Duration,
}

impl Server {
    /// The evaluator at an address; asks nothing of it yet.
    ///
    /// # Errors
    /// [`ServerError::Address`].
    pub fn new(address: &str) -> Result<Self, ServerError> {
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

    /// Sends a request until the server isn't busy.
    fn send(
        &self,
        method: &Method,
        route: &str,
        body: Option<&[u8]>,
        timeout: Duration,
    ) -> Result<Reply, ServerError> {
        let mut attempt = 1;
        loop {
            let (status, reply) = self.send_once(method, route, body, timeout)?;
            if !is_busy(status.as_u16()) {
                return if status.is_success() {
                    Ok(reply)
                } else {
                    Err(self.refusal(status, &reply))
                };
            }
            let asked = reply.headers.get(header::RETRY_AFTER);
            let Some(pause) = pause(attempt, asked.and_then(|value| value.to_str().ok())) else {
                return Err(ServerError::Busy {
                    server: self.base.clone(),
                    attempts: attempt,
                });
            };
            say(&format!(
                "{} is busy; trying again in {:.1} s",
                self.base,
                pause.as_secs_f64()
            ));
            std::thread::sleep(pause);
            attempt += 1;
        }
    }

    fn send_once(
        &self,
        method: &Method,
        route: &str,
        body: Option<&[u8]>,
        timeout: Duration,
    ) -> Result<(StatusCode, Reply), ServerError> {
        let start = Instant::now();
        let request = Request::builder()
            .method(method)
            .uri(format!("{}{API_PREFIX}/{route}", self.base));
        let sent = match body {
            Some(body) => request
                .header(header::CONTENT_TYPE, OCTET_STREAM)
                .body(body)
                .map_err(ureq::Error::from)
                .and_then(|request| self.run(request, timeout)),
            None => request
                .body(())
                .map_err(ureq::Error::from)
                .and_then(|request| self.run(request, timeout)),
        };
        let read = sent.and_then(|reply| {
            let (parts, mut body) = reply.into_parts();
            let body = body.with_config().limit(REPLY_LIMIT).read_to_vec()?;
            Ok((
                parts.status,
                Reply {
                    headers: parts.headers,
                    body,
                    time: start.elapsed(),
                },
            ))
        });
        read.map_err(|error| ServerError::Unreachable {
            server: self.base.clone(),
            reason: error.to_string(),
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
    fn refusal(&self, status: StatusCode, reply: &Reply) -> ServerError {
        let server = self.base.clone();
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
mod tests {
    use super::*;

    #[test]
    fn names_are_one_part_of_an_address() {
        assert_eq!(escape("mnist-fast_1.2~"), "mnist-fast_1.2~");
        assert_eq!(escape("../a b?ü&"), "..%2Fa%20b%3F%C3%BC%26");
    }

    #[track_caller]
    fn check_address(address: &str, base: Option<&str>) {
        let expected = base.map(str::to_owned);
        let expected = expected.ok_or(ServerError::Address {
            address: address.to_owned(),
        });
        assert_eq!(Server::new(address).map(|server| server.base), expected);
    }

    #[test]
    fn addresses() {
        check_address("http://127.0.0.1:8080", Some("http://127.0.0.1:8080"));
        check_address(
            "https://ink.example/below//",
            Some("https://ink.example/below"),
        );
        check_address("ink.example", None);
        check_address("ftp://ink.example", None);
        check_address("http://", None);
        check_address("http://ink.example?x=1", None);
        check_address("/models", None);
        check_address("", None);
    }

    #[test]
    fn refusals_keep_their_reason() {
        let server = Server::new("http://a").unwrap();
        let refusal = |status, location: Option<&'static str>, body: &[u8]| {
            let mut headers = HeaderMap::new();
            headers.extend(location.map(|to| (header::LOCATION, to.parse().unwrap())));
            let reply = Reply {
                headers,
                body: body.to_vec(),
                time: Duration::ZERO,
            };
            server.refusal(StatusCode::from_u16(status).unwrap(), &reply)
        };
        let gone = br#"{"type":"/problems/session-gone","title":"Gone","status":410,"detail":"x"}"#;
        let gone = refusal(410, None, gone);
        assert!(gone.is_session_gone());
        assert_eq!(gone.to_string(), "http://a refused: Gone (410): x");
        let strange = refusal(404, None, b"<html>");
        assert!(!strange.is_session_gone());
        let expected = "http://a answered 404 without a reason; is it an Inkveil evaluator?";
        assert_eq!(strange.to_string(), expected);
        let moved = refusal(301, Some("https://a/"), b"");
        assert_eq!(
            moved.to_string(),
            "http://a has moved to https://a/; give that address"
        );
    }
}
