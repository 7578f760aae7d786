//! Measures what the README promises and writes it down; `cargo xtask bench` prepares and starts it.
//!
//! **Invariant:** every figure is measured in this run, on this machine, from this source; what
//! can't be measured here says why.

mod browser;
mod criterion;
mod kernels;
mod memory;
mod peer;
mod report;
mod sample;
mod setting;
mod sizes;
mod stages;

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::time::SystemTime;

use anyhow::{Context, Result};
use clap::{Args, Parser, Subcommand};
use serde_json::json;
use tests::{machine, root};

use report::Section;

#[derive(Parser)]
struct Cli {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// Measures everything and writes docs/benchmarks.md and docs/benchmarks.json.
    All(All),
    /// Runs the stages of the public FHE benchmark's MNIST workload and prints them.
    Stages {
        /// Fewer runs.
        #[arg(long)]
        quick: bool,
    },
    /// Evaluates digits on one core and prints their milliseconds as JSON.
    #[command(name = kernels::COMMAND)]
    Digits {
        /// How many.
        count: usize,
    },
}

#[derive(Args)]
struct All {
    /// Fewer samples.
    #[arg(long)]
    quick: bool,
    /// Why the page isn't measured in a browser, where it isn't.
    #[arg(long, value_name = "REASON")]
    without_browser: Option<String>,
    /// A Python that has TenSEAL and ONNX.
    #[arg(long, value_name = "FILE")]
    python: Option<PathBuf>,
    /// Why there is no such Python, where there isn't.
    #[arg(long, value_name = "REASON")]
    without_peer: Option<String>,
}

/// How much is measured.
struct Effort {
    /// Turns of whatever is compared with something else.
    rounds: usize,
    /// Digits in a turn.
    digits: usize,
    /// Browsers, each of which opens the page twice.
    visits: usize,
    /// Digits drawn each time.
    drawings: usize,
    /// Digits for TenSEAL.
    peer_digits: u8,
    /// Runs of the stages.
    stages: u8,
    /// What criterion is told.
    criterion: &'static [&'static str],
}

const FULL: Effort = Effort {
    rounds: 7,
    digits: 50,
    visits: 7,
    drawings: 5,
    peer_digits: 5,
    stages: 7,
    criterion: &["--noplot", "--quiet"],
};

const QUICK: Effort = Effort {
    rounds: 3,
    digits: 15,
    visits: 2,
    drawings: 3,
    peer_digits: 3,
    stages: 3,
    criterion: &[
        "--noplot",
        "--quiet",
        "--sample-size=10",
        "--warm-up-time=0.2",
        "--measurement-time=0.5",
    ],
};

fn effort(quick: bool) -> &'static Effort {
    if quick { &QUICK } else { &FULL }
}

fn main() -> Result<()> {
    match Cli::parse().what {
        What::All(args) => all(&args),
        What::Stages { quick } => {
            println!("{}", stages::measure(effort(quick).stages)?.markdown());
            Ok(())
        }
        What::Digits { count } => kernels::print_digits(count),
    }
}

fn all(args: &All) -> Result<()> {
    let effort = effort(args.quick);
    let load = machine::load().unwrap_or_else(|| "unknown".to_owned());
    let (own, kernels) = kernels::one_digit(effort)?;
    let mut sections = vec![
        kernels,
        kernels::throughput(effort)?,
        browser::measure(effort, args.without_browser.as_deref())?,
        sizes::measure()?,
        memory::measure()?,
        peer::measure(
            effort,
            args.python.as_ref(),
            args.without_peer.as_deref(),
            &own,
        )?,
        stages::measure(effort.stages)?,
    ];
    sections.extend(criterion::run(effort)?);
    write(args.quick, &load, &sections)
}

fn write(quick: bool, load: &str, sections: &[Section]) -> Result<()> {
    let (machine, commit, date) = (machine::describe(), commit(), today());
    let command = if quick {
        "cargo xtask bench --quick"
    } else {
        "cargo xtask bench"
    };
    let head = format!(
        "# Benchmarks\n\nMade by `{command}`, which writes this file and \
         [benchmarks.json](benchmarks.json). Figures are medians, with the quartiles in \
         brackets.\n\n| | |\n|---|---|\n| machine | {machine} |\n| commit | {commit} |\n\
         | date | {date} |\n| load before it began | {load} |\n\n"
    );
    let tables: Vec<String> = sections.iter().map(Section::markdown).collect();
    let text = head + &tables.join("\n");
    let sections: Vec<_> = sections.iter().map(Section::json).collect();
    let document = json!({
        "command": command, "machine": machine, "commit": commit, "date": date,
        "load": load,
        "sections": sections,
    });
    for (name, text) in [
        ("docs/benchmarks.md", &text),
        ("docs/benchmarks.json", &format!("{document:#}\n")),
    ] {
        let path = root().join(name);
        fs::write(&path, text).with_context(|| path.display().to_string())?;
    }
    println!("{text}\nwritten to docs/benchmarks.md and docs/benchmarks.json");
    Ok(())
}

/// The commit that was measured, and whether the source differs from it.
fn commit() -> String {
    let git = |args: &[&str]| {
        let output = Command::new("git").args(args).current_dir(root()).output();
        let output = output.ok().filter(|output| output.status.success())?;
        Some(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    };
    let Some(commit) = git(&["rev-parse", "--short", "HEAD"]) else {
        return "unknown".to_owned();
    };
    let changes = git(&["status", "--porcelain", "--", ".", ":!docs"]);
    if changes.is_some_and(|changes| changes.is_empty()) {
        commit
    } else {
        format!("{commit}, changed")
    }
}

/// The day in UTC, as ISO 8601 writes it.
fn today() -> String {
    let seconds = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .map_or(0, |time| time.as_secs());
    date(seconds / 86_400)
}

/// The date so many days after 1970-01-01.
fn date(mut days: u64) -> String {
    let is_leap = |year: u64| {
        year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
    };
    let mut year = 1970;
    while days >= 365 + u64::from(is_leap(year)) {
        days -= 365 + u64::from(is_leap(year));
        year += 1;
    }
    let february = 28 + u64::from(is_leap(year));
    let mut month = 1;
    for length in [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30] {
        if days < length {
            break;
        }
        days -= length;
        month += 1;
    }
    format!("{year}-{month:02}-{:02}", days + 1)
}

#[cfg(test)]
mod unit {
    use super::*;

    #[test]
    fn days_are_dates() {
        assert_eq!(date(0), "1970-01-01");
        assert_eq!(date(19_782), "2024-02-29");
        assert_eq!(date(20_777), "2026-11-20");
        assert_eq!(date(20_818), "2026-12-31");
    }
}
