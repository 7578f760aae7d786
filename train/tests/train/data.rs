//! Where real data is, if anywhere.

use std::path::PathBuf;

/// MNIST's directory, in `INKVEIL_DATA` or beside the repository. Says whether the test runs.
pub fn mnist() -> Option<PathBuf> {
    let beside = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared/data");
    let root = std::env::var_os("INKVEIL_DATA").map_or(beside, PathBuf::from);
    let directory = root.join("mnist");
    let there = directory.is_dir();
    println!(
        "{}: {}",
        if there {
            "runs on"
        } else {
            "skipped, there is no"
        },
        directory.display()
    );
    there.then_some(directory)
}
