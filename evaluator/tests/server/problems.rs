//! Every way a request can fail, with the problem it gets.

use std::collections::BTreeSet;
use std::sync::mpsc;
use std::time::Duration;

use actix_web::http::{Method, StatusCode, header};
use actix_web::test::TestRequest;
use evaluator::server::REQUEST_ID;
use shared::api::{ModelInfo, PROBLEM_JSON, Problem};
use shared::wire::MessageKind;

use super::app::{Reply, TestServer, get, limits, octets, request};

const UNHELD: &str = "/api/v1/sessions/00000000000000000000000000000000";

/// Sends a request and checks the whole problem; `contains` is part of its detail.
#[track_caller]
pub fn check_problem(reply: &Reply, status: u16, kind: &str, contains: &str) {
    assert_eq!(reply.status.as_u16(), status, "{}", reply.text());
    assert_eq!(reply.header(header::CONTENT_TYPE), PROBLEM_JSON);
    assert_ne!(reply.header(REQUEST_ID), "");
    let problem: Problem = serde_json::from_slice(&reply.body).expect("a problem");
    assert_eq!(problem.status, status);
    assert_eq!(problem.kind, format!("/problems/{kind}"));
    assert!(!problem.title.is_empty());
    assert!(
        problem.detail.contains(contains),
        "{:?} does not say {contains:?}",
        problem.detail
    );
}

async fn check(request: TestRequest, status: u16, kind: &str, contains: &str) {
    check_problem(
        &TestServer::new().call(request).await,
        status,
        kind,
        contains,
    );
}

#[actix_web::test]
async fn addresses_that_are_not_there() {
    for path in [
        "/api/v1",
        "/api/v1/nothing",
        "/api/v2/models",
        "/nothing",
        "/api/v1/models/",
    ] {
        check(get(path), 404, "not-found", "the API is at /api/v1").await;
    }
    check(get("/../../etc/passwd"), 404, "not-found", "").await;
}

#[actix_web::test]
async fn methods_that_an_address_does_not_take() {
    for (method, path, allowed) in [
        (Method::POST, "/api/v1/models", "GET, HEAD"),
        (Method::PUT, "/api/v1/models/one", "GET, HEAD"),
        (Method::GET, "/api/v1/sessions", "POST"),
        (Method::POST, UNHELD, "GET, HEAD, DELETE"),
        (Method::GET, &format!("{UNHELD}/classify"), "POST"),
        (Method::DELETE, "/healthz", "GET, HEAD"),
        (Method::POST, "/metrics", "GET, HEAD"),
        (Method::POST, "/", "GET, HEAD"),
        (Method::POST, "/index.html", "GET, HEAD"),
    ] {
        let reply = TestServer::new().call(request(method.clone(), path)).await;
        let detail = format!("the method {method}; it takes {allowed}");
        check_problem(&reply, 405, "method-not-allowed", &detail);
        assert_eq!(reply.header(header::ALLOW), allowed);
    }
}

#[actix_web::test]
async fn models_that_do_not_exist() {
    let detail = "no model is called \"three\"; there are one, two";
    check(get("/api/v1/models/three"), 404, "unknown-model", detail).await;
    let server = TestServer::new();
    let id = server.open_session().await.id;
    let reply = server
        .call(octets(
            &format!("/api/v1/sessions/{id}/classify?model=three"),
            "",
        ))
        .await;
    check_problem(&reply, 404, "unknown-model", detail);
}

#[actix_web::test]
async fn names_are_quoted_and_cut() {
    let path = format!("/api/v1/models/{}", "x".repeat(1000));
    let detail = format!("\"{}\"", "x".repeat(64));
    check(get(&path), 404, "unknown-model", &detail).await;
    check(get("/api/v1/models/%0a"), 404, "unknown-model", "\"\\n\"").await;
}

#[actix_web::test]
async fn sessions_that_are_not_held() {
    check(get(UNHELD), 410, "session-gone", "upload them again").await;
    check(
        request(Method::DELETE, UNHELD),
        410,
        "session-gone",
        "upload them again",
    )
    .await;
    let classify = octets(&format!("{UNHELD}/classify?model=one"), "");
    check(classify, 410, "session-gone", "upload them again").await;
}

#[actix_web::test]
async fn session_ids_that_can_not_be() {
    for id in [
        "0",
        "0123456789ABCDEF0123456789ABCDEF",
        &"g".repeat(32),
        &"0".repeat(33),
    ] {
        let path = format!("/api/v1/sessions/{id}");
        let detail = "32 lower-case hexadecimal digits";
        check(get(&path), 404, "malformed-session-id", detail).await;
        check(
            request(Method::DELETE, &path),
            404,
            "malformed-session-id",
            detail,
        )
        .await;
        let classify = octets(&format!("{path}/classify?model=one"), "");
        check(classify, 404, "malformed-session-id", detail).await;
    }
}

#[actix_web::test]
async fn expired_sessions() {
    let server = TestServer::new();
    let id = server.open_session().await.id;
    server.clock.advance(3600);
    let reply = server
        .call(octets(
            &format!("/api/v1/sessions/{id}/classify?model=one"),
            "",
        ))
        .await;
    check_problem(&reply, 410, "session-gone", "upload them again");
}

#[actix_web::test]
async fn evicted_sessions() {
    let mut limits = limits();
    limits.sessions.all.count = 1;
    let server = TestServer::with_limits(limits);
    let first = server.open_session().await.id;
    let second = server.open_session().await.id;
    let reply = server.call(get(&format!("/api/v1/sessions/{first}"))).await;
    check_problem(&reply, 410, "session-gone", "upload them again");
    assert_eq!(
        server
            .call(get(&format!("/api/v1/sessions/{second}")))
            .await
            .status,
        StatusCode::OK
    );
}

#[actix_web::test]
async fn queries_that_can_not_be_read() {
    let server = TestServer::new();
    let id = server.open_session().await.id;
    for query in ["", "?", "?mdoel=one", "?model"] {
        let reply = server
            .call(octets(
                &format!("/api/v1/sessions/{id}/classify{query}"),
                "",
            ))
            .await;
        let status = if query == "?model" {
            (404, "unknown-model")
        } else {
            (400, "bad-query")
        };
        check_problem(&reply, status.0, status.1, "");
    }
    let reply = server
        .call(octets(&format!("/api/v1/sessions/{id}/classify?x=1"), ""))
        .await;
    check_problem(&reply, 400, "bad-query", "missing field `model`");
}

#[actix_web::test]
async fn bodies_of_another_type() {
    let bare = || request(Method::POST, "/api/v1/sessions").set_payload("INKV");
    let kind = "unsupported-media-type";
    check(
        bare(),
        415,
        kind,
        "of no declared type; send it as application/octet-stream",
    )
    .await;
    let json = bare().insert_header((header::CONTENT_TYPE, "application/json"));
    check(json, 415, kind, "the body is application/json; send it as").await;
    let packed =
        octets("/api/v1/sessions", "INKV").insert_header((header::CONTENT_ENCODING, "gzip"));
    check(packed, 415, kind, "the body is gzip; send it as").await;
}

#[actix_web::test]
async fn bodies_that_are_too_large() {
    let detail = "larger than the 4096 bytes";
    check(
        octets("/api/v1/sessions", vec![0; 4097]),
        413,
        "body-too-large",
        detail,
    )
    .await;
    let promised = octets("/api/v1/sessions", "").insert_header((header::CONTENT_LENGTH, "4097"));
    check(promised, 413, "body-too-large", detail).await;
    let lied =
        octets("/api/v1/sessions", vec![0; 4097]).insert_header((header::CONTENT_LENGTH, "1"));
    check(lied, 413, "body-too-large", detail).await;
    let server = TestServer::new();
    let id = server.open_session().await.id;
    let classify = format!("/api/v1/sessions/{id}/classify?model=one");
    let reply = server.call(octets(&classify, vec![0; 1025])).await;
    check_problem(&reply, 413, "body-too-large", "larger than the 1024 bytes");
}

#[actix_web::test]
async fn keys_that_are_no_message() {
    let keys = |body: Vec<u8>| octets("/api/v1/sessions", body);
    let server = TestServer::new();
    check(
        keys(vec![]),
        400,
        "truncated-body",
        "16 bytes needed, 0 left",
    )
    .await;
    check(
        keys(vec![b'?'; 64]),
        400,
        "wrong-message",
        "must start with the bytes \"INKV\"",
    )
    .await;
    let mut newer = server.no_keys();
    newer[4] = 2;
    check(
        keys(newer),
        400,
        "wrong-version",
        "format version 2, this side reads version 1",
    )
    .await;
    let mut other = server.no_keys();
    other[8] ^= 1;
    check(
        keys(other),
        400,
        "wrong-parameter-set",
        "the models here use n12", // Among others, by fingerprint.
    )
    .await;
    let input = server.header(MessageKind::Input);
    check(
        keys(input),
        400,
        "wrong-message",
        "message is of kind 1, expected 3",
    )
    .await;
    let mut cut = server.no_keys();
    cut.pop();
    check(
        keys(cut),
        400,
        "truncated-body",
        "truncated in the number of keys",
    )
    .await;
    let mut longer = server.no_keys();
    longer.extend([0; 3]);
    check(keys(longer), 400, "trailing-bytes", "3 bytes after its end").await;
    let mut promised = server.no_keys();
    promised[16..20].fill(0xff);
    check(keys(promised), 400, "truncated-body", "key 0 of 4294967295").await;
}

#[actix_web::test]
async fn a_residue_that_is_not_below_its_prime() {
    let mut limits = limits();
    limits.key_body.bytes = 1 << 20;
    let server = TestServer::with_limits(limits);
    let mut keys = server.no_keys();
    keys[16] = 1;
    keys.extend([2, 1, 0, 0, 0, 0, 1]); // A rotation by 1 at level 0, one prime a digit.
    keys.extend([0; 32]);
    keys.extend(vec![0xff; 1 << 17]);
    let reply = server.call(octets("/api/v1/sessions", keys)).await;
    check_problem(
        &reply,
        400,
        "residue-out-of-range",
        "residue 0 of the key for rotations by 1",
    );
    assert_eq!(
        server.app.keys().held().sweep().held,
        0,
        "nothing was stored"
    );
}

#[actix_web::test]
async fn ciphertexts_that_are_no_message() {
    let server = TestServer::new();
    let id = server.open_session().await.id;
    let classify = format!("/api/v1/sessions/{id}/classify?model=one");
    let reply = server.call(octets(&classify, "")).await;
    check_problem(&reply, 400, "truncated-body", "truncated in the header");
    let reply = server.call(octets(&classify, server.no_keys())).await;
    check_problem(
        &reply,
        400,
        "wrong-message",
        "message is of kind 3, expected 1",
    );
    let reply = server
        .call(octets(&classify, server.header(MessageKind::Input)))
        .await;
    check_problem(&reply, 400, "truncated-body", "bytes needed");
}

#[actix_web::test]
async fn keys_for_another_models_parameters() {
    let server = TestServer::new();
    let id = server.open_session().await.id;
    let reply = server
        .call(octets(
            &format!("/api/v1/sessions/{id}/classify?model=two"),
            "",
        ))
        .await;
    let model = server.call(get("/api/v1/models/two")).await;
    let model: ModelInfo = serde_json::from_slice(&model.body).expect("info");
    let set = model.parameters.name;
    let detail = format!("not for parameter set {set}, which model two");
    check_problem(&reply, 400, "wrong-parameter-set", &detail);
}

#[actix_web::test]
async fn a_full_pool_turns_work_away() {
    let server = TestServer::new();
    let (release, wait) = mpsc::channel::<()>();
    let app = server.app.clone();
    let busy =
        actix_web::rt::spawn(async move { app.pool().run(move || wait.recv().is_ok()).await });
    while server.app.pool().in_flight() == 0 {
        actix_web::rt::time::sleep(Duration::from_millis(1)).await;
    }
    let reply = server
        .call(octets("/api/v1/sessions", server.no_keys()))
        .await;
    check_problem(&reply, 503, "busy", "all 1 places for arithmetic are taken");
    assert_eq!(reply.header(header::RETRY_AFTER), "1");
    release.send(()).expect("the job waits");
    assert_eq!(busy.await.expect("task"), Ok(true));
    server.open_session().await;
}

#[actix_web::test]
async fn uploads_are_bounded() {
    let mut limits = limits();
    limits.uploads = 0;
    let server = TestServer::with_limits(limits);
    let reply = server
        .call(octets("/api/v1/sessions", server.no_keys()))
        .await;
    check_problem(
        &reply,
        503,
        "busy",
        "all 0 places for key uploads are taken",
    );
}

#[actix_web::test]
async fn inputs_are_bounded() {
    let mut limits = limits();
    limits.inputs = 0;
    let server = TestServer::with_limits(limits);
    let id = server.open_session().await.id;
    let classify = format!("/api/v1/sessions/{id}/classify?model=one");
    let reply = server.call(octets(&classify, "")).await;
    check_problem(&reply, 503, "busy", "all 0 places for inputs are taken");
    assert_eq!(reply.header(header::RETRY_AFTER), "1");
    let unheld = octets(&format!("{UNHELD}/classify?model=one"), "");
    check_problem(&server.call(unheld).await, 410, "session-gone", "");
}

#[actix_web::test]
async fn an_inputs_place_is_free_again() {
    let server = TestServer::new(); // Takes one input at a time.
    let id = server.open_session().await.id;
    let classify = format!("/api/v1/sessions/{id}/classify?model=one");
    for body in [vec![], vec![0; 1025], vec![]] {
        let reply = server.call(octets(&classify, body)).await;
        assert_ne!(reply.status, StatusCode::SERVICE_UNAVAILABLE);
    }
}

/// The kinds in code: words like `not-found` with a title like `Nothing here` behind them.
fn kinds_in(code: &str) -> BTreeSet<&str> {
    let code = code.split("#[cfg(test)]").next().unwrap_or_default();
    let parts: Vec<_> = code.split('"').collect();
    let is_kind = |word: &str| {
        !word.is_empty()
            && word
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte == b'-')
    };
    let is_title = |word: &str| word.starts_with(|first: char| first.is_ascii_uppercase());
    parts
        .windows(3)
        .filter(|part| is_kind(part[0]) && part[1].trim() == "," && is_title(part[2]))
        .map(|part| part[0])
        .collect()
}

/// The words in backquotes in the table's rows of this prefix, in the column of this number.
fn kinds_in_table<'a>(text: &'a str, prefix: &str, column: usize) -> BTreeSet<&'a str> {
    let rows = text.lines().filter_map(|line| line.strip_prefix(prefix));
    rows.filter_map(|row| row.split('|').nth(column))
        .flat_map(|cell| cell.split('`').skip(1).step_by(2))
        .collect()
}

#[test]
fn every_kind_is_documented() {
    let messages = include_str!("../../src/server/problem/message.rs");
    let of_messages = kinds_in(messages);
    assert_eq!(kinds_in_table(messages, "//! |", 0), of_messages);
    let mut kinds = kinds_in(include_str!("../../src/server/problem.rs"));
    assert!(kinds.contains("session-gone") && of_messages.contains("missing-key"));
    kinds.extend(of_messages);
    let document = include_str!("../../../docs/wire-format.md");
    let (_, problems) = document.split_once("### Problems").expect("a section");
    assert_eq!(kinds_in_table(problems, "|", 1), kinds);
}

#[actix_web::test]
async fn ranges_that_actix_refuses() {
    let range = get("/index.html").insert_header((header::RANGE, "bytes=100000-"));
    check(range, 416, "refused", "Range Not Satisfiable").await;
}
