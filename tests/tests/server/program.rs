//! Starting, stopping, and what can't be started.

use std::net::TcpListener;
use std::process::Command;

use anyhow::Result;
use serde_json::Value;
use tests::root;
use tests::server::{Server, agent, binary};

#[test]
fn it_gets_ready_and_lists_the_shipped_models() -> Result<()> {
    let server = Server::start_with(&root().join("models"), None, None)?;
    assert_eq!(agent().get(server.url("/healthz")).call()?.status(), 200);
    let models: Value = agent()
        .get(server.url("/api/v1/models"))
        .call()?
        .body_mut()
        .read_json()?;
    let ids: Vec<&str> = models["models"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|model| model["id"].as_str())
        .collect();
    assert!(ids.contains(&"mnist-fast"), "{models}");
    Ok(())
}

#[test]
fn unknown_things_are_answered_with_problem_details() -> Result<()> {
    let server = Server::start_with(&root().join("models"), None, None)?;
    for route in [
        "/api/v1/models/nothing",
        "/api/v1/nothing",
        "/api/v2/models",
    ] {
        let mut answer = agent().get(server.url(route)).call()?;
        assert_eq!(answer.status(), 404, "{route}");
        let kind = answer
            .headers()
            .get("content-type")
            .and_then(|kind| kind.to_str().ok());
        assert_eq!(kind, Some("application/problem+json"), "{route}");
        let problem: Value = answer.body_mut().read_json()?;
        assert_eq!(problem["status"], 404, "{route}");
        assert!(
            problem["detail"]
                .as_str()
                .is_some_and(|detail| !detail.is_empty()),
            "{route}"
        );
    }
    Ok(())
}

/// Starts an evaluator that can't run; returns what it says.
fn refused(models: &str, listen: &str) -> Result<String> {
    let output = Command::new(binary()?)
        .args(["serve", "--models", models, "--listen", listen])
        .current_dir(root())
        .output()?;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success(), "it ended well: {said}");
    assert!(!said.contains("panicked"), "{said}");
    Ok(said)
}

#[test]
fn a_taken_address_is_named() -> Result<()> {
    let holder = TcpListener::bind("127.0.0.1:0")?;
    let address = holder.local_addr()?.to_string();
    let said = refused("models", &address)?;
    assert!(said.contains(&address), "{said}");
    Ok(())
}

#[test]
fn a_missing_models_directory_is_named() -> Result<()> {
    let said = refused("no-such-directory", "127.0.0.1:0")?;
    assert!(said.contains("no-such-directory"), "{said}");
    Ok(())
}
