//! The numbers of a network.

use crate::architecture::Architecture;
use crate::fields;
use crate::random::Random;

/// Mean square of a hidden value's weights times their number, beyond the first layer.
const HIDDEN_GAIN: f32 = 0.5;

/// The same for logits, which start near 0.
const LOGIT_GAIN: f32 = 0.3;

/// The numbers of one convolution or dense layer.
///
/// # Shapes
/// `weight`: one row per output channel or unit, row-major. A convolution's row has input channels,
/// kernel rows and kernel columns, in this order. `bias`: one per row.
#[derive(Clone, Debug, PartialEq)]
pub struct LayerWeights {
    /// What values are multiplied by.
    pub weight: Vec<f32>,
    /// What is added.
    pub bias: Vec<f32>,
}

impl LayerWeights {
    /// Output channels or units.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.bias.len()
    }

    /// Values that each row reads.
    #[must_use]
    pub fn columns(&self) -> usize {
        self.weight.len() / self.bias.len()
    }
}

/// An architecture with its numbers.
#[derive(Clone, Debug, PartialEq)]
pub struct Weights {
    /// What they are for.
    pub architecture: Architecture,
    /// One per layer that has weights, in order.
    pub layers: Vec<LayerWeights>,
}

impl Weights {
    /// Random weights such that the first hidden values start near 1, later ones lower, so that
    /// squares of squares don't run away, and logits near 0.
    #[must_use]
    pub fn random(architecture: &Architecture, random: &mut Random) -> Self {
        let sizes: Vec<_> = architecture
            .steps()
            .filter_map(|(layer, before)| layer.weights(before))
            .collect();
        let mut layers = Vec::new();
        for (index, &(rows, columns)) in sizes.iter().enumerate() {
            let mask = (index == 0).then(|| mask(architecture, rows)).flatten();
            let read = mask.as_ref().map_or(columns as f32, |mask| {
                mask.iter().sum::<f32>() / rows as f32
            });
            let deviation = if index == 0 {
                // Ink covers about a tenth of the pixels.
                (10.0 / read).sqrt()
            } else if index + 1 < sizes.len() {
                HIDDEN_GAIN / read.sqrt()
            } else {
                LOGIT_GAIN / read.sqrt()
            };
            let mut weight: Vec<_> = (0..rows * columns)
                .map(|_| random.normal(deviation))
                .collect();
            for (weight, mask) in weight.iter_mut().zip(mask.iter().flatten()) {
                *weight *= mask;
            }
            layers.push(LayerWeights {
                weight,
                bias: vec![0.0; rows],
            });
        }
        Self {
            architecture: architecture.clone(),
            layers,
        }
    }

    /// How many numbers aren't zero by construction.
    #[must_use]
    pub fn in_use(&self) -> usize {
        let used = |layer: &LayerWeights| {
            let nonzero = layer.weight.iter().filter(|&&weight| weight != 0.0);
            nonzero.count() + layer.bias.len()
        };
        self.layers.iter().map(used).sum()
    }
}

/// 1 where the first layer may have weights, else 0, if it is limited to windows.
#[must_use]
pub fn mask(architecture: &Architecture, rows: usize) -> Option<Vec<f32>> {
    architecture
        .has_windows()
        .then(|| fields::mask(&architecture.pixels(), rows))
}
