//! Images as a network takes them.

use candle_core::{Device, Result, Tensor};
use rayon::prelude::*;
use shared::image::{Digit, GrayImage, PIXELS, SIDE, prepare};

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

/// Inputs of many images, reduced to the pixels that a network looks at.
pub struct Inputs {
    values: Tensor,
    labels: Vec<u8>,
}

impl Inputs {
    /// Takes a whole set in one form.
    ///
    /// # Errors
    /// What the tensor library says.
    pub fn new(set: &LabelledImages, form: Form, pixels: &[usize]) -> Result<Self> {
        let values = set.images.par_iter().flat_map_iter(|image| {
            let digit = form.digit(image);
            pixels.iter().map(move |&pixel| digit.pixels()[pixel])
        });
        let values: Vec<f32> = values.collect();
        let shape = (set.images.len(), pixels.len());
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
