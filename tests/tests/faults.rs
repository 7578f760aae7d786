//! What breaks around the service, and what its users may notice of it: each test says what it
//! expects.

mod clock;
mod disk;
mod proxy;
mod redis;
mod reload;
mod replicas;
mod sharing;
mod shutdown;
mod slow;
mod upload;

use std::path::PathBuf;
use std::sync::OnceLock;

use anyhow::{Context as _, Result};
use evaluator::server::models;
use tests::front::Front;
use tests::prepared::Prepared;
use tests::root;
use tests::server::{Server, agent};
use tests::visitor::Visitor;

/// Sizes of the prepared requests.
const SIZES: [usize; 3] = [1, 1, 8];

fn shipped() -> PathBuf {
    root().join("models")
}

/// No limit of requests a second: all clients have one address, and don't rest.
const NO_RATES: [&str; 4] = ["--address-rate", "0", "--session-rate", "0"];

fn start(flags: &[&str]) -> Result<Server> {
    let flags = [&NO_RATES, flags].concat();
    Server::start_with_flags(&shipped(), None, None, &flags)
}

/// Keys and requests for the model that answers soonest.
fn fast() -> &'static Prepared {
    static FAST: OnceLock<Prepared> = OnceLock::new();
    FAST.get_or_init(|| prepare("mnist-fast", &SIZES).expect("keys can be made"))
}

fn prepare(model: &str, sizes: &[usize]) -> Result<Prepared> {
    let circuit = models::load(&shipped().join(format!("{model}.onnx")))?;
    Prepared::new(circuit.info().clone(), sizes, 1)
}

/// A client with the fast model's keys, behind a proxy.
fn through(proxy: &impl Front) -> Result<Visitor<'static>> {
    Ok(Visitor::through(proxy.agent()?, &proxy.url(""), fast()))
}

/// A figure of the server's own.
fn metric(server: &Server, name: &str) -> Result<f64> {
    let mut answer = agent().get(server.url("/metrics")).call()?;
    let text = answer.body_mut().read_to_string()?;
    let mut lines = text.lines().filter_map(|line| line.split_once(' '));
    let value = lines.find_map(|(key, value)| (key == name).then(|| value.parse()));
    Ok(value.with_context(|| format!("no metric {name} in:\n{text}"))??)
}
