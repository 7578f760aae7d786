//! A proxy that remembers: the browser sends it everything, whomever it is meant for, and it keeps
//! every request and every reply, byte for byte. Only requests to one evaluator are passed on; one
//! script among the replies may get a text before it, and requests may meet with [`Fault`]s.
//!
//! **Invariant:** a request is recorded before it is passed on, so none can be answered unseen.

use std::collections::VecDeque;
use std::io::{Read, Write};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::{Context, Result};
use shared::api::PROBLEM_JSON;
use tiny_http::{Header, Request, Response};
use ureq::Agent;
use ureq::http;

use crate::server::agent;

/// Chromium opens at most six connections to one address, and each takes a worker.
const WORKERS: usize = 8;

/// Headers that concern one connection only.
const HOP_BY_HOP: [&str; 4] = [
    "connection",
    "content-length",
    "keep-alive",
    "transfer-encoding",
];

/// What a broken line says.
const NOISE: &[u8] = b"~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~\r\n\r\n";

/// A request and what came back.
#[derive(Clone, Debug)]
pub struct Exchange {
    /// The request's method.
    pub method: String,
    /// Path and query; for anybody but the evaluator, the whole address.
    pub url: String,
    /// The request's headers, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The request's body.
    pub body: Vec<u8>,
    /// The reply's status; nothing while it is under way.
    pub status: Option<u16>,
    /// The reply's body.
    pub reply: Vec<u8>,
}

impl Exchange {
    /// A request header's value.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }

    /// The request as one line.
    #[must_use]
    pub fn line(&self) -> String {
        format!("{} {}", self.method, self.url)
    }

    /// Whether it was meant for the evaluator.
    #[must_use]
    pub fn is_ours(&self) -> bool {
        self.url.starts_with('/')
    }

    /// The path without the query.
    #[must_use]
    pub fn path(&self) -> &str {
        self.url.split('?').next().unwrap_or_default()
    }
}

/// What a request may meet with on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The reply takes so long.
    Delay(Duration),
    /// It is answered with this status, and never passed on; the server asks to come back after so
    /// many seconds.
    Busy(u16, u32),
    /// It is answered with this status and a proxy's own page, and never passed on, as when nobody is
    /// there to pass it on to.
    Nobody(u16),
    /// It is refused with this status and problem, and never passed on; the server asks to come back
    /// after so many seconds.
    Refused(u16, u32, &'static str),
    /// It is answered with this JSON, and never passed on.
    Json(&'static str),
    /// Nothing is passed on, and what comes back is no HTTP, as from a line that breaks.
    Cut,
}

/// Which requests a fault is meant for.
type Kind = fn(&Exchange) -> bool;

/// A running proxy.
pub struct Proxy {
    shared: Arc<Shared>,
    address: SocketAddr,
    workers: Vec<JoinHandle<()>>,
}

struct Shared {
    server: tiny_http::Server,
    target: SocketAddr,
    agent: Agent,
    /// The path of a script, and what is put before it.
    prefix: Option<(&'static str, &'static str)>,
    exchanges: Mutex<Vec<Exchange>>,
    faults: Mutex<VecDeque<(Kind, Fault)>>,
}

impl Proxy {
    /// Starts one on a free port that passes on what is meant for `target`.
    ///
    /// # Errors
    /// If no port can be bound.
    pub fn start(target: SocketAddr) -> Result<Self> {
        Self::start_with(target, None)
    }

    /// Starts one that also puts a text before the script at a path.
    ///
    /// # Errors
    /// As [`Proxy::start`].
    pub fn start_with(
        target: SocketAddr,
        prefix: Option<(&'static str, &'static str)>,
    ) -> Result<Self> {
        let server = tiny_http::Server::http("127.0.0.1:0").map_err(anyhow::Error::msg)?;
        let address = server
            .server_addr()
            .to_ip()
            .context("the proxy has no IP address")?;
        let shared = Arc::new(Shared {
            server,
            target,
            agent: agent(),
            prefix,
            exchanges: Mutex::default(),
            faults: Mutex::default(),
        });
        let work = |_| {
            let shared = Arc::clone(&shared);
            std::thread::spawn(move || {
                while let Ok(request) = shared.server.recv() {
                    if let Err(error) = shared.pass_on(request) {
                        eprintln!("proxy: {error:#}");
                    }
                }
            })
        };
        let workers = (0..WORKERS).map(work).collect();
        Ok(Self {
            shared,
            address,
            workers,
        })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The next requests of a kind meet with these faults, one each; those after them with none.
    pub fn plan(&self, kind: Kind, faults: &[Fault]) {
        let faults = faults.iter().map(|&fault| (kind, fault));
        self.shared.faults().extend(faults);
    }

    /// Everything so far, in the order in which the requests came in.
    #[must_use]
    pub fn exchanges(&self) -> Vec<Exchange> {
        self.shared.exchanges().clone()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        for _ in &self.workers {
            self.shared.server.unblock();
        }
        for worker in self.workers.drain(..) {
            // A worker that panicked has already said so.
            let _ = worker.join();
        }
    }
}

impl Shared {
    fn exchanges(&self) -> MutexGuard<'_, Vec<Exchange>> {
        self.exchanges
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn faults(&self) -> MutexGuard<'_, VecDeque<(Kind, Fault)>> {
        self.faults.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The first fault that is meant for a request; nothing else meets with it.
    fn fault(&self, exchange: &Exchange) -> Option<Fault> {
        let mut faults = self.faults();
        let at = faults.iter().position(|(kind, _)| kind(exchange))?;
        faults.remove(at).map(|(_, fault)| fault)
    }

    fn pass_on(&self, mut request: Request) -> Result<()> {
        let mut body = Vec::new();
        request.as_reader().read_to_end(&mut body)?;
        let exchange = Exchange {
            method: request.method().to_string(),
            url: self.relative(request.url()),
            headers: request.headers().iter().map(readable).collect(),
            body,
            status: None,
            reply: Vec::new(),
        };
        let index = {
            let mut exchanges = self.exchanges();
            exchanges.push(exchange.clone());
            exchanges.len() - 1
        };
        if !exchange.is_ours() {
            return Ok(request.respond(Response::empty(502))?);
        }
        match self.fault(&exchange) {
            Some(Fault::Delay(time)) => std::thread::sleep(time),
            Some(Fault::Busy(status, seconds)) => {
                let retry_after = ("Retry-After", &*seconds.to_string());
                return self.refuse(request, index, status, &[retry_after], "");
            }
            Some(Fault::Nobody(status)) => {
                let html = ("Content-Type", "text/html");
                let page = "<html><h1>Nobody is here</h1></html>";
                return self.refuse(request, index, status, &[html], page);
            }
            Some(Fault::Refused(status, seconds, problem)) => {
                let headers = [
                    ("Content-Type", PROBLEM_JSON),
                    ("Retry-After", &*seconds.to_string()),
                ];
                return self.refuse(request, index, status, &headers, problem);
            }
            Some(Fault::Json(text)) => {
                let json = ("Content-Type", "application/json");
                return self.refuse(request, index, 200, &[json], text);
            }
            Some(Fault::Cut) => {
                let mut line = request.into_writer();
                line.write_all(NOISE)?;
                return Ok(line.flush()?);
            }
            None => {}
        }
        match self.ask(&exchange) {
            Ok((status, headers, reply)) => {
                if let Some(recorded) = self.exchanges().get_mut(index) {
                    recorded.status = Some(status);
                    recorded.reply.clone_from(&reply);
                }
                let length = reply.len();
                let response =
                    Response::new(status.into(), headers, reply.as_slice(), Some(length), None);
                request.respond(response)?;
            }
            Err(error) => {
                request.respond(Response::empty(502))?;
                return Err(error.context(exchange.line()));
            }
        }
        Ok(())
    }

    /// Answers a request in the evaluator's place.
    fn refuse(
        &self,
        request: Request,
        index: usize,
        status: u16,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Result<()> {
        if let Some(recorded) = self.exchanges().get_mut(index) {
            recorded.status = Some(status);
        }
        let headers = headers
            .iter()
            .filter_map(|(name, value)| Header::from_bytes(*name, *value).ok());
        let (headers, length) = (headers.collect(), body.len());
        let response = Response::new(status.into(), headers, body.as_bytes(), Some(length), None);
        Ok(request.respond(response)?)
    }

    /// Leaves path and query of an address that is the evaluator's.
    fn relative(&self, url: &str) -> String {
        let ours = url.strip_prefix(&format!("http://{}", self.target));
        ours.filter(|rest| rest.starts_with('/'))
            .unwrap_or(url)
            .to_owned()
    }

    fn ask(&self, exchange: &Exchange) -> Result<(u16, Vec<Header>, Vec<u8>)> {
        let mut outgoing = http::Request::builder()
            .method(exchange.method.as_str())
            .uri(format!("http://{}{}", self.target, exchange.url));
        let prefix = self.prefix.filter(|(path, _)| *path == exchange.path());
        for (name, value) in &exchange.headers {
            // What a text is put before has to come uncompressed.
            let refused = prefix.is_some() && name == "accept-encoding";
            if !HOP_BY_HOP.contains(&name.as_str()) && !refused {
                outgoing = outgoing.header(name, value);
            }
        }
        let bodyless = exchange.body.is_empty() && exchange.method != "POST";
        let mut reply = if bodyless {
            self.agent.run(outgoing.body(())?)?
        } else {
            self.agent.run(outgoing.body(exchange.body.as_slice())?)?
        };
        let headers = reply
            .headers()
            .iter()
            .filter(|(name, _)| !HOP_BY_HOP.contains(&name.as_str()))
            .filter_map(|(name, value)| {
                Header::from_bytes(name.as_str().as_bytes(), value.as_bytes()).ok()
            })
            .collect();
        let mut bytes = prefix.map_or_else(Vec::new, |(_, text)| text.as_bytes().to_vec());
        reply.body_mut().as_reader().read_to_end(&mut bytes)?;
        Ok((reply.status().as_u16(), headers, bytes))
    }
}

fn readable(header: &Header) -> (String, String) {
    (
        header.field.as_str().as_str().to_ascii_lowercase(),
        header.value.as_str().to_owned(),
    )
}
