//! A Redis of one's own: Debian's, on a free loopback port, in a directory that goes with it.
//!
//! **Invariant:** the process is killed when its [`Redis`] is dropped, paused or not, and its data
//! go with it.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tempfile::TempDir;

use crate::server::free_address;
use crate::wait_for;

/// Names the program where it isn't on the path.
pub const BINARY_VARIABLE: &str = "INKVEIL_REDIS";

/// How long Redis may take for a word.
const WORD: Duration = Duration::from_secs(2);

/// Whether what it holds outlives it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Memory {
    /// Everything is written to disk before it is acknowledged.
    Kept,
    /// Nothing is written.
    Lost,
}

/// A Redis that runs, or doesn't.
pub struct Redis {
    process: Option<Child>,
    address: SocketAddr,
    directory: TempDir,
    memory: Memory,
}

impl Redis {
    /// Starts one.
    ///
    /// # Errors
    /// If it isn't installed, or isn't ready in time.
    pub fn start(memory: Memory) -> Result<Self> {
        let mut redis = Self {
            process: None,
            address: free_address()?,
            directory: tempfile::tempdir()?,
            memory,
        };
        redis.run()?;
        Ok(redis)
    }

    /// What `--sessions` is given.
    #[must_use]
    pub fn url(&self) -> String {
        format!("redis://{}/0", self.address)
    }

    /// Starts it again where it was, with what it kept.
    ///
    /// # Errors
    /// As [`Redis::start`].
    pub fn run(&mut self) -> Result<()> {
        let program = std::env::var_os(BINARY_VARIABLE).unwrap_or_else(|| "redis-server".into());
        let keeps = match self.memory {
            Memory::Kept => "yes",
            Memory::Lost => "no",
        };
        let mut command = Command::new(&program);
        command
            .args(["--port", &self.address.port().to_string()])
            .args(["--bind", "127.0.0.1", "--save", ""])
            .args(["--appendonly", keeps, "--appendfsync", "always"])
            .arg("--dir")
            .arg(self.directory.path());
        let process = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::inherit())
            .spawn()
            .with_context(|| format!("{} could not be started", program.display()))?;
        self.process = Some(process);
        wait_for("Redis to be ready", || {
            if let Some(process) = &mut self.process
                && let Some(status) = process.try_wait()?
            {
                bail!("Redis ended with {status}");
            }
            Ok(self.ask("PING").ok().filter(|word| word == "+PONG"))
        })?;
        Ok(())
    }

    /// Kills it.
    ///
    /// # Errors
    /// If it can't be waited for.
    pub fn stop(&mut self) -> Result<()> {
        if let Some(mut process) = self.process.take() {
            process.kill()?;
            process.wait()?;
        }
        Ok(())
    }

    /// Halts it: connections stay, and nothing is answered.
    ///
    /// # Errors
    /// If it doesn't run.
    pub fn pause(&self) -> Result<()> {
        self.signal(Signal::SIGSTOP)
    }

    /// Lets it go on.
    ///
    /// # Errors
    /// If it doesn't run.
    pub fn resume(&self) -> Result<()> {
        self.signal(Signal::SIGCONT)
    }

    /// The first line of the answer to a command.
    ///
    /// # Errors
    /// If there is none in time.
    pub fn ask(&self, command: &str) -> Result<String> {
        let stream = TcpStream::connect_timeout(&self.address, WORD)?;
        stream.set_read_timeout(Some(WORD))?;
        write!(&stream, "{command}\r\n")?;
        let mut line = String::new();
        BufReader::new(stream).read_line(&mut line)?;
        Ok(line.trim_end().to_owned())
    }

    fn signal(&self, signal: Signal) -> Result<()> {
        let process = self.process.as_ref().context("Redis doesn't run")?;
        let id = Pid::from_raw(i32::try_from(process.id())?);
        kill(id, signal).with_context(|| format!("{signal} could not be sent"))
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        // An error means that it has ended by itself.
        let _ = self.stop();
    }
}
