//! Where a session store takes the time from, so that a test can turn the clock.

use std::time::{Duration, Instant};

/// A clock that never goes back.
pub trait Clock: Send + Sync {
    /// Time since some fixed moment.
    fn now(&self) -> Duration;
}

/// The machine's monotonic clock: setting the wall clock expires no session.
pub struct SystemClock(Instant);

impl SystemClock {
    /// A clock that starts now.
    #[must_use]
    pub fn new() -> Self {
        Self(Instant::now())
    }
}

impl Default for SystemClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for SystemClock {
    fn now(&self) -> Duration {
        self.0.elapsed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The clock starts between two moments that are measured outside, and keeps between them.
    #[test]
    fn time_passes_as_it_does_outside() {
        let before = Instant::now();
        let clock = SystemClock::default();
        let after = Instant::now();
        for _ in 0..3 {
            std::thread::sleep(Duration::from_millis(2));
            let least = after.elapsed();
            let now = clock.now();
            let most = before.elapsed();
            assert!(least <= now && now <= most, "{least:?} {now:?} {most:?}");
        }
    }
}
