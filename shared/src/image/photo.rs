//! A photograph of something written: its ink, without paper, shadows and what lies around.
//!
//! Light on paper is uneven, so that ink in the light may be brighter than paper in the shadow. Ink is
//! what stands out from its surroundings, darker or brighter than they are: the paper's own brightness
//! is estimated everywhere and taken off before a threshold is chosen.
//!
//! **Invariant:** what comes out has ink 1 on paper 0, is cropped to its ink, and holds some.

mod background;
mod otsu;
mod thicken;

use super::split::Components;
use super::{Bounds, GrayImage, ImageError};

/// Ink has to stand out this much from the paper, of the whole range from black to white.
const LEAST_CONTRAST: f32 = 0.1;

/// A photograph of which more than this share is ink shows something else.
const MOST_INK: f32 = 0.5;

/// Fainter pixels are paper.
const FAINT: f32 = 0.1;

/// What is smaller than this share of the largest connected ink is dust.
const DUST: f64 = 0.1;

/// What reaches beyond the picture is a shadow or the paper's edge if anything of this share of the
/// picture's longer side lies within.
const SUBSTANTIAL: f64 = 0.1;

/// Finds the ink in a photograph, and makes thin lines as thick as MNIST's.
///
/// # Shapes
/// `photo`: 0 is black and 1 is white, whichever of both the ink is.
/// # Errors
/// [`ImageError::Empty`] if nothing stands out.
pub fn ink_of_photo(photo: &GrayImage) -> Result<GrayImage, ImageError> {
    let raised = background::raise_ink(photo);
    let split = otsu::split(raised.pixels());
    if split.contrast() < LEAST_CONTRAST || split.share > MOST_INK {
        return Err(ImageError::Empty);
    }
    let pixels = raised.pixels().iter().map(|&ink| split.soften(ink));
    let ink = GrayImage::of_parts(photo.width(), photo.height(), pixels.collect());
    let written = without_surroundings(&ink);
    let bounds = Bounds::of(&written, FAINT).ok_or(ImageError::Empty)?;
    Ok(thicken::to_model_width(&crop(&written, bounds)))
}

/// The ink without dust, and without what reaches in from beyond the picture.
fn without_surroundings(ink: &GrayImage) -> GrayImage {
    let (width, height) = (ink.width(), ink.height());
    let components = Components::of(ink, FAINT);
    let longer = |at: usize| {
        let bounds: &Bounds = &components.bounds[at];
        bounds.width.max(bounds.height) as f64
    };
    let inside = |at: usize| {
        let bounds: &Bounds = &components.bounds[at];
        bounds.left > 0 && bounds.top > 0 && bounds.right() < width && bounds.bottom() < height
    };
    let all = 0..components.bounds.len();
    let substantial = SUBSTANTIAL * width.max(height) as f64;
    let framed = all
        .clone()
        .any(|at| inside(at) && longer(at) >= substantial);
    let kept = |at: usize| !framed || inside(at);
    let largest = all.filter(|&at| kept(at)).map(longer).fold(0.0, f64::max);
    let kept = |at: usize| kept(at) && longer(at) >= DUST * largest;

    let mut pixels = vec![0.0; width * height];
    for (y, row) in pixels.chunks_exact_mut(width).enumerate() {
        for run in components.row(y) {
            if kept(run.component) {
                let source = y * width + run.start..y * width + run.end;
                row[run.start..run.end].copy_from_slice(&ink.pixels()[source]);
            }
        }
    }
    GrayImage::of_parts(width, height, pixels)
}

fn crop(image: &GrayImage, bounds: Bounds) -> GrayImage {
    let rows = image.pixels().chunks_exact(image.width());
    let inside = rows.skip(bounds.top).take(bounds.height);
    let pixels = inside.flat_map(|row| &row[bounds.left..bounds.right()]);
    GrayImage::of_parts(bounds.width, bounds.height, pixels.copied().collect())
}

#[cfg(test)]
mod tests;
