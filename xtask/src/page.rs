//! The page, built for release into `dist/` as `Trunk.toml` says, and packed.

mod pack;

use anyhow::{Result, ensure};

use crate::tools::Tools;
use crate::workspace::{Workspace, succeed};

/// Where the page lies, seen from the root.
pub const DIRECTORY: &str = "dist";

/// Builds the page.
pub fn build(workspace: &Workspace, tools: &Tools) -> Result<()> {
    succeed(&mut trunk(workspace, tools, &["build", "--release"])?)?;
    let directory = workspace.root().join(DIRECTORY);
    let index = directory.join("index.html");
    ensure!(
        index.is_file(),
        "trunk ended well, but {} is missing",
        index.display()
    );
    let packed = pack::pack(&directory)?;
    println!("{packed} files of the page are packed, too");
    Ok(())
}

/// A trunk command in the root.
pub fn trunk(workspace: &Workspace, tools: &Tools, args: &[&str]) -> Result<std::process::Command> {
    let mut command = workspace.command("trunk");
    // trunk takes NO_COLOR for a boolean and stops at the usual `NO_COLOR=1`.
    command.args(args).env_remove("NO_COLOR");
    tools.apply(&mut command)?;
    Ok(command)
}
