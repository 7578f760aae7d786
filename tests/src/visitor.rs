//! A client of the service: one session, over a connection of its own that is kept open.
//!
//! Knows routes and statuses; what is sent was made before, by [`crate::prepared`].
//!
//! **Invariant:** nothing is sent a second time unless the caller says so.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use shared::api::{API_PREFIX, ModelInfo, OCTET_STREAM, Problem, SessionInfo};
use ureq::Agent;
use ureq::http::{Response, header};

use crate::PATIENCE;
use crate::prepared::{Prepared, Request};
use crate::server::agent;

/// Connections that rested longer aren't used again: the server closes them soon, and a request on
/// its way then would be lost.
const REST: Duration = Duration::from_secs(3);

/// What came back.
#[derive(Clone, Debug)]
pub struct Reply {
    /// Its status.
    pub status: u16,
    /// When a client that was turned away should come back.
    pub retry_after: Option<String>,
    /// Its body.
    pub body: Vec<u8>,
    /// From the first byte sent to the last one read.
    pub took: Duration,
}

impl Reply {
    /// The problem that it tells.
    ///
    /// # Errors
    /// If it tells none.
    pub fn problem(&self) -> Result<Problem> {
        serde_json::from_slice(&self.body).with_context(|| self.words())
    }

    /// Itself, if it has this status.
    ///
    /// # Errors
    /// What it says instead.
    pub fn expect(self, status: u16) -> Result<Self> {
        ensure!(self.status == status, "{}, not {status}", self.words());
        Ok(self)
    }

    /// Status and body, for people.
    #[must_use]
    pub fn words(&self) -> String {
        let body = String::from_utf8_lossy(&self.body);
        let start: String = body.chars().take(300).collect();
        format!("{} {start}", self.status)
    }
}

/// A client with prepared requests.
pub struct Visitor<'a> {
    agent: Agent,
    base: String,
    prepared: &'a Prepared,
    session: Option<String>,
}

impl<'a> Visitor<'a> {
    /// One that finds the service at `base`, such as `http://127.0.0.1:8080`.
    #[must_use]
    pub fn new(base: &str, prepared: &'a Prepared) -> Self {
        Self::through(agent_of_its_own(), base, prepared)
    }

    /// One that speaks through this HTTP client, which nobody else should use.
    #[must_use]
    pub fn through(agent: Agent, base: &str, prepared: &'a Prepared) -> Self {
        Self {
            agent,
            base: base.to_owned(),
            prepared,
            session: None,
        }
    }

    /// The same client with the same session, over another connection to `base`.
    #[must_use]
    pub fn at(&self, base: &str) -> Self {
        Self {
            session: self.session.clone(),
            ..Self::new(base, self.prepared)
        }
    }

    /// What it may send.
    #[must_use]
    pub fn prepared(&self) -> &'a Prepared {
        self.prepared
    }

    /// Uploads the keys; the session it had before is left to the server.
    ///
    /// # Errors
    /// If there is no reply, or one that can't be read.
    pub fn open(&mut self) -> Result<Reply> {
        let reply = self.post("/sessions", self.prepared.upload())?;
        if reply.status == 201 {
            let session: SessionInfo = serde_json::from_slice(&reply.body)?;
            self.session = Some(session.id);
        }
        Ok(reply)
    }

    /// What the service knows of the session.
    ///
    /// # Errors
    /// As [`Visitor::open`].
    pub fn look(&self) -> Result<Reply> {
        self.get(&format!("{API_PREFIX}/sessions/{}", self.session()?))
    }

    /// Has the keys forgotten.
    ///
    /// # Errors
    /// As [`Visitor::open`].
    pub fn close(&mut self) -> Result<Reply> {
        let url = format!("{}{API_PREFIX}/sessions/{}", self.base, self.session()?);
        let start = Instant::now();
        let reply = reply(self.agent.delete(&url).call(), start)?;
        self.session = None;
        Ok(reply)
    }

    /// Sends a request, whatever comes back.
    ///
    /// # Errors
    /// As [`Visitor::open`].
    pub fn send(&self, request: &Request) -> Result<Reply> {
        let (session, model) = (self.session()?, self.prepared.model());
        let route = format!("/sessions/{session}/classify?model={model}");
        self.post(&route, request.body())
    }

    /// Sends a request that has to be answered rightly.
    ///
    /// # Errors
    /// Any other answer, or none.
    pub fn classify(&self, request: &Request) -> Result<Reply> {
        let reply = self.send(request)?.expect(200)?;
        self.prepared.check(request, &reply.body)?;
        Ok(reply)
    }

    /// Reads an address of the service.
    ///
    /// # Errors
    /// As [`Visitor::open`].
    pub fn get(&self, path: &str) -> Result<Reply> {
        let start = Instant::now();
        reply(self.agent.get(format!("{}{path}", self.base)).call(), start)
            .with_context(|| path.to_owned())
    }

    /// The id of the session that it opened.
    ///
    /// # Errors
    /// If it has none.
    pub fn session(&self) -> Result<&str> {
        self.session.as_deref().context("no session is open")
    }

    fn post(&self, route: &str, body: &[u8]) -> Result<Reply> {
        let start = Instant::now();
        let request = self
            .agent
            .post(format!("{}{API_PREFIX}{route}", self.base))
            .header(header::CONTENT_TYPE, OCTET_STREAM);
        reply(request.send(body), start)
    }
}

/// The description of a model.
///
/// # Errors
/// If the service at `base` doesn't give it.
pub fn describe(base: &str, model: &str) -> Result<ModelInfo> {
    let route = format!("{base}{API_PREFIX}/models/{model}");
    let mut answer = agent().get(route).call()?;
    Ok(answer.body_mut().read_json()?)
}

/// An HTTP client that takes every status for an answer, asks no proxy and keeps its connection
/// while it is in use.
fn agent_of_its_own() -> Agent {
    Agent::config_builder()
        .http_status_as_error(false)
        .max_redirects(0)
        .proxy(None)
        .max_idle_age(REST)
        .timeout_global(Some(PATIENCE))
        .build()
        .into()
}

fn reply(answer: Result<Response<ureq::Body>, ureq::Error>, start: Instant) -> Result<Reply> {
    let mut answer = answer?;
    let retry_after = answer.headers().get(header::RETRY_AFTER);
    let retry_after = retry_after.and_then(|value| value.to_str().ok());
    Ok(Reply {
        status: answer.status().as_u16(),
        retry_after: retry_after.map(str::to_owned),
        body: answer.body_mut().read_to_vec()?,
        took: start.elapsed(),
    })
}
