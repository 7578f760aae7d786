//! Images from files, each with a name.
//!
//! **Invariant:** a file is read up to a limit, packed or not; whatever is wrong with it is told with
//! its name.

use std::num::NonZero;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use client::pictures::{self, Pictures};
use shared::image::Digit;

use super::files;

/// The longest file, and the longest content of a packed one: all of MNIST's images ten times.
const LIMIT: u64 = 512 << 20;

/// An image and where it came from.
#[derive(Debug)]
pub struct Picture {
    /// The file; for one of several images with its place.
    pub name: String,
    /// What is encrypted.
    pub digit: Digit,
}

/// Reads the images of a file, the first `limit` of them.
///
/// # Errors
/// If the file can't be read, is of another format or shows nothing; with its name.
pub fn load(path: &Path, limit: usize) -> Result<Vec<Picture>> {
    let name = path.display().to_string();
    let bytes = files::read(path, LIMIT)?;
    let unpacked = pictures::unpack(&bytes, LIMIT).with_context(|| name.clone())?;
    let Pictures { digits, count } =
        pictures::read(&unpacked, limit).with_context(|| name.clone())?;
    let picture = |(index, digit)| Picture {
        name: if count == 1 {
            name.clone()
        } else {
            format!("{name}[{index}]")
        },
        digit,
    };
    Ok(digits.into_iter().enumerate().map(picture).collect())
}

/// Reads the images of files in a row, the first `limit` of them.
///
/// # Errors
/// As [`load`], or if there is none.
pub fn load_all(paths: &[PathBuf], limit: Option<NonZero<usize>>) -> Result<Vec<Picture>> {
    let limit = limit.map_or(usize::MAX, NonZero::get);
    let mut found = Vec::new();
    for path in paths {
        found.append(&mut load(path, limit - found.len())?);
    }
    ensure!(!found.is_empty(), "the files hold no image");
    Ok(found)
}

/// Reads the labels of an IDX file.
///
/// # Errors
/// If the file can't be read or holds anything else.
pub fn labels(path: &Path) -> Result<Vec<usize>> {
    let name = || path.display().to_string();
    let bytes = files::read(path, LIMIT)?;
    let unpacked = pictures::unpack(&bytes, LIMIT).with_context(name)?;
    pictures::labels(&unpacked).with_context(name)
}

#[cfg(test)]
mod tests {
    use std::io::{Cursor, Write};

    use image::codecs::jpeg::JpegEncoder;
    use image::{DynamicImage, ImageEncoder, ImageFormat, Luma, Rgba};
    use shared::image::PIXELS;

    use super::*;

    /// A bar from the top left down, heavier above: no turn leaves it as it is.
    fn is_inked(x: u32, y: u32) -> bool {
        (20..30).contains(&x) && (10..70).contains(&y) || (30..50).contains(&x) && y / 10 == 1
    }

    fn drawing(ink: u8, paper: u8) -> image::GrayImage {
        image::GrayImage::from_fn(80, 80, |x, y| {
            Luma([if is_inked(x, y) { ink } else { paper }])
        })
    }

    fn png(image: impl Into<DynamicImage>) -> Vec<u8> {
        let mut bytes = Cursor::new(Vec::new());
        image.into().write_to(&mut bytes, ImageFormat::Png).unwrap();
        bytes.into_inner()
    }

    fn jpeg(image: &image::GrayImage, exif: Option<Vec<u8>>) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut encoder = JpegEncoder::new_with_quality(&mut bytes, 100);
        if let Some(exif) = exif {
            encoder.set_exif_metadata(exif).unwrap();
        }
        let (width, height) = image.dimensions();
        encoder
            .write_image(image, width, height, image::ExtendedColorType::L8)
            .unwrap();
        bytes
    }

    fn idx(dims: &[u32], data: &[u8]) -> Vec<u8> {
        let mut bytes = vec![0, 0, 8, dims.len() as u8];
        bytes.extend(dims.iter().flat_map(|size| size.to_be_bytes()));
        bytes.extend_from_slice(data);
        bytes
    }

    fn in_file<T>(bytes: &[u8], read: impl FnOnce(&Path) -> Result<T>) -> Result<T, String> {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(bytes).unwrap();
        let name = file.path().display().to_string();
        read(file.path()).map_err(|error| format!("{error:#}").replace(&name, "file"))
    }

    fn only(bytes: &[u8]) -> Digit {
        let mut found = in_file(bytes, |path| load(path, 9)).unwrap();
        assert_eq!(found.len(), 1);
        found.remove(0).digit
    }

    #[track_caller]
    fn check_same(bytes: &[u8], tolerance: f32) {
        let expected = only(&png(drawing(255, 0)));
        let found = only(bytes);
        let differences = found
            .pixels()
            .iter()
            .zip(expected.pixels())
            .map(|(a, b)| (a - b).abs());
        let largest = differences.fold(0.0, f32::max);
        assert!(largest <= tolerance, "off by {largest}");
    }

    #[test]
    fn ink_and_paper_have_any_colour() {
        check_same(&png(drawing(0, 255)), 1e-6);
        check_same(&png(drawing(20, 200)), 1e-5);
        check_same(&jpeg(&drawing(10, 240), None), 0.1);
    }

    #[test]
    fn transparent_parts_are_paper() {
        let alpha = |x, y| if is_inked(x, y) { 255 } else { 0 };
        let sheet = image::RgbaImage::from_fn(80, 80, |x, y| Rgba([0, 0, 0, alpha(x, y)]));
        check_same(&png(sheet), 1e-5);
    }

    #[test]
    fn photographs_are_turned_upright() {
        // A TIFF header and one entry: the tag of the orientation, a short, one of it, its value 6,
        // for an image that has to be turned clockwise.
        let exif = b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0".to_vec();
        let lying = image::imageops::rotate270(&drawing(10, 240));
        check_same(&jpeg(&lying, Some(exif)), 0.1);
    }

    #[test]
    fn arrays_stay_as_they_are() {
        let pixels: Vec<u8> = (0..3 * PIXELS).map(|at| (at % 251) as u8).collect();
        let bytes = idx(&[3, 28, 28], &pixels);
        let found = in_file(&bytes, |path| load(path, 2)).unwrap();
        assert_eq!(found.len(), 2);
        let second: &[u8; PIXELS] = pixels[PIXELS..2 * PIXELS].try_into().unwrap();
        assert_eq!(found[1].digit, Digit::from_mnist(second));
        assert!(found[1].name.ends_with("[1]"), "{}", found[1].name);
        let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        packed.write_all(&bytes).unwrap();
        let packed = packed.finish().unwrap();
        assert_eq!(in_file(&packed, |path| load(path, 9)).unwrap().len(), 3);
        assert_eq!(in_file(&idx(&[3], &[7, 0, 9]), labels), Ok(vec![7, 0, 9]));
    }

    #[track_caller]
    fn check_refused(bytes: &[u8], expected: &str) {
        let error = in_file(bytes, |path| load(path, 9)).unwrap_err();
        assert_eq!(error, expected);
    }

    #[test]
    fn other_files_are_refused() {
        check_refused(b"", "file: is empty; a PNG, JPEG or IDX file is needed");
        check_refused(
            b"GIF89a",
            "file: is neither a PNG nor a JPEG nor an IDX file",
        );
        let shape = "images are one of [count, 28, 28]";
        let labels = format!("file: holds an array of [2]; {shape}, so these are labels");
        check_refused(&idx(&[2], &[1, 2]), &labels);
        let wide = format!("file: holds an array of [1, 2, 2]; {shape}");
        check_refused(&idx(&[1, 2, 2], &[0; 4]), &wide);
        check_refused(
            &idx(&[2, 28, 28], &[0; PIXELS]),
            "file: a damaged IDX file: dimensions [2, 28, 28] need 1568 bytes, found 784",
        );
        let empty =
            "file: the drawing is empty: no ink stands out from the paper; draw a digit first";
        check_refused(&png(drawing(255, 255)), empty);
        let cut = in_file(&png(drawing(255, 0))[..60], |path| load(path, 9)).unwrap_err();
        assert!(cut.starts_with("file: a damaged image: "), "{cut}");
        let unreadable = include_bytes!("../../../fuzz/regressions/pictures/jpeg-decoder-panics");
        check_refused(unreadable, "file: a damaged image: its decoder gave up");
        let cut = in_file(&[0x1f, 0x8b, 8, 0], |path| load(path, 9)).unwrap_err();
        assert!(cut.starts_with("file: can't be unpacked: "), "{cut}");
    }

    #[test]
    fn a_size_that_is_only_claimed_takes_no_memory() {
        let claimed = |width: u32, height: u32| {
            let mut bytes = png(drawing(255, 0));
            bytes[16..20].copy_from_slice(&width.to_be_bytes());
            bytes[20..24].copy_from_slice(&height.to_be_bytes());
            let checksum = {
                let mut crc = flate2::Crc::new();
                crc.update(&bytes[12..29]);
                crc.sum()
            };
            bytes[29..33].copy_from_slice(&checksum.to_be_bytes());
            bytes
        };
        for (width, height) in [
            (1 << 16, 1 << 16),
            (1 << 24, 246),
            (246, 1 << 24),
            (1 << 14, 8193),
        ] {
            let expected = format!(
                "file: an image of {width}×{height} is too large; scale it to 134217728 pixels or \
                 fewer"
            );
            check_refused(&claimed(width, height), &expected);
        }
    }
}
