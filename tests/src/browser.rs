//! A headless Chromium and its driver.
//!
//! **Invariant:** the browser can reach 127.0.0.1 and nothing else, starts from an empty profile
//! and ends with its [`Browser`].

use std::io::{BufRead, BufReader};
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};

use anyhow::{Context, Result};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::proxy::Proxy;
use crate::wait_for;
use crate::webdriver::Session;

/// The flags that also the wasm tests run with.
const CAPABILITIES: &str = include_str!("../../xtask/webdriver.json");

/// A browser with one empty window.
pub struct Browser {
    session: Session,
    _driver: Driver,
}

struct Driver {
    process: Child,
    /// Held so that the driver can go on printing.
    _output: BufReader<ChildStdout>,
    /// The browser's profile, and whatever else it leaves.
    _files: TempDir,
}

impl Browser {
    /// Starts Chromium with a window of this size; all its requests go to `proxy`, if there is one.
    ///
    /// `CHROMEDRIVER` and `CHROME` name the driver and the browser where they aren't on `PATH`.
    ///
    /// # Errors
    /// If one of the two can't be started, or they don't fit each other.
    pub fn start(width: u32, height: u32, proxy: Option<&Proxy>) -> Result<Self> {
        Self::start_with_flags(width, height, proxy, &[])
    }

    /// As [`Browser::start`], with more of Chromium's flags.
    ///
    /// # Errors
    /// As [`Browser::start`].
    pub fn start_with_flags(
        width: u32,
        height: u32,
        proxy: Option<&Proxy>,
        flags: &[&str],
    ) -> Result<Self> {
        let (driver, port) = Driver::start()?;
        let capabilities = capabilities(width, height, proxy, flags)?;
        let session = Session::open(&format!("http://127.0.0.1:{port}"), &capabilities)?;
        Ok(Self {
            session,
            _driver: driver,
        })
    }

    /// Addresses of everything that the page asked for since the last call, from Chromium's own
    /// records, which leave out what its workers ask for.
    ///
    /// # Errors
    /// If the records can't be read.
    pub fn requested(&self) -> Result<Vec<String>> {
        let events = self.all_events()?;
        let urls = events.iter().filter_map(|event| {
            match event["method"].as_str() {
                Some("Network.requestWillBeSent") => event["params"]["request"]["url"].as_str(),
                Some("Network.webSocketCreated") => event["params"]["url"].as_str(),
                _ => None,
            }
            .map(str::to_owned)
        });
        Ok(urls.collect())
    }

    /// What Chromium's records say of events of one method since the last call for any.
    ///
    /// # Errors
    /// If the records can't be read.
    pub fn events(&self, method: &str) -> Result<Vec<Value>> {
        let events = self.all_events()?.into_iter();
        let of_method = events.filter(|event| event["method"] == method);
        Ok(of_method.map(|mut event| event["params"].take()).collect())
    }

    fn all_events(&self) -> Result<Vec<Value>> {
        let event = |entry: &Value| {
            let text = entry["message"].as_str();
            let text = text.context("an entry without a message")?;
            let mut event: Value = serde_json::from_str(text)?;
            Ok(event["message"].take())
        };
        self.log("performance")?.iter().map(event).collect()
    }

    /// Has the browser save what a page gives it into a directory, without asking.
    ///
    /// # Errors
    /// If Chromium refuses.
    pub fn save_into(&self, directory: &Path) -> Result<()> {
        let behaviour = json!({ "behavior": "allow", "downloadPath": directory });
        self.devtools("Browser.setDownloadBehavior", &behaviour)
            .map(drop)
    }

    /// Waits until a file that a page gave is whole in the directory of [`Self::save_into`], and
    /// returns its path.
    ///
    /// Chromium keeps the name with an empty file, and moves the whole one to it.
    ///
    /// # Errors
    /// If there is none in time.
    pub fn saved(&self, directory: &Path, name: &str) -> Result<PathBuf> {
        let path = directory.join(name);
        wait_for(name, || {
            let whole = std::fs::metadata(&path).is_ok_and(|file| file.len() > 0);
            Ok(whole.then(|| path.clone()))
        })
    }

    /// Errors in the page's console since the last call.
    ///
    /// # Errors
    /// If the console can't be read.
    pub fn console_errors(&self) -> Result<Vec<String>> {
        let entries = self.log("browser")?;
        let errors = entries.iter().filter(|entry| entry["level"] == "SEVERE");
        Ok(errors
            .filter_map(|entry| entry["message"].as_str().map(str::to_owned))
            .collect())
    }
}

impl Deref for Browser {
    type Target = Session;

    fn deref(&self) -> &Session {
        &self.session
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // The driver takes the browser with it; if it is gone, so is the browser.
        let _ = self.session.close();
    }
}

impl Driver {
    fn start() -> Result<(Self, u16)> {
        let path =
            std::env::var_os("CHROMEDRIVER").map_or_else(|| "chromedriver".into(), PathBuf::from);
        let files = TempDir::new()?;
        let mut process = Command::new(&path)
            .arg("--port=0")
            .env("TMPDIR", files.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .with_context(|| {
                format!(
                    "{} could not be started; `cargo xtask test` installs it",
                    path.display()
                )
            })?;
        let mut output = BufReader::new(process.stdout.take().context("no output to read")?);
        let port = announced_port(&mut output);
        let driver = Self {
            process,
            _output: output,
            _files: files,
        };
        Ok((driver, port?))
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        // Errors mean that it has ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Reads `… started successfully on port 41273.`
fn announced_port(output: &mut impl BufRead) -> Result<u16> {
    let mut line = String::new();
    while output.read_line(&mut line)? > 0 {
        let port = line
            .trim_end()
            .trim_end_matches('.')
            .rsplit_once("successfully on port ");
        if let Some((_, port)) = port {
            return Ok(port.parse()?);
        }
        line.clear();
    }
    anyhow::bail!("chromedriver ended without naming its port")
}

fn capabilities(width: u32, height: u32, proxy: Option<&Proxy>, flags: &[&str]) -> Result<Value> {
    let mut capabilities: Value = serde_json::from_str(CAPABILITIES)?;
    let options = &mut capabilities["goog:chromeOptions"];
    let args = options["args"]
        .as_array_mut()
        .context("webdriver.json holds no flags")?;
    args.push(json!(format!("--window-size={width},{height}")));
    args.push(json!(
        "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"
    ));
    args.extend(flags.iter().map(|flag| json!(flag)));
    if let Some(proxy) = proxy {
        args.push(json!(format!("--proxy-server=http://{}", proxy.address())));
        // Also what goes to this machine, which otherwise needs no proxy.
        args.push(json!("--proxy-bypass-list=<-loopback>"));
        args.push(json!(
            "--force-webrtc-ip-handling-policy=disable_non_proxied_udp"
        ));
    }
    if let Some(browser) = std::env::var_os("CHROME") {
        options["binary"] = json!(browser.to_string_lossy());
    }
    capabilities["goog:loggingPrefs"] = json!({ "browser": "ALL", "performance": "ALL" });
    Ok(capabilities)
}
