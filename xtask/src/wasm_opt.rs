//! A second look at the page's wasm by Binaryen's `wasm-opt`, where there is npm to bring it.
//!
//! The worker is optimised for speed, the page itself for size. trunk could do this, but would
//! download a `wasm-opt` of its own and fail without one, so `www/index.html` switches that off.
//!
//! **Invariant:** without `wasm-opt` the page is what rustc made, and the build says so.

use std::ffi::{OsStr, OsString};
use std::path::Path;

use anyhow::{Context, Result, ensure};

use crate::tools::tool_directory;
use crate::workspace::{Workspace, output, succeed};

/// Of the npm package `binaryen`; its programs leave out what follows the first point.
const VERSION: &str = "132.0.0";

/// What rustc's wasm uses, which the file itself no longer says once it is stripped.
const FEATURES: [&str; 7] = [
    "--enable-bulk-memory",
    "--enable-multivalue",
    "--enable-mutable-globals",
    "--enable-nontrapping-float-to-int",
    "--enable-reference-types",
    "--enable-sign-ext",
    "--enable-simd",
];

/// Optimises every wasm file of a built page, or says why it doesn't.
///
/// # Errors
/// If `wasm-opt` is there, but fails.
pub fn optimise(workspace: &Workspace, page: &Path) -> Result<()> {
    let program = match find(workspace) {
        Ok(program) => program,
        Err(why) => {
            println!("The page's wasm is left as it is: {why:#}");
            return Ok(());
        }
    };
    for entry in std::fs::read_dir(page)? {
        let path = entry?.path();
        if path.extension().is_none_or(|ending| ending != "wasm") {
            continue;
        }
        let is_worker = path
            .file_name()
            .is_some_and(|name| name.to_string_lossy().starts_with("worker"));
        let level = if is_worker { "-O3" } else { "-Oz" };
        let mut command = workspace.command(&program);
        command.args(FEATURES).args([level, "--converge"]);
        succeed(command.arg(&path).arg("-o").arg(&path))?;
    }
    Ok(())
}

/// A `wasm-opt` of the wanted version: on `PATH`, in the cache, or installed there now.
fn find(workspace: &Workspace) -> Result<OsString> {
    let on_path = OsString::from("wasm-opt");
    if fits(&on_path) {
        return Ok(on_path);
    }
    let root = tool_directory("binaryen", VERSION)?;
    let ending = if cfg!(windows) { ".cmd" } else { "" };
    let name = format!("wasm-opt{ending}");
    let program = root.join("node_modules").join(".bin").join(name);
    if !fits(program.as_os_str()) {
        let npm = format!("npm{ending}");
        output(&npm, &["--version"]).context("there is neither wasm-opt nor npm")?;
        println!(
            "Installing binaryen {VERSION} into {} (once)",
            root.display()
        );
        let mut install = workspace.command(npm);
        install
            .args(["install", "--no-audit", "--no-fund", "--ignore-scripts"])
            .arg("--prefix")
            .arg(&root)
            .arg(format!("binaryen@{VERSION}"));
        succeed(&mut install)?;
        ensure!(
            fits(program.as_os_str()),
            "binaryen was installed, but doesn't run as version {VERSION}"
        );
    }
    Ok(program.into_os_string())
}

fn fits(program: &OsStr) -> bool {
    let wanted = VERSION.split('.').next();
    output(program, &["--version"]).is_some_and(|answer| answer.split_whitespace().nth(2) == wanted)
}
