//! The MNIST digits from a directory.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use flate2::read::GzDecoder;
use shared::idx::{self, IdxError};
use shared::image::{PIXELS, SIDE};
use thiserror::Error;

/// Digits to tell apart.
pub const CLASSES: usize = 10;

/// Longest file after decompression: 64 MiB, a third more than MNIST's largest.
const LIMIT: u64 = 64 << 20;

/// Names of MNIST's files, as every mirror has them.
pub(crate) const TRAIN: [&str; 2] = ["train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz"];
pub(crate) const TEST: [&str; 2] = ["t10k-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz"];

/// Why the data can't be used.
#[derive(Debug, Error)]
pub enum DataError {
    /// A file is missing or can't be decompressed.
    #[error("{path}: {problem}", path = path.display())]
    Read {
        /// Which file.
        path: PathBuf,
        /// What the system says.
        problem: io::Error,
    },
    /// A file is longer than any of MNIST's.
    #[error("{path}: more than {LIMIT} bytes after decompression", path = path.display())]
    TooLong {
        /// Which file.
        path: PathBuf,
    },
    /// A file that is no IDX array.
    #[error("{path}: {problem}", path = path.display())]
    Idx {
        /// Which file.
        path: PathBuf,
        /// What is wrong.
        problem: IdxError,
    },
    /// An array of another shape than MNIST's.
    #[error("{path}: dimensions {found:?}, expected {expected}", path = path.display())]
    Shape {
        /// Which file.
        path: PathBuf,
        /// Its sizes.
        found: Vec<usize>,
        /// What was wanted.
        expected: String,
    },
    /// A label that is no digit.
    #[error("{path}: label {index} is {found}; digits end at 9", path = path.display())]
    Label {
        /// Which file.
        path: PathBuf,
        /// Position.
        index: usize,
        /// What stands there.
        found: u8,
    },
}

/// Images and what they show, in the same order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LabelledImages {
    /// 28×28 bytes each, 255 being ink.
    pub images: Vec<[u8; PIXELS]>,
    /// 0 to 9 each.
    pub labels: Vec<u8>,
}

/// Training and test set.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mnist {
    /// 60,000 digits.
    pub train: LabelledImages,
    /// 10,000 digits by other writers.
    pub test: LabelledImages,
}

impl Mnist {
    /// Reads the four gzipped IDX files of a directory.
    ///
    /// # Errors
    /// Which file is missing or bad, and why.
    pub fn load(directory: &Path) -> Result<Self, DataError> {
        Ok(Self {
            train: LabelledImages::load(directory, TRAIN)?,
            test: LabelledImages::load(directory, TEST)?,
        })
    }
}

impl LabelledImages {
    /// Reads just the 10,000 test digits of a directory.
    ///
    /// # Errors
    /// Which file is missing or bad, and why.
    pub fn load_test(directory: &Path) -> Result<Self, DataError> {
        Self::load(directory, TEST)
    }

    fn load(directory: &Path, [images, labels]: [&str; 2]) -> Result<Self, DataError> {
        let images = read_images(directory.join(images))?;
        let labels = read_labels(directory.join(labels), images.len())?;
        Ok(Self { images, labels })
    }
}

fn read_images(path: PathBuf) -> Result<Vec<[u8; PIXELS]>, DataError> {
    let bytes = decompress(&path)?;
    match idx::parse(&bytes) {
        Ok(array) if matches!(array.dims[..], [count, SIDE, SIDE] if count > 0) => {
            let (images, _) = array.data.as_chunks();
            Ok(images.to_vec())
        }
        Ok(array) => {
            let expected = format!("[at least 1, {SIDE}, {SIDE}]");
            Err(DataError::Shape {
                path,
                found: array.dims,
                expected,
            })
        }
        Err(problem) => Err(DataError::Idx { path, problem }),
    }
}

fn read_labels(path: PathBuf, count: usize) -> Result<Vec<u8>, DataError> {
    let bytes = decompress(&path)?;
    let array = match idx::parse(&bytes) {
        Ok(array) if array.dims == [count] => array,
        Ok(array) => {
            let expected = format!("[{count}], one for each image");
            return Err(DataError::Shape {
                path,
                found: array.dims,
                expected,
            });
        }
        Err(problem) => return Err(DataError::Idx { path, problem }),
    };
    match array
        .data
        .iter()
        .position(|&label| usize::from(label) >= CLASSES)
    {
        Some(index) => Err(DataError::Label {
            path,
            index,
            found: array.data[index],
        }),
        None => Ok(array.data.to_vec()),
    }
}

fn decompress(path: &Path) -> Result<Vec<u8>, DataError> {
    let read = || {
        let mut bytes = Vec::new();
        GzDecoder::new(File::open(path)?)
            .take(LIMIT + 1)
            .read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    let bytes = read().map_err(|problem| DataError::Read {
        path: path.to_owned(),
        problem,
    })?;
    if bytes.len() as u64 > LIMIT {
        return Err(DataError::TooLong {
            path: path.to_owned(),
        });
    }
    Ok(bytes)
}
