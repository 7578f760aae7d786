//! Images that show which values a network's activations are given.
//!
//! Knows IDX files, packed or not; what is in them is bytes from outside.

use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use flate2::read::GzDecoder;
use shared::idx::{self, IdxError};
use thiserror::Error;

/// How many images are used.
const IMAGES: usize = 500;

/// Most bytes of a file, unpacked.
const MAX_BYTES: u64 = 256 << 20;

/// How a packed file starts.
const PACKED: [u8; 2] = [0x1f, 0x8b];

/// Why there are no calibration images.
#[derive(Debug, Error)]
pub enum CalibrationError {
    /// A file or directory can't be read.
    #[error("{file}: {reason}")]
    Read {
        /// Which one.
        file: String,
        /// What the operating system, or the unpacking, said.
        reason: io::Error,
    },
    /// A directory without images.
    #[error("{directory} holds no IDX file of images, such as train-images-idx3-ubyte.gz")]
    NoImages {
        /// The directory.
        directory: String,
    },
    /// Not an IDX file.
    #[error("{file}: {reason}")]
    Format {
        /// The file.
        file: String,
        /// What is wrong with it.
        reason: IdxError,
    },
    /// Labels, or nothing.
    #[error("{file} has sizes {dims:?}; calibration needs images×rows×columns")]
    Shape {
        /// The file.
        file: String,
        /// Its sizes.
        dims: Vec<usize>,
    },
}

/// The first 500 images of an IDX file, or of one in a directory, as values from 0 to 1. Images to
/// train with are preferred to others.
///
/// # Errors
/// What can't be read, and why.
pub fn read(path: &Path) -> Result<Vec<Vec<f64>>, CalibrationError> {
    if path.is_dir() {
        read_file(&find(path)?)
    } else {
        read_file(path)
    }
}

fn find(directory: &Path) -> Result<PathBuf, CalibrationError> {
    let failed = |reason| CalibrationError::Read {
        file: directory.display().to_string(),
        reason,
    };
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        let name = path
            .file_name()
            .map(|name| name.to_string_lossy().into_owned());
        let name = name.unwrap_or_default();
        if name.contains("images") && name.contains("idx") && path.is_file() {
            found.push((!name.contains("train"), path));
        }
    }
    let (_, path) = found
        .into_iter()
        .min()
        .ok_or_else(|| CalibrationError::NoImages {
            directory: directory.display().to_string(),
        })?;
    Ok(path)
}

fn read_file(path: &Path) -> Result<Vec<Vec<f64>>, CalibrationError> {
    let file = path.display().to_string();
    let bytes = unpacked(path).map_err(|reason| CalibrationError::Read {
        file: file.clone(),
        reason,
    })?;
    let array = idx::parse(&bytes).map_err(|reason| CalibrationError::Format {
        file: file.clone(),
        reason,
    })?;
    let pixels = match array.dims.as_slice() {
        [images, sizes @ ..] if *images > 0 && !sizes.is_empty() => super::ops::product(sizes),
        _ => None,
    };
    let Some(pixels) = pixels.filter(|&pixels| pixels > 0) else {
        return Err(CalibrationError::Shape {
            file,
            dims: array.dims,
        });
    };
    let value = |&pixel: &u8| f64::from(pixel) / 255.0;
    let images = array.data.chunks_exact(pixels).take(IMAGES);
    Ok(images
        .map(|image| image.iter().map(value).collect())
        .collect())
}

fn unpacked(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    fs::File::open(path)?
        .take(MAX_BYTES)
        .read_to_end(&mut bytes)?;
    if !bytes.starts_with(&PACKED) {
        return Ok(bytes);
    }
    let mut unpacked = Vec::new();
    GzDecoder::new(bytes.as_slice())
        .take(MAX_BYTES)
        .read_to_end(&mut unpacked)?;
    Ok(unpacked)
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::Compression;
    use flate2::write::GzEncoder;
    use std::io::Write;

    fn images(count: u8, first: u8) -> Vec<u8> {
        let header = [0, 0, 8, 3, 0, 0, 0, count, 0, 0, 0, 1, 0, 0, 0, 2];
        let pixels = std::iter::repeat_n([first; 2], usize::from(count));
        header.into_iter().chain(pixels.flatten()).collect()
    }

    fn packed(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn files_packed_or_not_and_directories() {
        let directory = tempfile::tempdir().unwrap();
        let file = |name: &str, bytes: &[u8]| {
            let path = directory.path().join(name);
            fs::write(&path, bytes).unwrap();
            path
        };
        let plain = file("t10k-images-idx3-ubyte", &images(3, 255));
        assert_eq!(read(&plain).unwrap(), vec![vec![1.0; 2]; 3]);
        assert_eq!(read(directory.path()).unwrap(), vec![vec![1.0; 2]; 3]);
        file("train-images-idx3-ubyte.gz", &packed(&images(2, 51)));
        assert_eq!(read(directory.path()).unwrap(), vec![vec![0.2; 2]; 2]);
        let labels = file("labels", &[0, 0, 8, 1, 0, 0, 0, 1, 7]);
        for (path, expected) in [
            (
                labels,
                "labels has sizes [1]; calibration needs images×rows×columns",
            ),
            (file("none", &images(0, 0)), "has sizes [0, 1, 2]"),
            (
                file("noise", &[1, 2, 3, 4, 5]),
                "an IDX file starts with [0, 0]",
            ),
            (
                file("broken.gz", &packed(&images(9, 1))[..20]),
                "broken.gz: ",
            ),
            (directory.path().join("missing"), "missing: "),
        ] {
            let message = read(&path).unwrap_err().to_string();
            assert!(message.contains(expected), "{message}");
        }
        let empty = tempfile::tempdir().unwrap();
        let message = read(empty.path()).unwrap_err().to_string();
        assert!(message.contains("holds no IDX file of images"), "{message}");
    }
}
