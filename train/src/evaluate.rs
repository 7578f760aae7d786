//! How well a network does, and how large its numbers get.

use candle_core::{D, Result};
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
    /// Largest magnitude of each hidden unit, before the square.
    pub largest_hidden: Vec<f32>,
    /// Sum of the squares of all hidden values.
    pub hidden_squares: f64,
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

    /// Root of the mean square of the hidden values.
    #[must_use]
    pub fn hidden_rms(&self) -> f64 {
        let values = self.images * self.largest_hidden.len();
        (self.hidden_squares / values as f64).sqrt()
    }

    /// Counts the images of both.
    #[must_use]
    pub fn and(mut self, other: &Self) -> Self {
        self.images += other.images;
        self.correct += other.correct;
        self.loss += other.loss;
        self.largest_logit = self.largest_logit.max(other.largest_logit);
        self.largest_hidden.resize(
            other.largest_hidden.len().max(self.largest_hidden.len()),
            0.0,
        );
        for (mine, theirs) in self.largest_hidden.iter_mut().zip(&other.largest_hidden) {
            *mine = mine.max(*theirs);
        }
        self.hidden_squares += other.hidden_squares;
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
        let hidden = activations.hidden;
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
            largest_hidden: hidden.abs()?.max(0)?.to_vec1()?,
            hidden_squares: f64::from(hidden.sqr()?.sum_all()?.to_scalar::<f32>()?),
        });
    }
    Ok(summary)
}
