//! The API's description, OpenAPI 3.1, generated from the handlers and the types that travel, and a
//! page to read it in.
//!
//! Knows which handlers there are; what each takes and gives stands beside it.
//!
//! **Invariant:** the viewer loads nothing from elsewhere, and all addresses are relative, so that both
//! work below any prefix.

use actix_web::HttpResponse;
use actix_web::http::header::{CONTENT_SECURITY_POLICY, HeaderValue};
use actix_web::middleware::DefaultHeaders;
use actix_web::web::{self, ServiceConfig};
use shared::api::Problem;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::{IntoResponses, Modify, OpenApi, ToSchema};
use utoipa_swagger_ui::{Config, SwaggerUi};

use super::routes::{bulk, classify, models, probes, sessions, uploads};

/// Where the description is, below the API's prefix.
pub const DESCRIPTION: &str = "/openapi.json";

/// Where its viewer is.
pub const VIEWER: &str = "/docs/";

/// The viewer's own scripts and styles, some of which stand in its elements.
const VIEWER_POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; \
     connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
);

/// What any request may be refused with.
#[derive(IntoResponses)]
#[expect(dead_code, reason = "only its description is used")]
pub(super) enum Problems {
    /// The request can't be done, and the detail says why and what would be right. With 429 or 503,
    /// `Retry-After` says when it may be.
    #[response(status = "4XX", content_type = "application/problem+json")]
    Client(Problem),
    /// The evaluator can't do it now; `Retry-After` says when it may.
    #[response(status = "5XX", content_type = "application/problem+json")]
    Server(Problem),
}

/// Keys and ciphertexts, as docs/wire-format.md describes them.
#[derive(ToSchema)]
#[schema(value_type = String, format = Binary)]
#[expect(dead_code, reason = "only its description is used")]
pub(super) struct Octets(Vec<u8>);

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Inkveil evaluator",
        description = "Classifies encrypted images: evaluation keys make a session, a ciphertext \
                       goes in, encrypted logits come out. The bytes of keys and ciphertexts are \
                       described in docs/wire-format.md.",
        license(name = "Apache-2.0 OR MIT"),
    ),
    servers((url = "../..", description = "The service that this description came from")),
    paths(
        models::list,
        models::get,
        sessions::create,
        sessions::get,
        sessions::delete,
        uploads::create,
        uploads::append,
        classify::classify,
        bulk::classify_bulk,
        probes::healthy,
        probes::ready,
        probes::metrics,
    ),
    components(schemas(Octets)),
    modifiers(&Bearer),
)]
struct Description;

/// Says how tokens are sent, where they are wanted.
struct Bearer;

impl Modify for Bearer {
    fn modify(&self, description: &mut utoipa::openapi::OpenApi) {
        let bearer = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .description(Some("Where the host wants a token (`--tokens`)."));
        let components = description.components.get_or_insert_default();
        components.add_security_scheme("token", SecurityScheme::Http(bearer.build()));
    }
}

/// The description and its viewer.
pub(super) fn list(config: &mut ServiceConfig) {
    let viewer = SwaggerUi::new("/{_:.*}").config(Config::new([format!("..{DESCRIPTION}")]));
    let policy = DefaultHeaders::new().add((CONTENT_SECURITY_POLICY, VIEWER_POLICY));
    config
        .service(web::resource(DESCRIPTION).route(web::get().to(description)))
        .service(
            web::scope(VIEWER.trim_end_matches('/'))
                .service(viewer)
                .wrap(policy),
        );
}

async fn description() -> HttpResponse {
    HttpResponse::Ok().json(Description::openapi())
}
