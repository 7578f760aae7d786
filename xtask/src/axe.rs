//! axe-core, which a browser test has look for what keeps people from using the page.
//!
//! **Invariant:** it is fetched for tests only, and nothing of it becomes part of the page.

use std::path::PathBuf;

use anyhow::{Result, ensure};

use crate::npm;
use crate::workspace::Workspace;

/// The npm package.
const PACKAGE: &str = "axe-core";

/// Its pinned version.
const VERSION: &str = "4.14.1";

/// Tells the tests where the script is; `tests/src/axe.rs` reads it.
pub const VARIABLE: &str = "INKVEIL_AXE";

/// The script, from the cache or installed there now.
///
/// # Errors
/// If it isn't there and can't be had.
pub fn find(workspace: &Workspace) -> Result<PathBuf> {
    let root = npm::directory(PACKAGE, VERSION)?;
    let script = root.join("node_modules").join(PACKAGE).join("axe.min.js");
    if !script.is_file() {
        npm::install(workspace, PACKAGE, VERSION)?;
        ensure!(
            script.is_file(),
            "{PACKAGE} {VERSION} was installed, but {} is missing",
            script.display()
        );
    }
    Ok(script)
}
