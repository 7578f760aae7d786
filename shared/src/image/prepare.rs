//! MNIST's way from ink to 28×28: crop, fit into 20×20, centre the mass.

use super::levels::Levels;
use super::{Bounds, Digit, GrayImage, ImageError, PIXELS, SIDE};

/// The longer side of the ink's box is scaled to this.
const BOX: usize = 20;

/// Where a digit's centre of mass goes, as an index of a pixel. In MNIST it is within half a pixel
/// of this in both directions, because images were moved by whole pixels there, too.
const CENTRE: f32 = 14.0;

/// Brings a drawing into the form MNIST's images have.
///
/// The paper's brightness (the lower quartile of the border) becomes 0 and the brightest ink 1;
/// the ink's box is scaled by area averaging, its aspect kept, until its longer side is 20; then
/// it is placed in 28×28, moved by whole pixels, its centre of mass as near to the centre as
/// possible without cutting ink off.
///
/// # Errors
/// [`ImageError::Empty`] if no ink stands out from the paper.
pub fn prepare(drawing: &GrayImage) -> Result<Digit, ImageError> {
    let levels = Levels::of(drawing)?;
    let bounds = Bounds::of(drawing, levels.threshold()).ok_or(ImageError::Empty)?;
    let fitted = Fitted::new(drawing, &bounds, |pixel| levels.ink(pixel));
    Ok(fitted.centred())
}

/// Overlap of source pixels with one scaled pixel: consecutive weights from a first index.
struct Span {
    first: usize,
    weights: Vec<f32>,
}

/// How `length` source pixels spread over scaled ones, `longest` of which become [`BOX`].
///
/// In units of 1/[`BOX`] of a source pixel, source pixel `i` covers `BOX·i..BOX·(i+1)` and scaled
/// pixel `j` covers `longest·j..longest·(j+1)`, so every overlap is an integer.
fn spans(length: usize, longest: usize) -> Vec<Span> {
    let count = (length * BOX).div_ceil(longest);
    let span = |to: usize| {
        let (start, end) = (to * longest, ((to + 1) * longest).min(length * BOX));
        let overlap = |from: usize| end.min((from + 1) * BOX) - start.max(from * BOX);
        let sources = start / BOX..end.div_ceil(BOX);
        let weight = |from| overlap(from) as f32 / longest as f32;
        Span {
            first: sources.start,
            weights: sources.map(weight).collect(),
        }
    };
    (0..count).map(span).collect()
}

impl Span {
    /// Weighted sum of the values that `at` gives for the span's indices.
    fn sum(&self, at: impl Fn(usize) -> f32) -> f32 {
        let terms = self.weights.iter().enumerate();
        terms
            .map(|(index, weight)| weight * at(self.first + index))
            .sum()
    }
}

/// The ink scaled into [`BOX`]×[`BOX`].
struct Fitted {
    width: usize,
    height: usize,
    pixels: Vec<f32>,
}

impl Fitted {
    fn new(image: &GrayImage, bounds: &Bounds, level: impl Fn(f32) -> f32) -> Self {
        let longest = bounds.width.max(bounds.height);
        let columns = spans(bounds.width, longest);
        let rows = spans(bounds.height, longest);
        let (width, height) = (columns.len(), rows.len());

        let source_rows = image.pixels().chunks_exact(image.width());
        let narrow: Vec<f32> = source_rows
            .skip(bounds.top)
            .take(bounds.height)
            .flat_map(|row| {
                let source = &row[bounds.left..];
                columns.iter().map(|span| span.sum(|x| level(source[x])))
            })
            .collect();
        let pixels = rows
            .iter()
            .flat_map(|span| (0..width).map(|x| span.sum(|y| narrow[y * width + x])))
            .map(|pixel| pixel.min(1.0)) // Rounding may pass 1 by a hair.
            .collect();
        Self {
            width,
            height,
            pixels,
        }
    }

    fn centred(&self) -> Digit {
        let (mut mass, mut across, mut down) = (0.0, 0.0, 0.0);
        for (at, &pixel) in self.pixels.iter().enumerate() {
            mass += pixel;
            across += pixel * (at % self.width) as f32;
            down += pixel * (at / self.width) as f32;
        }
        let left = offset(across / mass, self.width);
        let top = offset(down / mass, self.height);

        let mut pixels = [0.0; PIXELS];
        for (y, row) in self.pixels.chunks_exact(self.width).enumerate() {
            let start = (top + y) * SIDE + left;
            pixels[start..start + self.width].copy_from_slice(row);
        }
        Digit::from_pixels(pixels)
    }
}

/// The first of `length` pixels when the one at `mass` goes to [`CENTRE`], as far as all fit.
fn offset(mass: f32, length: usize) -> usize {
    let free = SIDE - length;
    (CENTRE - mass).round().clamp(0.0, free as f32) as usize
}

#[cfg(test)]
mod tests;
