//! Images as a network takes them.

use candle_core::{Device, Result, Tensor};
use rayon::prelude::*;
use shared::image::{Digit, GrayImage, PIXELS, SIDE, prepare};

use crate::architecture::Architecture;
use crate::mnist::LabelledImages;

/// How an image becomes a network's input when nothing is changed on purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// As MNIST has it.
    Raw,
    /// Through [`prepare`], like a drawing on the page.
    Prepared,
}

impl Form {
    /// The 784 numbers of an image.
    #[must_use]
    pub fn digit(self, image: &[u8; PIXELS]) -> Digit {
        let raw = Digit::from_mnist(image);
        match self {
            Self::Raw => raw,
            // A blank image can't be prepared; it stays blank.
            Self::Prepared => GrayImage::from_luma8(SIDE, SIDE, image)
                .and_then(|drawing| prepare(&drawing))
                .unwrap_or(raw),
        }
    }
}

/// What a network takes of an image.
#[derive(Clone, Debug, PartialEq)]
pub struct Intake {
    /// Indices in the flattened image, ascending.
    pub pixels: Vec<usize>,
    /// Where given, a pixel counts as 1 from here on, and as 0 below.
    pub threshold: Option<f32>,
}

impl Intake {
    /// What networks of an architecture take.
    #[must_use]
    pub fn of(architecture: &Architecture) -> Self {
        Self {
            pixels: architecture.pixels(),
            threshold: architecture.threshold,
        }
    }

    /// The inputs for an image of 784 pixels.
    pub fn values(&self, image: &[f32]) -> impl Iterator<Item = f32> {
        let value = |&pixel: &usize| match self.threshold {
            Some(threshold) => f32::from(u8::from(image[pixel] >= threshold)),
            None => image[pixel],
        };
        self.pixels.iter().map(value)
    }
}

/// Inputs of many images.
pub struct Inputs {
    values: Tensor,
    labels: Vec<u8>,
}

impl Inputs {
    /// Takes a whole set in one form.
    ///
    /// # Errors
    /// What the tensor library says.
    pub fn new(set: &LabelledImages, form: Form, intake: &Intake) -> Result<Self> {
        let values = set.images.par_iter().flat_map_iter(|image| {
            let digit = form.digit(image);
            intake.values(digit.pixels()).collect::<Vec<_>>()
        });
        let values: Vec<f32> = values.collect();
        let shape = (set.images.len(), intake.pixels.len());
        Ok(Self {
            values: Tensor::from_vec(values, shape, &Device::Cpu)?,
            labels: set.labels.clone(),
        })
    }

    /// Successive batches with their labels.
    ///
    /// # Errors
    /// What the tensor library says.
    pub fn batches(&self, size: usize) -> impl Iterator<Item = Result<(Tensor, &[u8])>> {
        self.labels
            .chunks(size)
            .enumerate()
            .map(move |(index, labels)| {
                Ok((self.values.narrow(0, index * size, labels.len())?, labels))
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pixel_at_the_threshold_counts() {
        let intake = Intake {
            pixels: vec![1, 2, 4],
            threshold: Some(0.5),
        };
        let values: Vec<_> = intake.values(&[0.9, 0.5, 0.499, 1.0, 0.7]).collect();
        assert_eq!(values, [1.0, 0.0, 1.0]);
        let plain = Intake {
            threshold: None,
            ..intake
        };
        let values: Vec<_> = plain.values(&[0.9, 0.5, 0.499, 1.0, 0.7]).collect();
        assert_eq!(values, [0.5, 0.499, 0.7]);
    }
}
