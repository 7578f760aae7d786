//! How bright paper and ink are in one image.

use super::{GrayImage, ImageError};

/// Ink has to be this much brighter than the paper, or there is nothing to crop to.
const LEAST_CONTRAST: f32 = 0.1;

/// Pixels above this share of the contrast are ink; those below are a photograph's noise. MNIST's
/// own boxes are the same for every share from 0 to 0.15.
const INK: f32 = 0.1;

/// The brightness that counts as paper, and how far the brightest ink stands out from it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Levels {
    /// The lower quartile of the border.
    pub paper: f32,
    contrast: f32,
}

impl Levels {
    /// # Errors
    /// [`ImageError::Empty`] if no ink stands out from the paper.
    pub fn of(image: &GrayImage) -> Result<Self, ImageError> {
        let paper = lower_quartile(image.border());
        let contrast = image.brightest() - paper;
        if contrast < LEAST_CONTRAST {
            return Err(ImageError::Empty);
        }
        Ok(Self { paper, contrast })
    }

    /// Brighter pixels are ink.
    pub fn threshold(self) -> f32 {
        self.paper + INK * self.contrast
    }

    /// A pixel's ink: paper becomes 0, the brightest ink 1.
    pub fn ink(self, pixel: f32) -> f32 {
        ((pixel - self.paper) / self.contrast).max(0.0)
    }
}

fn lower_quartile(mut values: Vec<f32>) -> f32 {
    values.sort_by(f32::total_cmp);
    values[values.len() / 4]
}
