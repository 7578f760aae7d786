//! Python packages, each in a virtual environment of its own in the user's cache.
//!
//! **Invariant:** a package has the version that its user names here, and none is built from source.

use std::path::PathBuf;

use anyhow::{Context, Result, ensure};

use crate::tools::tool_directory;
use crate::workspace::{Workspace, output, succeed};

/// Names that Python 3 goes by.
const PYTHONS: [&str; 2] = ["python3", "python"];

/// A package and what else is wanted beside it.
pub struct Environment {
    /// Its name.
    pub package: &'static str,
    /// Its version.
    pub version: &'static str,
    /// Other packages with their versions.
    pub others: &'static [(&'static str, &'static str)],
}

impl Environment {
    /// The environment's Python, set up once.
    ///
    /// # Errors
    /// If there is no Python 3, or the packages can't be had for it.
    pub fn ensure(&self, workspace: &Workspace) -> Result<PathBuf> {
        let Self {
            package, version, ..
        } = self;
        let root = tool_directory(package, version)?;
        let python = if cfg!(windows) {
            root.join("Scripts").join("python.exe")
        } else {
            root.join("bin").join("python")
        };
        let script = self.check();
        if output(&python, &["-c", &script]).is_none() {
            let is_three = |name: &&&str| {
                output(name, &["--version"]).is_some_and(|answer| answer.starts_with("Python 3."))
            };
            let system = PYTHONS.iter().find(is_three).context("no Python 3 found")?;
            println!(
                "Installing {package} {version} into {} (once)",
                root.display()
            );
            let mut venv = workspace.command(system);
            succeed(venv.args(["-m", "venv", "--clear"]).arg(&root))
                .context("Debian has what this takes in the package python3-venv")?;
            let mut pip = workspace.command(&python);
            pip.args(["-m", "pip", "install", "--quiet", "--only-binary", ":all:"])
                .args(
                    self.wanted()
                        .map(|(name, version)| format!("{name}=={version}")),
                );
            succeed(&mut pip)
                .with_context(|| format!("{package} could not be installed for this Python"))?;
            ensure!(
                output(&python, &["-c", &script]).is_some(),
                "{package} was installed, but isn't there in version {version}"
            );
        }
        Ok(python)
    }

    fn wanted(&self) -> impl Iterator<Item = (&str, &str)> {
        std::iter::once((self.package, self.version)).chain(self.others.iter().copied())
    }

    /// A script that fails where a package isn't there as wanted.
    fn check(&self) -> String {
        let checks = self.wanted().map(|(name, version)| {
            format!("import {name}; assert version({name:?}) == {version:?}")
        });
        let checks: Vec<String> = checks.collect();
        format!(
            "from importlib.metadata import version; {}",
            checks.join("; ")
        )
    }
}
