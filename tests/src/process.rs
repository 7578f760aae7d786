//! What Linux says of a running process, from outside.
//!
//! **Invariant:** a figure that `/proc` doesn't have is an error and no zero.

use std::fs;
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow};

/// Memory that is resident, in bytes.
///
/// # Errors
/// If there is no such process, or no `/proc`.
pub fn resident(process: u32) -> Result<u64> {
    field::<u64>(process, "VmRSS").map(|kibibytes| kibibytes << 10)
}

/// Most memory that was resident at a time, in bytes.
///
/// # Errors
/// As [`resident`].
pub fn resident_at_most(process: u32) -> Result<u64> {
    field::<u64>(process, "VmHWM").map(|kibibytes| kibibytes << 10)
}

/// Its threads.
///
/// # Errors
/// As [`resident`].
pub fn threads(process: u32) -> Result<usize> {
    field(process, "Threads")
}

/// Its open sockets.
///
/// # Errors
/// As [`resident`].
pub fn sockets(process: u32) -> Result<usize> {
    let directory = format!("/proc/{process}/fd");
    let files = fs::read_dir(&directory).context(directory)?;
    // A file that was closed meanwhile has no target any more.
    let targets = files
        .flatten()
        .filter_map(|file| fs::read_link(file.path()).ok());
    let is_socket = |target: &PathBuf| target.to_string_lossy().starts_with("socket:");
    Ok(targets.filter(is_socket).count())
}

fn field<T: FromStr>(process: u32, name: &str) -> Result<T> {
    let path = format!("/proc/{process}/status");
    let status = fs::read_to_string(&path).with_context(|| path.clone())?;
    let mut lines = status.lines().filter_map(|line| line.split_once(':'));
    let value = lines.find_map(|(key, value)| (key == name).then_some(value));
    let number = value.and_then(|value| value.split_whitespace().next()?.parse().ok());
    number.with_context(|| format!("{path} has no {name}"))
}

/// Memory over time: since the start, and bytes.
pub type Samples = Vec<(Duration, u64)>;

/// Ends a watch, also when what is watched panics.
struct Done<'a>(&'a AtomicBool);

impl Drop for Done<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Looks at a process's memory again and again while `work` runs.
///
/// # Errors
/// Those of `work`, or if the process has ended.
pub fn watch<T>(
    process: u32,
    every: Duration,
    work: impl FnOnce() -> Result<T>,
) -> Result<(T, Samples)> {
    let (start, done) = (Instant::now(), AtomicBool::new(false));
    let look = || -> Result<Samples> {
        let mut samples = Samples::new();
        while !done.load(Ordering::Relaxed) {
            samples.push((start.elapsed(), resident(process)?));
            std::thread::sleep(every);
        }
        Ok(samples)
    };
    std::thread::scope(|scope| {
        let watcher = scope.spawn(look);
        let result = {
            let _done = Done(&done);
            work()
        };
        let samples = watcher
            .join()
            .map_err(|_| anyhow!("the watcher panicked"))?;
        Ok((result?, samples?))
    })
}
