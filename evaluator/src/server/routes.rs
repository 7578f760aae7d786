//! Which address does what. Each handler extracts, checks, calls and replies.

pub(super) mod bulk;
pub(super) mod classify;
pub(super) mod models;
pub(super) mod probes;
pub(super) mod sessions;
pub(super) mod uploads;

use std::sync::Arc;

use actix_web::dev::HttpServiceFactory;
use actix_web::http::header;
use actix_web::middleware::from_fn;
use actix_web::web::{self, Data, ServiceConfig};
use actix_web::{FromRequest, Handler, HttpRequest, HttpResponse, Resource, Responder};
use serde::Serialize;
use serde::de::DeserializeOwned;
use shared::api::{API_PREFIX, LayerRangeError};

use super::admission::{admit, cross_origin};
use super::catalogue::Catalogue;
use super::problem::{ApiError, quote};
use super::{App, openapi};
use crate::circuit::Circuit;

const READ: &str = "GET, HEAD";

/// All routes; pages of these origins may use the API.
pub(super) fn list(config: &mut ServiceConfig, origins: &[String]) {
    let api = web::scope(API_PREFIX)
        .configure(openapi::list)
        .service(reading("/models", models::list))
        .service(reading("/models/{id}", models::get))
        .service(resource("/sessions", "POST", |at| {
            at.route(web::post().to(sessions::create))
        }))
        .service(resource("/uploads", "POST", |at| {
            at.route(web::post().to(uploads::create))
        }))
        .service(resource("/uploads/{id}", "POST", |at| {
            at.route(web::post().to(uploads::append))
        }))
        .service(resource("/sessions/{id}", "GET, HEAD, DELETE", |at| {
            at.route(web::get().to(sessions::get))
                .route(web::head().to(sessions::get))
                .route(web::delete().to(sessions::delete))
        }))
        .service(resource("/sessions/{id}/classify", "POST", |at| {
            at.route(web::post().to(classify::classify))
        }))
        .service(resource("/sessions/{id}/classify-bulk", "POST", |at| {
            at.route(web::post().to(bulk::classify_bulk))
        }))
        .default_service(web::to(not_found))
        .wrap(from_fn(admit));
    if origins.is_empty() {
        config.service(api);
    } else {
        config.service(api.wrap(cross_origin(origins)));
    }
    config
        .service(reading("/healthz", probes::healthy))
        .service(reading("/readyz", probes::ready))
        .service(reading("/metrics", probes::metrics));
}

/// An address that is only read.
fn reading<F, Args>(path: &str, handler: F) -> impl HttpServiceFactory + 'static
where
    F: Handler<Args>,
    Args: FromRequest + 'static,
    F::Output: Responder + 'static,
{
    resource(path, READ, |at| {
        at.route(web::get().to(handler.clone()))
            .route(web::head().to(handler))
    })
}

/// An address with its methods; other methods are told which there are.
fn resource(
    path: &str,
    allowed: &'static str,
    routes: impl FnOnce(Resource) -> Resource,
) -> impl HttpServiceFactory + 'static {
    let refuse = move |request: HttpRequest| async move {
        let found = quote(request.method().as_str());
        Err::<HttpResponse, _>(ApiError::MethodNotAllowed { found, allowed })
    };
    routes(web::resource(path)).default_service(web::to(refuse))
}

/// Any other address.
pub(super) async fn not_found() -> Result<HttpResponse, ApiError> {
    Err(ApiError::NotFound)
}

/// The query string's parameters.
fn parse_query<T: DeserializeOwned>(request: &HttpRequest) -> Result<T, ApiError> {
    let query = web::Query::<T>::from_query(request.query_string());
    let query = query.map_err(|error| ApiError::BadQuery(error.to_string()))?;
    Ok(query.into_inner())
}

/// A reply of this moment, as JSON.
fn json(value: &impl Serialize) -> HttpResponse {
    HttpResponse::Ok()
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .json(value)
}

/// The model called `id`.
fn model(catalogue: &Catalogue, id: &str) -> Result<Arc<Circuit>, ApiError> {
    let models = catalogue.models();
    models
        .get(id)
        .cloned()
        .ok_or_else(|| ApiError::UnknownModel {
            id: quote(id),
            known: models.keys().cloned().collect(),
        })
}

/// The model called `id`, or its first layers.
async fn model_or_layers(
    app: &Data<App>,
    id: &str,
    layers: Option<&str>,
) -> Result<Arc<Circuit>, ApiError> {
    let catalogue = app.catalogue();
    let whole = model(&catalogue, id)?;
    let Some(layers) = layers else {
        return Ok(whole);
    };
    let prefixes = catalogue.prefixes().ok_or(ApiError::LayersNotAllowed)?;
    let layers = layers
        .parse()
        .map_err(|error: LayerRangeError| ApiError::BadQuery(error.to_string()))?;
    prefixes.circuit(&app.pool, id, layers).await
}
