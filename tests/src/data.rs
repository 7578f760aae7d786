//! Where MNIST lies.
//!
//! **Invariant:** the directory that is returned holds the four packed files; nothing is downloaded
//! here.

use std::path::{Path, PathBuf};

/// Names a directory that holds real data, MNIST in `mnist/` among it, before any other place.
pub const VARIABLE: &str = "INKVEIL_DATA";

const FILES: [&str; 4] = [
    "train-images-idx3-ubyte.gz",
    "train-labels-idx1-ubyte.gz",
    "t10k-images-idx3-ubyte.gz",
    "t10k-labels-idx1-ubyte.gz",
];

/// The first directory that holds MNIST: below the one that [`VARIABLE`] names, beside the
/// repository at `root`, or where the trainer's downloads go.
#[must_use]
pub fn mnist_directory(root: &Path) -> Option<PathBuf> {
    candidates(root)
        .into_iter()
        .find(|directory| is_complete(directory))
}

/// What to say when there is none.
#[must_use]
pub fn missing() -> String {
    format!(
        "no MNIST found: set {VARIABLE} to a directory with its four packed IDX files in mnist/, or \
         let the trainer download them (`cargo xtask train mnist-fast`)"
    )
}

fn candidates(root: &Path) -> Vec<PathBuf> {
    if let Some(named) = std::env::var_os(VARIABLE) {
        return vec![PathBuf::from(named).join("mnist")];
    }
    vec![root.join("../shared/data/mnist"), root.join("target/mnist")]
}

fn is_complete(directory: &Path) -> bool {
    FILES.iter().all(|name| directory.join(name).is_file())
}
