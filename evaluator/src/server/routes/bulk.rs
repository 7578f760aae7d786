//! Many images in one request: one ciphertext for each input of the network.

use std::time::{Duration, Instant};

use actix_web::web::{Bytes, Data, Path, Payload, ReqData};
use actix_web::{HttpRequest, HttpResponse};
use shared::wire::bulk_input_len;

use super::classify::{ClassifyQuery, answer, check_parameters};
use super::sessions::{parse_id, session};
use super::{model, parse_query};
use crate::circuit::Circuit;
use crate::engine::EvalError;
use crate::server::App;
use crate::server::address::ClientAddress;
use crate::server::admission::check_session_rate;
use crate::server::body::read_octets;
use crate::server::openapi::{Octets, Problems};
use crate::server::problem::ApiError;

/// Classifies many encrypted images at once, an image in each slot.
///
/// The arithmetic takes no keys; the session stands for the right to ask.
#[utoipa::path(
    post,
    operation_id = "classify_bulk",
    path = "/api/v1/sessions/{id}/classify-bulk",
    tag = "classification",
    params(("id" = String, Path, description = "A session's id", pattern = "^[0-9a-f]{32}$"), ClassifyQuery),
    request_body(content = Octets, content_type = "application/octet-stream", description = "A bulk input, message kind 6"),
    security((), ("token" = [])),
    responses(
        (status = 200, description = "The encrypted logits", body = Octets, content_type = "application/octet-stream", headers(("Server-Timing" = String))),
        Problems,
    ),
)]
pub async fn classify_bulk(
    app: Data<App>,
    request: HttpRequest,
    id: Path<String>,
    address: ReqData<ClientAddress>,
    payload: Payload,
) -> Result<HttpResponse, ApiError> {
    let id = parse_id(&id)?;
    check_session_rate(&app, id)?;
    let query: ClassifyQuery = parse_query(&request)?;
    if query.layers.is_some() {
        let detail = "bulk requests take no layers; send images to sessions/…/classify";
        return Err(ApiError::BadQuery(detail.to_owned()));
    }
    let circuit = model(&app.catalogue(), &query.model)?;
    let Some(spec) = &circuit.info().bulk else {
        return Err(no_bulk(&circuit));
    };
    app.keys.state(id).await?;
    let _place = app.hold_bulk(*address).ok_or(ApiError::Busy {
        places: app.limits.bulks,
        what: "bulk requests",
    })?;
    let mut limits = app.limits.bulk_body;
    let length = bulk_input_len(spec.inputs.len(), spec.level, circuit.ring());
    limits.bytes = limits.bytes.min(length);
    let body = read_octets(&request, payload, limits).await?;
    let session = session(&app, id, *address).await?;
    check_parameters(&session, &circuit)?;
    let limit = app.limits.evaluation;
    let job = move || evaluate(&circuit, body, limit);
    let (reply, time) = app.pool.run(job).await??;
    app.metrics.record_evaluation(&query.model, time);
    Ok(answer(reply, time))
}

fn no_bulk(circuit: &Circuit) -> ApiError {
    ApiError::NoBulk {
        model: circuit.info().id.clone(),
    }
}

fn evaluate(
    circuit: &Circuit,
    body: Bytes,
    limit: Duration,
) -> Result<(Vec<u8>, Duration), ApiError> {
    let input = circuit
        .parse_bulk(&body)
        .ok_or_else(|| no_bulk(circuit))??;
    drop(body);
    let started = Instant::now();
    let reply = circuit
        .evaluate_bulk_while(&input, || started.elapsed() < limit)
        .ok_or_else(|| no_bulk(circuit))?
        .map_err(|error| match error {
            EvalError::Stopped { .. } => ApiError::EvaluationTime { limit },
            _ => error.into(),
        })?;
    Ok((reply, started.elapsed()))
}
