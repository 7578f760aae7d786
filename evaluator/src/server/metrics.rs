//! How the service is doing, in the text format that Prometheus reads.
//!
//! Knows counts, sizes and durations; knows no session id, no address and no name that a request
//! made up.
//!
//! **Invariant:** every label has a bounded set of values: routes, known methods, statuses,
//! problem kinds, loaded models.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use actix_web::http::{Method, StatusCode};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::{Registry, Unit};

use super::session::SessionFigures;

/// Media type of [`Metrics::text`].
pub const METRICS_TEXT: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RequestLabels {
    method: &'static str,
    route: String,
    status: u16,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ProblemLabels {
    kind: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ModelLabels {
    model: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OutcomeLabels {
    outcome: &'static str,
}

/// The figures of one server.
pub struct Metrics {
    registry: Registry,
    requests: Family<RequestLabels, Counter>,
    problems: Family<ProblemLabels, Counter>,
    evaluations: Family<ModelLabels, Histogram, fn() -> Histogram>,
    queue_waits: Histogram,
    jobs: Gauge,
    models: Gauge,
    reloads: Family<OutcomeLabels, Counter>,
    sessions: KeyMetrics,
    uploads: KeyMetrics,
    store_errors: Counter,
    resident_memory: Gauge,
    open_files: Gauge,
}

/// What a store of keys holds, and what it forgot.
#[derive(Default)]
struct KeyMetrics {
    held: Gauge,
    bytes: Gauge,
    expired: Counter<u64, AtomicU64>,
    evicted: Counter<u64, AtomicU64>,
}

/// What is only known at the moment it is asked for.
pub struct Now {
    /// Arithmetic running or waiting.
    pub jobs: usize,
    /// Models served.
    pub models: usize,
    /// Sessions, and uploads in parts; nothing while the store can't be reached.
    pub keys: Option<[SessionFigures; 2]>,
}

/// From a quarter of a millisecond to eight seconds.
fn evaluation_histogram() -> Histogram {
    Histogram::new(exponential_buckets(0.000_25, 2.0, 16))
}

impl Metrics {
    /// All figures at zero.
    #[must_use]
    pub fn new() -> Self {
        let mut metrics = Self {
            registry: Registry::default(),
            requests: Family::default(),
            problems: Family::default(),
            evaluations: Family::new_with_constructor(evaluation_histogram),
            queue_waits: Histogram::new(exponential_buckets(0.000_25, 4.0, 9)),
            jobs: Gauge::default(),
            models: Gauge::default(),
            reloads: Family::default(),
            sessions: KeyMetrics::default(),
            uploads: KeyMetrics::default(),
            store_errors: Counter::default(),
            resident_memory: Gauge::default(),
            open_files: Gauge::default(),
        };
        metrics.register();
        metrics
    }

    fn register(&mut self) {
        // Prometheus's own names for what every process has.
        let process = self.registry.sub_registry_with_prefix("process");
        process.register_with_unit(
            "resident_memory",
            "Memory in use",
            Unit::Bytes,
            self.resident_memory.clone(),
        );
        process.register(
            "open_fds",
            "Files and connections open",
            self.open_files.clone(),
        );
        let registry = self.registry.sub_registry_with_prefix("inkveil");
        registry.register("requests", "Requests answered", self.requests.clone());
        registry.register(
            "problems",
            "Error replies by problem, what was wrong with rejected input among them",
            self.problems.clone(),
        );
        registry.register_with_unit(
            "evaluation",
            "Time of one encrypted evaluation",
            Unit::Seconds,
            self.evaluations.clone(),
        );
        registry.register_with_unit(
            "queue_wait",
            "Time that requests waited for arithmetic",
            Unit::Seconds,
            self.queue_waits.clone(),
        );
        registry.register("jobs", "Arithmetic running or waiting", self.jobs.clone());
        registry.register("models", "Models served", self.models.clone());
        registry.register("reloads", "Reloads by outcome", self.reloads.clone());
        registry.register("sessions", "Sessions held", self.sessions.held.clone());
        registry.register_with_unit(
            "session_keys",
            "Evaluation keys held",
            Unit::Bytes,
            self.sessions.bytes.clone(),
        );
        registry.register(
            "sessions_expired",
            "Sessions forgotten for their age or for being idle",
            self.sessions.expired.clone(),
        );
        registry.register(
            "sessions_evicted",
            "Sessions forgotten to make room",
            self.sessions.evicted.clone(),
        );
        registry.register(
            "uploads",
            "Uploads in parts held",
            self.uploads.held.clone(),
        );
        registry.register_with_unit(
            "upload",
            "Evaluation keys of uploads in parts",
            Unit::Bytes,
            self.uploads.bytes.clone(),
        );
        registry.register(
            "uploads_expired",
            "Uploads in parts that were not finished in time",
            self.uploads.expired.clone(),
        );
        registry.register(
            "uploads_evicted",
            "Uploads in parts forgotten to make room",
            self.uploads.evicted.clone(),
        );
        registry.register(
            "store_errors",
            "Failures of the session store",
            self.store_errors.clone(),
        );
    }

    /// How long jobs waited for their turn.
    #[must_use]
    pub fn queue_waits(&self) -> Histogram {
        self.queue_waits.clone()
    }

    /// How often the session store failed.
    #[must_use]
    pub fn store_errors(&self) -> &Counter {
        &self.store_errors
    }

    /// Counts a reload.
    pub fn count_reload(&self, is_done: bool) {
        let outcome = if is_done { "done" } else { "failed" };
        self.reloads.get_or_create(&OutcomeLabels { outcome }).inc();
    }

    /// Counts a reply to `route`, which is a pattern and never a path.
    pub fn count_request(&self, method: &Method, route: &str, status: StatusCode) {
        let labels = RequestLabels {
            method: known_method(method),
            route: route.to_owned(),
            status: status.as_u16(),
        };
        self.requests.get_or_create(&labels).inc();
    }

    /// Counts an error reply.
    pub fn count_problem(&self, kind: &'static str) {
        self.problems.get_or_create(&ProblemLabels { kind }).inc();
    }

    /// Records the time of one evaluation of a loaded model.
    pub fn record_evaluation(&self, model: &str, time: Duration) {
        let labels = ModelLabels {
            model: model.to_owned(),
        };
        self.evaluations
            .get_or_create(&labels)
            .observe(time.as_secs_f64());
    }

    /// The whole text, with the figures of now.
    ///
    /// # Errors
    /// None in practice: writing to a string doesn't fail.
    pub fn text(&self, now: &Now) -> Result<String, std::fmt::Error> {
        self.jobs.set(gauge(now.jobs as u64));
        self.models.set(gauge(now.models as u64));
        if let Some([sessions, uploads]) = now.keys {
            self.sessions.set(sessions);
            self.uploads.set(uploads);
        }
        self.resident_memory.set(gauge(resident_memory()));
        self.open_files.set(gauge(open_files()));
        let mut text = String::new();
        encode(&mut text, &self.registry)?;
        Ok(text)
    }
}

impl KeyMetrics {
    fn set(&self, figures: SessionFigures) {
        self.held.set(gauge(figures.held as u64));
        self.bytes.set(gauge(figures.bytes));
        self.expired
            .inner()
            .store(figures.expired, Ordering::Relaxed);
        self.evicted
            .inner()
            .store(figures.evicted, Ordering::Relaxed);
    }
}

/// Bytes of memory in use, by Linux's account (proc(5)); 0 on other systems.
fn resident_memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kilobytes = line.and_then(|line| line.trim().strip_suffix(" kB")?.parse::<u64>().ok());
    kilobytes.map_or(0, |kilobytes| kilobytes << 10)
}

/// Open file descriptors, by Linux's account; 0 on other systems.
fn open_files() -> u64 {
    std::fs::read_dir("/proc/self/fd").map_or(0, |files| files.count() as u64)
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

fn gauge(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

/// A method as a label; anyone can invent methods.
fn known_method(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::DELETE => "DELETE",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    }
}
