//! A grey image of any size.

use super::{ImageError, MAX_PIXELS};

/// A grey image; 0 is paper, 1 is ink.
///
/// # Shapes
/// `height` rows of `width` pixels, row after row from the top.
#[derive(Clone, Debug, PartialEq)]
pub struct GrayImage {
    width: usize,
    height: usize,
    pixels: Vec<f32>,
}

impl GrayImage {
    /// Checks and takes pixels within `0..=1`.
    ///
    /// # Errors
    /// [`ImageError::Size`] if the sides don't fit the pixels, [`ImageError::TooLarge`] beyond
    /// [`MAX_PIXELS`], [`ImageError::Pixel`] with the place of the first pixel that is not finite
    /// or out of range.
    pub fn new(width: usize, height: usize, pixels: Vec<f32>) -> Result<Self, ImageError> {
        let found = pixels.len();
        if found == 0 || width.checked_mul(height) != Some(found) {
            return Err(ImageError::Size {
                width,
                height,
                found,
            });
        }
        if found > MAX_PIXELS {
            return Err(ImageError::TooLarge { width, height });
        }
        match pixels.iter().position(|value| !(0.0..=1.0).contains(value)) {
            Some(at) => Err(ImageError::Pixel {
                x: at % width,
                y: at / width,
                value: pixels[at],
            }),
            None => Ok(Self {
                width,
                height,
                pixels,
            }),
        }
    }

    /// Takes 8-bit pixels, 255 being ink.
    ///
    /// # Errors
    /// [`ImageError::Size`] if the sides don't fit the pixels, [`ImageError::TooLarge`] beyond
    /// [`MAX_PIXELS`].
    pub fn from_luma8(width: usize, height: usize, luma: &[u8]) -> Result<Self, ImageError> {
        Self::new(
            width,
            height,
            luma.iter().map(|&value| f32::from(value) / 255.0).collect(),
        )
    }

    /// Takes pixels that come from a checked image.
    pub(super) fn of_parts(width: usize, height: usize, pixels: Vec<f32>) -> Self {
        debug_assert_eq!(width * height, pixels.len());
        Self {
            width,
            height,
            pixels,
        }
    }

    /// Columns.
    #[must_use]
    pub fn width(&self) -> usize {
        self.width
    }

    /// Rows.
    #[must_use]
    pub fn height(&self) -> usize {
        self.height
    }

    /// Row after row from the top.
    #[must_use]
    pub fn pixels(&self) -> &[f32] {
        &self.pixels
    }

    /// Ink and paper change places: for a photograph of dark ink on light paper.
    #[must_use]
    pub fn inverted(mut self) -> Self {
        for pixel in &mut self.pixels {
            *pixel = 1.0 - *pixel;
        }
        self
    }

    /// Whether this looks like dark ink on light paper, so that it has to be [`inverted`] first:
    /// most of the border is brighter than half-way between the darkest and the brightest pixel.
    ///
    /// [`inverted`]: GrayImage::inverted
    #[must_use]
    pub fn is_dark_on_light(&self) -> bool {
        let darkest = self.pixels.iter().copied().fold(f32::INFINITY, f32::min);
        let middle = f32::midpoint(darkest, self.brightest());
        let border = self.border();
        2 * border.iter().filter(|&&pixel| pixel > middle).count() > border.len()
    }

    pub(super) fn brightest(&self) -> f32 {
        self.pixels.iter().copied().fold(0.0, f32::max)
    }

    /// The outermost pixels, each once.
    pub(super) fn border(&self) -> Vec<f32> {
        let (right, bottom) = (self.width - 1, self.height - 1);
        let outermost = |at: usize| {
            let (x, y) = (at % self.width, at / self.width);
            x == 0 || y == 0 || x == right || y == bottom
        };
        let pixels = self.pixels.iter().enumerate();
        pixels
            .filter(|&(at, _)| outermost(at))
            .map(|(_, &pixel)| pixel)
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_refused(width: usize, height: usize, pixels: &[f32], expected: &str) {
        let error = GrayImage::new(width, height, pixels.to_vec()).unwrap_err();
        assert_eq!(error.to_string(), expected);
    }

    #[test]
    fn sizes_that_do_not_fit_are_refused() {
        let message = |width, height, found| {
            let rule = "both sides have to be at least 1";
            format!("an image of {width}×{height} can't have {found} pixels; {rule}")
        };
        check_refused(2, 2, &[0.0; 3], &message(2, 2, 3));
        check_refused(2, 2, &[0.0; 5], &message(2, 2, 5));
        check_refused(0, 0, &[], &message(0, 0, 0));
        check_refused(0, 4, &[], &message(0, 4, 0));
        check_refused(usize::MAX, 2, &[0.0; 2], &message(usize::MAX, 2, 2));
    }

    #[test]
    fn pixels_out_of_range_are_refused_with_their_place() {
        let message = |x, y, value| {
            format!("pixel at column {x}, row {y} is {value}; it has to lie within 0 and 1")
        };
        check_refused(
            3,
            2,
            &[0.0, 1.0, 0.5, 0.0, f32::NAN, 0.0],
            &message(1, 1, "NaN"),
        );
        check_refused(1, 2, &[0.0, f32::INFINITY], &message(0, 1, "inf"));
        check_refused(2, 1, &[-0.25, f32::NAN], &message(0, 0, "-0.25"));
        check_refused(2, 1, &[0.5, 1.5], &message(1, 0, "1.5"));
    }

    #[test]
    fn luma_spans_zero_to_one() {
        let image = GrayImage::from_luma8(3, 1, &[0, 51, 255]).unwrap();
        assert_eq!(image.pixels(), [0.0, 0.2, 1.0]);
        assert_eq!((image.width(), image.height()), (3, 1));
        assert_eq!(
            GrayImage::from_luma8(2, 2, &[0; 3]),
            Err(ImageError::Size {
                width: 2,
                height: 2,
                found: 3
            })
        );
    }

    #[track_caller]
    fn check_polarity(width: usize, luma: &[u8], dark_on_light: bool) {
        let image = GrayImage::from_luma8(width, luma.len() / width, luma).unwrap();
        assert_eq!(image.is_dark_on_light(), dark_on_light);
    }

    #[test]
    fn polarity_is_read_off_the_border() {
        check_polarity(3, &[0, 0, 0, 0, 255, 0, 0, 0, 0], false);
        check_polarity(3, &[250, 255, 240, 250, 9, 250, 255, 255, 255], true);
        // Dim light: paper is grey, ink is darker.
        check_polarity(3, &[90, 80, 85, 90, 10, 84, 80, 80, 80], true);
        // Ink runs off the paper.
        check_polarity(3, &[255, 0, 255, 255, 0, 255, 255, 0, 255], true);
        // Nothing at all.
        check_polarity(3, &[200; 9], false);
        check_polarity(1, &[200], false);
    }

    #[test]
    fn inverting_twice_changes_nothing() {
        let image = GrayImage::new(2, 1, vec![0.25, 1.0]).unwrap();
        assert_eq!(image.clone().inverted().pixels(), [0.75, 0.0]);
        assert_eq!(image.clone().inverted().inverted(), image);
    }
}
