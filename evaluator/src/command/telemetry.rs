//! Where the log goes, in which form, and traces.
//!
//! **Invariant:** a log that can't be written, as on a full disk, stops no request.

use std::io::{self, IsTerminal};

use anyhow::{Context, Result};
use evaluator::settings::LogFormat;
use opentelemetry::trace::TracerProvider;
use opentelemetry_otlp::{SpanExporter, WithExportConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer, fmt};

/// Errors that whoever sends rubbish could fill a disk with.
const UNWANTED: &str = "actix_http::h1::dispatcher=off";

/// Sends what is left of the traces when it is dropped.
pub struct Traces(Option<SdkTracerProvider>);

impl Drop for Traces {
    fn drop(&mut self) {
        if let Some(provider) = &self.0
            && let Err(error) = provider.shutdown()
        {
            tracing::warn!(%error, "the last traces were not sent");
        }
    }
}

/// Starts the log, on standard error, and traces if there is a collector at `otlp`.
///
/// # Errors
/// The filter or the collector's address can't be one.
pub fn start(filter: &str, format: LogFormat, otlp: Option<&str>) -> Result<Traces> {
    let directives = format!("{UNWANTED},{filter}");
    let filter =
        EnvFilter::try_new(directives).with_context(|| format!("the filter {filter:?}"))?;
    let log = fmt::layer()
        .with_writer(io::stderr)
        // It would be reported where it can't be, and that panics.
        .log_internal_errors(false);
    let log = match format {
        LogFormat::Text => log.with_ansi(io::stderr().is_terminal()).boxed(),
        LogFormat::Json => log.json().flatten_event(true).with_span_list(false).boxed(),
    };
    let provider = otlp.map(provider).transpose()?;
    let traces = provider
        .as_ref()
        .map(|provider| tracing_opentelemetry::layer().with_tracer(provider.tracer("inkveil")));
    tracing_subscriber::registry()
        .with(log)
        .with(traces)
        .with(filter)
        .init();
    Ok(Traces(provider))
}

fn provider(collector: &str) -> Result<SdkTracerProvider> {
    let exporter = SpanExporter::builder()
        .with_http()
        .with_endpoint(format!("{}/v1/traces", collector.trim_end_matches('/')))
        .build()
        .with_context(|| format!("the collector {collector:?}"))?;
    let service = Resource::builder().with_service_name("inkveil-evaluator");
    Ok(SdkTracerProvider::builder()
        .with_batch_exporter(exporter)
        .with_resource(service.build())
        .build())
}
