//! What every proxy has to get right, tried as a visitor would.

use std::io::Read;
use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use client::manners::evaluation_time;
use client::{ClientKeys, Plan};
use flate2::read::GzDecoder;
use serde_json::Value;
use shared::api::{ModelInfo, OCTET_STREAM, SessionInfo};
use tempfile::NamedTempFile;
use tests::front::{Front, Reply};
use tests::plain::PlainModel;
use tests::root;
use tests::server::Server;

use crate::circuit::tolerance;
use crate::scheme::numbers;

const MODEL: &str = "mnist-fast";

/// An evaluator that believes the proxy on this machine, with the shipped models and the built page.
pub fn evaluator() -> Result<Server> {
    evaluator_with(&[])
}

/// The same, with more flags.
pub fn evaluator_with(flags: &[&str]) -> Result<Server> {
    let page = root().join("dist");
    ensure!(
        page.join("index.html").is_file(),
        "there is no page; `cargo xtask test page` builds it"
    );
    let flags = [&["--trusted-proxies", "127.0.0.1/32"], flags].concat();
    Server::start_with_flags(&root().join("models"), Some(&page), None, &flags)
}

/// A visitor whose keys are uploaded.
pub struct Visitor<'a> {
    front: &'a dyn Front,
    keys: ClientKeys,
    /// The session's id.
    pub id: String,
}

impl<'a> Visitor<'a> {
    /// Reads the model's description, makes keys, uploads them.
    pub fn open(front: &'a dyn Front) -> Result<Self> {
        let agent = front.agent()?;
        let info: ModelInfo = agent
            .get(front.url(&format!("/api/v1/models/{MODEL}")))
            .call()?
            .body_mut()
            .read_json()?;
        let keys = ClientKeys::generate(Arc::new(Plan::new(info)?))?;
        let upload = keys
            .evaluation_keys()
            .collect::<Result<Vec<_>, _>>()?
            .concat();
        let mut answer = agent
            .post(front.url("/api/v1/sessions"))
            .header("content-type", OCTET_STREAM)
            .send(&upload)?;
        ensure!(
            answer.status() == 201,
            "{}",
            answer.body_mut().read_to_string()?
        );
        let location = header(&answer, "location")?.to_owned();
        ensure!(
            location.starts_with("sessions/"),
            "{location} isn't relative, so it can't be right under every prefix"
        );
        let session: SessionInfo = answer.body_mut().read_json()?;
        // Where it says it is, it is, prefix and all.
        let there = front.url(&format!("/api/v1/{location}"));
        let found = agent.get(&there).call()?;
        ensure!(found.status() == 200, "{there}: {}", found.status());
        Ok(Self {
            front,
            keys,
            id: session.id,
        })
    }

    /// Sends an encrypted digit and expects what plain inference says of it.
    pub fn classify(&self, seed: u64) -> Result<()> {
        let pixels: Vec<f64> = numbers(784, seed)
            .into_iter()
            .map(|x| if x > 0.6 { x } else { 0.0 })
            .collect();
        let route = format!("/api/v1/sessions/{}/classify?model={MODEL}", self.id);
        let mut answer = self
            .front
            .agent()?
            .post(self.front.url(&route))
            .header("content-type", OCTET_STREAM)
            .send(&self.keys.encrypt(&pixels)?)?;
        ensure!(
            answer.status() == 200,
            "{}",
            answer.body_mut().read_to_string()?
        );
        let timing = header(&answer, "server-timing")?;
        evaluation_time(timing).with_context(|| format!("Server-Timing: {timing}"))?;
        header(&answer, "x-request-id")?;
        let reply = answer.body_mut().read_to_vec()?;

        let truth = PlainModel::load(&root().join("models/mnist-fast.onnx"), &[1, 28, 28])?;
        let plain: Vec<f32> = pixels.iter().map(|&x| x as f32).collect();
        let tolerance = tolerance(self.keys.plan().info().output.bound);
        let logits = self.keys.decrypt(&reply)?;
        for (got, want) in logits.values().iter().zip(truth.logits(&plain)?) {
            ensure!((got - want).abs() < tolerance, "{got}, not {want}");
        }
        Ok(())
    }
}

fn header<'a>(answer: &'a ureq::http::Response<ureq::Body>, name: &str) -> Result<&'a str> {
    let value = answer.headers().get(name);
    Ok(value.with_context(|| format!("no {name}"))?.to_str()?)
}

/// Page and API where the proxy puts them, through TLS and HTTP/2, with what they say on the way.
pub fn check_page_and_api(front: &dyn Front) -> Result<()> {
    for route in [
        "/",
        "/api/v1/models",
        "/api/v1/openapi.json",
        "/api/v1/docs/",
        "/api/v1/docs/swagger-ui.css",
        "/healthz",
        "/readyz",
    ] {
        let reply = front.curl(route, &[])?;
        ensure!(reply.status == 200, "{route}: {reply:?}");
        ensure!(reply.version == "HTTP/2", "{route}: {}", reply.version);
        reply.header("x-request-id")?;
        reply.header("x-content-type-options")?;
        let kept = reply.header("strict-transport-security")?;
        ensure!(kept == "max-age=63072000", "{kept}");
    }
    let old = front.curl("/api/v1/models", &["--http1.1"])?;
    ensure!(old.version == "HTTP/1.1" && old.status == 200, "{old:?}");
    let missing = front.curl("/api/v1/nothing", &[])?;
    ensure!(missing.status == 404, "{missing:?}");
    let problem: Value = serde_json::from_slice(&missing.body)?;
    ensure!(problem["type"] == "/problems/not-found", "{problem}");
    // The policy is the evaluator's, word for word and once.
    front
        .curl("/", &[])?
        .header("content-security-policy")
        .map(drop)
}

/// A visitor's whole way.
pub fn check_classification(front: &dyn Front) -> Result<()> {
    let visitor = Visitor::open(front)?;
    visitor.classify(1)?;
    visitor.classify(2)
}

/// Figures and switches of the service aren't for visitors, however they are spelt.
pub fn check_inside_stays_inside(front: &dyn Front, inside: &Server) -> Result<()> {
    let open = tests::server::agent().get(inside.url("/metrics")).call()?;
    ensure!(open.status() == 200, "the evaluator has no figures");
    for route in [
        "/metrics",
        "/metrics?x=1",
        "/metrics/",
        "//metrics",
        "/./metrics",
        "/api/../metrics",
        "/%6detrics",
        "/m%65trics",
        "/%2e/metrics",
        "/admin",
        "/admin/reload",
        "/admin/../metrics",
    ] {
        for method in ["GET", "POST", "HEAD"] {
            let arguments: &[&str] = match method {
                "HEAD" => &["--head"],
                method => &["--request", method],
            };
            let reply = front.curl(route, arguments)?;
            ensure!(
                [400, 404].contains(&reply.status),
                "{method} {route}: {}",
                reply.status
            );
            ensure!(
                !reply.text().contains("inkveil_"),
                "{method} {route}: {}",
                reply.text()
            );
        }
    }
    Ok(())
}

/// Bodies past the evaluator's limit meet with its own words; those past the proxy's with a 413.
pub fn check_large_bodies(front: &dyn Front) -> Result<()> {
    let limit = 16 << 20;
    let file = NamedTempFile::new()?;
    let upload = |bytes: usize| -> Result<Reply> {
        file.as_file().set_len(bytes as u64)?;
        let body = format!("@{}", file.path().display());
        let kind = format!("Content-Type: {OCTET_STREAM}");
        front.curl(
            "/api/v1/sessions",
            &["--header", &kind, "--data-binary", &body],
        )
    };
    let reply = upload(limit + 1)?;
    ensure!(reply.status == 413, "{reply:?}");
    let problem: Value = serde_json::from_slice(&reply.body).with_context(|| reply.text())?;
    ensure!(problem["type"] == "/problems/body-too-large", "{problem}");
    let detail = problem["detail"].as_str().unwrap_or_default();
    ensure!(detail.contains(&limit.to_string()), "{detail}");
    // Just below, it is read: the evaluator finds that these are no keys.
    let reply = upload(limit)?;
    ensure!(reply.status == 400, "{reply:?}");
    let reply = upload(40 << 20)?;
    ensure!(reply.status == 413, "{reply:?}");
    Ok(())
}

/// A name in the page's directory whose content is part of it.
fn hashed_file(ending: &str) -> Result<String> {
    let names = std::fs::read_dir(root().join("dist"))?;
    let mut names = names.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    names
        .find(|name| name.ends_with(ending) && name.contains('-'))
        .with_context(|| format!("the page has no {ending} file"))
}

/// Files come compressed once, as asked for, and are kept as long as their names allow. What the
/// evaluator sends as it is stays so.
pub fn check_files(front: &dyn Front) -> Result<()> {
    let api = front.curl("/api/v1/models", &["--header", "Accept-Encoding: gzip, br"])?;
    let encodings = api.all("content-encoding");
    ensure!(encodings.is_empty(), "the API is sent as {encodings:?}");
    let (script, program) = (hashed_file(".js")?, hashed_file(".wasm")?);
    let year = "public, max-age=31536000, immutable";
    for (name, lifetime) in [
        (script.as_str(), year),
        (program.as_str(), year),
        ("index.html", "no-cache"),
    ] {
        let truth = std::fs::read(root().join("dist").join(name))?;
        let route = format!("/{}", if name == "index.html" { "" } else { name });
        for accepted in ["br", "gzip", "identity"] {
            let asked = format!("Accept-Encoding: {accepted}");
            let reply = front.curl(&route, &["--header", &asked])?;
            let place = || format!("{route} as {accepted}: {:?}", reply.headers);
            ensure!(reply.status == 200, "{}", place());
            let kept = reply.header("cache-control").with_context(place)?;
            ensure!(kept == lifetime, "{}", place());
            let vary = reply.all("vary").join(",").to_ascii_lowercase();
            let varies = vary.matches("accept-encoding").count();
            ensure!(
                varies == 1 || (accepted == "identity" && varies == 0),
                "{}",
                place()
            );
            ensure!(unpacked(&reply)? == truth, "{}", place());
            let encoding = reply.all("content-encoding");
            let expected: &[&str] = if accepted == "identity" {
                &[]
            } else {
                &[accepted]
            };
            ensure!(encoding == expected, "{}", place());
        }
    }
    Ok(())
}

/// The body by what its only encoding says.
fn unpacked(reply: &Reply) -> Result<Vec<u8>> {
    let mut plain = Vec::new();
    match reply.all("content-encoding").as_slice() {
        ["br"] => {
            brotli::Decompressor::new(&reply.body[..], 4096).read_to_end(&mut plain)?;
        }
        ["gzip"] => {
            GzDecoder::new(&reply.body[..]).read_to_end(&mut plain)?;
        }
        _ => plain.clone_from(&reply.body),
    }
    Ok(plain)
}

/// Who may use a session is nobody else's business: its id is in no log, also when things fail.
pub fn check_quiet_log(front: &dyn Front, evaluator: Server) -> Result<()> {
    let id = {
        let visitor = Visitor::open(front)?;
        visitor.classify(3)?;
        visitor.id
    };
    let session = format!("/api/v1/sessions/{id}");
    ensure!(front.curl(&session, &[])?.status == 200, "no session");
    front.curl(&format!("{session}/classify?model={id}"), &[])?;
    front.curl(&format!("/api/v1/uploads/{id}"), &["--request", "POST"])?;
    evaluator.stop()?;
    let away = front.curl(&session, &[])?;
    ensure!(away.status == 503, "{away:?}");
    let log = tests::wait_for("five lines on the session and one on the upload", || {
        let log = front.log()?;
        let of_session = log.matches("/sessions/...").count();
        Ok((of_session >= 5 && log.contains("/uploads/...")).then_some(log))
    })?;
    ensure!(!log.contains(&id), "{id} is in the log:\n{log}");
    Ok(())
}

/// What a client says of its address counts for nothing.
pub fn check_forged_addresses(front: &dyn Front, evaluator: &Server) -> Result<()> {
    let (real, forged) = ("127.0.0.2", "203.0.113.77");
    for header in [
        format!("X-Forwarded-For: {forged}"),
        format!("X-Forwarded-For: {forged}, 127.0.0.1"),
        format!("Forwarded: for={forged};proto=https"),
        format!("Forwarded: for=127.0.0.1, for={forged}"),
        format!("X-Real-IP: {forged}"),
    ] {
        let before = evaluator.log()?.matches(real).count();
        let reply = front.curl(
            "/api/v1/models",
            &["--interface", real, "--header", &header],
        )?;
        ensure!(reply.status == 200, "{header}: {reply:?}");
        tests::wait_for("the sender's address in the evaluator's log", || {
            let log = evaluator.log()?;
            ensure!(!log.contains(forged), "{header} was believed:\n{log}");
            Ok((log.matches(real).count() > before).then_some(()))
        })
        .with_context(|| header.clone())?;
    }
    Ok(())
}
