//! The network's input.

use super::{GrayImage, PIXELS, SIDE};

/// A drawing the way MNIST has them: 28×28, ink 1 on paper 0.
///
/// # Shapes
/// 784 pixels, row after row from the top.
#[derive(Clone, Debug, PartialEq)]
pub struct Digit {
    pixels: [f32; PIXELS],
}

impl Digit {
    pub(super) fn from_pixels(pixels: [f32; PIXELS]) -> Self {
        Self { pixels }
    }

    /// An image that is in MNIST's form already; only the range changes.
    #[must_use]
    pub fn from_mnist(image: &[u8; PIXELS]) -> Self {
        Self {
            pixels: image.map(|value| f32::from(value) / 255.0),
        }
    }

    /// Row after row from the top, within `0..=1`.
    #[must_use]
    pub fn pixels(&self) -> &[f32] {
        &self.pixels
    }

    /// The pixels as the slots of a ciphertext take them.
    #[must_use]
    pub fn to_input(&self) -> Vec<f64> {
        self.pixels.iter().copied().map(f64::from).collect()
    }
}

impl From<Digit> for GrayImage {
    fn from(digit: Digit) -> Self {
        Self::new(SIDE, SIDE, digit.pixels.to_vec()).expect("a digit's pixels are in range")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mnist_images_keep_their_place() {
        let mut image = [0; PIXELS];
        image[3 * SIDE + 5] = 255;
        image[0] = 51;
        let digit = Digit::from_mnist(&image);
        assert_eq!(
            (digit.pixels()[0], digit.pixels()[3 * SIDE + 5]),
            (0.2, 1.0)
        );
        assert_eq!(
            digit.pixels().iter().filter(|&&pixel| pixel == 0.0).count(),
            PIXELS - 2
        );
        assert_eq!(digit.to_input()[3 * SIDE + 5], 1.0);
        assert_eq!(digit.to_input().len(), PIXELS);
    }
}
