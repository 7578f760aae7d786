//! What there is to classify with.

use std::sync::Arc;

use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse};
use serde::Deserialize;
use shared::api::{API_VERSION, ModelInfo, ModelList, ModelSummary};

use super::{json, model_or_layers, parse_query};
use crate::circuit::Circuit;
use crate::server::App;
use crate::server::openapi::Problems;
use crate::server::problem::ApiError;

/// The models there are.
#[utoipa::path(
    get,
    operation_id = "list_models",
    path = "/api/v1/models",
    tag = "models",
    security((), ("token" = [])),
    responses((status = 200, description = "All models", body = ModelList), Problems),
)]
pub async fn list(app: Data<App>) -> HttpResponse {
    let summary = |(id, circuit): (&String, &Arc<Circuit>)| ModelSummary {
        id: id.clone(),
        description: circuit.info().description.clone(),
        input_shape: circuit.info().input.shape.clone(),
    };
    let models = app.catalogue().models().iter().map(summary).collect();
    json(&ModelList {
        api_version: API_VERSION,
        models,
    })
}

#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct ModelQuery {
    /// The first layers of the model, such as `0..3`, where the host allows that.
    layers: Option<String>,
}

/// Everything that a client needs to use a model, or its first layers.
#[utoipa::path(
    get,
    operation_id = "describe_model",
    path = "/api/v1/models/{id}",
    tag = "models",
    params(("id" = String, Path, description = "A model's id"), ModelQuery),
    security((), ("token" = [])),
    responses((status = 200, description = "The model", body = ModelInfo), Problems),
)]
pub async fn get(
    app: Data<App>,
    request: HttpRequest,
    id: Path<String>,
) -> Result<HttpResponse, ApiError> {
    let query: ModelQuery = parse_query(&request)?;
    let circuit = model_or_layers(&app, &id, query.layers.as_deref()).await?;
    Ok(json(circuit.info()))
}
