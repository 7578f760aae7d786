//! The most memory that this process held at a time, as Linux counts it.
//!
//! **Invariant:** elsewhere there is no figure rather than a wrong one.

use std::fs;

/// Starts counting anew; where that isn't possible, the figure is that of the process so far.
pub fn reset() {
    // Asks for nothing but a smaller figure, so a refusal needs no answer.
    let _ = fs::write("/proc/self/clear_refs", "5");
}

/// Bytes at most since [`reset`].
#[must_use]
pub fn peak() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kilobytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kilobytes * 1024)
}
