//! What every reverse proxy before the evaluator has: an address with TLS, a prefix, a log.
//!
//! Knows curl, for what an HTTP library would tidy up: raw bodies, HTTP/2, paths with dots, a sender's
//! address.
//!
//! **Invariant:** the certificate is made anew for each proxy, holds for 127.0.0.1 and is trusted by
//! the clients made here only.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use ureq::Agent;
use ureq::tls::{Certificate, RootCerts, TlsConfig};

use crate::PATIENCE;

/// The prefix under which the files in `deploy/` put the service.
pub const PREFIX: &str = "/digits/";

/// A running proxy.
pub trait Front {
    /// Where it listens, as `https://127.0.0.1:PORT`.
    fn origin(&self) -> String;

    /// Where the service lies on it: `/` or `/digits/`.
    fn prefix(&self) -> &str;

    /// The certificate that it shows.
    fn certificate(&self) -> &Path;

    /// All that it has logged.
    ///
    /// # Errors
    /// If a log can't be read.
    fn log(&self) -> Result<String>;

    /// The whole address of a route of the evaluator, which begins with a slash.
    fn url(&self, route: &str) -> String {
        format!(
            "{}{}{route}",
            self.origin(),
            self.prefix().trim_end_matches('/')
        )
    }

    /// An HTTP client that trusts its certificate and takes every status for an answer.
    ///
    /// # Errors
    /// If the certificate can't be read.
    fn agent(&self) -> Result<Agent> {
        let certificate = Certificate::from_pem(&fs::read(self.certificate())?)?;
        let roots = RootCerts::Specific(Arc::new(vec![certificate]));
        Ok(Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .proxy(None)
            .timeout_global(Some(PATIENCE))
            .tls_config(TlsConfig::builder().root_certs(roots).build())
            .build()
            .into())
    }

    /// What curl gets from a route, with these arguments besides.
    ///
    /// # Errors
    /// If curl gets no answer.
    fn curl(&self, route: &str, arguments: &[&str]) -> Result<Reply> {
        let output = Command::new(program("curl"))
            .args(["--silent", "--show-error", "--noproxy", "*", "--path-as-is"])
            .args(["--max-time", &PATIENCE.as_secs().to_string()])
            .arg("--cacert")
            .arg(self.certificate())
            .args(["--dump-header", "-"])
            .args(arguments)
            .arg(self.url(route))
            .output()
            .context("curl could not be started; `cargo xtask test hosting` installs it")?;
        ensure!(
            output.status.success(),
            "curl {route}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        Reply::parse(&output.stdout).with_context(|| format!("curl {route}"))
    }
}

/// What came back, byte for byte.
#[derive(Debug)]
pub struct Reply {
    /// The version of HTTP, such as `HTTP/2`.
    pub version: String,
    /// The status.
    pub status: u16,
    /// Names in lower case, and values.
    pub headers: Vec<(String, String)>,
    /// The body as it was sent.
    pub body: Vec<u8>,
}

impl Reply {
    fn parse(bytes: &[u8]) -> Result<Self> {
        let end = bytes.windows(4).position(|four| four == b"\r\n\r\n");
        let end = end.context("no end of the headers")?;
        let head = std::str::from_utf8(&bytes[..end])?;
        let mut lines = head.lines();
        let first = lines.next().context("no status line")?;
        let mut words = first.split(' ');
        let version = words.next().context("no version")?.to_owned();
        let status = words.next().context("no status")?.parse()?;
        let header = |line: &str| {
            let (name, value) = line.split_once(':')?;
            Some((name.to_ascii_lowercase(), value.trim().to_owned()))
        };
        Ok(Self {
            version,
            status,
            headers: lines.filter_map(header).collect(),
            body: bytes[end + 4..].to_vec(),
        })
    }

    /// The values of all headers of a name, in order.
    #[must_use]
    pub fn all(&self, name: &str) -> Vec<&str> {
        let named = self.headers.iter().filter(|(key, _)| key == name);
        named.map(|(_, value)| value.as_str()).collect()
    }

    /// The value of the only header of a name.
    ///
    /// # Errors
    /// If there is none, or more than one.
    pub fn header(&self, name: &str) -> Result<&str> {
        let all = self.all(name);
        ensure!(all.len() == 1, "{name}: {all:?} in {:?}", self.headers);
        Ok(all[0])
    }

    /// The body as text.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

/// Makes `fullchain.pem` and `privkey.pem` in a directory, as `docs/hosting.md` does.
///
/// # Errors
/// If openssl can't be started or refuses.
pub fn make_certificate(directory: &Path) -> Result<()> {
    let output = Command::new(program("openssl"))
        .args(["req", "-x509", "-newkey", "ec", "-pkeyopt"])
        .args(["ec_paramgen_curve:prime256v1", "-nodes", "-days", "30"])
        .args(["-subj", "/CN=127.0.0.1"])
        .args(["-addext", "subjectAltName=IP:127.0.0.1"])
        .args(["-addext", "basicConstraints=critical,CA:FALSE"])
        .args(["-keyout", "privkey.pem", "-out", "fullchain.pem"])
        .current_dir(directory)
        .output()
        .context("openssl could not be started; `cargo xtask test hosting` installs it")?;
    ensure!(
        output.status.success(),
        "openssl: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(())
}

/// A program's path; some lie where only administrators look.
#[must_use]
pub fn program(name: impl AsRef<OsStr>) -> PathBuf {
    let name = Path::new(name.as_ref());
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain([PathBuf::from("/usr/sbin"), PathBuf::from("/sbin")])
        .map(|directory| directory.join(name))
        .find(|file| file.is_file())
        .unwrap_or_else(|| name.to_owned())
}

/// A text with each of some lines or words replaced by others; each has to be there.
///
/// # Errors
/// Names what isn't there.
pub fn substituted(text: &str, replacements: &[(&str, &str)]) -> Result<String> {
    let mut text = text.to_owned();
    for (from, to) in replacements {
        ensure!(
            text.contains(from),
            "the file doesn't say `{from}` any more"
        );
        text = text.replace(from, to);
    }
    Ok(text)
}
