//! Networks and parameter sets that tests make up.

use evaluator::network::{Activation, Layer, Matrix, Network, Term, ValueId};
use shared::api::Preparation;
use shared::params::{ParameterSpec, shipped};

/// A dense layer's weights, row by row, and its biases.
pub type Dense = (Vec<f64>, Vec<f64>);

/// Dense layers one behind the other with squares between them.
///
/// # Shapes
/// Each layer has a weight for each of its biases and each value of the layer before.
#[must_use]
pub fn chain(inputs: usize, layers: Vec<Dense>, logit_bound: f64) -> Network {
    let (mut columns, last) = (inputs, layers.len() - 1);
    let layer = |(at, (weights, bias)): (usize, Dense)| {
        let matrix = Matrix::from_dense(columns, &weights);
        columns = bias.len();
        Layer {
            name: format!("dense{at}"),
            shape: vec![bias.len()],
            terms: vec![Term {
                of: ValueId(at),
                matrix,
            }],
            bias,
            activation: if at == last {
                Activation::Identity
            } else {
                Activation::Square
            },
        }
    };
    let layers: Vec<Layer> = layers.into_iter().enumerate().map(layer).collect();
    Network {
        input_shape: vec![1, inputs],
        preparation: Preparation::default(),
        layers,
        classes: (0..columns).map(|class| class.to_string()).collect(),
        logit_bound: Some(logit_bound),
        precision_bits: None,
        left_to_client: None,
        description: "made up".to_owned(),
    }
}

/// The parameter sets that ship, and one whose levels share primes.
#[must_use]
pub fn sets() -> Vec<ParameterSpec> {
    let chain = [133_857_281, 133_644_289, 1_073_692_673, 1_032_193];
    let nested = ParameterSpec {
        name: "nested".to_owned(),
        log_n: 13,
        levels: (2..=chain.len())
            .map(|count| chain[..count].to_vec())
            .collect(),
        special: vec![1_073_643_521, 1_073_479_681],
    };
    shipped().into_iter().chain([nested]).collect()
}
