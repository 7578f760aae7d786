//! The models are read again while they are in use.

use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use anyhow::{Context as _, Result, anyhow, ensure};
use nix::sys::signal::Signal;
use serde_json::Value;
use shared::api::{API_PREFIX, Problem};
use tempfile::TempDir;
use tests::server::{Server, agent, free_address};
use tests::visitor::Visitor;
use tests::wait_for;

use super::{NO_RATES, fast, metric, shipped};

const CLIENTS: usize = 4;

/// Answers between two reloads.
const ANSWERS: usize = 50;

/// A service whose models can be changed, with an address for whoever runs it.
struct Service {
    models: TempDir,
    server: Server,
    admin: String,
}

impl Service {
    /// One with the fast model.
    fn start() -> Result<Self> {
        let models = tempfile::tempdir()?;
        copy("mnist-fast", models.path())?;
        let admin = free_address()?.to_string();
        let flags = [&NO_RATES[..], &["--admin", &admin]].concat();
        let server = Server::start_with_flags(models.path(), None, None, &flags)?;
        Ok(Self {
            models,
            server,
            admin: format!("http://{admin}/admin/reload"),
        })
    }

    fn reload(&self) -> Result<(u16, String)> {
        let mut answer = agent().post(&self.admin).send_empty()?;
        let text = answer.body_mut().read_to_string()?;
        Ok((answer.status().as_u16(), text))
    }

    fn models(&self) -> Result<Vec<String>> {
        let route = self.server.url(&format!("{API_PREFIX}/models"));
        let list: Value = agent().get(route).call()?.body_mut().read_json()?;
        let models = list["models"].as_array().context("no list")?;
        let id = |model: &Value| model["id"].as_str().map(str::to_owned);
        models
            .iter()
            .map(|model| id(model).context("no id"))
            .collect()
    }

    /// How many reloads had this outcome so far.
    fn reloads(&self, outcome: &str) -> Result<f64> {
        let name = format!("inkveil_reloads_total{{outcome=\"{outcome}\"}}");
        Ok(metric(&self.server, &name).unwrap_or_default())
    }
}

fn copy(model: &str, to: &Path) -> Result<()> {
    let name = format!("{model}.onnx");
    fs::copy(shipped().join(&name), to.join(&name))?;
    Ok(())
}

/// Expected: with requests coming all the time, none fails while the models are read again three
/// times by either way, and the sessions stay.
#[test]
fn a_reload_drops_no_request() -> Result<()> {
    let service = Service::start()?;
    let mut visitors: Vec<_> = (0..CLIENTS)
        .map(|_| Visitor::new(&service.server.url(""), fast()))
        .collect();
    for visitor in &mut visitors {
        visitor.open()?.expect(201)?;
    }
    let (answers, done) = (AtomicUsize::new(0), AtomicBool::new(false));
    let client = |visitor: &Visitor<'_>| -> Result<()> {
        while !done.load(Ordering::Relaxed) {
            for request in fast().requests() {
                visitor.classify(request)?;
                answers.fetch_add(1, Ordering::Relaxed);
            }
        }
        Ok(())
    };
    let work = || -> Result<()> {
        for turn in 1..=3 {
            let before = answers.load(Ordering::Relaxed);
            let (status, text) = service.reload()?;
            ensure!(status == 200, "{status} {text}");
            service.server.signal(Signal::SIGHUP)?;
            wait_for("the models to be read twice", || {
                let done = service.reloads(DONE)? == 2.0 * f64::from(turn);
                Ok(done.then_some(()))
            })?;
            wait_for("answers", || {
                let now = answers.load(Ordering::Relaxed);
                Ok((now >= before + ANSWERS).then_some(()))
            })?;
        }
        Ok(())
    };
    std::thread::scope(|scope| -> Result<()> {
        let client = &client;
        let clients: Vec<_> = visitors
            .iter()
            .map(|visitor| scope.spawn(move || client(visitor)))
            .collect();
        let worked = work();
        done.store(true, Ordering::Relaxed);
        for client in clients {
            client.join().map_err(|_| anyhow!("a client panicked"))??;
        }
        worked
    })
}

/// Expected: a file that is no model is named, the reload fails, and what was served before still is;
/// once the file is mended and another is added, both are there, and the session lives.
#[test]
fn a_broken_model_is_named_and_the_old_one_stays() -> Result<()> {
    let service = Service::start()?;
    let mut visitor = Visitor::new(&service.server.url(""), fast());
    visitor.open()?.expect(201)?;
    let path = service.models.path().join("mnist-fast.onnx");
    let whole = fs::read(&path)?;
    fs::write(&path, &whole[..whole.len() / 2])?;
    let (status, text) = service.reload()?;
    let problem: Problem = serde_json::from_str(&text).with_context(|| text.clone())?;
    ensure!(status == problem.status && status >= 400, "{status} {text}");
    ensure!(problem.kind == "/problems/reload-failed", "{text}");
    ensure!(problem.detail.contains("mnist-fast.onnx"), "{text}");
    ensure!(service.reloads(FAILED)? == 1.0, "it wasn't counted");
    visitor.classify(&fast().requests()[0])?;
    ensure!(service.models()? == ["mnist-fast"]);

    fs::write(&path, &whole)?;
    copy("homomorphic-mnist", service.models.path())?;
    let (status, text) = service.reload()?;
    ensure!(status == 200, "{status} {text}");
    ensure!(service.models()? == ["homomorphic-mnist", "mnist-fast"]);
    visitor.classify(&fast().requests()[0])?;
    Ok(())
}

/// The outcomes of reloads, as metrics call them.
const DONE: &str = "done";
const FAILED: &str = "failed";
