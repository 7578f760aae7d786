//! Thin lines made as thick as the models know them: a ballpoint's line is a hair in a photograph and
//! would all but vanish when it is scaled to 28×28.

use crate::image::GrayImage;

/// Width of MNIST's lines, as a share of a digit's height.
const MODEL_WIDTH: f32 = 0.1375;

/// Lines narrower than this share of that are thickened.
const THIN: f32 = 0.8;

/// The ink with lines of about [`MODEL_WIDTH`], on paper with room for them.
pub fn to_model_width(ink: &GrayImage) -> GrayImage {
    let wanted = MODEL_WIDTH * ink.height() as f32;
    let width = line_width(ink);
    if width >= THIN * wanted {
        return ink.clone();
    }
    dilate(ink, (wanted - width) / 2.0)
}

/// A line's ink over half of its outline's length is its width.
fn line_width(ink: &GrayImage) -> f32 {
    let (width, pixels) = (ink.width(), ink.pixels());
    let mass: f32 = pixels.iter().sum();
    let steps = |one: &f32, other: &f32| (one - other).abs();
    let rows = || pixels.chunks_exact(width);
    let across: f32 = rows()
        .flat_map(|row| {
            row.iter()
                .zip(&row[1..])
                .map(|(one, other)| steps(one, other))
        })
        .sum();
    let down: f32 = pixels
        .iter()
        .zip(pixels.iter().skip(width))
        .map(|(a, b)| steps(a, b))
        .sum();
    let ends = |row: &[f32]| row[0] + row[width - 1];
    let edges: f32 = rows().map(ends).sum::<f32>()
        + pixels[..width].iter().sum::<f32>()
        + pixels[pixels.len() - width..].iter().sum::<f32>();
    // Outlines run at all angles; counted along both axes they are 4/π too long on average.
    let outline = (across + down + edges) * std::f32::consts::FRAC_PI_4;
    2.0 * mass / outline.max(f32::MIN_POSITIVE)
}

/// Spreads ink by `reach` pixels in every direction, its edge one pixel soft.
fn dilate(ink: &GrayImage, reach: f32) -> GrayImage {
    let margin = reach.ceil() as usize + 1;
    let (width, height) = (ink.width() + 2 * margin, ink.height() + 2 * margin);
    let mut disc = Vec::new();
    for down in 0..=2 * margin {
        for across in 0..=2 * margin {
            let away = |at: usize| at as f32 - margin as f32;
            let distance = (away(across) * away(across) + away(down) * away(down)).sqrt();
            let cover = (reach + 0.5 - distance).clamp(0.0, 1.0);
            if cover > 0.0 {
                disc.push((down * width + across, cover));
            }
        }
    }
    let mut pixels = vec![0.0_f32; width * height];
    for (y, row) in ink.pixels().chunks_exact(ink.width()).enumerate() {
        for (x, &pixel) in row.iter().enumerate().filter(|&(_, &pixel)| pixel > 0.0) {
            let corner = y * width + x;
            for &(offset, cover) in &disc {
                let spread = &mut pixels[corner + offset];
                *spread = spread.max(pixel * cover);
            }
        }
    }
    GrayImage::of_parts(width, height, pixels)
}
