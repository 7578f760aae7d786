//! `cargo xtask mutants`: breaks the code on purpose, one place at a time, and names every such
//! mutant that no test notices.
//!
//! Knows cargo-mutants, its version, and which tests answer for which code; common settings stand in
//! `.cargo/mutants.toml`, and docs/testing.md explains the mutants that are left.

use std::path::PathBuf;

use anyhow::{Result, ensure};

use crate::tools::Tools;
use crate::workspace::{Workspace, show};

const VERSION: &str = "27.1.0";

/// How cargo-mutants exits where all were caught, some because their tests took too long.
const ONLY_ENDLESS: i32 = 3;

/// Code to mutate, and what has to notice.
struct Subject {
    name: &'static str,
    files: &'static [&'static str],
    package: &'static str,
    /// Tests whose name contains it.
    tests: &'static str,
}

const SUBJECTS: &[Subject] = &[
    Subject {
        name: "wire",
        files: &["shared/src/wire.rs", "shared/src/wire/*.rs"],
        package: "shared",
        tests: "wire::",
    },
    Subject {
        name: "sessions",
        files: &[
            "evaluator/src/server/session.rs",
            "evaluator/src/server/session/*.rs",
        ],
        package: "evaluator",
        tests: "server::session",
    },
];

/// Mutation testing of the wire format's readers and writers and of the session store.
///
/// Fails if their unit tests let a mutant live. Takes the better part of an hour on two cores, so
/// `cargo xtask test` leaves it out.
#[derive(clap::Args)]
pub struct Args {
    /// Only this subject: wire or sessions.
    subject: Option<String>,
    /// Mutants tested at the same time.
    #[arg(long, default_value_t = 1)]
    jobs: usize,
    /// Only mutants whose description matches this regular expression.
    #[arg(long)]
    only: Option<String>,
    /// Where the reports go, a directory for each subject.
    #[arg(long, default_value = "target/mutants")]
    output: PathBuf,
}

/// Runs the subjects asked for; returns whether every mutant was caught.
pub fn run(workspace: &Workspace, args: &Args) -> Result<bool> {
    let asked = |subject: &&Subject| {
        let name = args.subject.as_deref();
        name.is_none_or(|name| subject.name == name)
    };
    let subjects: Vec<&Subject> = SUBJECTS.iter().filter(asked).collect();
    ensure!(
        !subjects.is_empty(),
        "there is no such subject; there are wire and sessions"
    );
    let tools = Tools::subcommand(workspace, "mutants", VERSION)?;
    let mut caught = true;
    for subject in subjects {
        let directory = workspace.root().join(&args.output).join(subject.name);
        std::fs::create_dir_all(&directory)?;
        let mut command = workspace.cargo(["mutants", "--package", subject.package, "--jobs"]);
        command.arg(args.jobs.to_string());
        command.arg("--output").arg(&directory);
        for file in subject.files {
            command.args(["--file", file]);
        }
        if let Some(only) = &args.only {
            command.args(["--re", only]);
        }
        command.args(["--", subject.tests]);
        // What a mutant costs is building it, not running its tests.
        command.env("CARGO_PROFILE_DEV_DEBUG", "0");
        tools.apply(&mut command)?;
        println!("+ {}", show(&command));
        let status = command.status()?;
        caught &= status.success() || status.code() == Some(ONLY_ENDLESS);
        println!("The report is in {}", directory.display());
    }
    Ok(caught)
}
