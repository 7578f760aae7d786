//! What a person who waits is told.

use std::io::{IsTerminal, Write, stderr, stdout};

/// Lines of a counter where each stays.
const LINES: usize = 10;

/// Says one thing.
pub fn say(words: &str) {
    // Nobody listens if standard error is closed.
    let _ = writeln!(stderr(), "{words}");
}

/// Counts: on a terminal in one line, elsewhere in a few.
pub fn step(what: &str, done: usize, total: usize) {
    let mut out = stderr().lock();
    let last = done == total;
    let _ = if out.is_terminal() {
        write!(
            out,
            "\r{what}: {done} of {total}{}",
            if last { "\n" } else { "" }
        )
    } else if last || done > 0 && done.is_multiple_of(total.div_ceil(LINES).max(500)) {
        writeln!(out, "{what}: {done} of {total}")
    } else {
        Ok(())
    };
}

/// As [`step`], unless the terminal shows the results themselves.
pub fn step_beside_results(what: &str, done: usize, total: usize) {
    if !(stdout().is_terminal() && stderr().is_terminal()) {
        step(what, done, total);
    }
}
