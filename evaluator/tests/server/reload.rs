//! Models and tokens that change while the service runs.

use std::sync::atomic::{AtomicUsize, Ordering};

use actix_web::body::to_bytes;
use actix_web::http::{Method, StatusCode, header};
use actix_web::test::{TestRequest, call_service, init_service};
use evaluator::server::catalogue::Catalogue;
use evaluator::server::tokens::Tokens;
use evaluator::server::{Reloaded, admin};
use shared::api::{ModelInfo, Problem, SessionInfo};

use super::app::{TestServer, catalogue, circuit, get, octets, request};
use super::material::{input, key_pieces};

/// `printf abc | sha256sum`
const TOKENS: &str = "ada ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

/// The first reload fails; the second brings another model, another circuit for the first, and tokens.
fn server() -> TestServer {
    let reloads = AtomicUsize::new(0);
    let mut limits = super::app::limits();
    limits.key_body.bytes = 16 << 20;
    limits.input_body.bytes = 1 << 20;
    TestServer::with_limits(limits).map_app(|app| {
        app.with_reload(move || match reloads.fetch_add(1, Ordering::Relaxed) {
            0 => Err("one.onnx: not an ONNX file".to_owned()),
            1 => Ok(Reloaded {
                catalogue: Catalogue::new([circuit("one", 1), circuit("three", 1)]).expect("two"),
                tokens: None,
            }),
            _ => Ok(Reloaded {
                catalogue: catalogue(),
                tokens: Some(Tokens::parse(TOKENS).expect("parses")),
            }),
        })
    })
}

async fn administer(server: &TestServer, request: TestRequest) -> (StatusCode, String) {
    let app = server.app.clone();
    let service = actix_web::App::new().configure(|config| admin::configure(config, app));
    let service = init_service(service).await;
    let response = call_service(&service, request.to_request()).await;
    let status = response.status();
    let body = to_bytes(response.into_body()).await.expect("a body");
    (status, String::from_utf8(body.to_vec()).expect("text"))
}

fn reload() -> TestRequest {
    request(Method::POST, "/admin/reload")
}

#[actix_web::test]
async fn a_reload_drops_no_session_and_a_broken_model_changes_nothing() {
    let server = server();
    let reply = server.call(get("/api/v1/models/one")).await;
    let model: ModelInfo = serde_json::from_slice(&reply.body).expect("info");
    let keys = key_pieces(&model.keys, &server.ring).concat();
    let reply = server.call(octets("/api/v1/sessions", keys)).await;
    let session: SessionInfo = serde_json::from_slice(&reply.body).expect("info");
    let classify = async |model_id: &str| {
        let address = format!("/api/v1/sessions/{}/classify?model={model_id}", session.id);
        let reply = server
            .call(octets(&address, input(&model, &server.ring)))
            .await;
        reply.status.as_u16()
    };
    assert_eq!(classify("one").await, 200);

    let (status, text) = administer(&server, reload()).await;
    assert_eq!(status, 422);
    let problem: Problem = serde_json::from_str(&text).expect("a problem");
    assert_eq!(problem.kind, "/problems/reload-failed");
    assert!(
        problem.detail.contains("one.onnx: not an ONNX file"),
        "{}",
        problem.detail
    );
    assert_eq!((classify("one").await, classify("three").await), (200, 404));

    let (status, text) = administer(&server, reload()).await;
    assert_eq!(
        (status, text.as_str()),
        (StatusCode::OK, "{\"models\":[\"one\",\"three\"]}")
    );
    let after = (
        classify("one").await,
        classify("three").await,
        classify("two").await,
    );
    assert_eq!(after, (200, 200, 404), "the same keys, another circuit");

    assert_eq!(administer(&server, reload()).await.0, 200);
    assert_eq!(classify("one").await, 401, "tokens are wanted from now on");

    let metrics = server.call(get("/metrics")).await;
    for line in [
        "inkveil_reloads_total{outcome=\"failed\"} 1",
        "inkveil_reloads_total{outcome=\"done\"} 2",
        "inkveil_models 2",
    ] {
        assert!(
            metrics.text().lines().any(|found| found == line),
            "{}",
            metrics.text()
        );
    }
}

#[actix_web::test]
async fn a_web_page_can_not_administer() {
    let server = server();
    let request = reload().insert_header((header::ORIGIN, "https://page.example"));
    let (status, text) = administer(&server, request).await;
    assert_eq!(status, 403, "{text}");
    assert_eq!(administer(&server, get("/admin/reload")).await.0, 405);
    assert_eq!(administer(&server, get("/api/v1/models")).await.0, 404);
    let reply = server.call(reload()).await;
    assert_eq!(
        reply.status,
        405,
        "not on the listener for everybody: {}",
        reply.text()
    );
    let metrics = server.call(get("/metrics")).await;
    assert!(
        !metrics.text().contains("inkveil_reloads_total{"),
        "nothing was reloaded"
    );
}

#[test]
fn administrators_are_on_this_machine() {
    let check = |address: &str| admin::check_address(address.parse().expect("an address")).is_ok();
    assert!(check("127.0.0.1:9091") && check("[::1]:9091") && check("127.9.9.9:1"));
    assert!(!check("0.0.0.0:9091") && !check("192.0.2.1:9091") && !check("[::]:9091"));
}
