//! The service: sessions of evaluation keys, and ciphertexts in and out.
//!
//! Knows HTTP, limits and who holds which keys; can't decrypt, and leaves all arithmetic to
//! [`crate::circuit`]. `main` and the tests build the same service through [`configure`].
//!
//! **Invariant:** memory is bounded whatever clients send: bodies, uploads, inputs, sessions, requests
//! and jobs each have a limit with an error of its own. Arithmetic never runs on the threads that answer
//! HTTP. Logs hold routes, statuses and times, and never a body, a key, a token or a session id; an
//! address only if the host asks for it.

pub mod address;
pub mod admin;
mod admission;
mod body;
pub mod catalogue;
pub mod key_store;
mod limits;
mod listen;
pub mod metrics;
pub mod models;
mod observe;
mod openapi;
pub mod page;
mod partial_keys;
pub mod places;
pub mod pool;
pub mod prefixes;
pub mod problem;
pub mod rate;
mod routes;
pub mod session;
pub mod tokens;

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use actix_web::middleware::from_fn;
use actix_web::web::{self, Data, ServiceConfig};
use rayon::ThreadPoolBuildError;
use shared::ring::Ring;
use thiserror::Error;

use address::{ClientAddress, TrustedProxies};
pub use body::BodyLimits;
use catalogue::Catalogue;
use key_store::KeyStore;
pub use limits::Limits;
pub use listen::{Listeners, Listening, listen};
use metrics::Metrics;
pub use observe::REQUEST_ID;
use page::Page;
pub use partial_keys::PartialKeys;
use places::{Place, Places};
use pool::Pool;
use problem::ApiError;
use rate::Rate;
use session::{Clock, SystemClock};
use tokens::Tokens;

/// Everything that the routes share.
pub struct App {
    catalogue: RwLock<Arc<Catalogue>>,
    keys: Arc<KeyStore>,
    pool: Pool,
    uploads: Places,
    inputs: Places,
    bulks: Places,
    address_rate: Rate,
    session_rate: Rate,
    tokens: RwLock<Option<Arc<Tokens>>>,
    proxies: TrustedProxies,
    origins: Vec<String>,
    logs_addresses: bool,
    is_traced: bool,
    reload: Option<Box<Reload>>,
    /// No new work is wanted any more.
    draining: AtomicBool,
    metrics: Metrics,
    limits: Limits,
    page: Option<Page>,
    /// Tells the request ids of one start from those of another.
    start_id: u32,
    requests: AtomicU64,
}

/// Reads what can change while the service runs; or says what is wrong with it.
type Reload = dyn Fn() -> Result<Reloaded, String> + Send + Sync;

/// What can change while the service runs.
pub struct Reloaded {
    /// The models.
    pub catalogue: Catalogue,
    /// The tokens, if there are any.
    pub tokens: Option<Tokens>,
}

/// Why the service can't start.
#[derive(Debug, Error)]
pub enum StartError {
    /// The threads for the arithmetic can't be started.
    #[error("the threads for the arithmetic can't be started: {0}")]
    Threads(#[from] ThreadPoolBuildError),
    /// The operating system gives no random numbers.
    #[error("the operating system gives no random numbers: {0}")]
    Randomness(#[from] getrandom::Error),
}

impl App {
    /// A service of these models, without a page, by the machine's clock, with keys in this process.
    ///
    /// # Errors
    /// The operating system refuses threads or randomness.
    pub fn new(catalogue: Catalogue, limits: Limits) -> Result<Self, StartError> {
        let metrics = Metrics::new();
        let waits = metrics.queue_waits();
        let watch = move |time: std::time::Duration| waits.observe(time.as_secs_f64());
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
        Ok(Self {
            catalogue: RwLock::new(Arc::new(catalogue)),
            keys: Arc::new(KeyStore::in_memory(limits.keys(), clock)),
            pool: Pool::new(limits.threads, limits.queue, watch)?,
            uploads: Places::new(limits.uploads),
            inputs: Places::new(limits.inputs),
            bulks: Places::new(limits.bulks),
            address_rate: Rate::new(limits.address_rate),
            session_rate: Rate::new(limits.session_rate),
            tokens: RwLock::default(),
            proxies: TrustedProxies::default(),
            origins: Vec::new(),
            logs_addresses: false,
            is_traced: false,
            reload: None,
            draining: AtomicBool::new(false),
            metrics,
            limits,
            page: None,
            start_id: getrandom::u32()?,
            requests: AtomicU64::new(0),
        })
    }

    /// The same service, with a page at `/`.
    #[must_use]
    pub fn with_page(self, page: Page) -> Self {
        Self {
            page: Some(page),
            ..self
        }
    }

    /// The same service by another clock; sessions that it held are forgotten.
    #[must_use]
    pub fn with_clock(self, clock: Arc<dyn Clock>) -> Self {
        let keys = KeyStore::in_memory(self.limits.keys(), clock);
        self.with_key_store(keys)
    }

    /// The same service with keys somewhere else; sessions that it held are forgotten.
    #[must_use]
    pub fn with_key_store(self, keys: KeyStore) -> Self {
        Self {
            keys: Arc::new(keys),
            ..self
        }
    }

    /// The same service for those only who send one of these tokens.
    #[must_use]
    pub fn with_tokens(self, tokens: Option<Tokens>) -> Self {
        Self {
            tokens: RwLock::new(tokens.map(Arc::new)),
            ..self
        }
    }

    /// The same service behind these proxies.
    #[must_use]
    pub fn with_trusted_proxies(self, proxies: TrustedProxies) -> Self {
        Self { proxies, ..self }
    }

    /// The same service for pages of other origins, too; each is a scheme and a host, such as
    /// `https://example.org`.
    #[must_use]
    pub fn with_cors_origins(self, origins: Vec<String>) -> Self {
        Self { origins, ..self }
    }

    /// The same service, whose log names addresses.
    #[must_use]
    pub fn with_addresses_in_log(self, logs_addresses: bool) -> Self {
        Self {
            logs_addresses,
            ..self
        }
    }

    /// The same service, whose spans have the names that traces want.
    #[must_use]
    pub fn with_traces(self, is_traced: bool) -> Self {
        Self { is_traced, ..self }
    }

    /// The same service, which can read its models and tokens again.
    #[must_use]
    pub fn with_reload(
        self,
        reload: impl Fn() -> Result<Reloaded, String> + Send + Sync + 'static,
    ) -> Self {
        Self {
            reload: Some(Box::new(reload)),
            ..self
        }
    }

    /// The models that are served now.
    #[must_use]
    pub fn catalogue(&self) -> Arc<Catalogue> {
        let catalogue = self.catalogue.read();
        Arc::clone(&catalogue.unwrap_or_else(PoisonError::into_inner))
    }

    fn serve(&self, catalogue: Catalogue) {
        let catalogue = Arc::new(catalogue);
        *self
            .catalogue
            .write()
            .unwrap_or_else(PoisonError::into_inner) = catalogue;
    }

    fn tokens(&self) -> Option<Arc<Tokens>> {
        let tokens = self.tokens.read();
        tokens.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Reads models and tokens again; takes seconds. Requests under way keep the models that they
    /// began with.
    ///
    /// # Errors
    /// [`ApiError::Reload`]: what was served before still is.
    pub fn reload(&self) -> Result<Arc<Catalogue>, ApiError> {
        let nothing = || Err("it was started without anything to reload".to_owned());
        let reloaded = self.reload.as_ref().map_or_else(nothing, |reload| reload());
        self.metrics.count_reload(reloaded.is_ok());
        match reloaded {
            Ok(Reloaded { catalogue, tokens }) => {
                self.serve(catalogue);
                let tokens = tokens.map(Arc::new);
                *self.tokens.write().unwrap_or_else(PoisonError::into_inner) = tokens;
                let catalogue = self.catalogue();
                tracing::info!(models = catalogue.models().len(), "reloaded");
                Ok(catalogue)
            }
            Err(reason) => {
                tracing::error!(reason, "nothing was reloaded");
                Err(ApiError::Reload { reason })
            }
        }
    }

    /// Tells whoever asks whether the service is ready that it isn't any more.
    pub fn drain(&self) {
        self.draining.store(true, Ordering::Relaxed);
    }

    /// The ring of a parameter set that is served.
    fn ring(&self, fingerprint: u64) -> Option<Arc<Ring>> {
        self.catalogue().ring(fingerprint)
    }

    /// Where the arithmetic runs.
    #[must_use]
    pub fn pool(&self) -> &Pool {
        &self.pool
    }

    /// The keys that clients uploaded.
    #[must_use]
    pub fn keys(&self) -> &KeyStore {
        &self.keys
    }

    /// The figures.
    #[must_use]
    pub fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    /// Takes places for inputs, as requests do while they send; nothing if there are too few.
    #[must_use]
    pub fn hold_inputs(&self, owner: ClientAddress, count: usize) -> Option<Place<'_>> {
        self.inputs.take(owner, count)
    }

    /// Takes a place for many images, as requests do while they send; nothing if all are taken.
    #[must_use]
    pub fn hold_bulk(&self, owner: ClientAddress) -> Option<Place<'_>> {
        self.bulks.take(owner, 1)
    }

    fn next_request_id(&self) -> String {
        format!(
            "{:08x}-{:x}",
            self.start_id,
            self.requests.fetch_add(1, Ordering::Relaxed)
        )
    }
}

/// Adds the whole service: API, probes, metrics and page.
pub fn configure(config: &mut ServiceConfig, app: Data<App>) {
    let scope = web::scope("").configure(|config| routes::list(config, &app.origins));
    let scope = match &app.page {
        Some(page) => scope.service(page.service()),
        None => scope.default_service(web::to(routes::not_found)),
    };
    config
        .app_data(app)
        .service(scope.wrap(from_fn(observe::observe)));
}
