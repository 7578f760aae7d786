//! Evaluation keys: uploaded once, used for many drawings.

use std::sync::Arc;

use actix_web::http::header::{CACHE_CONTROL, LOCATION};
use actix_web::web::{Data, Path, Payload, ReqData};
use actix_web::{HttpRequest, HttpResponse};
use shared::api::SessionInfo;
use shared::ring::Ring;
use shared::wire::{self, KEYS_HEADER_LEN, KeyReader};

use super::json;
use crate::server::App;
use crate::server::address::ClientAddress;
use crate::server::admission::check_session_rate;
use crate::server::body::read_octets_with;
use crate::server::key_store::SessionKeys;
use crate::server::openapi::{Octets, Problems};
use crate::server::places::Place;
use crate::server::problem::ApiError;
use crate::server::session::{SessionId, SessionState};

/// Opens a session: evaluation keys in, an id out. They are read while they come.
#[utoipa::path(
    post,
    operation_id = "open_session",
    path = "/api/v1/sessions",
    tag = "sessions",
    request_body(content = Octets, content_type = "application/octet-stream", description = "All keys, message kind 3"),
    security((), ("token" = [])),
    responses((status = 201, description = "The session", body = SessionInfo, headers(("Location" = String))), Problems),
)]
pub async fn create(
    app: Data<App>,
    request: HttpRequest,
    address: ReqData<ClientAddress>,
    payload: Payload,
) -> Result<HttpResponse, ApiError> {
    let (keys, message) = {
        let _place = place(&app, *address)?;
        let mut upload = KeyBody::new(&app);
        read_octets_with(&request, payload, app.limits.key_body, |part| {
            upload.feed(&app, part)
        })
        .await?;
        let KeyBody { message, state, .. } = upload;
        let (reader, ring) = state.into_reader(&app)?;
        let fingerprint = ring.parameters().fingerprint();
        let keys = app.pool.run(move || reader.into_keys(&ring)).await??;
        (SessionKeys { fingerprint, keys }, message)
    };
    let (id, state) = app.keys.open(keys, &message, *address).await?;
    Ok(opened(id, state, "sessions"))
}

/// A key message that is read while it comes.
struct KeyBody {
    state: KeyBodyState,
    /// All of it, if the store keeps messages.
    message: Vec<u8>,
    is_kept: bool,
}

enum KeyBodyState {
    /// Fewer bytes than the header takes.
    Header(Vec<u8>),
    Keys(KeyReader, Arc<Ring>),
}

impl KeyBodyState {
    /// What has read the keys.
    fn into_reader(self, app: &App) -> Result<(KeyReader, Arc<Ring>), ApiError> {
        match self {
            Self::Keys(reader, ring) => Ok((reader, ring)),
            Self::Header(header) => {
                let ring = ring_for(app, &header)?;
                Ok((KeyReader::new(&header, &ring)?, ring))
            }
        }
    }
}

impl KeyBody {
    fn new(app: &App) -> Self {
        Self {
            state: KeyBodyState::Header(Vec::new()),
            message: Vec::new(),
            is_kept: app.keys.keeps_messages(),
        }
    }

    fn feed(&mut self, app: &App, mut part: &[u8]) -> Result<(), ApiError> {
        if self.is_kept {
            self.message.extend_from_slice(part);
        }
        if let KeyBodyState::Header(header) = &mut self.state {
            let missing = KEYS_HEADER_LEN.saturating_sub(header.len());
            let (first, rest) = part.split_at(missing.min(part.len()));
            header.extend_from_slice(first);
            part = rest;
            if header.len() < KEYS_HEADER_LEN {
                return Ok(());
            }
            let ring = ring_for(app, header)?;
            self.state = KeyBodyState::Keys(KeyReader::new(header, &ring)?, ring);
        }
        if let KeyBodyState::Keys(reader, ring) = &mut self.state {
            reader.feed(part, ring)?;
        }
        Ok(())
    }
}

/// A place for the body of an upload.
pub fn place(app: &App, owner: ClientAddress) -> Result<Place<'_>, ApiError> {
    app.uploads.take(owner, 1).ok_or(ApiError::Busy {
        places: app.uploads.count(),
        what: "key uploads",
    })
}

/// A session that was just opened; `sessions` is their collection as seen from the request.
pub fn opened(id: SessionId, state: SessionState, sessions: &str) -> HttpResponse {
    HttpResponse::Created()
        .insert_header((CACHE_CONTROL, "no-store"))
        .insert_header((LOCATION, format!("{sessions}/{id}")))
        .json(info(id, state))
}

/// What is known about a session; looking isn't using.
#[utoipa::path(
    get,
    operation_id = "look_at_session",
    path = "/api/v1/sessions/{id}",
    tag = "sessions",
    params(("id" = String, Path, description = "A session's id", pattern = "^[0-9a-f]{32}$")),
    security((), ("token" = [])),
    responses((status = 200, description = "The session", body = SessionInfo), Problems),
)]
pub async fn get(app: Data<App>, id: Path<String>) -> Result<HttpResponse, ApiError> {
    let id = parse_id(&id)?;
    check_session_rate(&app, id)?;
    Ok(json(&info(id, app.keys.state(id).await?)))
}

/// Forgets a session's keys.
#[utoipa::path(
    delete,
    operation_id = "close_session",
    path = "/api/v1/sessions/{id}",
    tag = "sessions",
    params(("id" = String, Path, description = "A session's id", pattern = "^[0-9a-f]{32}$")),
    security((), ("token" = [])),
    responses((status = 204, description = "They are forgotten"), Problems),
)]
pub async fn delete(app: Data<App>, id: Path<String>) -> Result<HttpResponse, ApiError> {
    let id = parse_id(&id)?;
    check_session_rate(&app, id)?;
    app.keys.remove(id).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// A session's keys; it counts as used now.
pub async fn session(
    app: &App,
    id: SessionId,
    owner: ClientAddress,
) -> Result<Arc<SessionKeys>, ApiError> {
    let ring = |fingerprint| app.ring(fingerprint);
    app.keys.keys(id, owner, &app.pool, ring).await
}

/// The session id in a route.
pub fn parse_id(words: &str) -> Result<SessionId, ApiError> {
    words.parse().map_err(|_| ApiError::MalformedSessionId)
}

/// The ring that the keys say they were made for.
pub fn ring_for(app: &App, body: &[u8]) -> Result<Arc<Ring>, ApiError> {
    let fingerprint = wire::fingerprint(body)?;
    let catalogue = app.catalogue();
    let unserved = || ApiError::unserved_parameters(fingerprint, &catalogue.parameter_sets());
    catalogue.ring(fingerprint).ok_or_else(unserved)
}

fn info(id: SessionId, state: SessionState) -> SessionInfo {
    SessionInfo {
        id: id.to_string(),
        expires_in_s: state.expires_in.as_secs(),
        key_bytes: state.bytes,
    }
}
