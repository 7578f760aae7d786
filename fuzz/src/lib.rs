//! What fuzz targets share: a small ring with keys and messages, and a measure of memory.
//!
//! Each target is a file in `fuzz_targets`: what it does with an input, and the seeds that it starts
//! from, which are made by the code under test.
//!
//! **Invariant:** a target depends on its input alone, and what it can take for a finding is a
//! panic, a result that breaks a documented rule, too much memory or too much time.

pub mod material;
pub mod memory;
pub mod onnx_files;

use std::path::Path;

/// Names the directory that seeds are written into.
pub const SEEDS: &str = "INKVEIL_FUZZ_SEEDS";

/// Writes a target's seeds where the environment asks for them.
///
/// # Panics
/// If they can't be written.
pub fn seeds(make: impl FnOnce() -> Vec<Vec<u8>>) {
    let Some(directory) = std::env::var_os(SEEDS) else {
        return;
    };
    for (index, seed) in make().iter().enumerate() {
        let path = Path::new(&directory).join(format!("seed-{index:02}"));
        std::fs::write(path, seed).expect("the directory can be written to");
    }
}
