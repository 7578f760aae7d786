//! What is answered when all is well.

use actix_web::http::{Method, StatusCode, header};
use evaluator::server::REQUEST_ID;
use shared::api::{ModelInfo, ModelList, SessionInfo};

use super::app::{TestServer, get, octets, request};

#[actix_web::test]
async fn models_are_listed_in_order() {
    let reply = TestServer::new().call(get("/api/v1/models")).await;
    assert_eq!(reply.status, StatusCode::OK);
    assert_eq!(reply.header(header::CONTENT_TYPE), "application/json");
    assert_eq!(reply.header(header::CACHE_CONTROL), "no-store");
    let list: ModelList = serde_json::from_slice(&reply.body).expect("a list");
    let ids: Vec<_> = list.models.iter().map(|model| &*model.id).collect();
    assert_eq!(ids, ["one", "two"]);
    assert_eq!(list.models[0].description, "A test of 1 squares.");
}

#[actix_web::test]
async fn a_model_says_what_a_client_needs() {
    let reply = TestServer::new().call(get("/api/v1/models/one")).await;
    let info: ModelInfo = serde_json::from_slice(&reply.body).expect("info");
    assert_eq!(info.id, "one");
    assert_eq!(info.input.shape, [4, 4]);
    assert_eq!(info.output.classes, ["a", "b", "c"]);
}

#[actix_web::test]
async fn a_session_lives_and_is_deleted() {
    let server = TestServer::new();
    let reply = server
        .call(octets("/api/v1/sessions", server.no_keys()))
        .await;
    assert_eq!(reply.status, StatusCode::CREATED);
    let opened: SessionInfo = serde_json::from_slice(&reply.body).expect("info");
    assert_eq!(opened.expires_in_s, 3600);
    assert_eq!(opened.key_bytes, 0);
    assert_eq!(
        reply.header(header::LOCATION),
        format!("sessions/{}", opened.id)
    );
    let path = format!("/api/v1/sessions/{}", opened.id);
    server.clock.advance(600);
    let held: SessionInfo =
        serde_json::from_slice(&server.call(get(&path)).await.body).expect("info");
    assert_eq!(
        held,
        SessionInfo {
            expires_in_s: 3000,
            ..opened
        }
    );
    let deleted = server.call(request(Method::DELETE, &path)).await;
    assert_eq!(deleted.status, StatusCode::NO_CONTENT);
    assert_eq!(server.call(get(&path)).await.status, StatusCode::GONE);
}

#[actix_web::test]
async fn sessions_have_different_ids() {
    let server = TestServer::new();
    assert_ne!(
        server.open_session().await.id,
        server.open_session().await.id
    );
}

#[actix_web::test]
async fn probes_answer() {
    let server = TestServer::new();
    for (path, expected) in [("/healthz", "healthy\n"), ("/readyz", "ready\n")] {
        let reply = server.call(get(path)).await;
        assert_eq!((reply.status, reply.text()), (StatusCode::OK, expected));
        assert_eq!(
            server.call(request(Method::HEAD, path)).await.status,
            StatusCode::OK
        );
    }
}

#[actix_web::test]
async fn request_ids_differ() {
    let server = TestServer::new();
    let first = server.call(get("/healthz")).await;
    let second = server.call(get("/healthz")).await;
    assert_ne!(first.header(REQUEST_ID), "");
    assert_ne!(first.header(REQUEST_ID), second.header(REQUEST_ID));
    assert_eq!(first.header(header::X_CONTENT_TYPE_OPTIONS), "nosniff");
}
