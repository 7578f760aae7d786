//! What happens around every request: its id, its line in the log, its count, its last defence.
//!
//! Knows methods, routes and statuses; reads no body, no path, no query, and an address only where the
//! host wants it in the log. Paths are left out because they hold session ids.
//!
//! **Invariant:** every reply carries an `x-request-id`, and every error reply is a problem, also
//! those that actix-web makes itself.

use std::time::Instant;

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};
use actix_web::http::{Method, StatusCode, header};
use actix_web::middleware::Next;
use actix_web::web::Data;
use actix_web::{Error, ResponseError};
use tracing::field::Empty;
use tracing::{Instrument, info, info_span};

use super::App;
use super::admission::client;
use super::problem::{ApiError, quote};

/// The header that ties a reply to its line in the log.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Stands for every address outside the API: the page's files, and what isn't there.
const PAGE: &str = "page";

/// The middleware.
///
/// # Errors
/// Those of the service inside, as problems; actix-web turns them into replies.
pub async fn observe(
    app: Data<App>,
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let started = Instant::now();
    let id = app.next_request_id();
    let method = request.method().clone();
    let address = app.logs_addresses.then(|| client(&app, &request).ip());
    let pattern = request.match_pattern();
    let route = pattern
        .as_deref()
        .filter(|pattern| pattern.len() > 1)
        .unwrap_or(PAGE);
    // A field that isn't there isn't printed: these are for traces only.
    let (kind, name) = (
        app.is_traced.then_some("server"),
        app.is_traced.then(|| format!("{method} {route}")),
    );
    let span = info_span!(
        "request",
        %id,
        otel.kind = kind,
        otel.name = name,
        http.response.status_code = Empty,
    );
    let mut response = match next.call(request).instrument(span.clone()).await {
        Ok(response) => as_problem(response.map_into_boxed_body(), &method),
        Err(error) => {
            let refusal = ApiError::Framework(error.as_response_error().status_code());
            app.metrics.count_problem(refusal.kind());
            return Err(refusal.into());
        }
    };
    add_headers(response.headers_mut(), &id);
    let status = response.status();
    app.metrics.count_request(&method, route, status);
    let problem = response
        .response()
        .extensions()
        .get::<ApiError>()
        .map(ApiError::kind);
    if let Some(kind) = problem {
        app.metrics.count_problem(kind);
    }
    let milliseconds = started.elapsed().as_micros() as f64 / 1e3;
    let address = address.map(tracing::field::display);
    span.in_scope(|| {
        info!(%method, route, status = status.as_u16(), problem, milliseconds, address, "answered");
    });
    // Behind the line, which has it already.
    span.record("http.response.status_code", status.as_u16());
    Ok(response)
}

/// Gives an error reply that isn't a problem yet the body of one.
fn as_problem(response: ServiceResponse, method: &Method) -> ServiceResponse {
    let status = response.status();
    let is_error = status.is_client_error() || status.is_server_error();
    if !is_error || response.response().extensions().contains::<ApiError>() {
        return response;
    }
    let error = match status {
        StatusCode::NOT_FOUND => ApiError::NotFound,
        StatusCode::METHOD_NOT_ALLOWED => ApiError::MethodNotAllowed {
            found: quote(method.as_str()),
            allowed: "GET, HEAD",
        },
        _ => ApiError::Framework(status),
    };
    response.into_response(error.error_response())
}

fn add_headers(headers: &mut HeaderMap, id: &str) {
    if let Ok(value) = HeaderValue::from_str(id) {
        headers.insert(REQUEST_ID, value);
    }
    headers.insert(
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
    headers.insert(
        header::REFERRER_POLICY,
        HeaderValue::from_static("no-referrer"),
    );
}
