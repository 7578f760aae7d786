//! A server in front of the evaluator that has bad days.
//!
//! **Invariant:** every request is recorded, and passed on unless a mishap answers it.

use std::io::{Read, Write};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use anyhow::{Context, Result};
use tests::server::{Server, agent};
use tiny_http::{Header, Request, Response};
use ureq::http;

/// What goes wrong, each time for the first request that it concerns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mishap {
    /// Keys are refused with 503.
    Busy,
    /// The session is gone before its first ciphertext.
    Lost,
    /// A ciphertext's reply is cut in half.
    Cut,
    /// A ciphertext finds nobody behind a proxy, which answers so with its own page.
    Nobody(u16),
    /// Keys meet with a line that breaks: what comes back is no HTTP.
    Noise,
    /// Keys are refused with 429, and this many seconds to wait.
    Full(u32),
}

impl Mishap {
    /// Whether it is keys that it happens to, or else ciphertexts.
    fn concerns_keys(self) -> bool {
        matches!(self, Self::Busy | Self::Noise | Self::Full(_))
    }
}

/// What a full evaluator says.
const FULL: &str = r#"{"type":"/problems/too-many-sessions","title":"Too many sessions",
    "status":429,"detail":"this address holds 1000"}"#;

/// What a private evaluator says.
const PRIVATE: &str = r#"{"type":"/problems/unauthorized","title":"Unauthorized","status":401,
    "detail":"a token is needed"}"#;

/// A running front.
pub struct Front {
    server: Arc<tiny_http::Server>,
    lines: Arc<Mutex<Vec<String>>>,
    worker: Option<JoinHandle<()>>,
}

impl Front {
    /// Starts one on a free port.
    ///
    /// # Errors
    /// If no port can be bound.
    pub fn start(evaluator: &Server, mishaps: &[Mishap]) -> Result<Self> {
        Self::start_with(evaluator, mishaps, None)
    }

    /// Starts one that lets nobody in who has not this token.
    ///
    /// # Errors
    /// As [`Front::start`].
    pub fn start_private(evaluator: &Server, token: &str) -> Result<Self> {
        Self::start_with(evaluator, &[], Some(format!("Bearer {token}")))
    }

    fn start_with(evaluator: &Server, mishaps: &[Mishap], opens: Option<String>) -> Result<Self> {
        let server = tiny_http::Server::http("127.0.0.1:0").map_err(anyhow::Error::msg)?;
        let server = Arc::new(server);
        let lines = Arc::<Mutex<Vec<String>>>::default();
        let worker = std::thread::spawn({
            let (server, lines) = (Arc::clone(&server), Arc::clone(&lines));
            let (target, mut mishaps) = (evaluator.url(""), mishaps.to_vec());
            move || {
                while let Ok(request) = server.recv() {
                    let line = format!("{} {}", request.method(), request.url());
                    lines
                        .lock()
                        .unwrap_or_else(PoisonError::into_inner)
                        .push(line);
                    if let Err(error) = answer(request, &target, &mut mishaps, opens.as_deref()) {
                        eprintln!("front: {error:#}");
                    }
                }
            }
        });
        Ok(Self {
            server,
            lines,
            worker: Some(worker),
        })
    }

    /// Where it listens.
    ///
    /// # Errors
    /// If it has no IP address.
    pub fn url(&self) -> Result<String> {
        let address = self.server.server_addr().to_ip().context("no IP address")?;
        Ok(format!("http://{address}"))
    }

    /// Method and route of each request so far; session ids are left out.
    pub fn routes(&self) -> Vec<String> {
        let lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        let is_id = |part: &str| part.len() == 32 && part.bytes().all(|b| b.is_ascii_hexdigit());
        let shorten = |line: &String| {
            let line = line.replace("/api/v1/", "");
            let parts = line
                .split('/')
                .map(|part| if is_id(part) { "ID" } else { part });
            parts.collect::<Vec<_>>().join("/")
        };
        lines.iter().map(shorten).collect()
    }
}

impl Drop for Front {
    fn drop(&mut self) {
        self.server.unblock();
        if let Some(worker) = self.worker.take() {
            // A worker that panicked has already said so.
            let _ = worker.join();
        }
    }
}

fn answer(
    mut request: Request,
    target: &str,
    mishaps: &mut Vec<Mishap>,
    opens: Option<&str>,
) -> Result<()> {
    let (method, url) = (request.method().to_string(), request.url().to_owned());
    let mut body = Vec::new();
    request.as_reader().read_to_end(&mut body)?;
    let headers = request.headers().iter();
    let mut tokens = headers.filter(|header| header.field.equiv("Authorization"));
    let token = tokens.next().map(|header| header.value.as_str());
    if opens.is_some() && token != opens {
        return refuse(request, 401, None, PRIVATE);
    }
    let is_keys = method == "POST" && url.ends_with("/sessions");
    let is_ciphertext = url.contains("/classify");
    let concerned = |mishap: &Mishap| {
        if mishap.concerns_keys() {
            is_keys
        } else {
            is_ciphertext
        }
    };
    let mishap = mishaps
        .iter()
        .position(concerned)
        .map(|at| mishaps.remove(at));
    match mishap {
        Some(Mishap::Busy) => return refuse(request, 503, Some(0), ""),
        Some(Mishap::Full(seconds)) => return refuse(request, 429, Some(seconds), FULL),
        Some(Mishap::Nobody(status)) => return refuse(request, status, None, "<html>"),
        Some(Mishap::Noise) => {
            let mut line = request.into_writer();
            line.write_all(b"~~~~~~~~~~~~~~~~\r\n\r\n")?;
            return Ok(line.flush()?);
        }
        Some(Mishap::Lost | Mishap::Cut) | None => {}
    }
    if mishap == Some(Mishap::Lost) {
        let session = url.split("/classify").next().unwrap_or_default();
        agent().delete(format!("{target}{session}")).call()?;
    }
    let (status, headers, mut reply) = pass_on(&method, &format!("{target}{url}"), &body)?;
    if mishap == Some(Mishap::Cut) {
        reply.truncate(reply.len() / 2);
    }
    let length = reply.len();
    let response = Response::new(status.into(), headers, reply.as_slice(), Some(length), None);
    Ok(request.respond(response)?)
}

fn refuse(request: Request, status: u16, seconds: Option<u32>, body: &str) -> Result<()> {
    let mut response = Response::from_string(body).with_status_code(status);
    if let Some(seconds) = seconds {
        let header = Header::from_bytes("Retry-After", seconds.to_string());
        response.add_header(header.ok().context("a header")?);
    }
    Ok(request.respond(response)?)
}

fn pass_on(method: &str, url: &str, body: &[u8]) -> Result<(u16, Vec<Header>, Vec<u8>)> {
    let outgoing = http::Request::builder().method(method).uri(url);
    let mut reply = if method == "POST" {
        agent().run(
            outgoing
                .header("content-type", "application/octet-stream")
                .body(body)?,
        )?
    } else {
        agent().run(outgoing.body(())?)?
    };
    let header = |name: &str| {
        let value = reply.headers().get(name)?;
        Header::from_bytes(name.as_bytes(), value.as_bytes()).ok()
    };
    let headers = ["content-type", "server-timing"]
        .into_iter()
        .filter_map(header)
        .collect();
    let mut bytes = Vec::new();
    reply.body_mut().as_reader().read_to_end(&mut bytes)?;
    Ok((reply.status().as_u16(), headers, bytes))
}
