//! The page's files and the headers they come with.

use actix_web::http::{StatusCode, header};
use evaluator::server::page::Page;

use super::app::{DOCUMENT, INDEX, PACKED, SCRIPT, TestServer, get};

#[actix_web::test]
async fn the_index_is_asked_for_each_time() {
    for path in ["/", "/index.html"] {
        let reply = TestServer::new().call(get(path)).await;
        assert_eq!((reply.status, reply.text()), (StatusCode::OK, INDEX));
        assert_eq!(reply.header(header::CACHE_CONTROL), "no-cache");
        assert_eq!(
            reply.header(header::CONTENT_TYPE),
            "text/html; charset=utf-8"
        );
    }
}

#[actix_web::test]
async fn hashed_files_are_kept() {
    let reply = TestServer::new().call(get(SCRIPT)).await;
    assert_eq!(reply.status, StatusCode::OK);
    assert_eq!(
        reply.header(header::CACHE_CONTROL),
        "public, max-age=31536000, immutable"
    );
    assert_eq!(reply.header(header::CONTENT_TYPE), "text/javascript");
}

#[actix_web::test]
async fn hashed_names_that_are_not_there_are_not_kept() {
    let reply = TestServer::new()
        .call(get("/other-0123456789abcdef.js"))
        .await;
    assert_eq!(reply.status, StatusCode::NOT_FOUND);
    assert_eq!(reply.header(header::CACHE_CONTROL), "no-store");
}

#[actix_web::test]
async fn wasm_has_its_type() {
    let reply = TestServer::new().call(get("/client_bg.wasm")).await;
    assert_eq!(reply.header(header::CONTENT_TYPE), "application/wasm");
}

#[actix_web::test]
async fn only_the_pages_own_scripts_run() {
    for path in ["/", SCRIPT, "/client_bg.wasm"] {
        let reply = TestServer::new().call(get(path)).await;
        let policy = reply.header(header::CONTENT_SECURITY_POLICY);
        for part in [
            "default-src 'none';",
            "connect-src 'self';",
            "manifest-src 'self';",
            // `printf 'go()' | openssl dgst -sha256 -binary | base64`
            "script-src 'self' 'wasm-unsafe-eval' 'sha256-5KYv+PUboo5h+0+YAtGRPbwv5d/QxzHslP4YGnUaxRw=';",
            "worker-src 'self';",
            "frame-ancestors 'none'",
        ] {
            assert!(
                policy.contains(part),
                "{path}: {policy:?} does not say {part:?}"
            );
        }
        for lax in ["unsafe-inline", "'unsafe-eval'", "http:", "https:", "*"] {
            assert!(!policy.contains(lax), "{path}: {policy:?} says {lax:?}");
        }
    }
}

#[actix_web::test]
async fn what_the_page_has_no_use_for_is_switched_off() {
    for path in ["/", SCRIPT, "/docs/security.md", "/nothing"] {
        let reply = TestServer::new().call(get(path)).await;
        let policy = reply.header("permissions-policy");
        for feature in ["camera", "microphone", "geolocation", "payment", "usb"] {
            let denied = policy
                .split(", ")
                .any(|part| part == format!("{feature}=()"));
            assert!(denied, "{path}: {policy:?} does not deny {feature}");
        }
        assert!(!policy.contains("=*"), "{path}: {policy:?}");
        for (name, value) in [
            ("referrer-policy", "no-referrer"),
            ("cross-origin-opener-policy", "same-origin"),
            ("cross-origin-resource-policy", "same-origin"),
            ("x-content-type-options", "nosniff"),
            ("set-cookie", ""),
        ] {
            assert_eq!(reply.header(name), value, "{path}: {name}");
        }
    }
}

#[actix_web::test]
async fn documents_are_read_and_not_saved() {
    let reply = TestServer::new().call(get("/docs/security.md")).await;
    assert_eq!((reply.status, reply.text()), (StatusCode::OK, DOCUMENT));
    assert_eq!(
        reply.header(header::CONTENT_TYPE),
        "text/plain; charset=utf-8"
    );
    assert_eq!(reply.header(header::CONTENT_DISPOSITION), "");
    assert_eq!(reply.header(header::CACHE_CONTROL), "no-cache");
}

#[actix_web::test]
async fn a_document_that_is_not_there_is_a_problem() {
    let reply = TestServer::new().call(get("/docs/nothing.md")).await;
    assert_eq!(reply.status, StatusCode::NOT_FOUND);
    assert_eq!(
        reply.header(header::CONTENT_TYPE),
        "application/problem+json"
    );
}

#[actix_web::test]
async fn the_manifest_has_its_type() {
    let reply = TestServer::new().call(get("/manifest.webmanifest")).await;
    assert_eq!(reply.status, StatusCode::OK);
    assert_eq!(
        reply.header(header::CONTENT_TYPE),
        "application/manifest+json"
    );
}

#[actix_web::test]
async fn files_are_compressed_for_those_who_ask() {
    let request = get(SCRIPT).insert_header((header::ACCEPT_ENCODING, "br, gzip"));
    let reply = TestServer::new().call(request).await;
    assert_eq!(reply.header(header::CONTENT_ENCODING), "br");
    assert!(reply.body.len() < 200, "{} bytes", reply.body.len());
}

#[actix_web::test]
async fn the_api_is_not_shadowed() {
    assert_eq!(
        TestServer::new().call(get("/api/v1/models")).await.status,
        StatusCode::OK
    );
}

#[test]
fn a_page_needs_an_index() {
    let directory = tempfile::tempdir().expect("temporary directory");
    let error = Page::open(directory.path())
        .map(drop)
        .expect_err("there is none");
    assert!(
        error.to_string().contains("index.html can't be read"),
        "{error}"
    );
}

/// A proxy that unpacks what says that it is packed failed on the empty body.
#[actix_web::test]
async fn a_packed_file_that_has_not_changed_names_no_encoding() {
    let server = TestServer::new();
    let ask = || get("/packed.js").insert_header((header::ACCEPT_ENCODING, "gzip"));
    let first = server.call(ask()).await;
    assert_eq!(first.header(header::CONTENT_ENCODING), "gzip");
    assert_eq!(first.text(), PACKED);
    let tag = first.header(header::ETAG).to_owned();
    let again = ask().insert_header((header::IF_NONE_MATCH, tag));
    let again = server.call(again).await;
    assert_eq!(again.status, 304);
    assert_eq!(again.header(header::CONTENT_ENCODING), "");
}
