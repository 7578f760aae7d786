//! `evaluator serve`: from settings to a running service.

use std::fmt::Display;
use std::fs;
use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;

use actix_web::web::Data;
use anyhow::{Context, Result};
use evaluator::circuit::Circuit;
use evaluator::server::catalogue::Catalogue;
use evaluator::server::key_store::KeyStore;
use evaluator::server::page::Page;
use evaluator::server::session::SystemClock;
use evaluator::server::tokens::Tokens;
use evaluator::server::{App, Limits, Reloaded, listen, models};
use evaluator::settings::{Sessions, Settings};

use tokio::signal::unix::{SignalKind, signal};

use super::{calibration_images, options};

/// Serves until it is told to stop.
///
/// # Errors
/// Why it can't start, or what failed.
pub async fn run(settings: Settings) -> Result<()> {
    // From here on a reload that is asked for too early is no reason to end.
    let _early = signal(SignalKind::hangup()).context("SIGHUP can't be received")?;
    let limits = settings.limits();
    let listeners = settings.listeners();
    let Reloaded { catalogue, tokens } = load(&settings)?;
    let mut app = App::new(catalogue, limits)?
        .with_tokens(tokens)
        .with_trusted_proxies(settings.proxies())
        .with_cors_origins(settings.cors_origins.clone())
        .with_addresses_in_log(settings.log_addresses)
        .with_traces(settings.otlp.is_some());
    if let Sessions::Redis(address) = &settings.sessions {
        let store = in_redis(address, limits, &app)?;
        app = app.with_key_store(store);
    }
    if let Some(directory) = &settings.page {
        app = app.with_page(Page::open(directory)?);
    }
    let app = app.with_reload(move || load(&settings).map_err(|error| format!("{error:#}")));
    let address = listeners.address;
    let listening =
        listen(&Data::new(app), listeners).with_context(|| format!("can't listen on {address}"))?;
    for address in &listening.addresses {
        say(&format!("listening on http://{address}"));
    }
    for address in &listening.admin {
        say(&format!("administered on http://{address}"));
    }
    listening.server.await.context("the server failed")
}

/// Tells whoever started the program; one that can't be told, such as a full disk, ends nothing.
fn say(words: &str) {
    let _ = writeln!(io::stdout(), "{words}");
}

fn in_redis(address: &str, limits: Limits, app: &App) -> Result<KeyStore> {
    let clock = Arc::new(SystemClock::new());
    let errors = app.metrics().store_errors();
    KeyStore::in_redis(address, limits.keys(), clock, errors)
        // The address may hold a password.
        .context("the address of --sessions can't be used")
}

/// Reads what can change while the service runs.
fn load(settings: &Settings) -> Result<Reloaded> {
    let tokens = settings.tokens.as_deref().map(read_tokens).transpose()?;
    let images = calibration_images(&settings.replacing)?;
    let options = options(&settings.replacing, &images);
    let directory = &settings.models;
    let circuits = models::load_directory(directory, &options).map_err(|errors| all(&errors))?;
    let offered = |circuit: Circuit| {
        if settings.bulk {
            circuit
        } else {
            circuit.without_bulk()
        }
    };
    let circuits: Vec<Circuit> = circuits.into_iter().map(offered).collect();
    let ids: Vec<String> = circuits.iter().map(|one| one.info().id.clone()).collect();
    let mut catalogue = Catalogue::new(circuits)
        .with_context(|| format!("{} holds no .onnx file", directory.display()))?;
    if settings.allow_layer_ranges {
        let network = |id: String| {
            let file = directory.join(format!("{id}.onnx"));
            let imported = models::read_network_with(&file, &options)?;
            Ok((id, imported.network))
        };
        let networks: Result<Vec<_>> = ids.into_iter().map(network).collect();
        catalogue = catalogue.with_layer_ranges(networks?);
    }
    Ok(Reloaded { catalogue, tokens })
}

fn read_tokens(file: &Path) -> Result<Tokens> {
    let name = || file.display().to_string();
    let text = fs::read_to_string(file).with_context(name)?;
    Tokens::parse(&text).with_context(name)
}

/// Several errors as one.
fn all(errors: &[impl Display]) -> anyhow::Error {
    let lines: Vec<_> = errors.iter().map(ToString::to_string).collect();
    anyhow::anyhow!("{}", lines.join("\n"))
}
