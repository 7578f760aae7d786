//! The work itself: a ciphertext in, a ciphertext out.

use std::sync::Arc;
use std::time::{Duration, Instant};

use actix_web::http::header::{CACHE_CONTROL, HeaderName};
use actix_web::web::{Bytes, Data, Path, Payload, Query};
use actix_web::{HttpRequest, HttpResponse};
use serde::Deserialize;
use shared::api::OCTET_STREAM;
use shared::ring::{Basis, Seed};
use shared::wire::HEADER_LEN;

use super::model;
use super::sessions::parse_id;
use crate::circuit::Circuit;
use crate::server::body::read_octets;
use crate::server::problem::ApiError;
use crate::server::{App, SessionKeys};

const SERVER_TIMING: HeaderName = HeaderName::from_static("server-timing");

/// What stands before an input's residues: header, level, scale, seed.
const INPUT_FIELDS: usize = HEADER_LEN + 1 + size_of::<f64>() + size_of::<Seed>();

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
    // Whoever sends slowly holds a place, and nobody's keys.
    app.sessions.state(id).ok_or(ApiError::SessionGone)?;
    let body = read_input(&app, &circuit, &request, payload).await?;
    let session = app.sessions.get(id).ok_or(ApiError::SessionGone)?;
    check_parameters(&session, &circuit)?;
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

/// Reads as much as an input of this model takes, in one of the places there are for it.
async fn read_input(
    app: &App,
    circuit: &Circuit,
    request: &HttpRequest,
    payload: Payload,
) -> Result<Bytes, ApiError> {
    let _place = app.inputs.try_acquire().map_err(|_| ApiError::Busy {
        places: app.limits.inputs,
        what: "inputs",
    })?;
    let mut limits = app.limits.input_body;
    limits.bytes = limits.bytes.min(input_bytes(circuit));
    read_octets(request, payload, limits).await
}

/// Length of the model's input message.
fn input_bytes(circuit: &Circuit) -> usize {
    let level = circuit.info().input.level;
    INPUT_FIELDS + circuit.ring().encoded_bits(Basis::Q(level)).div_ceil(8)
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
