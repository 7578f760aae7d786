//! The same function in numbers that suit encrypted arithmetic.
//!
//! A hidden unit's weights may be multiplied by `a` if the weights that read its square are divided
//! by `a²`; and all logits may be moved together without changing a probability.

use crate::mnist::CLASSES;
use crate::network::Weights;

/// Largest magnitude of every hidden unit after [`equalise_hidden`].
pub const HIDDEN_LIMIT: f32 = 8.0;

/// Scales every hidden unit to the same largest magnitude, [`HIDDEN_LIMIT`]: noise that is added
/// to each of them alike then weighs least.
///
/// # Shapes
/// `largest`: for each hidden unit, its largest magnitude over the data.
pub fn equalise_hidden(weights: &mut Weights, largest: &[f32]) {
    let (inputs, hidden) = (weights.pixels.len(), weights.hidden());
    for (unit, &largest) in largest.iter().enumerate() {
        if largest == 0.0 {
            continue;
        }
        let factor = HIDDEN_LIMIT / largest;
        for weight in &mut weights.first[unit * inputs..(unit + 1) * inputs] {
            *weight *= factor;
        }
        weights.first_bias[unit] *= factor;
        for weight in weights.second.iter_mut().skip(unit).step_by(hidden) {
            *weight /= factor * factor;
        }
    }
}

/// Takes the mean over the classes off the second layer, so that logits are as small as they can be
/// without changing their differences.
pub fn centre_logits(weights: &mut Weights) {
    let hidden = weights.hidden();
    for unit in 0..hidden {
        let column = || weights.second.iter().skip(unit).step_by(hidden);
        let mean = column().sum::<f32>() / CLASSES as f32;
        for weight in weights.second.iter_mut().skip(unit).step_by(hidden) {
            *weight -= mean;
        }
    }
    let mean = weights.second_bias.iter().sum::<f32>() / CLASSES as f32;
    for bias in &mut weights.second_bias {
        *bias -= mean;
    }
}

#[cfg(test)]
mod tests {
    use candle_core::{Device, Tensor};

    use super::*;
    use crate::network::{Activations, Network};
    use crate::random::Random;

    fn run(weights: &Weights) -> (Vec<Vec<f32>>, Vec<Vec<f32>>) {
        let mut random = Random::new(7, 0);
        let inputs: Vec<_> = (0..50 * 6).map(|_| random.uniform(0.0, 1.0)).collect();
        let inputs = Tensor::from_vec(inputs, (50, 6), &Device::Cpu).unwrap();
        let Activations { hidden, logits } =
            Network::new(weights).unwrap().forward(&inputs).unwrap();
        (hidden.to_vec2().unwrap(), logits.to_vec2().unwrap())
    }

    fn largest(hidden: &[Vec<f32>]) -> Vec<f32> {
        let of_unit = |unit: usize| hidden.iter().map(|row| row[unit].abs()).fold(0.0, f32::max);
        (0..hidden[0].len()).map(of_unit).collect()
    }

    fn weights() -> Weights {
        let mut random = Random::new(8, 0);
        let mut weights = Weights::random((0..6).collect(), &[1.0; 4 * 6], &mut random);
        weights.first_bias = vec![0.3, -0.2, 0.1, 0.0];
        weights.second_bias = (0..CLASSES).map(|_| random.normal(1.0)).collect();
        weights
    }

    #[test]
    fn equalising_keeps_the_logits() {
        let mut weights = weights();
        let (hidden, before) = run(&weights);
        equalise_hidden(&mut weights, &largest(&hidden));
        let (hidden, after) = run(&weights);
        for unit in largest(&hidden) {
            assert!((unit - HIDDEN_LIMIT).abs() < 1e-4, "{unit}");
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
