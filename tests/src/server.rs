//! The evaluator as its users meet it: a program that listens.
//!
//! **Invariant:** the process is killed when its [`Server`] is dropped, and what it logged is shown
//! if that happens because a test failed.

use std::fs::File;
use std::io::Read;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
#[cfg(unix)]
use nix::sys::signal::{Signal, kill};
#[cfg(unix)]
use nix::unistd::Pid;
use tempfile::NamedTempFile;
use ureq::Agent;

use crate::{program, root, wait_for};

/// Names an evaluator to test instead of the one that the source makes.
pub const BINARY_VARIABLE: &str = "INKVEIL_EVALUATOR";

const ATTEMPTS: usize = 3;

/// A running evaluator.
pub struct Server {
    process: Child,
    address: SocketAddr,
    log: NamedTempFile,
}

impl Server {
    /// Starts one on a free port with the shipped models and the built page.
    ///
    /// # Errors
    /// If the page isn't built, or as [`Server::start_with`].
    pub fn start() -> Result<Self> {
        Self::start_with_page(&root().join("models"))
    }

    /// Starts one with the models and the page in these directories, on this address or a free one.
    ///
    /// # Errors
    /// If the evaluator can't be built or started, or isn't ready in time; with its log.
    pub fn start_with(
        models: &Path,
        page: Option<&Path>,
        address: Option<SocketAddr>,
    ) -> Result<Self> {
        Self::start_with_flags(models, page, address, &[])
    }

    /// Starts one with these models and the built page.
    ///
    /// # Errors
    /// As [`Server::start`].
    pub fn start_with_page(models: &Path) -> Result<Self> {
        Self::start_with(models, Some(&built_page()?), None)
    }

    /// As [`Server::start_with`], with more flags of `evaluator serve`.
    ///
    /// # Errors
    /// As [`Server::start_with`].
    pub fn start_with_flags(
        models: &Path,
        page: Option<&Path>,
        address: Option<SocketAddr>,
        flags: &[&str],
    ) -> Result<Self> {
        Self::start_prepared(models, page, address, flags, |_| ())
    }

    /// As [`Server::start_with_flags`], in surroundings that `prepare` gives to the command.
    ///
    /// # Errors
    /// As [`Server::start_with`].
    pub fn start_prepared(
        models: &Path,
        page: Option<&Path>,
        address: Option<SocketAddr>,
        flags: &[&str],
        prepare: impl Fn(&mut Command),
    ) -> Result<Self> {
        let mut last = None;
        for _ in 0..ATTEMPTS {
            // Another program may take a free port before the evaluator does; then take another.
            let listen = address.map_or_else(free_address, Ok)?;
            match Self::spawn(models, page, listen, flags, &prepare).and_then(Self::ready) {
                Ok(server) => return Ok(server),
                Err(error) => last = Some(error),
            }
        }
        Err(last.context("no attempt was made")?)
    }

    fn spawn(
        models: &Path,
        page: Option<&Path>,
        address: SocketAddr,
        flags: &[&str],
        prepare: impl Fn(&mut Command),
    ) -> Result<Self> {
        let log = NamedTempFile::new()?;
        let mut command = Command::new(binary()?);
        command
            .arg("serve")
            .arg("--models")
            .arg(models)
            .args(["--listen", &address.to_string()])
            .args(flags);
        if let Some(page) = page {
            command.arg("--page").arg(page);
        }
        command
            .stdin(Stdio::null())
            .stdout(log.reopen()?)
            .stderr(log.reopen()?);
        prepare(&mut command);
        let process = command
            .spawn()
            .context("the evaluator could not be started")?;
        Ok(Self {
            process,
            address,
            log,
        })
    }

    fn ready(mut self) -> Result<Self> {
        let url = self.url("/readyz");
        wait_for("the evaluator to be ready", || {
            if let Some(status) = self.process.try_wait()? {
                bail!("the evaluator ended with {status}:\n{}", self.log()?);
            }
            let answer = agent().get(&url).call();
            Ok(answer
                .ok()
                .filter(|answer| answer.status() == 200)
                .map(drop))
        })?;
        Ok(self)
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The process's number.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.process.id()
    }

    /// A route's whole address.
    #[must_use]
    pub fn url(&self, route: &str) -> String {
        format!("http://{}{route}", self.address)
    }

    /// What it has printed so far.
    ///
    /// # Errors
    /// If the log can't be read.
    pub fn log(&self) -> Result<String> {
        let mut text = String::new();
        File::open(self.log.path())?.read_to_string(&mut text)?;
        Ok(text)
    }

    /// Sends it a signal.
    ///
    /// # Errors
    /// If it has ended.
    #[cfg(unix)]
    pub fn signal(&self, signal: Signal) -> Result<()> {
        let id = Pid::from_raw(i32::try_from(self.id())?);
        kill(id, signal).with_context(|| format!("{signal} could not be sent"))
    }

    /// Waits until it ends by itself.
    ///
    /// # Errors
    /// If it doesn't within this time.
    pub fn wait(&mut self, within: Duration) -> Result<ExitStatus> {
        let start = Instant::now();
        loop {
            if let Some(status) = self.process.try_wait()? {
                return Ok(status);
            }
            ensure!(
                start.elapsed() < within,
                "the evaluator still runs after {within:?}"
            );
            std::thread::sleep(crate::POLL);
        }
    }

    /// Kills it; its sessions are gone.
    ///
    /// # Errors
    /// If the process can't be waited for.
    pub fn stop(mut self) -> Result<()> {
        self.process.kill()?;
        self.process.wait()?;
        Ok(())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Errors mean that it has ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
        if std::thread::panicking() {
            eprintln!(
                "--- the evaluator's log ---\n{}",
                self.log().unwrap_or_default()
            );
        }
    }
}

/// An HTTP client that takes every status for an answer and asks no proxy.
#[must_use]
pub fn agent() -> Agent {
    Agent::config_builder()
        .http_status_as_error(false)
        .max_redirects(0)
        .proxy(None)
        .timeout_global(Some(crate::PATIENCE))
        .build()
        .into()
}

/// The directory of the built page.
///
/// # Errors
/// If it isn't built.
pub fn built_page() -> Result<PathBuf> {
    let page = root().join("dist");
    ensure!(
        page.join("index.html").is_file(),
        "{} holds no page; `cargo xtask test page` builds it",
        page.display()
    );
    Ok(page)
}

/// Below those that Linux gives to connections and to whoever doesn't care (from 32,768, unless it is
/// told otherwise), so that none of these is given away before it is used.
const PORTS: Range<u32> = 10_000..32_000;

/// A loopback address that nobody listens on; this program gives it to one caller only.
///
/// # Errors
/// If there is none.
pub fn free_address() -> Result<SocketAddr> {
    static GIVEN: AtomicU32 = AtomicU32::new(0);
    // Programs that run at a time begin far from each other.
    let first = std::process::id().wrapping_mul(97);
    for _ in PORTS {
        let number = first.wrapping_add(GIVEN.fetch_add(1, Ordering::Relaxed));
        let port = PORTS.start + number % (PORTS.end - PORTS.start);
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, u16::try_from(port)?));
        if TcpListener::bind(address).is_ok() {
            return Ok(address);
        }
    }
    bail!("no port of {PORTS:?} is free")
}

/// The evaluator's path; built for release by the first who asks.
///
/// # Errors
/// If it doesn't compile.
pub fn binary() -> Result<&'static Path> {
    static BINARY: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    let find = || program::find(BINARY_VARIABLE, "evaluator", "evaluator", &["--release"]);
    match BINARY.get_or_init(|| find().map_err(|error| format!("{error:#}"))) {
        Ok(path) => Ok(path),
        Err(error) => bail!("no evaluator to test: {error}"),
    }
}
