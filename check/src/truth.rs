//! What each operation ought to make of an input, on plain numbers.
//!
//! The truth is the network's definition. Inside a polynomial, which the definition takes in one
//! step, it is the circuit on plain numbers; at the polynomial's end that is held against the
//! definition again.

use evaluator::circuit::{Circuit, Step};
use evaluator::engine::{EvalError, Plain};
use evaluator::network::{Activation, Network};

/// The right values of one input.
#[derive(Debug)]
pub struct Truth {
    /// Of each operation, in its layer's order.
    pub operations: Vec<Vec<f64>>,
    /// Of the reply.
    pub outputs: Vec<f64>,
    /// How far the circuit on plain numbers is off where there is a definition, at most.
    pub circuit_error: f64,
}

/// How an operation follows from a layer's sums.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Definition {
    /// The layer's sums times a number.
    Sums(f64),
    /// What its activation makes of them.
    Activated,
    /// A part of a polynomial.
    Within,
}

/// How each operation follows from its layer.
#[must_use]
pub fn definitions(network: &Network, steps: &[Step]) -> Vec<Definition> {
    let definition = |(at, step): (usize, &Step)| {
        let is_first = !steps[..at].iter().any(|other| other.layer == step.layer);
        let is_last = !steps[at + 1..]
            .iter()
            .any(|other| other.layer == step.layer);
        match &network.layers[step.layer].activation {
            Activation::Polynomial(polynomial) if is_first => {
                Definition::Sums(2.0 / polynomial.range())
            }
            Activation::Polynomial(_) if !is_last => Definition::Within,
            _ if is_first => Definition::Sums(1.0),
            _ => Definition::Activated,
        }
    };
    steps.iter().enumerate().map(definition).collect()
}

/// Works out the right values.
///
/// # Shapes
/// `input`: as many values as the network takes, not prepared yet.
/// # Errors
/// [`EvalError`], if the circuit doesn't fit itself: a defect of the evaluator.
pub fn truth(
    network: &Network,
    circuit: &Circuit<Plain>,
    steps: &[Step],
    input: &[f64],
) -> Result<Truth, EvalError> {
    let prepare = |&value: &f64| network.preparation.apply(value);
    let prepared: Vec<f64> = input.iter().map(prepare).collect();
    let sums = network.trace(&prepared);
    let mut operations = Vec::with_capacity(steps.len());
    let found = circuit.outputs(input, |at, made| {
        let values = steps[at].slots.iter().map(|&slot| made.slots[slot].re);
        operations.push(values.collect::<Vec<f64>>());
    })?;
    let outputs = network.evaluate(&prepared);
    let mut circuit_error = largest_difference(&found, &outputs);
    let defined = definitions(network, steps).into_iter().zip(steps);
    for (values, (definition, step)) in operations.iter_mut().zip(defined) {
        let (layer, sums) = (&network.layers[step.layer], &sums[step.layer]);
        let right: Vec<f64> = match definition {
            Definition::Sums(factor) => sums.iter().map(|sum| sum * factor).collect(),
            Definition::Activated => sums
                .iter()
                .map(|&sum| layer.activation.apply(sum))
                .collect(),
            Definition::Within => continue,
        };
        circuit_error = circuit_error.max(largest_difference(values, &right));
        *values = right;
    }
    Ok(Truth {
        operations,
        outputs,
        circuit_error,
    })
}

/// Infinite for numbers that can't be compared.
fn largest_difference(left: &[f64], right: &[f64]) -> f64 {
    if left.len() != right.len() {
        return f64::INFINITY;
    }
    let differences = left.iter().zip(right).map(|(a, b)| (a - b).abs());
    differences.fold(0.0, f64::max)
}
