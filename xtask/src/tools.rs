//! Tools that are cargo packages: trunk and wasm-bindgen's command line for the page, cargo-fuzz for
//! fuzz targets, and what looks over dependencies and tests.
//!
//! A tool on `PATH` is used if it has exactly the wanted version. Otherwise one is built once with
//! `cargo install --locked` into the user's cache, `inkveil/tools/<name>-<version>`, where it stays
//! out of the way of other projects.
//!
//! **Invariant:** wasm-bindgen's version is the one in `Cargo.lock`, trunk's the one in `Trunk.toml`,
//! cargo-fuzz's the one in `fuzz/Cargo.toml`; none stands anywhere else. Other tools have the version
//! that their user names.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::workspace::{Workspace, output, succeed};

const WASM_TARGET: &str = "wasm32-unknown-unknown";

/// Directories that hold the tools, to go before everything else on `PATH`.
pub struct Tools {
    directories: Vec<PathBuf>,
}

impl Tools {
    /// What the page's build needs.
    pub fn for_page(workspace: &Workspace) -> Result<Self> {
        let mut tools = Self::for_wasm_tests(workspace)?;
        let version = version_in(workspace.root(), "Trunk.toml", trunk_version)?;
        let directory = Package::new("trunk", &version, &["trunk"]).ensure(workspace)?;
        tools.directories.extend(directory);
        Ok(tools)
    }

    /// What tests in wasm need besides a browser.
    pub fn for_wasm_tests(workspace: &Workspace) -> Result<Self> {
        ensure_wasm_target(workspace)?;
        let version = version_in(workspace.root(), "Cargo.lock", |lock| {
            locked_version(lock, "wasm-bindgen")
        })?;
        let binaries = ["wasm-bindgen", "wasm-bindgen-test-runner"];
        let package = Package::new("wasm-bindgen-cli", &version, &binaries);
        let directory = package.ensure(workspace)?;
        Ok(Self {
            directories: directory.into_iter().collect(),
        })
    }

    /// What `cargo {name}` starts: the package `cargo-{name}` of just this version.
    ///
    /// It is built without optimisation: it runs for seconds, and an optimised build takes minutes.
    pub fn subcommand(workspace: &Workspace, name: &str, version: &str) -> Result<Self> {
        let package = format!("cargo-{name}");
        let directory = Package {
            // It may know no other arguments than those that cargo passes on.
            ask: &[name, "--version"],
            options: &["--debug"],
            ..Package::new(&package, version, &[&package])
        }
        .ensure(workspace)?;
        Ok(Self {
            directories: directory.into_iter().collect(),
        })
    }

    /// What builds fuzz targets.
    pub fn for_fuzzing(workspace: &Workspace) -> Result<Self> {
        let version = version_in(workspace.root(), "fuzz/Cargo.toml", |manifest| {
            manifest
                .lines()
                .find_map(|line| quoted(line, "cargo-fuzz-version"))
        })?;
        Self::subcommand(workspace, "fuzz", &version)
    }

    /// Lets `command` find the tools.
    pub fn apply(&self, command: &mut Command) -> Result<()> {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let directories = self
            .directories
            .iter()
            .cloned()
            .chain(std::env::split_paths(&path));
        command.env("PATH", std::env::join_paths(directories)?);
        Ok(())
    }
}

/// The user's cache directory for Inkveil.
fn cache_directory() -> Result<PathBuf> {
    let base = match std::env::var_os("XDG_CACHE_HOME").filter(|value| !value.is_empty()) {
        Some(cache) => PathBuf::from(cache),
        None => std::env::home_dir()
            .context("neither XDG_CACHE_HOME nor a home directory is set")?
            .join(".cache"),
    };
    Ok(base.join("inkveil"))
}

/// Where a tool of this version is installed.
pub fn tool_directory(tool: &str, version: &str) -> Result<PathBuf> {
    Ok(cache_directory()?
        .join("tools")
        .join(format!("{tool}-{version}")))
}

/// A package of which programs are wanted.
struct Package<'a> {
    name: &'a str,
    version: &'a str,
    binaries: &'a [&'a str],
    /// Arguments that make a program tell its version.
    ask: &'a [&'a str],
    /// More options for its installation.
    options: &'a [&'a str],
}

impl<'a> Package<'a> {
    fn new(name: &'a str, version: &'a str, binaries: &'a [&'a str]) -> Self {
        Self {
            name,
            version,
            binaries,
            ask: &["--version"],
            options: &[],
        }
    }

    /// Whether the programs in a directory, or on `PATH`, are those wanted.
    fn fits(&self, directory: Option<&Path>) -> bool {
        self.binaries.iter().all(|&binary| {
            let program = directory.map_or_else(
                || OsString::from(binary),
                |found| found.join(binary).into_os_string(),
            );
            output(program, self.ask)
                .is_some_and(|answer| answer.split_whitespace().nth(1) == Some(self.version))
        })
    }

    /// Finds or installs it; returns the directory to put on `PATH`, if it is not there yet.
    fn ensure(&self, workspace: &Workspace) -> Result<Option<PathBuf>> {
        let &Self { name, version, .. } = self;
        if self.fits(None) {
            return Ok(None);
        }
        let root = tool_directory(name, version)?;
        let directory = root.join("bin");
        if !self.fits(Some(&directory)) {
            println!(
                "Installing {name} {version} into {} (once; takes a few minutes)",
                root.display()
            );
            let mut install =
                workspace.cargo(["install", "--locked", "--force", "--version", version]);
            install.arg("--root").arg(&root);
            install.args(self.options).arg(name);
            install.env("CARGO_PROFILE_DEV_DEBUG", "0");
            succeed(&mut install)?;
            ensure!(
                self.fits(Some(&directory)),
                "{name} was installed, but isn't version {version}"
            );
        }
        Ok(Some(directory))
    }
}

/// Adds the wasm target where rustup hasn't done so already.
fn ensure_wasm_target(workspace: &Workspace) -> Result<()> {
    let mut rustc = workspace.command("rustc");
    rustc.args(["--print", "target-libdir", "--target", WASM_TARGET]);
    let printed = rustc.output().context("rustc could not be started")?;
    let directory = PathBuf::from(String::from_utf8_lossy(&printed.stdout).trim());
    if directory.is_dir() {
        return Ok(());
    }
    println!("Adding the {WASM_TARGET} target");
    succeed(
        workspace
            .command("rustup")
            .args(["target", "add", WASM_TARGET]),
    )
    .with_context(|| format!("the Rust target {WASM_TARGET} is missing"))
}

/// The version that `find` sees in a file of the repository.
fn version_in(root: &Path, file: &str, find: impl Fn(&str) -> Option<String>) -> Result<String> {
    let text = std::fs::read_to_string(root.join(file)).with_context(|| file.to_owned())?;
    find(&text).with_context(|| format!("{file} doesn't say which version is wanted"))
}

fn trunk_version(config: &str) -> Option<String> {
    config
        .lines()
        .find_map(|line| quoted(line, "trunk-version"))
}

fn locked_version(lock: &str, package: &str) -> Option<String> {
    let mut lines = lock
        .lines()
        .skip_while(|line| quoted(line, "name").as_deref() != Some(package));
    quoted(lines.nth(1)?, "version")
}

/// What stands in quotes behind `key =`.
fn quoted(line: &str, key: &str) -> Option<String> {
    let value = line
        .strip_prefix(key)?
        .trim_start()
        .strip_prefix('=')?
        .trim();
    Some(value.strip_prefix('"')?.strip_suffix('"')?.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_version_of_exactly_the_named_package() {
        let lock = "[[package]]\nname = \"wasm-bindgen-macro\"\nversion = \"1.0.0\"\n\n\
                    [[package]]\nname = \"wasm-bindgen\"\nversion = \"0.2.129\"\n";
        let found = locked_version(lock, "wasm-bindgen");
        assert_eq!(found.as_deref(), Some("0.2.129"));
        assert_eq!(locked_version(lock, "wasm"), None);
    }

    #[test]
    fn finds_trunks_version() {
        let config = "# trunk-version = \"0.1\"\ntrunk-version = \"0.21.14\"\n\n[build]\n";
        assert_eq!(trunk_version(config).as_deref(), Some("0.21.14"));
        assert_eq!(trunk_version("[build]\n"), None);
    }
}
