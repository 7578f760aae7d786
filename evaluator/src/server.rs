//! The service: sessions of evaluation keys, and ciphertexts in and out.
//!
//! Knows HTTP, limits and who holds which keys; can't decrypt, and leaves all arithmetic to
//! [`crate::circuit`]. `main` and the tests build the same service through [`configure`].
//!
//! **Invariant:** memory is bounded whatever clients send: bodies, uploads, inputs, sessions and
//! jobs each have a limit with an error of its own. Arithmetic never runs on the threads that answer HTTP.
//! Logs hold routes, statuses and times, and never a body, a key, a session id or an address.

mod body;
mod limits;
mod listen;
pub mod metrics;
pub mod models;
mod observe;
pub mod page;
mod partial_keys;
pub mod pool;
pub mod prefixes;
pub mod problem;
mod routes;
pub mod session;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use actix_web::middleware::from_fn;
use actix_web::web::{self, Data, ServiceConfig};
use rayon::ThreadPoolBuildError;
use shared::keys::EvaluationKeys;
use shared::ring::Ring;
use thiserror::Error;
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::circuit::Circuit;
use crate::network::Network;
pub use limits::Limits;
pub use listen::{Listening, listen};
use metrics::Metrics;
pub use observe::REQUEST_ID;
use page::Page;
pub use partial_keys::PartialKeys;
use pool::Pool;
use prefixes::Prefixes;
use session::{Clock, SessionStore, SystemClock};

/// What one session holds.
pub struct SessionKeys {
    /// Fingerprint of the parameter set that the keys were made for.
    pub fingerprint: u64,
    /// The keys.
    pub keys: EvaluationKeys,
}

/// Everything that the routes share.
pub struct App {
    models: BTreeMap<String, Arc<Circuit>>,
    /// What the first layers of the models compute, if that may be asked for.
    prefixes: Option<Prefixes>,
    /// The rings of the models by the fingerprint of their parameters.
    rings: BTreeMap<u64, Arc<Ring>>,
    sessions: SessionStore<SessionKeys>,
    partial_keys: SessionStore<PartialKeys>,
    pool: Pool,
    uploads: Semaphore,
    inputs: Semaphore,
    bulks: Semaphore,
    metrics: Metrics,
    limits: Limits,
    page: Option<Page>,
    /// Tells the request ids of one start from those of another.
    start_id: u32,
    requests: AtomicU64,
}

/// Why the service can't start.
#[derive(Debug, Error)]
pub enum StartError {
    /// There is nothing to serve.
    #[error("there is no model to serve")]
    NoModel,
    /// The threads for the arithmetic can't be started.
    #[error("the threads for the arithmetic can't be started: {0}")]
    Threads(#[from] ThreadPoolBuildError),
    /// The operating system gives no random numbers.
    #[error("the operating system gives no random numbers: {0}")]
    Randomness(#[from] getrandom::Error),
}

impl App {
    /// A service of these models, without a page, by the machine's clock.
    ///
    /// # Errors
    /// There is no model, or the operating system refuses threads or randomness.
    pub fn new(
        models: impl IntoIterator<Item = impl Into<Arc<Circuit>>>,
        limits: Limits,
    ) -> Result<Self, StartError> {
        let with_id = |circuit: Arc<Circuit>| (circuit.info().id.clone(), circuit);
        let models = models.into_iter().map(Into::into);
        let models: BTreeMap<_, _> = models.map(with_id).collect();
        if models.is_empty() {
            return Err(StartError::NoModel);
        }
        let with_fingerprint =
            |ring: &Arc<Ring>| (ring.parameters().fingerprint(), Arc::clone(ring));
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
        Ok(Self {
            rings: models
                .values()
                .map(|circuit| with_fingerprint(circuit.ring()))
                .collect(),
            models,
            prefixes: None,
            sessions: SessionStore::new(limits.sessions, Arc::clone(&clock)),
            partial_keys: SessionStore::new(limits.partial_keys, clock),
            pool: Pool::new(limits.threads, limits.jobs)?,
            uploads: Semaphore::new(limits.uploads.min(Semaphore::MAX_PERMITS)),
            inputs: Semaphore::new(limits.inputs.min(Semaphore::MAX_PERMITS)),
            bulks: Semaphore::new(limits.bulks.min(Semaphore::MAX_PERMITS)),
            metrics: Metrics::new(),
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

    /// The same service, which also evaluates the first layers of these networks, by the ids of
    /// their models.
    #[must_use]
    pub fn with_layer_ranges(self, networks: impl IntoIterator<Item = (String, Network)>) -> Self {
        Self {
            prefixes: Some(Prefixes::new(networks)),
            ..self
        }
    }

    /// The same service by another clock; sessions that it held are forgotten.
    #[must_use]
    pub fn with_clock(self, clock: Arc<dyn Clock>) -> Self {
        Self {
            sessions: SessionStore::new(self.limits.sessions, Arc::clone(&clock)),
            partial_keys: SessionStore::new(self.limits.partial_keys, clock),
            ..self
        }
    }

    /// The circuits of first layers, if they may be asked for.
    #[must_use]
    pub fn prefixes(&self) -> Option<&Prefixes> {
        self.prefixes.as_ref()
    }

    /// The ring of a parameter set that is served.
    fn ring(&self, fingerprint: u64) -> Option<Arc<Ring>> {
        let of_prefixes = || self.prefixes.as_ref()?.ring(fingerprint);
        let of_models = self.rings.get(&fingerprint).cloned();
        of_models.or_else(of_prefixes)
    }

    /// Where the arithmetic runs.
    #[must_use]
    pub fn pool(&self) -> &Pool {
        &self.pool
    }

    /// The keys that are being uploaded in parts.
    #[must_use]
    pub fn partial_keys(&self) -> &SessionStore<PartialKeys> {
        &self.partial_keys
    }

    /// Takes places for inputs, as requests do while they send; nothing if there are too few.
    #[must_use]
    pub fn hold_inputs(&self, count: usize) -> Option<SemaphorePermit<'_>> {
        let count = u32::try_from(count).ok()?;
        self.inputs.try_acquire_many(count).ok()
    }

    /// Takes a place for many images, as requests do while they send; nothing if all are taken.
    #[must_use]
    pub fn hold_bulk(&self) -> Option<SemaphorePermit<'_>> {
        self.bulks.try_acquire().ok()
    }

    /// The keys that clients uploaded.
    #[must_use]
    pub fn sessions(&self) -> &SessionStore<SessionKeys> {
        &self.sessions
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
    let scope = web::scope("").configure(routes::list);
    let scope = match &app.page {
        Some(page) => scope.service(page.service()),
        None => scope.default_service(web::to(routes::not_found)),
    };
    config
        .app_data(app)
        .service(scope.wrap(from_fn(observe::observe)));
}
