//! What there is to classify with.

use actix_web::HttpResponse;
use actix_web::web::{Data, Path};
use shared::api::{API_VERSION, ModelList, ModelSummary};

use super::{json, model};
use crate::server::App;
use crate::server::problem::ApiError;

/// `GET models`
pub async fn list(app: Data<App>) -> HttpResponse {
    let summary =
        |(id, circuit): (&String, &std::sync::Arc<crate::circuit::Circuit>)| ModelSummary {
            id: id.clone(),
            description: circuit.info().description.clone(),
        };
    let models = app.models.iter().map(summary).collect();
    json(&ModelList {
        api_version: API_VERSION,
        models,
    })
}

/// `GET models/{id}`
pub async fn get(app: Data<App>, id: Path<String>) -> Result<HttpResponse, ApiError> {
    Ok(json(model(&app, &id)?.info()))
}
