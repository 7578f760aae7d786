//! The work itself: a ciphertext in, a ciphertext out.

use std::sync::Arc;
use std::time::{Duration, Instant};

use actix_web::http::header::{CACHE_CONTROL, HeaderName};
use actix_web::web::{Bytes, Data, Path, Payload, Query};
use actix_web::{HttpRequest, HttpResponse};
use serde::Deserialize;
use shared::api::OCTET_STREAM;

use super::model;
use super::sessions::parse_id;
use crate::circuit::Circuit;
use crate::server::body::read_octets;
use crate::server::problem::ApiError;
use crate::server::{App, SessionKeys};

const SERVER_TIMING: HeaderName = HeaderName::from_static("server-timing");

#[derive(Deserialize)]
struct ClassifyQuery {
    model: String,
}

/// `POST sessions/{id}/classify?model=…`
pub async fn classify(
    app: Data<App>,
    request: HttpRequest,
    id: Path<String>,
    payload: Payload,
) -> Result<HttpResponse, ApiError> {
    let id = parse_id(&id)?;
    let query = Query::<ClassifyQuery>::from_query(request.query_string())
        .map_err(|error| ApiError::BadQuery(error.to_string()))?;
    let circuit = Arc::clone(model(&app, &query.model)?);
    let session = app.sessions.get(id).ok_or(ApiError::SessionGone)?;
    check_parameters(&session, &circuit)?;
    let body = read_octets(&request, payload, app.limits.input_body).await?;
    let job = move || evaluate(&circuit, &session, &body);
    let (reply, time) = app.pool.run(job).await??;
    app.metrics.record_evaluation(&query.model, time);
    let milliseconds = time.as_secs_f64() * 1e3;
    Ok(HttpResponse::Ok()
        .content_type(OCTET_STREAM)
        .insert_header((CACHE_CONTROL, "no-store"))
        .insert_header((SERVER_TIMING, format!("evaluate;dur={milliseconds:.3}")))
        .body(reply))
}

fn check_parameters(session: &SessionKeys, circuit: &Circuit) -> Result<(), ApiError> {
    let parameters = circuit.ring().parameters();
    if session.fingerprint == parameters.fingerprint() {
        return Ok(());
    }
    Err(ApiError::keys_of_other_parameters(
        &circuit.info().id,
        &parameters.spec().name,
    ))
}

fn evaluate(
    circuit: &Circuit,
    session: &SessionKeys,
    body: &Bytes,
) -> Result<(Vec<u8>, Duration), ApiError> {
    let input = circuit.parse_input(body)?;
    let started = Instant::now();
    let reply = circuit.evaluate(&session.keys, input)?;
    Ok((reply, started.elapsed()))
}
