//! Packages from npm, each in a directory of its own in the user's cache.
//!
//! **Invariant:** a package has the version that its user names here, and none of its scripts run
//! while it is installed.

use std::path::PathBuf;

use anyhow::{Context, Result};

use crate::tools::tool_directory;
use crate::workspace::{Workspace, output, succeed};

/// Where `package` of this version is or will be: the directory that holds `node_modules`.
pub fn directory(package: &str, version: &str) -> Result<PathBuf> {
    tool_directory(package, version)
}

/// Installs a package into its directory.
///
/// # Errors
/// If there is no npm, or it can't bring the package.
pub fn install(workspace: &Workspace, package: &str, version: &str) -> Result<()> {
    let npm = if cfg!(windows) { "npm.cmd" } else { "npm" };
    output(npm, &["--version"])
        .with_context(|| format!("there is no npm to bring {package} {version}"))?;
    let root = directory(package, version)?;
    println!(
        "Installing {package} {version} into {} (once)",
        root.display()
    );
    let mut install = workspace.command(npm);
    install
        .args(["install", "--no-audit", "--no-fund", "--ignore-scripts"])
        .arg("--prefix")
        .arg(root)
        .arg(format!("{package}@{version}"));
    succeed(&mut install)
}
