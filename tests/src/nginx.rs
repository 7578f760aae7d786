//! The real nginx with the configuration that hosts get.
//!
//! `deploy/nginx.conf` is taken as it is shipped, but for what belongs to a host: addresses, ports,
//! certificate, places of logs. It is included, as on Debian, into an `http` block that compresses
//! what it can.
//!
//! **Invariant:** nginx listens on 127.0.0.1 only, writes into a directory of its own only, and ends
//! with its [`Nginx`].

use std::fs::{self, File};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, bail, ensure};
use tempfile::TempDir;

use crate::front::{Front, PREFIX, make_certificate, program, substituted};
use crate::server::{agent, free_address};
use crate::{root, wait_for};

const ATTEMPTS: usize = 3;

const ACCESS_LOG: &str = "access.log";
const ERROR_LOG: &str = "error.log";

/// A running nginx.
pub struct Nginx {
    process: Child,
    directory: TempDir,
    prefix: String,
    secure: SocketAddr,
    plain: SocketAddr,
    certificate: PathBuf,
}

impl Nginx {
    /// Starts one before these evaluators, at the prefix `/digits/` or `/`.
    ///
    /// # Errors
    /// If nginx is missing, doesn't take the configuration, or doesn't answer in time.
    pub fn start(evaluators: &[SocketAddr], prefix: &str) -> Result<Self> {
        Self::start_with(evaluators, prefix, &[])
    }

    /// As [`Nginx::start`], with other replacements in the configuration besides.
    ///
    /// # Errors
    /// As [`Nginx::start`].
    pub fn start_with(
        evaluators: &[SocketAddr],
        prefix: &str,
        replacements: &[(&str, &str)],
    ) -> Result<Self> {
        let mut last = None;
        for _ in 0..ATTEMPTS {
            // Somebody else may take a free port before nginx does; then take others.
            let started = Self::prepare(evaluators, prefix, replacements)
                .and_then(|(directory, secure, plain)| {
                    Self::spawn(directory, prefix, secure, plain)
                })
                .and_then(Self::ready);
            match started {
                Ok(nginx) => return Ok(nginx),
                Err(error) => last = Some(error),
            }
        }
        Err(last.context("no attempt was made")?)
    }

    fn prepare(
        evaluators: &[SocketAddr],
        prefix: &str,
        replacements: &[(&str, &str)],
    ) -> Result<(TempDir, SocketAddr, SocketAddr)> {
        let (secure, plain) = (free_address()?, free_address()?);
        let directory = TempDir::new()?;
        let path = directory.path();
        make_certificate(path)?;
        let shipped = fs::read_to_string(root().join("deploy/nginx.conf"))?;
        let site = site(&shipped, evaluators, prefix, path, secure, plain)?;
        fs::write(path.join("inkveil.conf"), substituted(&site, replacements)?)?;
        fs::write(path.join("nginx.conf"), around(path))?;
        Ok((directory, secure, plain))
    }

    fn spawn(
        directory: TempDir,
        prefix: &str,
        secure: SocketAddr,
        plain: SocketAddr,
    ) -> Result<Self> {
        let output = File::create(directory.path().join("output"))?;
        let process = command(directory.path())
            .stdout(output.try_clone()?)
            .stderr(output)
            .spawn()
            .context("nginx could not be started; `cargo xtask test hosting` installs it")?;
        Ok(Self {
            process,
            certificate: directory.path().join("fullchain.pem"),
            directory,
            prefix: prefix.to_owned(),
            secure,
            plain,
        })
    }

    fn ready(mut self) -> Result<Self> {
        let url = self.plain_url("/");
        wait_for("nginx to answer", || {
            if let Some(status) = self.process.try_wait()? {
                bail!("nginx ended with {status}:\n{}", self.log()?);
            }
            Ok(agent().get(&url).call().ok().map(drop))
        })?;
        Ok(self)
    }

    /// A route's whole address without TLS.
    #[must_use]
    pub fn plain_url(&self, route: &str) -> String {
        let prefix = self.prefix.trim_end_matches('/');
        format!("http://{}{prefix}{route}", self.plain)
    }

    /// Ends it at once, and starts it again on the same ports.
    ///
    /// # Errors
    /// If it doesn't end or doesn't start.
    pub fn restart(&mut self) -> Result<()> {
        self.stop()?;
        self.start_again()
    }

    /// Starts it on the same ports, after it was stopped.
    ///
    /// # Errors
    /// If it doesn't start.
    pub fn start_again(&mut self) -> Result<()> {
        let output = File::options()
            .append(true)
            .open(self.directory.path().join("output"))?;
        self.process = command(self.directory.path())
            .stdout(output.try_clone()?)
            .stderr(output)
            .spawn()?;
        let url = self.plain_url("/");
        wait_for("nginx to answer again", || {
            Ok(agent().get(&url).call().ok().map(drop))
        })
    }

    /// Has it read its configuration again.
    ///
    /// # Errors
    /// If it refuses.
    pub fn reload(&self) -> Result<()> {
        self.tell("reload")
    }

    /// Ends it at once, with its workers.
    ///
    /// # Errors
    /// If it doesn't run.
    pub fn stop(&mut self) -> Result<()> {
        self.tell("stop")?;
        self.process.wait()?;
        Ok(())
    }

    fn tell(&self, word: &str) -> Result<()> {
        let status = command(self.directory.path())
            .args(["-s", word])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()?;
        ensure!(status.success(), "nginx -s {word} ended with {status}");
        Ok(())
    }
}

impl Front for Nginx {
    fn origin(&self) -> String {
        format!("https://{}", self.secure)
    }

    fn prefix(&self) -> &str {
        &self.prefix
    }

    fn certificate(&self) -> &Path {
        &self.certificate
    }

    fn log(&self) -> Result<String> {
        let mut all = String::new();
        for name in [ACCESS_LOG, ERROR_LOG, "output"] {
            let file = self.directory.path().join(name);
            if file.is_file() {
                all += &fs::read_to_string(file)?;
            }
        }
        Ok(all)
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("--- nginx's log ---\n{}", self.log().unwrap_or_default());
        }
        if self.stop().is_err() {
            // It has ended by itself, or never begun.
            let _ = self.process.kill();
            let _ = self.process.wait();
        }
    }
}

fn command(directory: &Path) -> Command {
    let mut command = Command::new(program("nginx"));
    command
        .arg("-p")
        .arg(directory)
        .args(["-c", "nginx.conf", "-e", "output"])
        .stdin(Stdio::null());
    command
}

/// What the shipped file says, for this machine.
fn site(
    shipped: &str,
    evaluators: &[SocketAddr],
    prefix: &str,
    directory: &Path,
    secure: SocketAddr,
    plain: SocketAddr,
) -> Result<String> {
    let upstream = "server 127.0.0.1:8080 max_fails=1 fail_timeout=5s;";
    let servers: Vec<String> = evaluators
        .iter()
        .map(|address| upstream.replace("127.0.0.1:8080", &address.to_string()))
        .collect();
    let place = |name: &str| directory.join(name).display().to_string();
    let site = substituted(
        shipped,
        &[
            (upstream, &servers.join("\n    ")),
            (
                "listen 443 ssl http2;",
                &format!("listen {secure} ssl http2;"),
            ),
            ("    listen [::]:443 ssl http2;\n", ""),
            ("listen 80;", &format!("listen {plain};")),
            ("    listen [::]:80;\n", ""),
            ("/etc/inkveil/tls/fullchain.pem", &place("fullchain.pem")),
            ("/etc/inkveil/tls/privkey.pem", &place("privkey.pem")),
            ("/var/log/nginx/inkveil.log", &place(ACCESS_LOG)),
            ("/var/log/nginx/inkveil.error.log", &place(ERROR_LOG)),
        ],
    )?;
    match prefix {
        PREFIX => Ok(site),
        // As the file's first lines say.
        "/" => substituted(
            &site,
            &[
                ("    location = /digits { return 308 /digits/; }\n", ""),
                (PREFIX, "/"),
            ],
        ),
        other => bail!("there is no way to put the service at {other}"),
    }
}

/// The file around it: as Debian's, with nothing outside this directory, and compression of
/// everything, which the site has to leave alone.
fn around(directory: &Path) -> String {
    let place = |name: &str| directory.join(name).display().to_string();
    let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .iter()
        .map(|kind| format!("    {kind}_temp_path {};\n", place(kind)))
        .collect();
    format!(
        "user root;\n\
         daemon off;\n\
         pid {};\n\
         error_log {} warn;\n\
         events {{ worker_connections 768; }}\n\
         http {{\n\
         {temporary}\
         \x20   access_log off;\n\
         \x20   gzip on;\n\
         \x20   gzip_types *;\n\
         \x20   gzip_proxied any;\n\
         \x20   gzip_min_length 1;\n\
         \x20   include {};\n\
         }}\n",
        place("nginx.pid"),
        place("output"),
        place("inkveil.conf"),
    )
}
