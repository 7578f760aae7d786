//! The service under load, with the variables that `deploy/inkveil.service` sets.

use std::fs;
use std::path::Path;

use anyhow::{Result, ensure};
use tests::root;
use tests::server::Server;

/// Starts an evaluator with the shipped models.
///
/// # Errors
/// As [`Server::start`], or if the unit sets nothing.
pub fn start(page: Option<&Path>, flags: &[&str]) -> Result<Server> {
    let unit = fs::read_to_string(root().join("deploy/inkveil.service"))?;
    let set = |line| str::strip_prefix(line, "Environment=")?.split_once('=');
    let variables: Vec<(&str, &str)> = unit.lines().filter_map(set).collect();
    ensure!(!variables.is_empty(), "the unit sets no variable");
    let models = root().join("models");
    Server::start_prepared(&models, page, None, flags, |command| {
        command.envs(variables.iter().copied());
    })
}
