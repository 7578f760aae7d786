//! The real Caddy with the configuration that hosts get: `deploy/Caddyfile` as it is shipped, but
//! for what belongs to a host.
//!
//! **Invariant:** Caddy listens on 127.0.0.1 only, asks no authority for certificates, writes into a
//! directory of its own only, and ends with its [`Caddy`].

use std::fs::{self, File};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, bail};
use tempfile::TempDir;

use crate::front::{Front, PREFIX, make_certificate, program, substituted};
use crate::server::free_address;
use crate::{root, wait_for};

const ATTEMPTS: usize = 3;

/// A running Caddy.
pub struct Caddy {
    process: Child,
    directory: TempDir,
    address: SocketAddr,
    certificate: PathBuf,
}

impl Caddy {
    /// Starts one before these evaluators, at `/digits/`.
    ///
    /// # Errors
    /// If Caddy is missing, doesn't take the configuration, or doesn't answer in time.
    pub fn start(evaluators: &[SocketAddr]) -> Result<Self> {
        let mut last = None;
        for _ in 0..ATTEMPTS {
            // Somebody else may take a free port before Caddy does; then take another.
            match Self::spawn(evaluators).and_then(Self::ready) {
                Ok(caddy) => return Ok(caddy),
                Err(error) => last = Some(error),
            }
        }
        Err(last.context("no attempt was made")?)
    }

    fn spawn(evaluators: &[SocketAddr]) -> Result<Self> {
        let address = free_address()?;
        let directory = TempDir::new()?;
        let path = directory.path();
        make_certificate(path)?;
        let place = |name: &str| path.join(name).display().to_string();
        let shipped = fs::read_to_string(root().join("deploy/Caddyfile"))?;
        let upstreams: Vec<String> = evaluators.iter().map(ToString::to_string).collect();
        let site = substituted(
            &shipped,
            &[
                (
                    "\n{\n\tservers {",
                    "\n{\n\tadmin off\n\tauto_https disable_redirects\n\tservers {",
                ),
                ("\nexample.org {", &format!("\nhttps://{address} {{")),
                ("# tls /etc", "tls /etc"),
                ("/etc/inkveil/tls/fullchain.pem", &place("fullchain.pem")),
                ("/etc/inkveil/tls/privkey.pem", &place("privkey.pem")),
                ("/var/log/caddy/inkveil.log", &place("access.log")),
                (
                    "reverse_proxy 127.0.0.1:8080 {",
                    &format!("reverse_proxy {} {{", upstreams.join(" ")),
                ),
            ],
        )?;
        fs::write(path.join("Caddyfile"), site)?;
        let output = File::create(path.join("output"))?;
        let process = Command::new(program("caddy"))
            .args(["run", "--adapter", "caddyfile", "--config"])
            .arg(path.join("Caddyfile"))
            .env("HOME", path)
            .env("XDG_DATA_HOME", path)
            .env("XDG_CONFIG_HOME", path)
            .stdin(Stdio::null())
            .stdout(output.try_clone()?)
            .stderr(output)
            .spawn()
            .context("caddy could not be started; `cargo xtask test hosting` installs it")?;
        Ok(Self {
            process,
            certificate: path.join("fullchain.pem"),
            directory,
            address,
        })
    }

    fn ready(mut self) -> Result<Self> {
        let (agent, url) = (self.agent()?, self.url("/healthz"));
        wait_for("Caddy to answer", || {
            if let Some(status) = self.process.try_wait()? {
                bail!("Caddy ended with {status}:\n{}", self.log()?);
            }
            Ok(agent.get(&url).call().ok().map(drop))
        })?;
        Ok(self)
    }
}

impl Front for Caddy {
    fn origin(&self) -> String {
        format!("https://{}", self.address)
    }

    fn prefix(&self) -> &str {
        PREFIX
    }

    fn certificate(&self) -> &Path {
        &self.certificate
    }

    fn log(&self) -> Result<String> {
        let mut all = String::new();
        for name in ["access.log", "output"] {
            let file = self.directory.path().join(name);
            if file.is_file() {
                all += &fs::read_to_string(file)?;
            }
        }
        Ok(all)
    }
}

impl Drop for Caddy {
    fn drop(&mut self) {
        // Errors mean that it has ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
        if std::thread::panicking() {
            eprintln!("--- Caddy's log ---\n{}", self.log().unwrap_or_default());
        }
    }
}
