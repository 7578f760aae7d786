//! What a person who waits is told, on standard error.

use std::io::{IsTerminal, Write, stderr};
use std::time::{Duration, Instant};

/// Lines of a counter where each stays.
const LINES: usize = 10;

/// Counts what is done of a known number of things, and tells how long the rest will take.
#[derive(Debug)]
pub struct Progress {
    started: Instant,
    done: usize,
    total: usize,
    silent: bool,
}

impl Progress {
    /// Nothing is done, nothing is to do yet.
    #[must_use]
    pub fn new(silent: bool) -> Self {
        Self {
            started: Instant::now(),
            done: 0,
            total: 0,
            silent,
        }
    }

    /// So many things are to do, and begin now.
    pub fn expect(&mut self, total: usize) {
        (self.started, self.total) = (Instant::now(), total);
    }

    /// So many things needn't be done after all.
    pub fn skip(&mut self, count: usize) {
        self.total = self.total.saturating_sub(count);
    }

    /// One thing more is done.
    pub fn step(&mut self, what: &str) {
        self.done += 1;
        if self.silent {
            return;
        }
        let mut out = stderr().lock();
        let (done, total) = (self.done, self.total.max(self.done));
        let left = left(self.started.elapsed(), done, total);
        // Nobody listens if standard error is closed.
        let _ = if out.is_terminal() {
            let end = if done == total { "\n" } else { "" };
            write!(out, "\r\x1b[K{done} of {total}, {left} left: {what}{end}")
        } else if done.is_multiple_of(total.div_ceil(LINES)) || done == total {
            writeln!(out, "{done} of {total}, {left} left: {what}")
        } else {
            Ok(())
        };
    }
}

/// The time left in words, if what is left takes as long as what is done.
fn left(elapsed: Duration, done: usize, total: usize) -> String {
    let share = (total - done) as f64 / done.max(1) as f64;
    let seconds = (elapsed.as_secs_f64() * share).ceil();
    if seconds < 100.0 {
        format!("{seconds:.0} s")
    } else {
        format!("{:.0} min", (seconds / 60.0).ceil())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_takes_as_long_as_what_is_done() {
        let check = |seconds, done, total, expected| {
            assert_eq!(left(Duration::from_secs(seconds), done, total), expected);
        };
        check(10, 5, 10, "10 s");
        check(10, 10, 10, "0 s");
        check(60, 1, 11, "10 min");
    }
}
