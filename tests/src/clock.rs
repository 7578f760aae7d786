//! A wall clock that a test turns, for one program: Debian's libfaketime between the program and
//! the system.
//!
//! Time that only passes (the monotonic clock) is left alone, as it is when somebody sets a real
//! machine's clock.
//!
//! **Invariant:** the machine's own clock isn't touched.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use tempfile::NamedTempFile;

/// Names the library where it isn't where Debian puts it.
pub const LIBRARY_VARIABLE: &str = "INKVEIL_FAKETIME";

const LIBRARY: &str = "faketime/libfaketimeMT.so.1";

/// The wall clock of the programs that it was applied to.
pub struct Clock {
    file: NamedTempFile,
    library: PathBuf,
}

impl Clock {
    /// A clock that is right.
    ///
    /// # Errors
    /// If libfaketime isn't installed.
    pub fn new() -> Result<Self> {
        let library = match std::env::var_os(LIBRARY_VARIABLE) {
            Some(named) => PathBuf::from(named),
            None => find().context("no libfaketime; Debian's package is `faketime`")?,
        };
        let clock = Self {
            file: NamedTempFile::new()?,
            library,
        };
        clock.set(0)?;
        Ok(clock)
    }

    /// Gives it to a program that is about to start, by the variable from which every dynamic loader
    /// takes libraries that come before all others (`ld.so(8)`).
    pub fn apply(&self, command: &mut Command) {
        command
            .env("LD_PRELOAD", &self.library)
            .env("FAKETIME_TIMESTAMP_FILE", self.file.path())
            .env("FAKETIME_NO_CACHE", "1")
            .env("FAKETIME_DONT_FAKE_MONOTONIC", "1");
    }

    /// Sets it so many seconds ahead of the right time, or behind.
    ///
    /// # Errors
    /// If the file can't be written.
    pub fn set(&self, ahead: i64) -> Result<()> {
        // In one step, so that a program never reads half of it.
        let next = self.file.path().with_extension("next");
        fs::write(&next, format!("{ahead:+}\n"))?;
        Ok(fs::rename(next, self.file.path())?)
    }
}

/// Where Debian puts it: in a directory named after the processor.
fn find() -> Option<PathBuf> {
    let fixed = Path::new("/usr/lib").join(LIBRARY);
    let below = fs::read_dir("/usr/lib").into_iter().flatten().flatten();
    let named = below.map(|entry| entry.path().join(LIBRARY));
    named.chain([fixed]).find(|path| path.is_file())
}
