//! A Python with TenSEAL in it, to measure against.
//!
//! **Invariant:** no package goes anywhere but into a virtual environment of its own in the user's
//! cache.

use anyhow::{Context, Result, ensure};

use crate::tools::tool_directory;
use crate::workspace::{Workspace, output, succeed};

const TENSEAL: &str = "0.3.18";

/// Reads the shipped model; numpy comes with it.
const ONNX: &str = "1.23.2";

/// Names that Python 3 goes by.
const PYTHONS: [&str; 2] = ["python3", "python"];

/// The environment's Python, set up once.
///
/// # Errors
/// If there is no Python 3, or the packages can't be had for it.
pub fn python(workspace: &Workspace) -> Result<String> {
    let root = tool_directory("tenseal", TENSEAL)?;
    let python = if cfg!(windows) {
        root.join("Scripts").join("python.exe")
    } else {
        root.join("bin").join("python")
    };
    let script = format!(
        "import tenseal, onnx; assert (tenseal.__version__, onnx.__version__) == {:?}",
        (TENSEAL, ONNX)
    );
    if output(&python, &["-c", &script]).is_none() {
        let is_three = |name: &&&str| {
            output(name, &["--version"]).is_some_and(|answer| answer.starts_with("Python 3."))
        };
        let system = PYTHONS.iter().find(is_three).context("no Python 3 found")?;
        println!(
            "Installing TenSEAL {TENSEAL} into {} (once)",
            root.display()
        );
        let mut venv = workspace.command(system);
        succeed(venv.args(["-m", "venv", "--clear"]).arg(&root))?;
        let mut pip = workspace.command(&python);
        pip.args(["-m", "pip", "install", "--quiet", "--only-binary", ":all:"])
            .args([format!("tenseal=={TENSEAL}"), format!("onnx=={ONNX}")]);
        succeed(&mut pip).context("TenSEAL could not be installed for this Python")?;
        ensure!(
            output(&python, &["-c", &script]).is_some(),
            "TenSEAL was installed, but can't be loaded"
        );
    }
    Ok(python.to_string_lossy().into_owned())
}
