//! The API's description against what the service really does.

use std::collections::BTreeSet;

use actix_web::http::header;
use serde_json::Value;

use super::app::{TestServer, get};

async fn description(server: &TestServer) -> Value {
    let reply = server.call(get("/api/v1/openapi.json")).await;
    assert_eq!(reply.status, 200);
    serde_json::from_slice(&reply.body).expect("JSON")
}

/// The routes in `docs/wire-format.md`, which is written by hand.
#[actix_web::test]
async fn it_describes_the_routes_that_the_document_lists() {
    let description = description(&TestServer::new()).await;
    assert!(
        description["openapi"]
            .as_str()
            .is_some_and(|version| version.starts_with("3.1"))
    );
    let paths = description["paths"].as_object().expect("paths");
    let described: BTreeSet<String> = paths
        .iter()
        .flat_map(|(path, methods)| {
            let methods = methods.as_object().expect("methods");
            methods
                .keys()
                .map(move |method| format!("{} {path}", method.to_uppercase()))
        })
        .collect();
    let document = include_str!("../../../docs/wire-format.md");
    let (_, routes) = document.split_once("## Routes").expect("a section");
    let rows = routes.lines().filter_map(|line| line.strip_prefix("| `"));
    let listed = rows
        .take_while(|row| !row.starts_with("GET /…"))
        .flat_map(|row| {
            let cell = row.split('|').next().unwrap_or_default();
            let cell = cell.replace('`', "");
            let routes: Vec<String> = cell.split(", ").flat_map(both_methods).collect();
            routes
        });
    let elsewhere = ["/admin", "openapi.json", "docs/"];
    let listed: BTreeSet<String> = listed
        .filter(|route| !elsewhere.iter().any(|other| route.contains(other)))
        .collect();
    assert_eq!(described, listed);
}

/// `GET sessions/{id}?x` as `GET /api/v1/sessions/{id}`, and what follows a comma with its method.
fn both_methods(words: &str) -> Option<String> {
    let (method, path) = words.trim().split_once(' ')?;
    let path = path.split('?').next()?;
    Some(match path.strip_prefix('/') {
        Some(_) => format!("{method} {path}"),
        None => format!("{method} /api/v1/{path}"),
    })
}

#[actix_web::test]
async fn every_address_in_it_is_relative() {
    let description = description(&TestServer::new()).await;
    assert_eq!(description["servers"][0]["url"], "../..");
}

#[actix_web::test]
async fn the_viewer_is_the_service_s_own() {
    let server = TestServer::new();
    let reply = server.call(get("/api/v1/docs/")).await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    let policy = reply.header(header::CONTENT_SECURITY_POLICY);
    assert!(policy.contains("script-src 'self'"), "{policy}");
    let outside: Vec<&str> = reply
        .text()
        .split(['"', '\''])
        .filter(|word| word.starts_with("http"))
        .collect();
    assert!(outside.is_empty(), "it loads {outside:?}");
    let initializer = server
        .call(get("/api/v1/docs/swagger-initializer.js"))
        .await;
    assert!(
        initializer.text().contains("../openapi.json"),
        "{}",
        initializer.text()
    );
}
