//! Drawings of digits as files.
//!
//! **Invariant:** the same digit in the same hand gives the same pixels.

use std::fs;
use std::io::Write;
use std::path::Path;

use crate::digits::{Hand, strokes};
use anyhow::Result;
use flate2::write::ZlibEncoder;
use flate2::{Compression, Crc};
use shared::image::{GrayImage, prepare};

/// Columns and rows of a drawing.
pub const SIDE: usize = 112;

/// Half of a stroke's width, in columns.
const REACH: f64 = 5.0;

/// Grey values, 255 where the pen was.
pub fn draw(digit: u8, hand: &Hand) -> Vec<u8> {
    let segments: Vec<_> = strokes(digit, hand)
        .iter()
        .flat_map(|stroke| {
            stroke
                .windows(2)
                .map(|ends| (ends[0], ends[1]))
                .collect::<Vec<_>>()
        })
        .collect();
    let pixel = |at: usize| {
        let centre = |index: usize| (index as f64 + 0.5) / SIDE as f64;
        let point = (centre(at % SIDE), centre(at / SIDE));
        let distances = segments.iter().map(|&(from, to)| distance(point, from, to));
        let nearest = distances.fold(f64::INFINITY, f64::min) * SIDE as f64;
        // A soft edge, one column wide.
        (255.0 * (REACH + 0.5 - nearest).clamp(0.0, 1.0)) as u8
    };
    (0..SIDE * SIDE).map(pixel).collect()
}

/// As MNIST has them: 28×28.
///
/// # Errors
/// If the drawing is empty.
pub fn mnist(digit: u8, hand: &Hand) -> Result<Vec<u8>> {
    let image = GrayImage::from_luma8(SIDE, SIDE, &draw(digit, hand))?;
    let byte = |pixel: &f32| (pixel * 255.0).round() as u8;
    Ok(prepare(&image)?.pixels().iter().map(byte).collect())
}

/// From a point to the nearest one of a segment.
fn distance(point: (f64, f64), from: (f64, f64), to: (f64, f64)) -> f64 {
    let (dx, dy) = (to.0 - from.0, to.1 - from.1);
    let along = (point.0 - from.0) * dx + (point.1 - from.1) * dy;
    let length = (dx * dx + dy * dy).max(f64::MIN_POSITIVE);
    let share = (along / length).clamp(0.0, 1.0);
    (point.0 - from.0 - share * dx).hypot(point.1 - from.1 - share * dy)
}

/// Writes a drawing as PNG.
///
/// # Errors
/// If the file can't be written.
pub fn save(path: &Path, digit: u8, hand: &Hand) -> Result<()> {
    Ok(fs::write(path, png(&draw(digit, hand), SIDE)?)?)
}

/// The same ink in black on white, as on paper.
///
/// # Errors
/// If the file can't be written.
pub fn save_on_paper(path: &Path, digit: u8, hand: &Hand) -> Result<()> {
    let pixels: Vec<u8> = draw(digit, hand).into_iter().map(|ink| 255 - ink).collect();
    Ok(fs::write(path, png(&pixels, SIDE)?)?)
}

/// A grey PNG of 8 bits a pixel.
///
/// # Errors
/// If the pixels can't be packed.
pub fn png(pixels: &[u8], width: usize) -> Result<Vec<u8>> {
    let mut lines = ZlibEncoder::new(Vec::new(), Compression::fast());
    for row in pixels.chunks_exact(width) {
        lines.write_all(&[0])?; // No filter.
        lines.write_all(row)?;
    }
    let size = |size: usize| (size as u32).to_be_bytes();
    let header = [
        &size(width)[..],
        &size(pixels.len() / width),
        &[8, 0, 0, 0, 0],
    ]
    .concat();
    let mut file = b"\x89PNG\r\n\x1a\n".to_vec();
    for (kind, data) in [
        (b"IHDR", header),
        (b"IDAT", lines.finish()?),
        (b"IEND", Vec::new()),
    ] {
        let mut checksum = Crc::new();
        checksum.update(kind);
        checksum.update(&data);
        file.extend_from_slice(&size(data.len()));
        file.extend_from_slice(kind);
        file.extend_from_slice(&data);
        file.extend_from_slice(&checksum.sum().to_be_bytes());
    }
    Ok(file)
}

/// An IDX file of bytes.
pub fn idx(dims: &[usize], data: &[u8]) -> Vec<u8> {
    let mut file = vec![0, 0, 8, dims.len() as u8];
    file.extend(dims.iter().flat_map(|&size| (size as u32).to_be_bytes()));
    file.extend_from_slice(data);
    file
}
