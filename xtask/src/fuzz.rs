//! `cargo xtask fuzz`: hostile input for everything that reads bytes from outside.
//!
//! The targets are the files in `fuzz/fuzz_targets`. Each starts from seeds that the code under test
//! writes and goes on from what earlier runs have found, in `fuzz/corpus`; inputs that once broke
//! something are in `fuzz/regressions` and are tried first.
//!
//! **Invariant:** the parsers are built with the versions in the workspace's `Cargo.lock`. A target
//! that breaks fails the task, and the input that broke it is named.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;

use anyhow::{Context, Result, bail, ensure};

use crate::packages;
use crate::tools::Tools;
use crate::workspace::{Workspace, output, show, succeed};

/// Names the directory that a target writes its seeds into; see `fuzz/src/lib.rs`.
const SEEDS: &str = "INKVEIL_FUZZ_SEEDS";

/// Longest that a target may take over one input, in seconds; most take milliseconds.
const TIMEOUT: &str = "-timeout=20";

/// Most memory of a target, in MiB: the sanitizer keeps 256 MiB of freed memory, and a picture may
/// claim a few hundred.
const MEMORY: &str = "-rss_limit_mb=2048";

/// Inputs grow up to this many times the longest seed, or to libFuzzer's own 4,096 bytes.
const GROWTH: u64 = 2;
const SHORT: u64 = 4096;

/// Fuzzes each parser of outside bytes for a while; what breaks one is kept.
#[derive(clap::Args)]
pub struct Args {
    /// Only this target, instead of all.
    target: Option<String>,
    /// How long each target runs.
    #[arg(long, default_value_t = 30)]
    seconds: u64,
    /// How many targets run at a time; as many as there are cores if not given.
    #[arg(long)]
    jobs: Option<usize>,
}

impl Args {
    /// All targets, each for so long.
    pub fn all(seconds: u64) -> Self {
        Self {
            target: None,
            seconds,
            jobs: None,
        }
    }
}

/// Where a target has its files.
struct Places {
    program: PathBuf,
    corpus: PathBuf,
    regressions: PathBuf,
    artifacts: PathBuf,
    dictionary: PathBuf,
    log: PathBuf,
}

/// Builds and runs targets.
pub fn run(workspace: &Workspace, args: &Args) -> Result<()> {
    let targets = targets(workspace.root(), args.target.as_deref())?;
    build(workspace, args.target.as_deref())?;
    let host = host(workspace)?;
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let jobs = args.jobs.unwrap_or(cores).clamp(1, targets.len());
    let waiting = Mutex::new(targets.iter());
    let broken = Mutex::new(Vec::new());
    let work = || {
        while let Some(target) = waiting.lock().ok().and_then(|mut waiting| waiting.next()) {
            let places = Places::of(workspace, target, &host);
            match fuzz(workspace, &places, args.seconds) {
                Ok(summary) => println!("{target:<12} {summary}"),
                Err(error) => {
                    println!("{target:<12} FAILED: {error:#}");
                    if let Ok(mut broken) = broken.lock() {
                        broken.push(target.clone());
                    }
                }
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..jobs {
            scope.spawn(work);
        }
    });
    let broken = broken.into_inner().unwrap_or_default();
    ensure!(
        broken.is_empty(),
        "these targets failed: {}",
        broken.join(", ")
    );
    Ok(())
}

/// The names of all targets, or the one asked for.
fn targets(root: &Path, wanted: Option<&str>) -> Result<Vec<String>> {
    let directory = root.join("fuzz/fuzz_targets");
    let mut found = Vec::new();
    for entry in fs::read_dir(&directory).with_context(|| directory.display().to_string())? {
        let path = entry?.path();
        if let Some(name) = path.file_stem() {
            found.push(name.to_string_lossy().into_owned());
        }
    }
    found.sort();
    match wanted {
        None => Ok(found),
        Some(wanted) if found.iter().any(|name| name == wanted) => Ok(vec![wanted.to_owned()]),
        Some(wanted) => bail!(
            "there is no target `{wanted}`; the targets are {}",
            found.join(", ")
        ),
    }
}

/// Where the targets are built, apart from everything else, for their code is instrumented.
fn build_directory(workspace: &Workspace) -> PathBuf {
    workspace.target().join("fuzz")
}

fn build(workspace: &Workspace, target: Option<&str>) -> Result<()> {
    let tools = Tools::for_fuzzing(workspace)?;
    ensure_cxx()?;
    lock_versions(workspace.root())?;
    let mut command = workspace.cargo(["fuzz", "build", "--target-dir"]);
    command.arg(build_directory(workspace)).args(target);
    tools.apply(&mut command)?;
    // Instrumentation is an unstable option of the compiler, which the pinned one has, too.
    command.env("RUSTC_BOOTSTRAP", "1");
    println!("+ {}", show(&command));
    succeed(&mut command)
}

/// Has the targets take the workspace's versions, and add no more than what they need besides.
fn lock_versions(root: &Path) -> Result<()> {
    let (from, to) = (root.join("Cargo.lock"), root.join("fuzz/Cargo.lock"));
    let changed = |path: &Path| fs::metadata(path).and_then(|data| data.modified());
    let is_current = matches!((changed(&from), changed(&to)), (Ok(from), Ok(to)) if from <= to);
    if !is_current {
        let text = fs::read(&from).with_context(|| from.display().to_string())?;
        fs::write(&to, text).with_context(|| to.display().to_string())?;
    }
    Ok(())
}

/// Finds the C++ compiler that libFuzzer is built with, or installs one.
fn ensure_cxx() -> Result<()> {
    let is_there = || output("c++", &["--version"]).is_some();
    if is_there() {
        return Ok(());
    }
    println!("Installing a C++ compiler with apt-get");
    let commands: &[&[&str]] = &[
        &["apt-get", "update"],
        &[
            "apt-get",
            "install",
            "--yes",
            "--no-install-recommends",
            "g++",
        ],
    ];
    if let Err(error) = packages::install(true, commands) {
        println!("{error:#}");
    }
    ensure!(
        is_there(),
        "libFuzzer is built with a C++ compiler, and there is no `c++`; install g++ or clang"
    );
    Ok(())
}

/// The triple of this machine, which names a directory.
fn host(workspace: &Workspace) -> Result<String> {
    let printed = workspace.command("rustc").arg("-vV").output();
    let printed = printed.context("rustc could not be started")?;
    let text = String::from_utf8_lossy(&printed.stdout);
    let host = text.lines().find_map(|line| line.strip_prefix("host: "));
    Ok(host.context("rustc doesn't name its host")?.to_owned())
}

impl Places {
    fn of(workspace: &Workspace, target: &str, host: &str) -> Self {
        let (fuzz, built) = (workspace.root().join("fuzz"), build_directory(workspace));
        Self {
            program: built.join(host).join("release").join(target),
            corpus: fuzz.join("corpus").join(target),
            regressions: fuzz.join("regressions").join(target),
            artifacts: fuzz.join("artifacts").join(target),
            dictionary: fuzz.join("dictionaries").join(format!("{target}.dict")),
            log: built.join(format!("{target}.log")),
        }
    }
}

/// Runs one target; returns what it says of its run.
fn fuzz(workspace: &Workspace, places: &Places, seconds: u64) -> Result<String> {
    for directory in [&places.corpus, &places.artifacts] {
        fs::create_dir_all(directory).with_context(|| directory.display().to_string())?;
    }
    let mut seeds = workspace.command(&places.program);
    seeds.arg("-runs=0").env(SEEDS, &places.corpus);
    watch(&mut seeds, places)?;
    let known = files(&places.regressions)?;
    if !known.is_empty() {
        let mut replay = workspace.command(&places.program);
        replay.args([TIMEOUT, MEMORY]).args(known);
        watch(&mut replay, places)?;
    }
    let mut longest = 0;
    for seed in files(&places.corpus)? {
        longest = fs::metadata(seed)?.len().max(longest);
    }
    let mut command = workspace.command(&places.program);
    command
        .arg(format!("-max_total_time={seconds}"))
        .arg(format!("-max_len={}", (GROWTH * longest).max(SHORT)))
        .arg(format!("-artifact_prefix={}/", places.artifacts.display()))
        .args([TIMEOUT, MEMORY]);
    if places.dictionary.is_file() {
        command.arg(format!("-dict={}", places.dictionary.display()));
    }
    command.arg(&places.corpus);
    let log = watch(&mut command, places)?;
    let done = log.lines().rfind(|line| line.contains("DONE"));
    let done = done.context("it ended before its time")?;
    Ok(format!("{} ({seconds} s)", done.replace('\t', " ")))
}

/// Runs a program to its end; what it says goes to the log, and to the terminal if it fails.
fn watch(command: &mut Command, places: &Places) -> Result<String> {
    let log = File::create(&places.log).with_context(|| places.log.display().to_string())?;
    let status = command
        .stdin(Stdio::null())
        .stdout(log.try_clone()?)
        .stderr(log)
        .status()
        .with_context(|| format!("{} could not be started", places.program.display()))?;
    let bytes = fs::read(&places.log)?;
    let text = String::from_utf8_lossy(&bytes).into_owned();
    if !status.success() {
        const SHOWN: usize = 80;
        let lines: Vec<&str> = text.lines().collect();
        let last = lines.get(lines.len().saturating_sub(SHOWN)..);
        println!("{}", last.unwrap_or_default().join("\n"));
        bail!("`{}` ended with {status}", show(command));
    }
    Ok(text)
}

/// The files of a directory, none if there is no such directory.
fn files(directory: &Path) -> Result<Vec<PathBuf>> {
    if !directory.is_dir() {
        return Ok(Vec::new());
    }
    let entries = fs::read_dir(directory).with_context(|| directory.display().to_string())?;
    let paths = entries.map(|entry| Ok(entry?.path()));
    paths.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A target that the manifest doesn't list isn't built; one without a file isn't run.
    #[test]
    fn the_manifest_lists_every_target() {
        let workspace = Workspace::find().unwrap();
        let manifest = fs::read_to_string(workspace.root().join("fuzz/Cargo.toml")).unwrap();
        let listed = manifest.lines().filter_map(|line| {
            line.strip_prefix("path = \"fuzz_targets/")?
                .strip_suffix(".rs\"")
        });
        let mut listed: Vec<&str> = listed.collect();
        listed.sort_unstable();
        assert_eq!(targets(workspace.root(), None).unwrap(), listed);
    }

    #[test]
    fn an_unknown_target_is_told_the_others() {
        let workspace = Workspace::find().unwrap();
        let error = targets(workspace.root(), Some("nothing")).unwrap_err();
        let message = error.to_string();
        assert!(
            message.starts_with("there is no target `nothing`; the targets are description, "),
            "{message}"
        );
    }
}
