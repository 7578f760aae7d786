//! What Prometheus reads.

use actix_web::http::{Method, header};

use super::app::{TestServer, get, octets, request};

#[actix_web::test]
async fn figures_follow_what_happens() {
    let server = TestServer::new();
    server.open_session().await;
    let session = server.open_session().await.id;
    server
        .call(get(&format!("/api/v1/sessions/{session}")))
        .await;
    server.call(octets("/api/v1/sessions", "?")).await;
    server.call(get("/")).await;
    server.call(get("/made/up")).await;
    server.call(get("/api/v1/made/up")).await;
    server
        .call(request(
            Method::from_bytes(b"INVENT").expect("a token"),
            "/healthz",
        ))
        .await;
    server.clock.advance(3600);
    let reply = server.call(get("/metrics")).await;
    assert!(
        reply
            .header(header::CONTENT_TYPE)
            .starts_with("application/openmetrics-text")
    );
    let text = reply.text();
    for line in [
        "inkveil_requests_total{method=\"POST\",route=\"/api/v1/sessions\",status=\"201\"} 2",
        "inkveil_requests_total{method=\"POST\",route=\"/api/v1/sessions\",status=\"400\"} 1",
        "inkveil_requests_total{method=\"GET\",route=\"/api/v1/sessions/{id}\",status=\"200\"} 1",
        "inkveil_requests_total{method=\"GET\",route=\"page\",status=\"200\"} 1",
        "inkveil_requests_total{method=\"other\",route=\"/healthz\",status=\"405\"} 1",
        "inkveil_problems_total{kind=\"truncated-body\"} 1",
        "inkveil_problems_total{kind=\"not-found\"} 2",
        "inkveil_sessions 0",
        "inkveil_session_keys_bytes 0",
        "inkveil_sessions_expired_total 2",
        "inkveil_sessions_evicted_total 0",
        "inkveil_jobs 0",
        "# EOF",
    ] {
        assert!(
            text.lines().any(|found| found == line),
            "no line {line:?} in\n{text}"
        );
    }
    assert!(
        !text.contains("made") && !text.contains("INVENT"),
        "a request named a label:\n{text}"
    );
    assert!(!text.contains(&session), "a session id leaked:\n{text}");
}
