//! What a request may ask for and how long it may take, each with an error of its own; and a key that
//! is wrong while it comes.

use std::sync::mpsc;
use std::time::Duration;

use actix_web::http::header;
use evaluator::server::Limits;
use shared::api::{ModelInfo, SessionInfo};
use shared::wire::{KEYS_HEADER_LEN, MAX_BATCH, write_batch};

use super::app::{TestServer, get, limits, octets};
use super::material::{input, key_pieces};
use super::problems::check_problem;

/// A session with the keys of model `one`, and an input.
async fn session(limits: Limits) -> (TestServer, String, Vec<u8>) {
    let server = TestServer::with_limits(limits);
    let reply = server.call(get("/api/v1/models/one")).await;
    let model: ModelInfo = serde_json::from_slice(&reply.body).expect("info");
    let keys = key_pieces(&model.keys, &server.ring).concat();
    let reply = server.call(octets("/api/v1/sessions", keys)).await;
    assert_eq!(reply.status, 201, "{}", reply.text());
    let session: SessionInfo = serde_json::from_slice(&reply.body).expect("info");
    let address = format!("/api/v1/sessions/{}/classify?model=one", session.id);
    let input = input(&model, &server.ring);
    (server, address, input)
}

fn roomy() -> Limits {
    let mut limits = Limits::for_threads(1);
    limits.queue.places = 4;
    limits
}

#[actix_web::test]
async fn a_batch_has_a_limit_of_its_own() {
    let mut limits = roomy();
    limits.batch = 2;
    let (server, address, input) = session(limits).await;
    let batch = |count| write_batch(&vec![input.clone(); count], &server.ring).expect("fits");
    let reply = server.call(octets(&address, batch(2))).await;
    assert_eq!(reply.status, 200);
    for count in [3, MAX_BATCH] {
        let reply = server.call(octets(&address, batch(count))).await;
        let detail = format!("at most 2 digits here, this one has {count}");
        check_problem(&reply, 413, "batch-too-large", &detail);
    }
    // More than any batch is only a large body.
    let large = [batch(MAX_BATCH), batch(2)].concat();
    let reply = server.call(octets(&address, large)).await;
    check_problem(&reply, 413, "body-too-large", "bytes that this route takes");
}

#[actix_web::test]
async fn an_evaluation_that_takes_too_long_ends() {
    let mut limits = roomy();
    limits.evaluation = Duration::ZERO;
    let (server, address, input) = session(limits).await;
    let reply = server.call(octets(&address, input)).await;
    check_problem(&reply, 503, "evaluation-time", "longer than the 0 s");
    assert_eq!(reply.header(header::RETRY_AFTER), "1");
    assert_eq!(server.app.pool().in_flight(), 0);
}

#[actix_web::test]
async fn a_turn_that_does_not_come_is_not_waited_for() {
    let mut limits = roomy();
    limits.queue.wait = Duration::from_millis(500);
    let (server, address, input) = session(limits).await;
    let (release, wait) = mpsc::channel::<()>();
    let app = server.app.clone();
    let busy =
        actix_web::rt::spawn(async move { app.pool().run(move || wait.recv().is_ok()).await });
    while server.app.pool().in_flight() == 0 {
        actix_web::rt::time::sleep(Duration::from_millis(1)).await;
    }
    let reply = server.call(octets(&address, input.clone())).await;
    check_problem(&reply, 503, "queue-wait", "busy for 500 ms");
    assert_eq!(reply.header(header::RETRY_AFTER), "1");
    release.send(()).expect("the job waits");
    assert_eq!(busy.await.expect("task"), Ok(true));
    assert_eq!(server.call(octets(&address, input)).await.status, 200);
    let text = server.call(get("/metrics")).await;
    assert!(
        text.text().contains("inkveil_queue_wait_seconds_count"),
        "{}",
        text.text()
    );
}

#[actix_web::test]
async fn keys_are_refused_with_the_key_that_is_wrong() {
    let server = TestServer::with_limits(roomy());
    let reply = server.call(get("/api/v1/models/one")).await;
    let model: ModelInfo = serde_json::from_slice(&reply.body).expect("info");
    let pieces = key_pieces(&model.keys, &server.ring);
    let whole = pieces.concat();
    let check = async |body: Vec<u8>, kind, detail: &str| {
        let reply = server.call(octets("/api/v1/sessions", body)).await;
        check_problem(&reply, 400, kind, detail);
        assert_eq!(
            server.app.keys().held().sweep().held,
            0,
            "nothing was stored"
        );
    };
    let cut = |length: usize| whole[..length].to_vec();
    check(Vec::new(), "truncated-body", "16 bytes needed, 0 left").await;
    check(cut(10), "truncated-body", "truncated in the header").await;
    let count = pieces.len() - 1;
    let none = format!("truncated in key 0 of {count}: 39 bytes needed, 0 left");
    check(cut(KEYS_HEADER_LEN), "truncated-body", &none).await;
    check(cut(whole.len() - 1), "truncated-body", "rotations by").await;
    let mut long = whole.clone();
    long.push(0);
    check(long, "trailing-bytes", "1 bytes after its end").await;
    let mut wrong = whole.clone();
    let second = KEYS_HEADER_LEN + pieces[1].len();
    wrong[second + 39..second + 47].fill(0xff);
    check(
        wrong,
        "residue-out-of-range",
        "residue 0 of the key for rotations by",
    )
    .await;
}

#[actix_web::test]
async fn a_service_that_stops_is_not_ready_but_healthy() {
    let server = TestServer::with_limits(limits());
    assert_eq!(server.call(get("/readyz")).await.status, 200);
    server.app.drain();
    let reply = server.call(get("/readyz")).await;
    check_problem(&reply, 503, "not-ready", "about to stop");
    assert_eq!(server.call(get("/healthz")).await.status, 200);
    let reply = server.call(get("/api/v1/models")).await;
    assert_eq!(reply.status, 200, "it still serves");
}
