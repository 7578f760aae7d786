//! The evaluator's routes.
//!
//! Knows what is asked of the evaluator and how it refuses; is handed keys and ciphertexts as
//! bytes and nothing plain.
//!
//! **Invariant:** every route is relative to the page's base, so the page works wherever it is
//! hosted, and every reply is checked before it is believed.

use std::pin::pin;
use std::time::Duration;

use futures_util::future::{Either, select};
use gloo_net::http::{Request, RequestBuilder, Response};
use gloo_timers::future::sleep;
use serde::de::DeserializeOwned;
use shared::api::{
    API_PREFIX, API_VERSION, ModelInfo, ModelList, ModelSummary, OCTET_STREAM,
    PROBLEM_SESSION_GONE, PROBLEM_UPLOAD_GONE, Problem, SessionInfo, UploadInfo,
};
use web_sys::AbortController;

use crate::failure::Failure;
use crate::http::{self, HttpError, Reply};
use client::manners;

/// How long a description may take.
const DESCRIBE_TIMEOUT: Duration = Duration::from_secs(30);

/// How long an upload of keys may take: a slow line needs minutes.
const UPLOAD_TIMEOUT_MS: u32 = 300_000;

/// How long one classification may take.
const CLASSIFY_TIMEOUT_MS: u32 = 60_000;

/// Status of a reply that something was made.
const CREATED: u16 = 201;

/// The reply to a ciphertext, and where its time went.
#[derive(Clone, Debug, PartialEq)]
pub struct Classified {
    /// The encrypted logits.
    pub reply: Vec<u8>,
    /// Milliseconds on the way there, and waiting in between.
    pub upload_ms: f64,
    /// Milliseconds of arithmetic, by the server's own account.
    pub evaluate_ms: f64,
    /// Milliseconds on the way back.
    pub download_ms: f64,
}

/// The models that the server has.
///
/// # Errors
/// [`Failure`] if the server can't be reached or speaks another version.
pub async fn models(on_busy: impl Fn(u32)) -> Result<Vec<ModelSummary>, Failure> {
    let list: ModelList = get("models", "the list of models", &on_busy).await?;
    check_version(list.api_version)?;
    Ok(list.models)
}

/// The description of a model.
///
/// # Errors
/// [`Failure`] if the server can't be reached, refuses or speaks another version.
pub async fn model(id: &str, on_busy: impl Fn(u32)) -> Result<ModelInfo, Failure> {
    let route = format!("models/{}", escape(id));
    let request = "the model's description";
    let info: ModelInfo = get(&route, request, &on_busy).await?;
    check_version(info.api_version)?;
    if info.id == id && info.layers.is_none() {
        return Ok(info);
    }
    let reason = format!("it is not of {id}, or not of all its layers");
    Err(Failure::Unreadable { request, reason })
}

/// A session that the server may still hold.
///
/// # Errors
/// [`Failure::Refused`] if it doesn't, or another [`Failure`] if it can't be asked.
pub async fn session(id: &str, on_busy: impl Fn(u32)) -> Result<SessionInfo, Failure> {
    let route = format!("sessions/{}", escape(id));
    let request = "the session's state";
    let info: SessionInfo = get(&route, request, &on_busy).await?;
    if info.id == id {
        return Ok(info);
    }
    let reason = "it is of another session".to_owned();
    Err(Failure::Unreadable { request, reason })
}

/// Deletes a session.
///
/// # Errors
/// [`Failure::Refused`] if it is gone already, or another [`Failure`] if the server can't be told.
pub async fn close_session(id: &str) -> Result<(), Failure> {
    let route = format!("sessions/{}", escape(id));
    let request = Request::delete(&url(&route));
    let sent = send(request);
    let (reply, body) = in_time(sent, DESCRIBE_TIMEOUT, sleep(DESCRIBE_TIMEOUT)).await?;
    if reply.ok() {
        return Ok(());
    }
    Err(refusal(reply.status(), &body))
}

/// Begins an upload of evaluation keys in parts with their header.
///
/// # Errors
/// [`Failure`] if the server can't be reached or refuses.
pub async fn begin_upload(header: &[u8], on_busy: impl Fn(u32)) -> Result<UploadInfo, Failure> {
    let reply = post("uploads", header, UPLOAD_TIMEOUT_MS, |_| {}, on_busy).await?;
    read("the beginning of the upload", &reply.body)
}

/// Uploads the next keys; the last ones open the session.
///
/// # Errors
/// [`Failure`] if the server can't be reached or refuses; [`is_upload_gone`] tells the one after
/// which another upload may succeed.
pub async fn upload_keys(
    upload: &str,
    keys: &[u8],
    on_progress: impl Fn(u64) + Clone + 'static,
    on_busy: impl Fn(u32),
) -> Result<Uploaded, Failure> {
    let route = format!("uploads/{}", escape(upload));
    let reply = post(&route, keys, UPLOAD_TIMEOUT_MS, on_progress, on_busy).await?;
    if reply.status == CREATED {
        return read("the upload of keys", &reply.body).map(Uploaded::All);
    }
    read("the upload of keys", &reply.body).map(Uploaded::Part)
}

/// What came of uploading keys.
#[derive(Clone, Debug, PartialEq)]
pub enum Uploaded {
    /// More keys are missing.
    Part(UploadInfo),
    /// That was the last.
    All(SessionInfo),
}

/// Has a ciphertext classified.
///
/// # Errors
/// [`Failure`] if the server can't be reached or refuses; [`is_session_gone`] tells the one that
/// uploading the keys again mends.
pub async fn classify(
    session: &str,
    model: &str,
    ciphertext: &[u8],
    on_busy: impl Fn(u32),
) -> Result<Classified, Failure> {
    let route = format!(
        "sessions/{}/classify?model={}",
        escape(session),
        escape(model)
    );
    let reply = post(&route, ciphertext, CLASSIFY_TIMEOUT_MS, |_| {}, on_busy).await?;
    let evaluate_ms = reply
        .server_timing
        .as_deref()
        .and_then(manners::evaluation_time)
        .map_or(0.0, |time| time.as_secs_f64() * 1e3);
    Ok(Classified {
        reply: reply.body,
        upload_ms: (reply.head_ms - evaluate_ms).max(0.0),
        evaluate_ms,
        download_ms: reply.body_ms,
    })
}

/// True for the refusal of a session that expired or was evicted.
pub fn is_session_gone(failure: &Failure) -> bool {
    let Failure::Refused(problem) = failure else {
        return false;
    };
    problem.status == 410 || problem.kind == PROBLEM_SESSION_GONE
}

/// True for the refusal of an upload in parts that expired or was evicted.
pub fn is_upload_gone(failure: &Failure) -> bool {
    matches!(failure, Failure::Refused(problem) if problem.kind == PROBLEM_UPLOAD_GONE)
}

async fn get<T: DeserializeOwned>(
    route: &str,
    request: &'static str,
    on_busy: impl Fn(u32),
) -> Result<T, Failure> {
    let mut attempt = 1;
    loop {
        let sent = send(Request::get(&url(route)));
        let (reply, body) = in_time(sent, DESCRIBE_TIMEOUT, sleep(DESCRIBE_TIMEOUT)).await?;
        let status = reply.status();
        if reply.ok() {
            return read(request, &body);
        }
        let retry_after = reply.headers().get("Retry-After");
        wait_or_fail(attempt, status, retry_after.as_deref(), &body, &on_busy).await?;
        attempt += 1;
    }
}

/// One request, to the end of its body; aborted when this is dropped.
async fn send(request: RequestBuilder) -> Result<(Response, Vec<u8>), Failure> {
    // Neither networks nor browsers tell a page why a request got no answer.
    let in_flight = InFlight(AbortController::new().map_err(|_| Failure::Unreachable)?);
    let reply = request
        .abort_signal(Some(&in_flight.0.signal()))
        .send()
        .await
        .map_err(|_| Failure::Unreachable)?;
    let body = reply.binary().await.map_err(|_| Failure::Unreachable)?;
    Ok((reply, body))
}

/// Aborts its request when dropped, which does nothing to one that has ended: a server that never
/// answers holds none of the few connections a browser opens to it.
struct InFlight(AbortController);

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Waits for `reply` until `timer` has run for `limit`.
async fn in_time<T>(
    reply: impl Future<Output = Result<T, Failure>>,
    limit: Duration,
    timer: impl Future<Output = ()>,
) -> Result<T, Failure> {
    match select(pin!(reply), pin!(timer)).await {
        Either::Left((reply, _)) => reply,
        Either::Right(_) => Err(Failure::TimedOut {
            seconds: limit.as_secs() as u32,
        }),
    }
}

async fn post(
    route: &str,
    body: &[u8],
    timeout_ms: u32,
    on_progress: impl Fn(u64) + Clone + 'static,
    on_busy: impl Fn(u32),
) -> Result<Reply, Failure> {
    let url = url(route);
    let mut attempt = 1;
    loop {
        let sent = http::post(&url, OCTET_STREAM, body, timeout_ms, on_progress.clone());
        let reply = sent.await.map_err(|error| match error {
            HttpError::Unreachable => Failure::Unreachable,
            HttpError::TimedOut => Failure::TimedOut {
                seconds: timeout_ms / 1000,
            },
        })?;
        if let 200..300 = reply.status {
            return Ok(reply);
        }
        let retry_after = reply.retry_after.as_deref();
        wait_or_fail(attempt, reply.status, retry_after, &reply.body, &on_busy).await?;
        attempt += 1;
    }
}

/// Waits before the same request is sent again, where that can help.
async fn wait_or_fail(
    attempt: u32,
    status: u16,
    retry_after: Option<&str>,
    body: &[u8],
    on_busy: impl Fn(u32),
) -> Result<(), Failure> {
    let pause = pause_or_failure(attempt, status, retry_after, body)?;
    on_busy(pause.as_secs_f64().ceil() as u32);
    sleep(pause).await;
    Ok(())
}

/// How long to wait after request number `attempt`, or why not. A busy evaluator says so itself; a
/// page of a proxy with the same status, without a time to come back, means that the proxy found
/// nobody to ask.
fn pause_or_failure(
    attempt: u32,
    status: u16,
    retry_after: Option<&str>,
    body: &[u8],
) -> Result<Duration, Failure> {
    let failure = refusal(status, body);
    if !manners::is_busy(status) {
        return Err(failure);
    }
    manners::pause(attempt, retry_after).ok_or(match failure {
        Failure::Unreachable if retry_after.is_none() => Failure::Unreachable,
        _ => Failure::Busy { attempts: attempt },
    })
}

/// The evaluator always gives a reason. An error of a server without one comes from something in
/// between that found nobody behind it.
fn refusal(status: u16, body: &[u8]) -> Failure {
    match serde_json::from_slice::<Problem>(body) {
        Ok(problem) => Failure::Refused(problem),
        Err(_) if status >= 500 => Failure::Unreachable,
        Err(_) => Failure::Refused(Problem {
            kind: "about:blank".into(),
            title: "The server refused".into(),
            status,
            detail: "it gave no reason".into(),
        }),
    }
}

fn read<T: DeserializeOwned>(request: &'static str, body: &[u8]) -> Result<T, Failure> {
    serde_json::from_slice(body).map_err(|error| Failure::Unreadable {
        request,
        reason: error.to_string(),
    })
}

fn check_version(server: u32) -> Result<(), Failure> {
    if server == API_VERSION {
        Ok(())
    } else {
        Err(Failure::Version {
            page: API_VERSION,
            server,
        })
    }
}

fn url(route: &str) -> String {
    format!("{}/{route}", API_PREFIX.trim_start_matches('/'))
}

fn escape(part: &str) -> String {
    js_sys::encode_uri_component(part).into()
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};

    use futures_util::FutureExt;

    use super::*;

    #[test]
    fn refusals_keep_their_reason() {
        let body = br#"{"type":"/problems/session-gone","title":"Gone","status":410,"detail":"x"}"#;
        assert!(is_session_gone(&refusal(410, body)));
        assert_eq!(refusal(502, b"<html>"), Failure::Unreachable);
        assert!(matches!(refusal(400, b""), Failure::Refused(problem) if problem.status == 400));
        assert!(!is_session_gone(&Failure::Unreachable));
    }

    #[track_caller]
    fn check_pause(
        attempt: u32,
        status: u16,
        retry_after: Option<&str>,
        body: &[u8],
        expected: Result<u64, Failure>,
    ) {
        let expected = expected.map(Duration::from_millis);
        let got = pause_or_failure(attempt, status, retry_after, body);
        assert_eq!(got, expected, "attempt {attempt} met {status}");
    }

    #[test]
    fn a_busy_evaluator_is_told_from_a_proxy_without_one() {
        let busy = br#"{"type":"/problems/busy","title":"Busy","status":503,"detail":"x"}"#;
        let page = b"<html><h1>503 Service Temporarily Unavailable</h1></html>";
        let last = manners::MAX_ATTEMPTS;
        let given_up = Failure::Busy { attempts: last };
        check_pause(1, 503, Some("2"), busy, Ok(2_000));
        check_pause(last, 503, Some("2"), busy, Err(given_up.clone()));
        check_pause(last, 503, None, busy, Err(given_up.clone()));
        check_pause(1, 429, Some("3"), b"", Ok(3_000));
        check_pause(last, 429, None, b"", Err(given_up.clone()));
        // A proxy that limits requests or is being restarted.
        check_pause(1, 503, None, page, Ok(500));
        check_pause(last, 503, None, page, Err(Failure::Unreachable));
        check_pause(last, 503, Some("1"), page, Err(given_up));
        check_pause(1, 502, None, page, Err(Failure::Unreachable));
        check_pause(1, 504, None, b"", Err(Failure::Unreachable));
    }

    #[test]
    fn a_server_that_never_answers_is_given_up() {
        let limit = DESCRIBE_TIMEOUT;
        let waited = in_time(pending::<Result<(), _>>(), limit, ready(())).now_or_never();
        assert_eq!(waited, Some(Err(Failure::TimedOut { seconds: 30 })));
        let replied = in_time(ready(Ok(7)), limit, pending()).now_or_never();
        assert_eq!(replied, Some(Ok(7)));
        let waiting = in_time(pending::<Result<(), _>>(), limit, pending()).now_or_never();
        assert_eq!(waiting, None);
    }

    #[test]
    fn routes_are_relative() {
        assert_eq!(url("models"), "api/v1/models");
    }

    #[test]
    fn other_versions_are_refused() {
        let server = API_VERSION + 1;
        assert_eq!(check_version(API_VERSION), Ok(()));
        assert_eq!(
            check_version(server),
            Err(Failure::Version {
                page: API_VERSION,
                server
            })
        );
    }
}
