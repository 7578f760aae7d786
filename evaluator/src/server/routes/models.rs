//! What there is to classify with.

use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse};
use serde::Deserialize;
use shared::api::{API_VERSION, ModelList, ModelSummary};

use super::{json, model_or_layers, parse_query};
use crate::server::App;
use crate::server::problem::ApiError;

/// `GET models`
pub async fn list(app: Data<App>) -> HttpResponse {
    let summary =
        |(id, circuit): (&String, &std::sync::Arc<crate::circuit::Circuit>)| ModelSummary {
            id: id.clone(),
            description: circuit.info().description.clone(),
            input_shape: circuit.info().input.shape.clone(),
        };
    let models = app.models.iter().map(summary).collect();
    json(&ModelList {
        api_version: API_VERSION,
        models,
    })
}

#[derive(Deserialize)]
struct ModelQuery {
    layers: Option<String>,
}

/// `GET models/{id}`, also with `?layers=…`
pub async fn get(
    app: Data<App>,
    request: HttpRequest,
    id: Path<String>,
) -> Result<HttpResponse, ApiError> {
    let query: ModelQuery = parse_query(&request)?;
    let circuit = model_or_layers(&app, &id, query.layers.as_deref()).await?;
    Ok(json(circuit.info()))
}
