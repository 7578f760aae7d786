//! The network: dense, square, dense.

use candle_core::{Device, Result, Tensor, Var};

use crate::mnist::CLASSES;
use crate::random::Random;

/// The numbers of a network on some of the pixels.
///
/// # Shapes
/// `first`: one row per hidden unit, one column per pixel; `second`: one row per class, one column
/// per hidden unit; both row-major.
#[derive(Clone, Debug, PartialEq)]
pub struct Weights {
    /// Which pixels it looks at, ascending.
    pub pixels: Vec<usize>,
    /// First layer.
    pub first: Vec<f32>,
    /// One per hidden unit.
    pub first_bias: Vec<f32>,
    /// Second layer.
    pub second: Vec<f32>,
    /// One per class.
    pub second_bias: Vec<f32>,
}

impl Weights {
    /// Random weights such that hidden values start near 1 and logits near 0; zero where `mask` is.
    ///
    /// # Shapes
    /// `mask`: one row per hidden unit, one column for each of `pixels`.
    #[must_use]
    pub fn random(pixels: Vec<usize>, mask: &[f32], random: &mut Random) -> Self {
        let hidden = mask.len() / pixels.len();
        let inputs = mask.iter().sum::<f32>() / hidden as f32;
        // Ink covers about a tenth of the pixels.
        let first = (10.0 / inputs).sqrt();
        let second = 0.3 / (hidden as f32).sqrt();
        let mut draw = |count, deviation| -> Vec<f32> {
            (0..count).map(|_| random.normal(deviation)).collect()
        };
        let everywhere = draw(mask.len(), first);
        Self {
            first: everywhere
                .iter()
                .zip(mask)
                .map(|(weight, mask)| weight * mask)
                .collect(),
            first_bias: vec![0.0; hidden],
            second: draw(CLASSES * hidden, second),
            second_bias: vec![0.0; CLASSES],
            pixels,
        }
    }

    /// Hidden units.
    #[must_use]
    pub fn hidden(&self) -> usize {
        self.first_bias.len()
    }
}

/// The network as the tensor library computes it.
#[derive(Clone, Debug)]
pub struct Network {
    pixels: Vec<usize>,
    /// 1 where the first layer may have weights, else 0; those start at zero and stay there.
    mask: Tensor,
    first: Var,
    first_bias: Var,
    second: Var,
    second_bias: Var,
}

/// What a network computes on a batch.
pub struct Activations {
    /// Before the square, one row per image.
    pub hidden: Tensor,
    /// One row per image.
    pub logits: Tensor,
}

impl Network {
    /// A network with these weights; those of the first layer that are zero are not trained.
    ///
    /// # Errors
    /// What the tensor library says, such as sizes that don't fit.
    pub fn new(weights: &Weights) -> Result<Self> {
        let (hidden, inputs) = (weights.hidden(), weights.pixels.len());
        let mask = weights
            .first
            .iter()
            .map(|&weight| f32::from(u8::from(weight != 0.0)));
        let mask = Tensor::from_iter(mask, &Device::Cpu)?.reshape((hidden, inputs))?;
        let var = |values: &[f32], shape: &[usize]| Var::from_slice(values, shape, &Device::Cpu);
        Ok(Self {
            pixels: weights.pixels.clone(),
            mask,
            first: var(&weights.first, &[hidden, inputs])?,
            first_bias: var(&weights.first_bias, &[hidden])?,
            second: var(&weights.second, &[CLASSES, hidden])?,
            second_bias: var(&weights.second_bias, &[CLASSES])?,
        })
    }

    /// The weights as plain numbers.
    ///
    /// # Errors
    /// What the tensor library says.
    pub fn weights(&self) -> Result<Weights> {
        let numbers = |var: &Var| var.flatten_all()?.to_vec1();
        Ok(Weights {
            pixels: self.pixels.clone(),
            first: numbers(&self.first)?,
            first_bias: numbers(&self.first_bias)?,
            second: numbers(&self.second)?,
            second_bias: numbers(&self.second_bias)?,
        })
    }

    /// What is trained.
    #[must_use]
    pub fn variables(&self) -> Vec<Var> {
        [
            &self.first,
            &self.first_bias,
            &self.second,
            &self.second_bias,
        ]
        .map(Clone::clone)
        .to_vec()
    }

    /// Runs the network.
    ///
    /// # Shapes
    /// `inputs`: one row per image, one column per pixel of the network.
    /// # Errors
    /// What the tensor library says.
    pub fn forward(&self, inputs: &Tensor) -> Result<Activations> {
        let hidden = inputs
            .matmul(&self.first.mul(&self.mask)?.t()?)?
            .broadcast_add(&self.first_bias)?;
        let logits = hidden
            .sqr()?
            .matmul(&self.second.t()?)?
            .broadcast_add(&self.second_bias)?;
        Ok(Activations { hidden, logits })
    }
}

/// A running mean of a network's weights, which classifies better than its last step.
pub struct Average {
    decay: f64,
    variables: Vec<Var>,
    network: Network,
}

impl Average {
    /// Starts at the network as it is; each step keeps `decay` of the mean.
    ///
    /// # Errors
    /// What the tensor library says.
    pub fn new(of: &Network, decay: f64) -> Result<Self> {
        let network = Network::new(&of.weights()?)?;
        Ok(Self {
            decay,
            variables: of.variables(),
            network,
        })
    }

    /// Counts the weights as they are now.
    ///
    /// # Errors
    /// What the tensor library says.
    pub fn update(&self) -> Result<()> {
        for (mean, now) in self.network.variables().iter().zip(&self.variables) {
            let kept = (mean.as_tensor() * self.decay)?;
            mean.set(&(kept + (now.as_tensor() * (1.0 - self.decay))?)?)?;
        }
        Ok(())
    }

    /// The network with the mean weights.
    #[must_use]
    pub fn network(&self) -> &Network {
        &self.network
    }
}
