//! For those who run the service.

use std::sync::atomic::Ordering;

use actix_web::HttpResponse;
use actix_web::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use actix_web::web::Data;

use crate::server::App;
use crate::server::metrics::{METRICS_TEXT, Now};
use crate::server::openapi::Problems;
use crate::server::problem::ApiError;

/// Whether the process answers.
#[utoipa::path(
    get,
    operation_id = "healthy",
    path = "/healthz",
    tag = "operation",
    responses((status = 200, description = "It does", body = String, content_type = "text/plain"), Problems),
)]
pub async fn healthy() -> HttpResponse {
    words("healthy\n")
}

/// Whether new work is wanted.
///
/// The service listens only when the models are loaded; it isn't ready while it is about to stop, and
/// while it can't reach its session store.
#[utoipa::path(
    get,
    operation_id = "ready",
    path = "/readyz",
    tag = "operation",
    responses((status = 200, description = "It is", body = String, content_type = "text/plain"), Problems),
)]
pub async fn ready(app: Data<App>) -> Result<HttpResponse, ApiError> {
    if app.draining.load(Ordering::Relaxed) {
        let reason = "it is about to stop";
        return Err(ApiError::NotReady { reason });
    }
    app.keys.figures().await?;
    Ok(words("ready\n"))
}

/// Figures for Prometheus.
#[utoipa::path(
    get,
    operation_id = "metrics",
    path = "/metrics",
    tag = "operation",
    responses((status = 200, description = "All figures", body = String, content_type = "application/openmetrics-text"), Problems),
)]
pub async fn metrics(app: Data<App>) -> Result<HttpResponse, ApiError> {
    // Without the store there are all figures but its own.
    let keys = app.keys.figures().await.ok();
    let now = Now {
        jobs: app.pool.in_flight(),
        models: app.catalogue().models().len(),
        keys,
    };
    let text = app.metrics.text(&now).map_err(|_| ApiError::Internal)?;
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
