//! The page: static files as trunk builds them.
//!
//! Knows files and response headers; knows neither models nor sessions.
//!
//! **Invariant:** a browser runs only scripts that this directory holds: the content security
//! policy allows files from here and, by hash, the inline scripts of `index.html`. Whatever of the
//! device the page has no use for is switched off, and no cookie is ever set. `index.html` is asked
//! for anew each time; only names that carry a content hash are kept.

mod policy;

use std::fs;
use std::path::{Path, PathBuf};

use actix_files::Files;
use actix_web::Error;
use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{HttpServiceFactory, ServiceRequest, ServiceResponse};
use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderName, HeaderValue};
use actix_web::middleware::{Compress, Next, from_fn};
use actix_web::web::{self, Data};
use thiserror::Error;

use super::App;
use super::routes::not_found;

const INDEX: &str = "index.html";
const ASK_EACH_TIME: HeaderValue = HeaderValue::from_static("no-cache");
const KEEP: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");
const OPENER_POLICY: HeaderName = HeaderName::from_static("cross-origin-opener-policy");
const RESOURCE_POLICY: HeaderName = HeaderName::from_static("cross-origin-resource-policy");
const PERMISSIONS_POLICY: HeaderName = HeaderName::from_static("permissions-policy");
const NO_REFERRER: HeaderValue = HeaderValue::from_static("no-referrer");
/// Markdown, for browsers that would otherwise save it to a file.
const READABLE: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");
const SAME_ORIGIN: HeaderValue = HeaderValue::from_static("same-origin");

/// A directory with a built page.
pub struct Page {
    directory: PathBuf,
    policy: HeaderValue,
}

/// Why there is no page.
#[derive(Debug, Error)]
pub enum PageError {
    /// The directory has no readable index.
    #[error("{path} can't be read ({reason}); build the page first", path = .path.display())]
    NoIndex {
        /// The file that was looked for.
        path: PathBuf,
        /// What the operating system said.
        reason: std::io::Error,
    },
}

impl Page {
    /// The page in `directory`. Reads its index once, for the policy.
    ///
    /// # Errors
    /// There is no readable `index.html`.
    pub fn open(directory: &Path) -> Result<Self, PageError> {
        let path = directory.join(INDEX);
        let index = match fs::read_to_string(&path) {
            Ok(index) => index,
            Err(reason) => return Err(PageError::NoIndex { path, reason }),
        };
        Ok(Self {
            directory: directory.to_owned(),
            policy: policy::for_index(&index),
        })
    }

    /// The files as a service that answers every path.
    pub(super) fn service(&self) -> impl HttpServiceFactory + use<> {
        let files = Files::new("/", &self.directory)
            .index_file(INDEX)
            .prefer_utf8(true)
            // What the build has compressed beside a file; the rest is compressed on the way.
            .try_compressed()
            .disable_content_disposition()
            .default_handler(web::to(not_found));
        web::scope("")
            .service(files)
            .wrap(from_fn(add_headers))
            .wrap(Compress::default())
    }
}

async fn add_headers(
    app: Data<App>,
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let lifetime = lifetime(request.path());
    let is_document = request.path().ends_with(".md");
    let mut response = next.call(request).await?.map_into_boxed_body();
    let is_error = response.status().is_client_error() || response.status().is_server_error();
    let is_unchanged = response.status() == StatusCode::NOT_MODIFIED;
    let headers = response.headers_mut();
    if is_unchanged {
        // It has no body that could be packed (RFC 9110, section 15.4.5), and some clients try.
        headers.remove(header::CONTENT_ENCODING);
    }
    if !is_error {
        headers.insert(header::CACHE_CONTROL, lifetime);
        if is_document && headers.contains_key(header::CONTENT_TYPE) {
            headers.insert(header::CONTENT_TYPE, READABLE);
        }
    }
    if let Some(page) = &app.page {
        headers.insert(header::CONTENT_SECURITY_POLICY, page.policy.clone());
    }
    headers.insert(PERMISSIONS_POLICY, policy::permissions());
    headers.insert(header::REFERRER_POLICY, NO_REFERRER);
    headers.insert(OPENER_POLICY, SAME_ORIGIN);
    headers.insert(RESOURCE_POLICY, SAME_ORIGIN);
    Ok(response)
}

/// How long a browser may keep the file at `path`.
fn lifetime(path: &str) -> HeaderValue {
    let name = path.rsplit('/').next().unwrap_or_default();
    if has_content_hash(name) {
        KEEP
    } else {
        ASK_EACH_TIME
    }
}

/// Whether trunk put a hash into this name: `client-0123456789abcdef.js`, or with `_bg` behind it.
/// trunk doesn't pad its 64 bits; one hash in 65,536 has fewer than 13 digits and is asked for.
fn has_content_hash(name: &str) -> bool {
    let is_hash = |part: &str| {
        (13..=16).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_hexdigit())
    };
    let mut parts = name.split(['-', '_', '.']).skip(1);
    parts.any(is_hash)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_hashed_names_are_kept() {
        for kept in [
            "/client-wasm-0123456789abcdef.js",
            "/deep/client-wasm-0123456789abcdef_bg.wasm",
            "/style-fedcba9876543210.css",
            "/client-0123456789abcde.js",
            "/client-0123456789abc.js",
        ] {
            assert_eq!(lifetime(kept), KEEP, "{kept}");
        }
        for asked in [
            "/",
            "/index.html",
            "/worker.js",
            "/client-0123456789ab.js",
            "/client-0123456789abcdef0.js",
            "/client-0123456789abcdeg.js",
            "/0123456789abcdef.js",
            "/client-0123456789abcdef.js/",
        ] {
            assert_eq!(lifetime(asked), ASK_EACH_TIME, "{asked}");
        }
    }
}
