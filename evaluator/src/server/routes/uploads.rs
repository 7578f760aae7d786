//! Evaluation keys in parts, so that the first go up while the last are still made.

use actix_web::http::header::CACHE_CONTROL;
use actix_web::web::{Data, Path, Payload};
use actix_web::{HttpRequest, HttpResponse};
use shared::api::UploadInfo;
use shared::wire::KEYS_HEADER_LEN;

use super::sessions::{open, parse_id, place, ring_for};
use crate::server::body::{BodyLimits, read_octets};
use crate::server::partial_keys::Progress;
use crate::server::problem::ApiError;
use crate::server::session::SessionId;
use crate::server::{App, PartialKeys};

/// `POST uploads`: the header in, an id out.
pub async fn create(
    app: Data<App>,
    request: HttpRequest,
    payload: Payload,
) -> Result<HttpResponse, ApiError> {
    let limits = BodyLimits {
        bytes: KEYS_HEADER_LEN,
        ..app.limits.key_body
    };
    let body = {
        let _place = place(&app)?;
        read_octets(&request, payload, limits).await?
    };
    let (upload, missing) = PartialKeys::new(&body, ring_for(&app, &body)?)?;
    let id = app.partial_keys.insert(upload, 0)?;
    let mut reply = HttpResponse::Created();
    reply.insert_header((CACHE_CONTROL, "no-store"));
    Ok(reply.json(info(&app, id, missing)))
}

/// `POST uploads/{id}`: the next keys in; a session out, when they are the last.
pub async fn append(
    app: Data<App>,
    request: HttpRequest,
    id: Path<String>,
    payload: Payload,
) -> Result<HttpResponse, ApiError> {
    let id = parse_id(&id)?;
    let _place = place(&app)?;
    // Whoever sends slowly keeps no keys from being forgotten.
    app.partial_keys.state(id).ok_or(ApiError::UploadGone)?;
    let body = read_octets(&request, payload, app.limits.key_body).await?;
    let store = app.clone();
    match app.pool.run(move || read(&store, id, &body)).await?? {
        Progress::Complete(keys) => open(&app, keys, "../sessions"),
        Progress::Missing { keys, .. } => Ok(super::json(&info(&app, id, keys))),
    }
}

/// Reads a part and has the store count it, also if the sender is gone by now.
fn read(app: &App, id: SessionId, part: &[u8]) -> Result<Progress, ApiError> {
    let upload = app.partial_keys.get(id).ok_or(ApiError::UploadGone)?;
    let progress = upload.read(part);
    let held = match progress {
        Ok(Progress::Missing { bytes, .. }) => app.partial_keys.resize(id, bytes),
        Err(ApiError::Busy { .. }) => Ok(true),
        Ok(Progress::Complete(_)) | Err(_) => {
            app.partial_keys.remove(id);
            return progress;
        }
    };
    match held {
        Ok(true) => progress,
        Ok(false) => Err(ApiError::UploadGone),
        Err(error) => {
            app.partial_keys.remove(id);
            Err(error.into())
        }
    }
}

fn info(app: &App, id: SessionId, missing_keys: u32) -> UploadInfo {
    UploadInfo {
        id: id.to_string(),
        expires_in_s: app.limits.partial_keys.idle.as_secs(),
        missing_keys,
    }
}
