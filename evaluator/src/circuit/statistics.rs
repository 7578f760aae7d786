//! How large a network's values are, seen on a few inputs: what scales and bounds are chosen by.

use crate::network::{Activation, Network, Term, samples};

/// Inputs that are made up where none are given.
const INPUTS: u64 = 24;

/// How much larger a logit may be than on any input that was made up.
const LOGIT_MARGIN: f64 = 4.0;

/// The sizes of a network's values.
#[derive(Clone, Debug, PartialEq)]
pub struct Statistics {
    /// Mean square of an input value.
    pub input: f64,
    /// For each layer, the mean square in front of its activation.
    pub sums: Vec<f64>,
    /// For each layer, the mean square behind its activation.
    pub values: Vec<f64>,
    /// For each term of each layer, the mean over its rows of the sum of their squared weights: what
    /// errors of its input are multiplied by. Errors in front of a square are multiplied by its
    /// values too, so there the weights are weighed by the squares that they meet.
    pub rows: Vec<Vec<f64>>,
    /// Largest magnitude that an output has to fit.
    pub bound: f64,
}

impl Statistics {
    /// Runs a network on plain inputs: those given, or made-up ones.
    ///
    /// # Shapes
    /// `given`: prepared inputs of the network, or none.
    pub fn new(network: &Network, given: &[Vec<f64>]) -> Self {
        let made: Vec<Vec<f64>>;
        let inputs = if given.is_empty() {
            let drawing = |seed| {
                let drawing = samples::drawing(&network.input_shape, seed).into_iter();
                drawing
                    .map(|value| network.preparation.apply(value))
                    .collect()
            };
            made = (0..INPUTS).map(drawing).collect();
            &made
        } else {
            given
        };
        let layers = network.layers.len();
        let mut statistics = Self {
            input: 0.0,
            sums: vec![0.0; layers],
            values: vec![0.0; layers],
            rows: network
                .layers
                .iter()
                .map(|layer| vec![0.0; layer.terms.len()])
                .collect(),
            bound: 0.0,
        };
        let count = inputs.len() as f64;
        for sample in inputs {
            statistics.input += mean_square(sample.iter().copied()) / count;
            let trace = network.trace(sample);
            for (layer, rows) in network.layers.iter().zip(&mut statistics.rows) {
                for (term, row) in layer.terms.iter().zip(rows) {
                    *row += weighted_squares(term, network, &trace) / count;
                }
            }
            for (at, sums) in trace.iter().enumerate() {
                let activation = &network.layers[at].activation;
                let values = || sums.iter().map(|&sum| activation.apply(sum));
                statistics.sums[at] += mean_square(sums.iter().copied()) / count;
                statistics.values[at] += mean_square(values()) / count;
                if at + 1 == layers {
                    let largest =
                        values().fold(statistics.bound, |most, value| most.max(value.abs()));
                    statistics.bound = largest;
                }
            }
        }
        for (layer, rows) in network.layers.iter().zip(&mut statistics.rows) {
            for (term, row) in layer.terms.iter().zip(rows) {
                let weighed =
                    squared_layer(term, network).map(|layer| *row / statistics.sums[layer]);
                let weighed = weighed.filter(|weighed| weighed.is_normal());
                *row = weighed.unwrap_or_else(|| squares(term));
            }
        }
        let seen = (LOGIT_MARGIN * statistics.bound).max(f64::MIN_POSITIVE);
        statistics.bound = network.logit_bound.unwrap_or(seen);
        statistics
    }
}

/// The layer whose square a term reads.
fn squared_layer(term: &Term, network: &Network) -> Option<usize> {
    let layer = term.of.layer()?;
    let squared = network.layers[layer].activation == Activation::Square;
    squared.then_some(layer)
}

/// Mean over a term's rows of `Σ w²x²`, with `x` the values in front of the square that it reads.
fn weighted_squares(term: &Term, network: &Network, trace: &[Vec<f64>]) -> f64 {
    let Some(layer) = squared_layer(term, network) else {
        return 0.0;
    };
    let rows = 0..term.matrix.rows();
    let weights = rows.flat_map(|row| term.matrix.row(row));
    let squares = weights.map(|(column, weight)| (weight * trace[layer][column]).powi(2));
    squares.sum::<f64>() / term.matrix.rows() as f64
}

/// Mean over a term's rows of the sum of their squared weights.
fn squares(term: &Term) -> f64 {
    let weights = (0..term.matrix.rows()).flat_map(|row| term.matrix.row(row));
    weights.map(|(_, weight)| weight * weight).sum::<f64>() / term.matrix.rows() as f64
}

fn mean_square(values: impl Iterator<Item = f64>) -> f64 {
    let (mut sum, mut count) = (0.0, 0.0);
    for value in values {
        sum += value * value;
        count += 1.0;
    }
    if count > 0.0 { sum / count } else { 0.0 }
}
