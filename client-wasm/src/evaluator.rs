//! The evaluator's routes.
//!
//! Knows what is asked of the evaluator and how it refuses; is handed keys and ciphertexts as
//! bytes and nothing plain.
//!
//! **Invariant:** every route is relative to the page's base, so the page works wherever it is
//! hosted, and every reply is checked before it is believed. What was in flight when a line broke is
//! asked again, a few times, unless another beginning is needed.

use std::time::Duration;

use gloo_timers::future::sleep;
use serde::de::DeserializeOwned;
use shared::api::{
    API_PREFIX, API_VERSION, ModelInfo, ModelList, ModelSummary, OCTET_STREAM,
    PROBLEM_SESSION_GONE, PROBLEM_UPLOAD_GONE, Problem, SessionInfo, UploadInfo,
};

use crate::connection::is_online;
use crate::failure::Failure;
use crate::http::{self, HttpError, Progress, Reply, Request};
use crate::token;
use client::manners::{self, QUICK_ATTEMPTS};

/// Seconds that a description may take.
const DESCRIBE_TIMEOUT: u32 = 30;

/// Seconds that an upload of keys may take: a slow line needs minutes.
const UPLOAD_TIMEOUT: u32 = 300;

/// Seconds that one classification may take.
const CLASSIFY_TIMEOUT: u32 = 60;

/// Requests of an upload in parts that gets no answer: nobody knows whether the part arrived, so all of
/// it begins again instead.
const ONCE: u32 = 1;

/// Status of a reply that something was made.
const CREATED: u16 = 201;

/// Status of the refusal of whoever has no token, or none that holds.
const UNAUTHORIZED: u16 = 401;

/// Status of a server, or of something in between, that can't be asked now.
const UNAVAILABLE: u16 = 503;

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
pub async fn models(on_busy: &dyn Fn(u32)) -> Result<Vec<ModelSummary>, Failure> {
    let list: ModelList = get("models", "the list of models", on_busy).await?;
    check_version(list.api_version)?;
    Ok(list.models)
}

/// The description of a model.
///
/// # Errors
/// [`Failure`] if the server can't be reached, refuses or speaks another version.
pub async fn model(id: &str, on_busy: &dyn Fn(u32)) -> Result<ModelInfo, Failure> {
    let route = format!("models/{}", escape(id));
    let request = "the model's description";
    let info: ModelInfo = get(&route, request, on_busy).await?;
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
pub async fn session(id: &str, on_busy: &dyn Fn(u32)) -> Result<SessionInfo, Failure> {
    let route = format!("sessions/{}", escape(id));
    let request = "the session's state";
    let info: SessionInfo = get(&route, request, on_busy).await?;
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
    let request = describe("DELETE", &route);
    ask(&request, QUICK_ATTEMPTS, &|_| {}).await.map(drop)
}

/// Begins an upload of evaluation keys in parts with their header.
///
/// # Errors
/// [`Failure`] if the server can't be reached or refuses.
pub async fn begin_upload(header: &[u8], on_busy: &dyn Fn(u32)) -> Result<UploadInfo, Failure> {
    let request = post("uploads", header, UPLOAD_TIMEOUT, None);
    let reply = ask(&request, ONCE, on_busy).await?;
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
    on_progress: Progress,
    on_busy: &dyn Fn(u32),
) -> Result<Uploaded, Failure> {
    let route = format!("uploads/{}", escape(upload));
    let request = post(&route, keys, UPLOAD_TIMEOUT, Some(on_progress));
    let reply = ask(&request, ONCE, on_busy).await?;
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
    on_busy: &dyn Fn(u32),
) -> Result<Classified, Failure> {
    let route = format!(
        "sessions/{}/classify?model={}",
        escape(session),
        escape(model)
    );
    let request = post(&route, ciphertext, CLASSIFY_TIMEOUT, None);
    let reply = ask(&request, QUICK_ATTEMPTS, on_busy).await?;
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
    on_busy: &dyn Fn(u32),
) -> Result<T, Failure> {
    let reply = ask(&describe("GET", route), QUICK_ATTEMPTS, on_busy).await?;
    read(request, &reply.body)
}

fn describe(method: &'static str, route: &str) -> Request<'static> {
    Request {
        method,
        url: url(route),
        body: None,
        timeout_s: DESCRIBE_TIMEOUT,
        on_progress: None,
    }
}

fn post<'a>(
    route: &str,
    body: &'a [u8],
    timeout_s: u32,
    on_progress: Option<Progress>,
) -> Request<'a> {
    Request {
        method: "POST",
        url: url(route),
        body: Some((OCTET_STREAM, body)),
        timeout_s,
        on_progress,
    }
}

/// Makes a request until it is granted, as long as asking again may help; without any answer, `most`
/// times.
async fn ask(request: &Request<'_>, most: u32, on_busy: &dyn Fn(u32)) -> Result<Reply, Failure> {
    let mut attempt = 1;
    loop {
        let answer = http::send(request).await;
        // Without a network there is nobody to ask; the page goes on when it is back.
        let most = if is_online() { most } else { ONCE };
        let setback = match answer {
            Ok(reply) if matches!(reply.status, 200..300) => return Ok(reply),
            Ok(reply) => Setback::of_reply(attempt, most, &reply),
            Err(error) => Setback::of_error(attempt, most, error, request.timeout_s),
        };
        let pause = setback.pause.ok_or(setback.failure)?;
        if setback.busy {
            on_busy(pause.as_secs_f64().ceil() as u32);
        }
        sleep(pause).await;
        attempt += 1;
    }
}

/// What to do about a request that wasn't granted.
#[derive(Debug, PartialEq)]
struct Setback {
    /// What it comes to, if nothing more is tried.
    failure: Failure,
    /// When to ask again, if that may help.
    pause: Option<Duration>,
    /// True if it is the server that wants the pause.
    busy: bool,
}

impl Setback {
    /// After request number `attempt` got no answer.
    fn of_error(attempt: u32, most: u32, error: HttpError, seconds: u32) -> Self {
        let (failure, pause) = match error {
            // Neither networks nor browsers tell a page why.
            HttpError::Unreachable => (
                Failure::Unreachable,
                manners::pause_unanswered(attempt, most),
            ),
            HttpError::TimedOut => (Failure::TimedOut { seconds }, None),
        };
        Self {
            failure,
            pause,
            busy: false,
        }
    }

    /// After request number `attempt` was refused. A busy evaluator says so itself; a page of a proxy
    /// with the same status, without a time to come back, means that the proxy found nobody to ask.
    fn of_reply(attempt: u32, most: u32, reply: &Reply) -> Self {
        let (status, body) = (reply.status, reply.body.as_slice());
        if manners::is_broken(status) {
            return Self::of_error(attempt, most, HttpError::Unreachable, 0);
        }
        if !manners::is_busy(status) {
            return Self {
                failure: refusal(status, body),
                pause: None,
                busy: false,
            };
        }
        let wait = manners::asked(reply.retry_after.as_deref());
        let failure = match (problem(body), wait) {
            (None, None) if status == UNAVAILABLE => Failure::Unreachable,
            (problem, wait) => Failure::Busy {
                status,
                problem,
                attempts: attempt,
                wait,
            },
        };
        Self {
            failure,
            pause: manners::pause(attempt, wait),
            busy: true,
        }
    }
}

/// The evaluator always gives a reason. An error of a server without one comes from something in
/// between that found nobody behind it.
fn refusal(status: u16, body: &[u8]) -> Failure {
    if status == UNAUTHORIZED {
        let refused = token::header().is_some();
        return Failure::Private { refused };
    }
    match problem(body) {
        Some(problem) => Failure::Refused(problem),
        None if status >= 500 => Failure::Unreachable,
        None => Failure::Refused(Problem {
            kind: "about:blank".into(),
            title: "The server refused".into(),
            status,
            detail: "it gave no reason".into(),
        }),
    }
}

fn problem(body: &[u8]) -> Option<Problem> {
    serde_json::from_slice(body).ok()
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
    use super::*;

    fn reply(status: u16, retry_after: Option<&str>, body: &[u8]) -> Reply {
        Reply {
            status,
            body: body.to_vec(),
            server_timing: None,
            retry_after: retry_after.map(str::to_owned),
            head_ms: 0.0,
            body_ms: 0.0,
        }
    }

    #[test]
    fn refusals_keep_their_reason() {
        let body = br#"{"type":"/problems/session-gone","title":"Gone","status":410,"detail":"x"}"#;
        assert!(is_session_gone(&refusal(410, body)));
        assert_eq!(refusal(500, b"<html>"), Failure::Unreachable);
        assert!(matches!(refusal(400, b""), Failure::Refused(problem) if problem.status == 400));
        assert!(!is_session_gone(&Failure::Unreachable));
        // Whatever stands in it: a proxy may keep the door, too.
        for body in [
            "",
            "<html>",
            r#"{"type":"x","title":"y","status":401,"detail":"z"}"#,
        ] {
            let private = Failure::Private { refused: false };
            assert_eq!(refusal(401, body.as_bytes()), private, "{body}");
        }
    }

    /// The failure that a reply comes to and the milliseconds until the next attempt.
    #[track_caller]
    fn check(attempt: u32, reply: &Reply, failure: Failure, pause_ms: Option<u64>) {
        let got = Setback::of_reply(attempt, QUICK_ATTEMPTS, reply);
        let expected = Setback {
            failure,
            pause: pause_ms.map(Duration::from_millis),
            busy: manners::is_busy(reply.status),
        };
        assert_eq!(got, expected, "attempt {attempt} met {reply:?}");
    }

    #[test]
    fn a_busy_evaluator_is_told_from_a_proxy_without_one() {
        let busy = br#"{"type":"/problems/busy","title":"Busy","status":503,"detail":"x"}"#;
        let page = b"<html><h1>503 Service Temporarily Unavailable</h1></html>";
        let last = manners::MAX_ATTEMPTS;
        let failure = |status, body: &[u8], attempts, seconds: Option<u64>| Failure::Busy {
            status,
            problem: problem(body),
            attempts,
            wait: seconds.map(Duration::from_secs),
        };
        let given_up = failure(503, busy, last, Some(2));
        check(
            1,
            &reply(503, Some("2"), busy),
            failure(503, busy, 1, Some(2)),
            Some(2_000),
        );
        check(last, &reply(503, Some("2"), busy), given_up, None);
        check(
            last,
            &reply(503, None, busy),
            failure(503, busy, last, None),
            None,
        );
        check(
            1,
            &reply(429, Some("3"), b""),
            failure(429, b"", 1, Some(3)),
            Some(3_000),
        );
        check(
            last,
            &reply(429, None, b""),
            failure(429, b"", last, None),
            None,
        );
        // A proxy that limits requests or is being restarted.
        check(1, &reply(503, None, page), Failure::Unreachable, Some(500));
        check(last, &reply(503, None, page), Failure::Unreachable, None);
        check(
            last,
            &reply(503, Some("1"), page),
            failure(503, page, last, Some(1)),
            None,
        );
    }

    #[test]
    fn a_long_wait_is_told_at_once_and_not_waited_for() {
        let many = br#"{"type":"/problems/too-many-sessions","title":"Too many sessions",
            "status":429,"detail":"x"}"#;
        let failure = Failure::Busy {
            status: 429,
            problem: problem(many),
            attempts: 1,
            wait: Some(Duration::from_secs(3600)),
        };
        assert!(
            matches!(&failure, Failure::Busy { problem: Some(problem), .. }
            if problem.title == "Too many sessions")
        );
        check(1, &reply(429, Some("3600"), many), failure, None);
    }

    #[test]
    fn what_found_nobody_is_asked_again_twice_and_soon() {
        for status in [502, 504] {
            for (attempt, pause) in [(1, Some(500)), (2, Some(1_000)), (3, None)] {
                let page = reply(status, None, b"<html>");
                check(attempt, &page, Failure::Unreachable, pause);
            }
        }
        check(1, &reply(500, None, b"<html>"), Failure::Unreachable, None);
    }

    #[test]
    fn a_request_without_an_answer_is_made_again_unless_it_took_too_long() {
        let pause = |most, error| Setback::of_error(1, most, error, 30).pause;
        let soon = Some(Duration::from_millis(500));
        assert_eq!(pause(QUICK_ATTEMPTS, HttpError::Unreachable), soon);
        assert_eq!(pause(ONCE, HttpError::Unreachable), None);
        assert_eq!(pause(QUICK_ATTEMPTS, HttpError::TimedOut), None);
        let late = Setback::of_error(1, QUICK_ATTEMPTS, HttpError::TimedOut, 30);
        assert_eq!(late.failure, Failure::TimedOut { seconds: 30 });
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
