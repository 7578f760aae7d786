//! What tests that cross rooms share: the real evaluator as a process, a real browser that draws,
//! and a proxy between them that sees every byte; for load and faults, clients with prepared
//! requests, and the programs and the clock beside the evaluator.
//!
//! Knows the evaluator by its command line and routes, and the page by its element ids and by what
//! it exchanges with its worker; looks no further into either.
//!
//! **Invariant:** whatever is started here ends with the value that started it, also when a test
//! panics.

pub mod axe;
pub mod browser;
pub mod caddy;
pub mod clock;
pub mod data;
pub mod digits;
pub mod drawings;
pub mod emulate;
pub mod front;
pub mod graphs;
pub mod machine;
pub mod networks;
pub mod nginx;
pub mod page;
pub mod plain;
pub mod prepared;
pub mod process;
pub mod program;
pub mod proxy;
#[cfg(unix)]
pub mod redis;
pub mod samples;
pub mod secrecy;
pub mod server;
pub mod tap;
pub mod visitor;
pub mod webdriver;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Result, bail};

/// How long anything may take on a slow, busy machine.
pub const PATIENCE: Duration = Duration::from_secs(90);

const POLL: Duration = Duration::from_millis(30);

/// The repository's root.
#[must_use]
pub fn root() -> PathBuf {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    package.parent().unwrap_or(package).to_owned()
}

/// Asks until there is an answer.
///
/// # Errors
/// The first error of `ask`, or that [`PATIENCE`] ran out while waiting for `what`.
pub fn wait_for<T>(what: &str, mut ask: impl FnMut() -> Result<Option<T>>) -> Result<T> {
    let start = Instant::now();
    loop {
        if let Some(answer) = ask()? {
            return Ok(answer);
        }
        if start.elapsed() > PATIENCE {
            bail!("waited {PATIENCE:?} in vain for {what}");
        }
        std::thread::sleep(POLL);
    }
}
