//! Evaluation keys: uploaded once, used for many drawings.

use std::sync::Arc;

use actix_web::http::header::{CACHE_CONTROL, LOCATION};
use actix_web::web::{Bytes, Data, Path, Payload};
use actix_web::{HttpRequest, HttpResponse};
use shared::api::SessionInfo;
use shared::ring::Ring;
use shared::wire;
use tokio::sync::SemaphorePermit;

use super::json;
use crate::server::body::read_octets;
use crate::server::problem::ApiError;
use crate::server::session::{SessionId, SessionState};
use crate::server::{App, SessionKeys};

/// `POST sessions`: keys in, an id out.
pub async fn create(
    app: Data<App>,
    request: HttpRequest,
    payload: Payload,
) -> Result<HttpResponse, ApiError> {
    let keys = {
        let _place = place(&app)?;
        let body = read_octets(&request, payload, app.limits.key_body).await?;
        let ring = ring_for(&app, &body)?;
        app.pool.run(move || read_keys(&body, &ring)).await??
    };
    open(&app, keys, "sessions")
}

/// A place for the body of an upload.
pub fn place(app: &App) -> Result<SemaphorePermit<'_>, ApiError> {
    app.uploads.try_acquire().map_err(|_| ApiError::Busy {
        places: app.limits.uploads,
        what: "key uploads",
    })
}

/// Opens a session with these keys; `sessions` is their collection as seen from the request.
pub fn open(app: &App, keys: SessionKeys, sessions: &str) -> Result<HttpResponse, ApiError> {
    let bytes = keys.keys.byte_len() as u64;
    let id = app.sessions.insert(keys, bytes)?;
    let expires_in = app.limits.sessions.idle;
    Ok(HttpResponse::Created()
        .insert_header((CACHE_CONTROL, "no-store"))
        .insert_header((LOCATION, format!("{sessions}/{id}")))
        .json(info(id, SessionState { expires_in, bytes })))
}

/// `GET sessions/{id}`
pub async fn get(app: Data<App>, id: Path<String>) -> Result<HttpResponse, ApiError> {
    let id = parse_id(&id)?;
    let state = app.sessions.state(id).ok_or(ApiError::SessionGone)?;
    Ok(json(&info(id, state)))
}

/// `DELETE sessions/{id}`
pub async fn delete(app: Data<App>, id: Path<String>) -> Result<HttpResponse, ApiError> {
    if app.sessions.remove(parse_id(&id)?) {
        Ok(HttpResponse::NoContent().finish())
    } else {
        Err(ApiError::SessionGone)
    }
}

/// The session id in a route.
pub fn parse_id(words: &str) -> Result<SessionId, ApiError> {
    words.parse().map_err(|_| ApiError::MalformedSessionId)
}

/// The ring that the keys say they were made for.
pub fn ring_for(app: &App, body: &[u8]) -> Result<Arc<Ring>, ApiError> {
    let fingerprint = wire::fingerprint(body)?;
    app.ring(fingerprint).ok_or_else(|| {
        let served = app.rings.iter().map(|(fingerprint, ring)| {
            format!("{} ({fingerprint:016x})", ring.parameters().spec().name)
        });
        ApiError::unserved_parameters(fingerprint, &served.collect::<Vec<_>>())
    })
}

fn read_keys(body: &Bytes, ring: &Ring) -> Result<SessionKeys, ApiError> {
    let keys = wire::read_evaluation_keys(body, ring)?;
    Ok(SessionKeys {
        fingerprint: ring.parameters().fingerprint(),
        keys,
    })
}

fn info(id: SessionId, state: SessionState) -> SessionInfo {
    SessionInfo {
        id: id.to_string(),
        expires_in_s: state.expires_in.as_secs(),
        key_bytes: state.bytes,
    }
}
