//! A Python with TenSEAL in it, to measure against.
//!
//! **Invariant:** it has the versions that stand here.

use anyhow::Result;

use crate::python::Environment;
use crate::workspace::Workspace;

const TENSEAL: &str = "0.3.18";

/// Reads the shipped model; numpy comes with it.
const ONNX: &str = "1.23.2";

/// The environment's Python, set up once.
///
/// # Errors
/// If there is no Python 3, or the packages can't be had for it.
pub fn python(workspace: &Workspace) -> Result<String> {
    let environment = Environment {
        package: "tenseal",
        version: TENSEAL,
        others: &[("onnx", ONNX)],
    };
    let python = environment.ensure(workspace)?;
    Ok(python.to_string_lossy().into_owned())
}
