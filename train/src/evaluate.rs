//! How well a network does, and how large its numbers get.

use candle_core::{D, Result, Tensor};
use candle_nn::ops::log_softmax;

use crate::inputs::Inputs;
use crate::network::Network;

/// Images at a time; more would only need more memory.
const BATCH: usize = 1000;

/// What was seen over a set of images.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Summary {
    /// How many images.
    pub images: usize,
    /// How many of them got the right class.
    pub correct: usize,
    /// Sum of the losses: minus the logarithm of the right class's probability.
    pub loss: f64,
    /// Largest magnitude of a logit.
    pub largest_logit: f32,
    /// What went into each square, in order.
    pub hidden: Vec<Range>,
}

/// How large the values before a square were.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Range {
    /// Largest magnitude of each channel or unit.
    pub largest: Vec<f32>,
    /// How many values.
    pub values: usize,
    /// Sum of their squares.
    pub squares: f64,
}

impl Range {
    /// Root of the values' mean square.
    #[must_use]
    pub fn rms(&self) -> f64 {
        (self.squares / self.values as f64).sqrt()
    }

    /// # Shapes
    /// `values`: one row per channel or unit.
    fn of(values: &Tensor) -> Result<Self> {
        Ok(Self {
            largest: values.abs()?.max(1)?.to_vec1()?,
            values: values.elem_count(),
            squares: f64::from(values.sqr()?.sum_all()?.to_scalar::<f32>()?),
        })
    }

    fn add(&mut self, other: &Self) {
        let length = self.largest.len().max(other.largest.len());
        self.largest.resize(length, 0.0);
        for (mine, theirs) in self.largest.iter_mut().zip(&other.largest) {
            *mine = mine.max(*theirs);
        }
        self.values += other.values;
        self.squares += other.squares;
    }
}

impl Summary {
    /// Share of right classes.
    #[must_use]
    pub fn accuracy(&self) -> f64 {
        self.correct as f64 / self.images as f64
    }

    /// Mean loss.
    #[must_use]
    pub fn mean_loss(&self) -> f64 {
        self.loss / self.images as f64
    }

    /// Counts the images of both.
    #[must_use]
    pub fn and(mut self, other: &Self) -> Self {
        self.images += other.images;
        self.correct += other.correct;
        self.loss += other.loss;
        self.largest_logit = self.largest_logit.max(other.largest_logit);
        let length = self.hidden.len().max(other.hidden.len());
        self.hidden.resize(length, Range::default());
        for (mine, theirs) in self.hidden.iter_mut().zip(&other.hidden) {
            mine.add(theirs);
        }
        self
    }
}

/// Runs the network over all inputs.
///
/// # Errors
/// What the tensor library says.
pub fn evaluate(network: &Network, inputs: &Inputs) -> Result<Summary> {
    let mut summary = Summary::default();
    for batch in inputs.batches(BATCH) {
        let (values, labels) = batch?;
        let activations = network.forward(&values)?;
        let classes = activations.logits.argmax(D::Minus1)?.to_vec1::<u32>()?;
        let log_probabilities = log_softmax(&activations.logits, D::Minus1)?.to_vec2::<f32>()?;
        let right = |(&class, &label): (&u32, &u8)| class == u32::from(label);
        let pairs = log_probabilities.iter().zip(labels);
        summary = summary.and(&Summary {
            images: labels.len(),
            correct: classes
                .iter()
                .zip(labels)
                .filter(|&pair| right(pair))
                .count(),
            loss: pairs
                .map(|(row, &label)| -f64::from(row[usize::from(label)]))
                .sum(),
            largest_logit: activations.logits.abs()?.max_all()?.to_scalar()?,
            hidden: activations
                .hidden
                .iter()
                .map(Range::of)
                .collect::<Result<_>>()?,
        });
    }
    Ok(summary)
}
