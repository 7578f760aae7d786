//! What sessions cost the evaluator: a real one, looked at from outside.

use std::fs;

use anyhow::{Context, Result, ensure};
use shared::api::{OCTET_STREAM, SessionInfo};
use tests::root;
use tests::server::{Server, agent};

use crate::report::{Figure, Section};
use crate::setting::{MODEL, Setting};

const SESSIONS: u64 = 100;

/// The evaluator's memory with one session and with many, each of which had one digit read.
///
/// # Errors
/// If the evaluator can't be started or refuses a session.
pub fn measure() -> Result<Section> {
    let mut section = Section::new(
        "Evaluator's memory",
        format!(
            "Resident memory of the release program, from outside; each of up to {SESSIONS} \
             sessions uploads keys and has one digit read."
        ),
    );
    if !cfg!(target_os = "linux") {
        let why = "only Linux tells a process's memory in /proc".to_owned();
        section.add("per idle session", Figure::Missing(why));
        return Ok(section);
    }
    let setting = Setting::new()?;
    let server = Server::start_with(&root().join("models"), None, None)?;
    let start = memory(&server, "VmRSS")?;
    use_session(&server, &setting)?;
    let one = memory(&server, "VmRSS")?;
    for _ in 1..SESSIONS {
        use_session(&server, &setting)?;
    }
    let many = memory(&server, "VmRSS")?;
    section.add("models loaded, no session", Figure::Bytes(start));
    section.add("one session", Figure::Bytes(one));
    section.add(format!("{SESSIONS} sessions"), Figure::Bytes(many));
    section.add(
        "per idle session",
        Figure::Bytes(many.saturating_sub(one) / (SESSIONS - 1)),
    );
    section.add(
        format!("peak up to {SESSIONS} sessions"),
        Figure::Bytes(memory(&server, "VmHWM")?),
    );
    server.stop()?;
    Ok(section)
}

fn use_session(server: &Server, setting: &Setting) -> Result<()> {
    let session: SessionInfo =
        serde_json::from_slice(&post(server, "/api/v1/sessions", &setting.upload)?)?;
    let route = format!("/api/v1/sessions/{}/classify?model={MODEL}", session.id);
    let reply = post(server, &route, &setting.request)?;
    setting.keys.decrypt(&reply)?;
    Ok(())
}

fn post(server: &Server, route: &str, body: &[u8]) -> Result<Vec<u8>> {
    let request = agent()
        .post(server.url(route))
        .header("content-type", OCTET_STREAM);
    let mut answer = request.send(body).with_context(|| route.to_owned())?;
    let body = answer.body_mut().read_to_vec()?;
    ensure!(
        answer.status().is_success(),
        "{route}: {}",
        String::from_utf8_lossy(&body)
    );
    Ok(body)
}

/// A line of the process's status, in bytes.
fn memory(server: &Server, field: &str) -> Result<u64> {
    let status = fs::read_to_string(format!("/proc/{}/status", server.id()))?;
    let line = status.lines().find_map(|line| line.strip_prefix(field));
    let number = line.and_then(|line| line.split_whitespace().nth(1));
    let kibibytes: u64 = number
        .with_context(|| format!("the status has no {field}"))?
        .parse()?;
    Ok(kibibytes << 10)
}
