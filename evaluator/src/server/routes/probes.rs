//! For those who run the service.

use actix_web::HttpResponse;
use actix_web::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use actix_web::web::Data;

use crate::server::App;
use crate::server::metrics::METRICS_TEXT;
use crate::server::problem::ApiError;

/// `GET /healthz`: the process answers.
pub async fn healthy() -> HttpResponse {
    words("healthy\n")
}

/// `GET /readyz`: the models are loaded. The service listens only afterwards, so whoever gets an
/// answer gets this one.
pub async fn ready() -> HttpResponse {
    words("ready\n")
}

/// `GET /metrics`
pub async fn metrics(app: Data<App>) -> Result<HttpResponse, ApiError> {
    app.partial_keys.sweep();
    let text = app.metrics.text(app.sessions.sweep(), app.pool.in_flight());
    let text = text.map_err(|_| ApiError::Internal)?;
    Ok(HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, METRICS_TEXT))
        .body(text))
}

fn words(words: &'static str) -> HttpResponse {
    HttpResponse::Ok()
        .insert_header((CACHE_CONTROL, "no-store"))
        .insert_header((CONTENT_TYPE, "text/plain; charset=utf-8"))
        .body(words)
}
