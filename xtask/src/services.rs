//! The engines that a host puts around the evaluator, for the tests that start them: two proxies, a
//! store, and what one looks at them with; and a wall clock that a test can turn.
//!
//! Debian's packages start such services when they are installed, so only a machine for checks
//! (`CI` is set) has them installed; elsewhere their owner is told what is missing.
//!
//! **Invariant:** an installed service is never replaced, and none of its files is touched.

use anyhow::{Result, bail, ensure};

use crate::packages::{install, on_path};

/// Programs, each with Debian's package of it.
const SERVICES: &[(&str, &str)] = &[
    ("nginx", "nginx"),
    ("caddy", "caddy"),
    ("redis-server", "redis-server"),
    ("faketime", "faketime"),
    ("curl", "curl"),
    ("openssl", "openssl"),
    ("systemd-analyze", "systemd"),
];

/// Finds the services, or installs them where `may_install`.
///
/// # Errors
/// Names the packages that are missing.
pub fn ensure(may_install: bool) -> Result<()> {
    let missing = missing();
    if missing.is_empty() {
        return Ok(());
    }
    let names = missing.join(" ");
    ensure!(
        may_install && on_path("apt-get").is_some(),
        "{names} can't be found; on Debian `apt install {names}` brings what is missing"
    );
    let base = ["apt-get", "install", "--yes", "--no-install-recommends"];
    let command: Vec<&str> = base.into_iter().chain(missing).collect();
    install(true, &[&["apt-get", "update"], &command])?;
    match self::missing().as_slice() {
        [] => Ok(()),
        still => bail!(
            "{} can't be found, although apt-get ended well",
            still.join(" ")
        ),
    }
}

/// Packages of the programs that aren't there.
fn missing() -> Vec<&'static str> {
    let missing = SERVICES
        .iter()
        .filter(|(program, _)| on_path(program).is_none());
    missing.map(|&(_, package)| package).collect()
}
