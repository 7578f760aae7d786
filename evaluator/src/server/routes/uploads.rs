//! Evaluation keys in parts, so that the first go up while the last are still made.

use actix_web::http::header::CACHE_CONTROL;
use actix_web::web::{Data, Path, Payload, ReqData};
use actix_web::{HttpRequest, HttpResponse};
use shared::api::{SessionInfo, UploadInfo};
use shared::wire::KEYS_HEADER_LEN;

use super::sessions::{opened, parse_id, place, ring_for};
use crate::server::App;
use crate::server::address::ClientAddress;
use crate::server::body::{BodyLimits, read_octets};
use crate::server::key_store::Upload;
use crate::server::openapi::{Octets, Problems};
use crate::server::problem::ApiError;
use crate::server::session::SessionId;

/// Begins an upload of keys in parts: the message's header in, an id out.
#[utoipa::path(
    post,
    operation_id = "begin_upload",
    path = "/api/v1/uploads",
    tag = "sessions",
    request_body(content = Octets, content_type = "application/octet-stream", description = "The first 20 bytes of message kind 3"),
    security((), ("token" = [])),
    responses((status = 201, description = "The upload", body = UploadInfo), Problems),
)]
pub async fn create(
    app: Data<App>,
    request: HttpRequest,
    address: ReqData<ClientAddress>,
    payload: Payload,
) -> Result<HttpResponse, ApiError> {
    let limits = BodyLimits {
        bytes: KEYS_HEADER_LEN,
        ..app.limits.key_body
    };
    let body = {
        let _place = place(&app, *address)?;
        read_octets(&request, payload, limits).await?
    };
    let ring = ring_for(&app, &body)?;
    let (id, missing) = app.keys.begin(&body, ring, *address).await?;
    let mut reply = HttpResponse::Created();
    reply.insert_header((CACHE_CONTROL, "no-store"));
    Ok(reply.json(info(&app, id, missing)))
}

/// The next keys of an upload in; a session out, when they are the last.
#[utoipa::path(
    post,
    operation_id = "append_keys",
    path = "/api/v1/uploads/{id}",
    tag = "sessions",
    params(("id" = String, Path, description = "An upload's id", pattern = "^[0-9a-f]{32}$")),
    request_body(content = Octets, content_type = "application/octet-stream", description = "One or more whole keys"),
    security((), ("token" = [])),
    responses(
        (status = 200, description = "Keys are missing", body = UploadInfo),
        (status = 201, description = "The session", body = SessionInfo, headers(("Location" = String))),
        Problems,
    ),
)]
pub async fn append(
    app: Data<App>,
    request: HttpRequest,
    id: Path<String>,
    address: ReqData<ClientAddress>,
    payload: Payload,
) -> Result<HttpResponse, ApiError> {
    let id = parse_id(&id)?;
    let _place = place(&app, *address)?;
    // Whoever sends slowly keeps no keys from being forgotten.
    app.keys.check_upload(id).await?;
    let body = read_octets(&request, payload, app.limits.key_body).await?;
    let ring = |fingerprint| app.ring(fingerprint);
    let part = body.to_vec();
    match app.keys.append(id, part, *address, &app.pool, ring).await? {
        Upload::Opened(session, state) => Ok(opened(session, state, "../sessions")),
        Upload::Missing(keys) => Ok(super::json(&info(&app, id, keys))),
    }
}

fn info(app: &App, id: SessionId, missing_keys: u32) -> UploadInfo {
    UploadInfo {
        id: id.to_string(),
        expires_in_s: app.limits.partial_keys.idle.as_secs(),
        missing_keys,
    }
}
