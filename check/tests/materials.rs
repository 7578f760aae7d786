//! Drawings, files of them, and parameter sets.

use std::fs;
use std::path::{Path, PathBuf};

use check::report::Report;
use check::{CheckError, Options, Progress};
use shared::params::{ParameterSpec, shipped};
use tempfile::TempDir;

/// The model that ships.
pub fn model() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../models/mnist-fast.onnx")
}

const SIDE: usize = 28;

/// A drawing in strokes of a pen, of 28×28 bytes: a ring, a bar, and where they lie depends on the
/// number.
pub fn drawing(number: usize) -> Vec<u8> {
    let centre = [10.0 + (number % 5) as f64 * 2.0, 14.0];
    let radius = 3.0 + (number % 3) as f64 * 2.0;
    let bar = 6.0 + (number * 7 % 16) as f64;
    let pixel = |at: usize| {
        let (y, x) = ((at / SIDE) as f64, (at % SIDE) as f64);
        let ring = ((y - centre[0]).hypot(x - centre[1]) - radius).abs();
        let upright = if (4.0..24.0).contains(&y) {
            (x - bar).abs()
        } else {
            9.0
        };
        let distance = if number.is_multiple_of(2) {
            ring
        } else {
            ring.min(upright)
        };
        ((2.0 - distance).clamp(0.0, 1.0) * 255.0) as u8
    };
    (0..SIDE * SIDE).map(pixel).collect()
}

pub fn idx(dims: &[u32], data: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0, 0, 8, dims.len() as u8];
    bytes.extend(dims.iter().flat_map(|size| size.to_be_bytes()));
    bytes.extend_from_slice(data);
    bytes
}

/// A directory with drawings, and labels beside them if there are any.
pub fn images(count: usize, labels: Option<&[u8]>) -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    let pixels: Vec<u8> = (0..count).flat_map(drawing).collect();
    let file = idx(&[count as u32, 28, 28], &pixels);
    fs::write(directory.path().join("some-images-idx3-ubyte"), file).unwrap();
    if let Some(labels) = labels {
        let file = idx(&[labels.len() as u32], labels);
        fs::write(directory.path().join("some-labels-idx1-ubyte"), file).unwrap();
    }
    directory
}

/// The file of them.
pub fn file(directory: &TempDir) -> PathBuf {
    directory.path().join("some-images-idx3-ubyte")
}

pub fn options(images: PathBuf) -> Options {
    Options {
        model: model(),
        approximations: Vec::new(),
        calibrate: None,
        images,
        labels: None,
        parameters: None,
        steps: None,
        count: 200,
        watched: 4,
    }
}

pub fn check(options: &Options) -> Result<Report, CheckError> {
    check::check(options, &mut Progress::new(true))
}

/// The set that the model takes.
pub fn n12() -> ParameterSpec {
    shipped().remove(0)
}

/// The same with so few bits that nothing is left of the values.
pub fn weak() -> ParameterSpec {
    ParameterSpec {
        name: "weak".to_owned(),
        levels: vec![vec![65537], vec![65537, 40961]],
        special: vec![536_813_569],
        ..n12()
    }
}
