//! Who gets in: tokens, rates, other origins, and the addresses that proxies name.

use std::net::SocketAddr;
use std::time::Duration;

use actix_web::http::{Method, header};
use actix_web::test::TestRequest;
use evaluator::server::Limits;
use evaluator::server::address::TrustedProxies;
use evaluator::server::rate::RateLimit;
use evaluator::server::session::Share;
use evaluator::server::tokens::Tokens;

use super::app::{Reply, TestServer, get, limits, octets, request};
use super::problems::check_problem;

/// `printf abc | sha256sum`
const TOKENS: &str = "ada ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

fn private() -> TestServer {
    let tokens = Tokens::parse(TOKENS).expect("parses");
    TestServer::new().map_app(|app| app.with_tokens(Some(tokens)))
}

#[actix_web::test]
async fn a_private_service_lets_nobody_in_without_a_token() {
    let server = private();
    for path in ["/api/v1/models", "/api/v1/models/one", "/api/v1/made/up"] {
        let reply = server.call(get(path)).await;
        check_problem(&reply, 401, "unauthorized", "Authorization: Bearer");
        assert_eq!(reply.header(header::WWW_AUTHENTICATE), "Bearer");
    }
    let keys = server.no_keys();
    let reply = server.call(octets("/api/v1/sessions", keys.clone())).await;
    check_problem(&reply, 401, "unauthorized", "this service is private");
    assert_eq!(server.app.keys().held().sweep().held, 0);
    let with = |request: TestRequest, token: &str| {
        request.insert_header((header::AUTHORIZATION, format!("Bearer {token}")))
    };
    let reply = server.call(with(get("/api/v1/models"), "abd")).await;
    check_problem(&reply, 401, "unauthorized", "");
    let reply = server.call(with(get("/api/v1/models"), "abc")).await;
    assert_eq!(reply.status, 200);
    let reply = server
        .call(with(octets("/api/v1/sessions", keys), "abc"))
        .await;
    assert_eq!(reply.status, 201, "{}", reply.text());
}

#[actix_web::test]
async fn page_probes_and_description_need_no_token() {
    let server = private();
    for path in [
        "/",
        "/healthz",
        "/readyz",
        "/metrics",
        "/api/v1/openapi.json",
    ] {
        assert_eq!(server.call(get(path)).await.status, 200, "{path}");
    }
}

/// Limits of one request a second, two at once, of one address or to one session.
fn slow(change: impl FnOnce(&mut Limits, RateLimit)) -> TestServer {
    let mut limits = limits();
    let rate = RateLimit {
        per_second: 1,
        burst: 2,
    };
    change(&mut limits, rate);
    TestServer::with_limits(limits)
}

fn check_turned_away(reply: &Reply, whose: &str) {
    let detail = format!("{whose} may send 1 requests a second");
    check_problem(reply, 429, "too-many-requests", &detail);
    assert_eq!(reply.header(header::RETRY_AFTER), "1");
}

fn from(peer: &str, request: TestRequest) -> TestRequest {
    let peer: SocketAddr = peer.parse().expect("an address");
    request.peer_addr(peer)
}

#[actix_web::test]
async fn one_address_is_turned_away_and_another_is_not() {
    let server = slow(|limits, rate| limits.address_rate = rate);
    let ask = |peer| server.call(from(peer, get("/api/v1/models")));
    for _ in 0..2 {
        assert_eq!(ask("192.0.2.1:1000").await.status, 200);
    }
    check_turned_away(&ask("192.0.2.1:2000").await, "one address");
    assert_eq!(ask("192.0.2.2:1000").await.status, 200);
    assert_eq!(ask("[2001:db8::1]:1000").await.status, 200);
    assert_eq!(ask("[2001:db8::2]:1000").await.status, 200);
    let reply = ask("[2001:db8::3]:1000").await;
    check_turned_away(&reply, "one address");
    let page = server.call(from("192.0.2.1:1000", get("/"))).await;
    assert_eq!(page.status, 200, "the page's files are free");
    actix_web::rt::time::sleep(Duration::from_millis(1100)).await;
    assert_eq!(ask("192.0.2.1:1000").await.status, 200);
}

#[actix_web::test]
async fn one_session_is_turned_away_and_another_is_not() {
    let server = slow(|limits, rate| limits.session_rate = rate);
    let [first, second] = [
        server.open_session().await.id,
        server.open_session().await.id,
    ];
    let ask = |id: &str| server.call(get(&format!("/api/v1/sessions/{id}")));
    for _ in 0..2 {
        assert_eq!(ask(&first).await.status, 200);
    }
    check_turned_away(&ask(&first).await, "one session");
    assert_eq!(ask(&second).await.status, 200);
}

#[actix_web::test]
async fn an_address_holds_so_many_sessions() {
    let mut limits = limits();
    limits.sessions.each = Share {
        count: 2,
        bytes: 1 << 20,
    };
    let server = TestServer::with_limits(limits);
    let open = |peer| server.call(from(peer, octets("/api/v1/sessions", server.no_keys())));
    for _ in 0..2 {
        assert_eq!(open("192.0.2.1:1000").await.status, 201);
    }
    let reply = open("192.0.2.1:1000").await;
    let detail = "your address holds 2 sessions already";
    check_problem(&reply, 429, "too-many-sessions", detail);
    assert_eq!(reply.header(header::RETRY_AFTER), "3600");
    assert_eq!(open("192.0.2.2:1000").await.status, 201);
    assert_eq!(server.app.keys().held().sweep().held, 3);
}

#[actix_web::test]
async fn only_a_trusted_proxy_names_another_address() {
    let proxies = TrustedProxies::new(vec!["10.0.0.0/8".parse().expect("a network")]);
    let server = slow(|limits, rate| limits.address_rate = rate)
        .map_app(|app| app.with_trusted_proxies(proxies));
    let ask = |peer, forwarded: &'static str| {
        let request = get("/api/v1/models").insert_header((header::X_FORWARDED_FOR, forwarded));
        server.call(from(peer, request))
    };
    // Through the proxy, each client has a rate of its own.
    for client in ["192.0.2.1", "192.0.2.2", "192.0.2.3"] {
        for _ in 0..2 {
            assert_eq!(ask("10.0.0.1:1000", client).await.status, 200, "{client}");
        }
        check_turned_away(&ask("10.0.0.1:1000", client).await, "one address");
    }
    // Without it, another name changes nothing.
    for name in ["192.0.2.7", "192.0.2.8"] {
        assert_eq!(ask("203.0.113.9:1000", name).await.status, 200);
    }
    check_turned_away(&ask("203.0.113.9:1000", "192.0.2.9").await, "one address");
}

const ORIGIN: &str = "https://page.example";

fn preflight(origin: &'static str) -> TestRequest {
    request(Method::OPTIONS, "/api/v1/sessions")
        .insert_header((header::ORIGIN, origin))
        .insert_header((header::ACCESS_CONTROL_REQUEST_METHOD, "POST"))
        .insert_header((
            header::ACCESS_CONTROL_REQUEST_HEADERS,
            "content-type,authorization",
        ))
}

#[actix_web::test]
async fn other_origins_are_not_allowed_unless_they_are_listed() {
    let server = TestServer::new();
    let with_origin = |origin| get("/api/v1/models").insert_header((header::ORIGIN, origin));
    let reply = server.call(with_origin(ORIGIN)).await;
    assert_eq!(reply.status, 200);
    assert_eq!(reply.header(header::ACCESS_CONTROL_ALLOW_ORIGIN), "");
    assert_eq!(server.call(preflight(ORIGIN)).await.status, 405);

    let tokens = Tokens::parse(TOKENS).expect("parses");
    let server = server.map_app(|app| {
        app.with_cors_origins(vec![ORIGIN.to_owned()])
            .with_tokens(Some(tokens))
    });
    let reply = server.call(preflight(ORIGIN)).await;
    assert_eq!(
        reply.status,
        200,
        "a preflight has no token: {}",
        reply.text()
    );
    assert_eq!(reply.header(header::ACCESS_CONTROL_ALLOW_ORIGIN), ORIGIN);
    let reply = server.call(with_origin(ORIGIN)).await;
    check_problem(&reply, 401, "unauthorized", "");
    assert_eq!(reply.header(header::ACCESS_CONTROL_ALLOW_ORIGIN), ORIGIN);
    let exposed = reply.header(header::ACCESS_CONTROL_EXPOSE_HEADERS);
    assert!(
        exposed.to_ascii_lowercase().contains("retry-after"),
        "{exposed}"
    );
    let other = server.call(preflight("https://other.example")).await;
    assert_eq!(other.header(header::ACCESS_CONTROL_ALLOW_ORIGIN), "");
}
