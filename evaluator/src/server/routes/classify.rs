//! The work itself: a ciphertext in, a ciphertext out, or a batch of them.

use std::sync::Arc;
use std::time::{Duration, Instant};

use actix_web::http::header::{CACHE_CONTROL, HeaderName};
use actix_web::web::{Bytes, Data, Path, Payload, ReqData};
use actix_web::{HttpRequest, HttpResponse};
use serde::Deserialize;
use shared::api::OCTET_STREAM;
use shared::ring::{Basis, Ring, Seed};
use shared::wire::{self, BATCH_FIELDS_LEN, HEADER_LEN, MAX_BATCH};
use tracing::{Span, info_span};

use super::sessions::{parse_id, session};
use super::{model_or_layers, parse_query};
use crate::circuit::Circuit;
use crate::engine::EvalError;
use crate::server::App;
use crate::server::address::ClientAddress;
use crate::server::admission::check_session_rate;
use crate::server::body::{BodyLimits, declared_length, read_octets};
use crate::server::key_store::SessionKeys;
use crate::server::openapi::{Octets, Problems};
use crate::server::places::Place;
use crate::server::problem::ApiError;

const SERVER_TIMING: HeaderName = HeaderName::from_static("server-timing");

/// What stands before an input's residues: header, level, scale, seed.
const INPUT_FIELDS: usize = HEADER_LEN + 1 + size_of::<f64>() + size_of::<Seed>();

#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct ClassifyQuery {
    /// A model's id.
    pub model: String,
    /// The first layers of the model, such as `0..3`, where the host allows that.
    pub layers: Option<String>,
}

/// Classifies an encrypted image, or a batch of them: a ciphertext in, a ciphertext out.
#[utoipa::path(
    post,
    operation_id = "classify",
    path = "/api/v1/sessions/{id}/classify",
    tag = "classification",
    params(("id" = String, Path, description = "A session's id", pattern = "^[0-9a-f]{32}$"), ClassifyQuery),
    request_body(content = Octets, content_type = "application/octet-stream", description = "An input, message kind 1, or a batch of them, kind 5"),
    security((), ("token" = [])),
    responses(
        (status = 200, description = "The encrypted logits", body = Octets, content_type = "application/octet-stream", headers(("Server-Timing" = String))),
        Problems,
    ),
)]
pub async fn classify(
    app: Data<App>,
    request: HttpRequest,
    id: Path<String>,
    address: ReqData<ClientAddress>,
    payload: Payload,
) -> Result<HttpResponse, ApiError> {
    let id = parse_id(&id)?;
    check_session_rate(&app, id)?;
    let query: ClassifyQuery = parse_query(&request)?;
    let circuit = model_or_layers(&app, &query.model, query.layers.as_deref()).await?;
    // Whoever sends slowly holds a place, and nobody's keys.
    app.keys.state(id).await?;
    let limits = input_limits(&app, &circuit);
    let _places = reserve(&app, *address, &circuit, declared_length(&request))?;
    let body = read_octets(&request, payload, limits).await?;
    let session = session(&app, id, *address).await?;
    check_parameters(&session, &circuit)?;
    let is_batch = wire::is_batch(&body);
    let inputs = inputs(body, is_batch, circuit.ring())?;
    check_batch(inputs.len(), app.limits.batch)?;
    let ring = Arc::clone(circuit.ring());
    let (span, limit) = (Span::current(), app.limits.evaluation);
    let job = move |input: Input| span.in_scope(|| evaluate(&circuit, &session, &input, limit));
    let evaluated: Vec<Evaluated> = app.pool.run_each(inputs, job).await?;
    // The figures are about whole models.
    if query.layers.is_none() {
        for one in &evaluated {
            app.metrics.record_evaluation(&query.model, one.time);
        }
    }
    let time = time_in_all(&evaluated);
    Ok(answer(reply(evaluated, is_batch, &ring)?, time))
}

/// A reply with the time that it took.
pub(super) fn answer(reply: Vec<u8>, time: Duration) -> HttpResponse {
    let milliseconds = time.as_secs_f64() * 1e3;
    HttpResponse::Ok()
        .content_type(OCTET_STREAM)
        .insert_header((CACHE_CONTROL, "no-store"))
        .insert_header((SERVER_TIMING, format!("evaluate;dur={milliseconds:.3}")))
        .body(reply)
}

/// What is read of a body: as much as a full batch of the model's inputs takes.
fn input_limits(app: &App, circuit: &Circuit) -> BodyLimits {
    let mut limits = app.limits.input_body;
    let most = BATCH_FIELDS_LEN + app.limits.batch * input_bytes(circuit);
    limits.bytes = limits.bytes.min(most);
    limits
}

/// Takes the places of as many digits as a body of this length may hold.
fn reserve<'a>(
    app: &'a App,
    owner: ClientAddress,
    circuit: &Circuit,
    length: Option<u64>,
) -> Result<Place<'a>, ApiError> {
    let one = input_bytes(circuit) as u64;
    let digits = length.map_or(app.limits.batch as u64, |length| {
        length.saturating_sub(BATCH_FIELDS_LEN as u64).div_ceil(one)
    });
    if digits <= MAX_BATCH as u64 {
        check_batch(digits as usize, app.limits.batch)?;
    }
    // A service with fewer places takes a large batch when it has nothing else to do.
    let most = app.limits.inputs.clamp(1, MAX_BATCH) as u64;
    app.hold_inputs(owner, digits.clamp(1, most) as usize)
        .ok_or(ApiError::Busy {
            places: app.limits.inputs,
            what: "inputs",
        })
}

/// Refuses more digits than one request may hold.
fn check_batch(found: usize, limit: usize) -> Result<(), ApiError> {
    if found > limit {
        return Err(ApiError::BatchTooLarge { found, limit });
    }
    Ok(())
}

/// Length of the model's input message.
fn input_bytes(circuit: &Circuit) -> usize {
    let level = circuit.info().input.level;
    INPUT_FIELDS + circuit.ring().encoded_bits(Basis::Q(level)).div_ceil(8)
}

/// One digit of a request.
struct Input {
    message: Bytes,
    /// Its number and the number of digits, in a batch.
    place: Option<(usize, usize)>,
}

impl Input {
    /// A refusal of this digit, which it names where there are others.
    fn refusal(&self, error: impl Into<ApiError>) -> ApiError {
        let error = error.into();
        match self.place {
            Some((number, count)) => error.of_digit(number, count),
            None => error,
        }
    }
}

/// The messages of a body, which are yet to be read.
fn inputs(body: Bytes, is_batch: bool, ring: &Ring) -> Result<Vec<Input>, ApiError> {
    if !is_batch {
        return Ok(vec![Input {
            message: body,
            place: None,
        }]);
    }
    let messages = wire::read_batch(&body, ring)?;
    let count = messages.len();
    let input = |(number, message)| Input {
        message: body.slice_ref(message),
        place: Some((number, count)),
    };
    Ok((1..).zip(messages).map(input).collect())
}

/// The answer to one digit.
struct Evaluated {
    reply: Vec<u8>,
    started: Instant,
    time: Duration,
}

fn evaluate(
    circuit: &Circuit,
    session: &SessionKeys,
    input: &Input,
    limit: Duration,
) -> Result<Evaluated, ApiError> {
    let _span = info_span!("evaluate", model = circuit.info().id).entered();
    let ciphertext = circuit
        .parse_input(&input.message)
        .map_err(|error| input.refusal(error))?;
    let started = Instant::now();
    let reply = circuit
        .evaluate_while(&session.keys, ciphertext, || started.elapsed() < limit)
        .map_err(|error| match error {
            EvalError::Input { .. } => input.refusal(error),
            EvalError::Stopped { .. } => ApiError::EvaluationTime { limit },
            _ => error.into(),
        })?;
    Ok(Evaluated {
        reply,
        started,
        time: started.elapsed(),
    })
}

/// From the first digit's start to the last one's end.
fn time_in_all(evaluated: &[Evaluated]) -> Duration {
    let start = evaluated.iter().map(|one| one.started).min();
    let end = evaluated.iter().map(|one| one.started + one.time).max();
    let time = start.zip(end).map(|(start, end)| end - start);
    time.unwrap_or_default()
}

fn reply(evaluated: Vec<Evaluated>, is_batch: bool, ring: &Ring) -> Result<Vec<u8>, ApiError> {
    let mut replies: Vec<_> = evaluated.into_iter().map(|one| one.reply).collect();
    if is_batch {
        // As many replies as there were inputs, all of one model's length.
        return wire::write_batch(&replies, ring).map_err(|_| ApiError::Internal);
    }
    replies.pop().ok_or(ApiError::Internal)
}

pub(super) fn check_parameters(session: &SessionKeys, circuit: &Circuit) -> Result<(), ApiError> {
    let parameters = circuit.ring().parameters();
    if session.fingerprint == parameters.fingerprint() {
        return Ok(());
    }
    Err(ApiError::keys_of_other_parameters(
        &circuit.info().id,
        &parameters.spec().name,
    ))
}
