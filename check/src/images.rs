//! Inputs from files: MNIST's own arrays, raw numbers, photographs, or a directory of those.
//!
//! **Invariant:** every image that comes out has as many values as the network takes, and they are
//! finite. A photograph is read as the client reads it.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use client::pictures::{self, PictureError};
use shared::idx::{self, IdxError};
use shared::image::{Digit, PIXELS, SIDE};
use thiserror::Error;

/// The longest file, and the longest content of a packed one.
const LIMIT: u64 = 512 << 20;

/// Why a file holds no images for a network.
#[derive(Debug, Error)]
pub enum ImagesError {
    /// It can't be read.
    #[error("{file}: {reason}")]
    Read {
        /// The file.
        file: String,
        /// What the operating system said.
        reason: io::Error,
    },
    /// It is too long.
    #[error("{file}: holds more than the {LIMIT} bytes that are read at most")]
    TooLong {
        /// The file.
        file: String,
    },
    /// It is no array.
    #[error("{file}: a damaged IDX file: {reason}")]
    Idx {
        /// The file.
        file: String,
        /// What is wrong.
        reason: IdxError,
    },
    /// It is packed and can't be unpacked, is no image, shows nothing, or holds no labels.
    #[error("{file}")]
    Picture {
        /// The file.
        file: String,
        /// What is wrong.
        #[source]
        reason: PictureError,
    },
    /// It is of another kind or size.
    #[error("{file}: {what}")]
    Kind {
        /// The file.
        file: String,
        /// What it is and what it should be.
        what: String,
    },
}

/// Images and where they came from.
#[derive(Clone, Debug, PartialEq)]
pub struct Inputs {
    /// Values as the client takes them.
    pub images: Vec<Vec<f64>>,
    /// One for each image, where there are any.
    pub labels: Option<Vec<usize>>,
    /// The file of labels.
    pub labelled_by: Option<PathBuf>,
}

/// Reads the first `limit` images of a file or a directory, and labels: those of `labels`, or those
/// that lie beside an IDX file under the name that MNIST's have.
///
/// # Shapes
/// `shape`: that of the network's input.
/// # Errors
/// [`ImagesError`], with the file's name.
pub fn load(
    path: &Path,
    labels: Option<&Path>,
    shape: &[usize],
    limit: usize,
) -> Result<Inputs, ImagesError> {
    let mut images = Vec::new();
    for file in files(path)? {
        let room = limit - images.len();
        if room == 0 {
            break;
        }
        images.extend(load_file(&file, shape, room)?);
    }
    if images.is_empty() {
        return Err(kind(path, "holds no images"));
    }
    let labelled_by = labels.map(Path::to_owned).or_else(|| beside(path));
    let labels = labelled_by.as_deref().map(read_labels).transpose()?;
    if let (Some(labels), Some(file)) = (&labels, &labelled_by)
        && labels.len() < images.len()
    {
        let what = format!("holds {} labels for {} images", labels.len(), images.len());
        return Err(kind(file, &what));
    }
    Ok(Inputs {
        images,
        labels,
        labelled_by,
    })
}

fn kind(path: &Path, what: &str) -> ImagesError {
    ImagesError::Kind {
        file: path.display().to_string(),
        what: what.to_owned(),
    }
}

fn failed(path: &Path, reason: io::Error) -> ImagesError {
    ImagesError::Read {
        file: path.display().to_string(),
        reason,
    }
}

fn picture(path: &Path, reason: PictureError) -> ImagesError {
    ImagesError::Picture {
        file: path.display().to_string(),
        reason,
    }
}

/// The file itself, or the plain files of a directory in the order of their names.
fn files(path: &Path) -> Result<Vec<PathBuf>, ImagesError> {
    if !path.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let entries = fs::read_dir(path).map_err(|reason| failed(path, reason))?;
    let mut files = Vec::new();
    for entry in entries {
        let file = entry.map_err(|reason| failed(path, reason))?.path();
        let is_image = |ending: &str| {
            ["png", "jpg", "jpeg", "f32"].contains(&ending.to_ascii_lowercase().as_str())
        };
        if file.is_file()
            && file
                .extension()
                .and_then(|it| it.to_str())
                .is_some_and(is_image)
        {
            files.push(file);
        }
    }
    files.sort();
    Ok(files)
}

/// `…-labels-idx1-ubyte.gz` for `…-images-idx3-ubyte.gz`.
fn beside(images: &Path) -> Option<PathBuf> {
    let name = images.file_name()?.to_str()?;
    let labels = name.replace("images", "labels").replace("idx3", "idx1");
    let path = images.with_file_name(&labels);
    (labels != name && path.is_file()).then_some(path)
}

fn load_file(path: &Path, shape: &[usize], limit: usize) -> Result<Vec<Vec<f64>>, ImagesError> {
    let bytes = read_unpacked(path)?;
    if path.extension().is_some_and(|ending| ending == "f32") {
        return raw(path, &bytes, shape, limit);
    }
    match *bytes.as_slice() {
        [0x89, b'P', b'N', b'G', ..] | [0xff, 0xd8, 0xff, ..] => photograph(path, &bytes, shape),
        [0, 0, ..] => array(path, &bytes, shape, limit),
        _ => Err(kind(path, "is no PNG, JPEG, IDX or .f32 file")),
    }
}

fn read_unpacked(path: &Path) -> Result<Vec<u8>, ImagesError> {
    let file = File::open(path).map_err(|reason| failed(path, reason))?;
    let mut bytes = Vec::new();
    let read = file.take(LIMIT + 1).read_to_end(&mut bytes);
    read.map_err(|reason| failed(path, reason))?;
    if bytes.len() as u64 > LIMIT {
        let file = path.display().to_string();
        return Err(ImagesError::TooLong { file });
    }
    let unpacked = pictures::unpack(&bytes, LIMIT).map_err(|reason| picture(path, reason))?;
    Ok(unpacked.into_owned())
}

fn array(
    path: &Path,
    bytes: &[u8],
    shape: &[usize],
    limit: usize,
) -> Result<Vec<Vec<f64>>, ImagesError> {
    let array = idx::parse(bytes).map_err(|reason| ImagesError::Idx {
        file: path.display().to_string(),
        reason,
    })?;
    let sizes = |sizes: &[usize]| sizes.iter().copied().filter(|&size| size > 1).collect();
    let [wanted, found]: [Vec<usize>; 2] = [shape, array.dims.get(1..).unwrap_or(&[])].map(sizes);
    if array.dims.len() < 2 || found != wanted {
        let what = format!(
            "holds an array of {:?}; the network takes images of {shape:?}",
            array.dims
        );
        return Err(kind(path, &what));
    }
    let image = |bytes: &[u8]| bytes.iter().map(|&byte| f64::from(byte) / 255.0).collect();
    let size = shape.iter().product::<usize>().max(1);
    Ok(array.data.chunks(size).take(limit).map(image).collect())
}

fn raw(
    path: &Path,
    bytes: &[u8],
    shape: &[usize],
    limit: usize,
) -> Result<Vec<Vec<f64>>, ImagesError> {
    let size = shape.iter().product::<usize>().max(1);
    let (numbers, rest) = bytes.as_chunks::<4>();
    if !(rest.is_empty() && numbers.len().is_multiple_of(size)) {
        let what = format!(
            "holds {} bytes; images of {shape:?} take {} each",
            bytes.len(),
            4 * size
        );
        return Err(kind(path, &what));
    }
    let image = |numbers: &[[u8; 4]]| {
        let values = numbers
            .iter()
            .map(|&bytes| f64::from(f32::from_le_bytes(bytes)));
        values.collect::<Vec<f64>>()
    };
    let images: Vec<_> = numbers.chunks(size).take(limit).map(image).collect();
    if images.iter().flatten().all(|value| value.is_finite()) {
        Ok(images)
    } else {
        Err(kind(path, "holds a value that is not a finite number"))
    }
}

fn photograph(path: &Path, bytes: &[u8], shape: &[usize]) -> Result<Vec<Vec<f64>>, ImagesError> {
    let is_digit = shape.ends_with(&[SIDE, SIDE]) && shape.iter().product::<usize>() == PIXELS;
    if !is_digit {
        let what = format!(
            "pictures are for networks that take 1×{SIDE}×{SIDE}; this one takes {shape:?}: use an \
             IDX or .f32 file"
        );
        return Err(kind(path, &what));
    }
    let read = pictures::read(bytes, 1).map_err(|reason| picture(path, reason))?;
    Ok(read.digits.iter().map(Digit::to_input).collect())
}

fn read_labels(path: &Path) -> Result<Vec<usize>, ImagesError> {
    let bytes = read_unpacked(path)?;
    pictures::labels(&bytes).map_err(|reason| picture(path, reason))
}

#[cfg(test)]
mod tests {
    use std::io::{Cursor, Write};

    use flate2::Compression;
    use flate2::write::GzEncoder;
    use image::{ImageFormat, Luma};
    use tempfile::TempDir;

    use super::*;

    const DIGIT: [usize; 3] = [1, SIDE, SIDE];

    /// An error as the program prints it.
    fn printed(error: ImagesError) -> String {
        format!("{:#}", anyhow::Error::from(error))
    }

    fn directory(files: &[(&str, Vec<u8>)]) -> TempDir {
        let directory = tempfile::tempdir().unwrap();
        for (name, bytes) in files {
            fs::write(directory.path().join(name), bytes).unwrap();
        }
        directory
    }

    fn idx(dims: &[u32], data: &[u8]) -> Vec<u8> {
        let mut bytes = vec![0, 0, 8, dims.len() as u8];
        bytes.extend(dims.iter().flat_map(|size| size.to_be_bytes()));
        bytes.extend_from_slice(data);
        bytes
    }

    fn packed(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn png(ink: u8, paper: u8) -> Vec<u8> {
        let bar = |x, y| (20..30).contains(&x) && (10..70).contains(&y);
        let image =
            image::GrayImage::from_fn(80, 80, |x, y| Luma([if bar(x, y) { ink } else { paper }]));
        let mut bytes = Cursor::new(Vec::new());
        image.write_to(&mut bytes, ImageFormat::Png).unwrap();
        bytes.into_inner()
    }

    #[test]
    fn arrays_come_with_the_labels_beside_them() {
        let files = [
            (
                "t-images-idx3.gz",
                packed(&idx(&[3, 2, 2], &[0, 255, 51, 0, 1, 2, 3, 4, 5, 6, 7, 8])),
            ),
            ("t-labels-idx1.gz", packed(&idx(&[3], &[7, 0, 9]))),
        ];
        let directory = directory(&files);
        let images = directory.path().join("t-images-idx3.gz");
        let found = load(&images, None, &[1, 2, 2], 2).unwrap();
        assert_eq!(found.images.len(), 2);
        assert_eq!(found.images[0], [0.0, 1.0, 0.2, 0.0]);
        assert_eq!(found.labels, Some(vec![7, 0, 9]));
        assert_eq!(
            found.labelled_by,
            Some(directory.path().join("t-labels-idx1.gz"))
        );
    }

    /// A photograph's header may say anything.
    #[test]
    fn a_size_that_is_only_claimed_takes_no_memory() {
        let mut bytes = png(255, 0);
        bytes[16..24].copy_from_slice(&[1, 0, 0, 0, 0, 0, 0, 246]);
        let mut checksum = flate2::Crc::new();
        checksum.update(&bytes[12..29]);
        bytes[29..33].copy_from_slice(&checksum.sum().to_be_bytes());
        let directory = directory(&[("a.png", bytes)]);
        let message = printed(load(directory.path(), None, &DIGIT, 9).unwrap_err());
        let expected = "a.png: an image of 16777216×246 is too large; scale it to 134217728 pixels \
                        or fewer";
        assert!(message.ends_with(expected), "{message}");
    }

    #[test]
    fn raw_numbers_are_little_endian() {
        let numbers = [0.5f32, -1.0, 2.0, 3.0].map(f32::to_le_bytes).concat();
        let directory = directory(&[("x.f32", numbers)]);
        let found = load(directory.path(), None, &[2], 9).unwrap();
        assert_eq!(found.images, [[0.5, -1.0], [2.0, 3.0]]);
        assert_eq!(found.labels, None);
    }

    #[test]
    fn photographs_are_prepared_whatever_their_colours() {
        let files = [
            ("b.png", png(255, 0)),
            ("a.png", png(10, 240)),
            ("notes.txt", vec![1]),
        ];
        let directory = directory(&files);
        let found = load(directory.path(), None, &DIGIT, 9).unwrap();
        let [dark, light] = &found.images[..] else {
            panic!("{} images", found.images.len());
        };
        let difference = |(a, b): (&f64, &f64)| (a - b).abs();
        assert!(dark.iter().zip(light).map(difference).all(|it| it < 1e-5));
        assert!(dark.iter().sum::<f64>() > 10.0);
        assert_eq!(
            load(directory.path(), None, &DIGIT, 1)
                .unwrap()
                .images
                .len(),
            1
        );
    }

    #[track_caller]
    fn check_refused(name: &str, bytes: Vec<u8>, shape: &[usize], expected: &str) {
        let directory = directory(&[(name, bytes)]);
        let path = directory.path().join(name);
        let message = printed(load(&path, None, shape, 9).unwrap_err());
        assert!(
            message.contains(expected),
            "{message:?} does not say {expected:?}"
        );
        assert!(message.contains(name), "{message:?} does not name {name}");
    }

    #[test]
    fn other_files_are_refused() {
        let wrong = "holds an array of [1, 2, 2]; the network takes images of [1, 28, 28]";
        check_refused("a.idx", idx(&[1, 2, 2], &[0; 4]), &DIGIT, wrong);
        check_refused("a.idx", idx(&[4], &[0; 4]), &[4], "holds an array of [4]");
        check_refused("a.idx", idx(&[2, 4], &[0; 4]), &[4], "a damaged IDX file");
        check_refused("a.idx", idx(&[0, 4], &[]), &[4], "holds no images");
        check_refused(
            "a.gif",
            b"GIF89a".to_vec(),
            &DIGIT,
            "is no PNG, JPEG, IDX or .f32",
        );
        check_refused(
            "a.png",
            png(255, 0),
            &[3, 32, 32],
            "use an IDX or .f32 file",
        );
        check_refused("a.png", png(255, 255), &DIGIT, "the drawing is empty");
        check_refused(
            "a.png",
            png(255, 0)[..60].to_vec(),
            &DIGIT,
            "a damaged image",
        );
        check_refused("a.f32", vec![0; 12], &[2], "images of [2] take 8 each");
        let nan = f32::NAN.to_le_bytes().to_vec();
        check_refused("a.f32", nan, &[1], "not a finite number");
    }

    #[test]
    fn labels_have_to_suffice() {
        let files = [("i.idx", idx(&[2, 1], &[1, 2])), ("l.idx", idx(&[1], &[7]))];
        let directory = directory(&files);
        let [images, labels] = ["i.idx", "l.idx"].map(|name| directory.path().join(name));
        let refused = |limit| load(&images, Some(&labels), &[1], limit).map_err(printed);
        assert!(
            refused(2)
                .unwrap_err()
                .contains("holds 1 labels for 2 images")
        );
        assert_eq!(refused(1).unwrap().labels, Some(vec![7]));
        let wrong = printed(load(&labels, Some(&images), &[1], 1).unwrap_err());
        assert!(wrong.contains("holds an array of [1]"), "{wrong}");
    }
}
