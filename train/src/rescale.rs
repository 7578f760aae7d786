//! The same function in numbers that suit encrypted arithmetic.
//!
//! What goes into a square may be multiplied by `a`, channel by channel, if the weights that read
//! its square are divided by `a²`; and all logits may be moved together without changing a
//! probability.

use crate::architecture::Layer;
use crate::evaluate::Range;
use crate::mnist::CLASSES;
use crate::weights::Weights;

/// Largest magnitude of every channel and unit before a square after [`equalise_hidden`].
pub const HIDDEN_LIMIT: f32 = 8.0;

/// Scales every channel and unit before a square to the same largest magnitude, [`HIDDEN_LIMIT`]:
/// noise that is added to each of them alike then weighs least.
///
/// # Shapes
/// `hidden`: for each square, what was seen over the data.
pub fn equalise_hidden(weights: &mut Weights, hidden: &[Range]) {
    let steps: Vec<_> = weights.architecture.steps().collect();
    let mut hidden = hidden.iter();
    let mut weighted = 0;
    for (layer, before) in steps {
        if layer.weights(before).is_some() {
            weighted += 1;
        } else if layer == Layer::Square
            && let Some(range) = hidden.next()
        {
            for (channel, &largest) in range.largest.iter().enumerate() {
                if largest > 0.0 {
                    scale(weights, weighted - 1, channel, HIDDEN_LIMIT / largest);
                }
            }
        }
    }
}

/// Multiplies a channel by `factor` and divides what reads its square.
fn scale(weights: &mut Weights, layer: usize, channel: usize, factor: f32) {
    let writer = &mut weights.layers[layer];
    let (columns, channels) = (writer.columns(), writer.rows());
    for weight in &mut writer.weight[channel * columns..(channel + 1) * columns] {
        *weight *= factor;
    }
    writer.bias[channel] *= factor;

    let reader = &mut weights.layers[layer + 1];
    let columns = reader.columns();
    // Places of the channel's map, or of a kernel.
    let places = columns / channels;
    for row in reader.weight.chunks_exact_mut(columns) {
        for weight in &mut row[channel * places..(channel + 1) * places] {
            *weight /= factor * factor;
        }
    }
}

/// Takes the mean over the classes off the last layer, so that logits are as small as they can be
/// without changing their differences.
pub fn centre_logits(weights: &mut Weights) {
    let Some(last) = weights.layers.last_mut() else {
        return;
    };
    let columns = last.columns();
    for unit in 0..columns {
        let column = || last.weight.iter().skip(unit).step_by(columns);
        let mean = column().sum::<f32>() / CLASSES as f32;
        for weight in last.weight.iter_mut().skip(unit).step_by(columns) {
            *weight -= mean;
        }
    }
    let mean = last.bias.iter().sum::<f32>() / CLASSES as f32;
    for bias in &mut last.bias {
        *bias -= mean;
    }
}

#[cfg(test)]
mod tests {
    use candle_core::{Device, Tensor};

    use super::*;
    use crate::architecture::Architecture;
    use crate::network::Network;
    use crate::random::Random;

    fn run(weights: &Weights) -> (Vec<Range>, Vec<Vec<f32>>) {
        let mut random = Random::new(7, 0);
        let inputs: Vec<_> = (0..20 * 784).map(|_| random.uniform(0.0, 0.2)).collect();
        let inputs = Tensor::from_vec(inputs, (20, 784), &Device::Cpu).unwrap();
        let activations = Network::new(weights).unwrap().forward(&inputs).unwrap();
        let largest = |hidden: &Tensor| Range {
            largest: hidden
                .to_vec2::<f32>()
                .unwrap()
                .iter()
                .map(|row| row.iter().fold(0.0, |a, b| b.abs().max(a)))
                .collect(),
            ..Range::default()
        };
        let hidden = activations.hidden.iter().map(largest).collect();
        (hidden, activations.logits.to_vec2().unwrap())
    }

    /// Two squares, each with a convolution before it and something else in between.
    fn weights() -> Weights {
        let convolution = |channels| Layer::Convolution {
            channels,
            kernel: 3,
            stride: 2,
            padding: 1,
        };
        let architecture = Architecture {
            layers: vec![
                convolution(3),
                Layer::Square,
                Layer::AveragePool { size: 2 },
                convolution(2),
                Layer::Square,
                Layer::Flatten,
                Layer::Dense {
                    units: CLASSES,
                    windows: false,
                },
            ],
            threshold: None,
            precision_bits: None,
        };
        let mut random = Random::new(8, 0);
        let mut weights = Weights::random(&architecture, &mut random);
        for layer in &mut weights.layers {
            for bias in &mut layer.bias {
                *bias = random.normal(1.0);
            }
        }
        weights
    }

    #[test]
    fn equalising_keeps_the_logits() {
        let mut weights = weights();
        let (hidden, before) = run(&weights);
        assert_eq!((hidden[0].largest.len(), hidden[1].largest.len()), (3, 2));
        equalise_hidden(&mut weights, &hidden);
        let (hidden, after) = run(&weights);
        for channel in hidden.iter().flat_map(|range| &range.largest) {
            assert!((channel - HIDDEN_LIMIT).abs() < 1e-4, "{channel}");
        }
        for (before, after) in before.iter().flatten().zip(after.iter().flatten()) {
            assert!((before - after).abs() < 1e-4, "{before} became {after}");
        }
    }

    #[test]
    fn centring_moves_all_logits_of_an_image_alike() {
        let mut weights = weights();
        let (_, before) = run(&weights);
        centre_logits(&mut weights);
        let (_, after) = run(&weights);
        for (before, after) in before.iter().zip(&after) {
            let mean = before.iter().sum::<f32>() / CLASSES as f32;
            assert!(after.iter().sum::<f32>().abs() < 1e-4);
            for (before, after) in before.iter().zip(after) {
                assert!(
                    (before - mean - after).abs() < 1e-4,
                    "{before} became {after}"
                );
            }
        }
    }
}
