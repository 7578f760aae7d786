//! Who gets in: whose address a request comes from, whether it brings a token where one is wanted, and
//! whether it is one too many.
//!
//! **Invariant:** nothing of a request's body is read before it is let in, and what is behind knows the
//! client's address.

use std::time::Duration;

use actix_cors::Cors;
use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::{Method, header};
use actix_web::middleware::Next;
use actix_web::web::Data;
use actix_web::{Error, HttpMessage, ResponseError};
use shared::api::API_PREFIX;

use super::App;
use super::address::ClientAddress;
use super::observe::REQUEST_ID;
use super::openapi::{DESCRIPTION, VIEWER};
use super::problem::ApiError;
use super::rate::{Rate, RateLimit};
use super::session::SessionId;

/// Names that other origins' pages may read.
const EXPOSED: [header::HeaderName; 5] = [
    header::LOCATION,
    header::RETRY_AFTER,
    header::WWW_AUTHENTICATE,
    header::HeaderName::from_static("server-timing"),
    REQUEST_ID,
];

/// The middleware in front of the API: whoever isn't let in gets [`ApiError::Unauthorized`] or
/// [`ApiError::TooManyRequests`].
///
/// # Errors
/// Those of the service inside.
pub async fn admit(
    app: Data<App>,
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let address = client(&app, &request);
    request.extensions_mut().insert(address);
    match check(&app, &request, address) {
        Ok(()) => Ok(next.call(request).await?.map_into_boxed_body()),
        Err(refusal) => Ok(request.into_response(refusal.error_response())),
    }
}

fn check(app: &App, request: &ServiceRequest, address: ClientAddress) -> Result<(), ApiError> {
    let limit = app.limits.address_rate;
    check_rate(&app.address_rate, address, limit, "one address")?;
    let is_known = app
        .tokens()
        .is_none_or(|tokens| tokens.admit(request.headers()));
    if is_known || is_description(request.path()) {
        Ok(())
    } else {
        Err(ApiError::Unauthorized)
    }
}

/// The description of the API, which is for those who are about to ask for a token, too.
fn is_description(path: &str) -> bool {
    path.strip_prefix(API_PREFIX)
        .is_some_and(|path| path == DESCRIPTION || path.starts_with(VIEWER))
}

/// The address that a request comes from, as far as it is believed.
pub fn client(app: &App, request: &ServiceRequest) -> ClientAddress {
    let peer = request.peer_addr().map(|address| address.ip());
    app.proxies.client(peer, request.headers())
}

/// Counts a request to a session.
///
/// # Errors
/// [`ApiError::TooManyRequests`].
pub fn check_session_rate(app: &App, id: SessionId) -> Result<(), ApiError> {
    check_rate(
        &app.session_rate,
        id,
        app.limits.session_rate,
        "one session",
    )
}

fn check_rate(
    rate: &Rate,
    key: impl std::hash::Hash,
    limit: RateLimit,
    whose: &'static str,
) -> Result<(), ApiError> {
    rate.check(key)
        .map_err(|retry_after: Duration| ApiError::TooManyRequests {
            whose,
            per_second: limit.per_second,
            retry_after,
        })
}

/// Pages of these origins may use the API.
pub fn cross_origin(origins: &[String]) -> Cors {
    let cors = origins
        .iter()
        .fold(Cors::default(), |cors, origin| cors.allowed_origin(origin));
    cors.allowed_methods([Method::GET, Method::HEAD, Method::POST, Method::DELETE])
        .allowed_headers([header::AUTHORIZATION, header::CONTENT_TYPE])
        .expose_headers(EXPOSED)
        .block_on_origin_mismatch(false)
        .max_age(3600)
}
