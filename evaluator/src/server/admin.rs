//! What only whoever runs the service may ask for, on a listener of its own that is bound to this
//! machine.
//!
//! **Invariant:** it listens on loopback addresses only, and does nothing that a web page in a browser
//! on this machine asks for.

use std::net::SocketAddr;

use actix_web::http::header;
use actix_web::web::{self, Data, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse};
use serde::Serialize;
use thiserror::Error;

use super::App;
use super::problem::ApiError;
use super::routes::not_found;

/// Where it can't listen.
#[derive(Debug, Error)]
#[error(
    "the administrator's listener takes loopback addresses only, such as 127.0.0.1:9091, not {0}"
)]
pub struct NotLoopback(pub SocketAddr);

/// Checks that an address is this machine's own.
///
/// # Errors
/// It isn't.
pub fn check_address(address: SocketAddr) -> Result<SocketAddr, NotLoopback> {
    if address.ip().is_loopback() {
        Ok(address)
    } else {
        Err(NotLoopback(address))
    }
}

/// The administrator's routes.
pub fn configure(config: &mut ServiceConfig, app: Data<App>) {
    config
        .app_data(app)
        .service(web::resource("/admin/reload").route(web::post().to(reload)))
        .default_service(web::to(not_found));
}

/// What a reload led to.
#[derive(Serialize)]
struct ReloadedModels {
    models: Vec<String>,
}

/// `POST /admin/reload`: models and tokens are read again.
async fn reload(app: Data<App>, request: HttpRequest) -> Result<HttpResponse, ApiError> {
    // A browser says for which page it asks; whoever administers doesn't use one.
    if request.headers().contains_key(header::ORIGIN) {
        return Err(ApiError::FromBrowser);
    }
    let reloaded = web::block(move || app.reload()).await;
    let catalogue = reloaded.map_err(|_| ApiError::Internal)??;
    let models = catalogue.models().keys().cloned().collect();
    Ok(HttpResponse::Ok().json(ReloadedModels { models }))
}
