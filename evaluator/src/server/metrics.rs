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

/// The figures of one server.
pub struct Metrics {
    registry: Registry,
    requests: Family<RequestLabels, Counter>,
    problems: Family<ProblemLabels, Counter>,
    evaluations: Family<ModelLabels, Histogram, fn() -> Histogram>,
    jobs: Gauge,
    sessions: Gauge,
    session_bytes: Gauge,
    sessions_expired: Counter<u64, AtomicU64>,
    sessions_evicted: Counter<u64, AtomicU64>,
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
            registry: Registry::with_prefix("inkveil"),
            requests: Family::default(),
            problems: Family::default(),
            evaluations: Family::new_with_constructor(evaluation_histogram),
            jobs: Gauge::default(),
            sessions: Gauge::default(),
            session_bytes: Gauge::default(),
            sessions_expired: Counter::default(),
            sessions_evicted: Counter::default(),
        };
        metrics.register();
        metrics
    }

    fn register(&mut self) {
        let registry = &mut self.registry;
        registry.register("requests", "Requests answered", self.requests.clone());
        registry.register(
            "problems",
            "Error replies by problem",
            self.problems.clone(),
        );
        registry.register_with_unit(
            "evaluation",
            "Time of one encrypted evaluation",
            Unit::Seconds,
            self.evaluations.clone(),
        );
        registry.register("jobs", "Arithmetic running or waiting", self.jobs.clone());
        registry.register("sessions", "Sessions held", self.sessions.clone());
        registry.register_with_unit(
            "session_keys",
            "Evaluation keys held",
            Unit::Bytes,
            self.session_bytes.clone(),
        );
        registry.register(
            "sessions_expired",
            "Sessions forgotten for being idle",
            self.sessions_expired.clone(),
        );
        registry.register(
            "sessions_evicted",
            "Sessions forgotten to make room",
            self.sessions_evicted.clone(),
        );
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
    pub fn text(
        &self,
        sessions: SessionFigures,
        in_flight: usize,
    ) -> Result<String, std::fmt::Error> {
        self.jobs.set(gauge(in_flight as u64));
        self.sessions.set(gauge(sessions.held as u64));
        self.session_bytes.set(gauge(sessions.bytes));
        self.sessions_expired
            .inner()
            .store(sessions.expired, Ordering::Relaxed);
        self.sessions_evicted
            .inner()
            .store(sessions.evicted, Ordering::Relaxed);
        let mut text = String::new();
        encode(&mut text, &self.registry)?;
        Ok(text)
    }
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
