//! The repository, and programs started in it.
//!
//! **Invariant:** every child runs in the repository's root with the cargo that started this
//! program, so the pinned toolchain and whatever build directory is in force hold for all of them.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

/// Where the repository is.
pub struct Workspace {
    root: PathBuf,
}

impl Workspace {
    /// Finds the root: the parent of this package, wherever it was started from.
    pub fn find() -> Result<Self> {
        let package = std::env::var_os("CARGO_MANIFEST_DIR")
            .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
        let root = package
            .parent()
            .context("xtask's package has no parent directory")?;
        ensure!(
            root.join("Cargo.lock").is_file(),
            "{} holds no Cargo.lock",
            root.display()
        );
        Ok(Self {
            root: root.to_owned(),
        })
    }

    /// The repository's root.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Where builds, tools and reports leave their files; git ignores it.
    pub fn target(&self) -> PathBuf {
        let target =
            std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| "target".into(), PathBuf::from);
        self.root.join(target)
    }

    /// A command to run in the root.
    pub fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        command.current_dir(&self.root);
        command
    }

    /// A cargo command to run in the root.
    pub fn cargo<'a>(&self, args: impl IntoIterator<Item = &'a str>) -> Command {
        let mut command = self.command(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        command.args(args);
        command
    }

    /// Runs a binary of the workspace, built for release.
    pub fn run_binary(&self, package: &str, binary: &str, args: &[String]) -> Command {
        let mut command = self.cargo([
            "run",
            "--release",
            "--package",
            package,
            "--bin",
            binary,
            "--",
        ]);
        command.args(args);
        command
    }
}

/// Runs a command to its end; anything but success is an error that names the command.
pub fn succeed(command: &mut Command) -> Result<()> {
    let shown = show(command);
    let status = command
        .status()
        .with_context(|| format!("`{shown}` could not be started"))?;
    ensure!(status.success(), "`{shown}` ended with {status}");
    Ok(())
}

/// What a command prints, or nothing if it can't be started or fails.
pub fn output(program: impl AsRef<OsStr>, args: &[&str]) -> Option<String> {
    let output = Command::new(program).args(args).output().ok()?;
    output
        .status
        .success()
        .then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// A command as one would type it.
pub fn show(command: &Command) -> String {
    let program = Path::new(command.get_program());
    let name = program.file_name().unwrap_or(command.get_program());
    std::iter::once(name)
        .chain(command.get_args())
        .map(|part| part.to_string_lossy().into_owned())
        .collect::<Vec<_>>()
        .join(" ")
}
