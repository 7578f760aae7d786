//! From steps to layers: what is linear and meets becomes one.

use super::graph::Walked;
use super::trace::{Action, Bias, Encrypted, Value};
use super::{ImportProblem, MAX_WEIGHTS, Refusal};
use crate::network::{Layer, Linear};

/// Most multiplications that merging two layers may take.
const MAX_MERGE: usize = 1 << 34;

/// The layers that lead to the output, and how many classes it has.
pub fn layers(walked: Walked<'_>, output: &str) -> Result<(Vec<Layer>, usize), ImportProblem> {
    let wrong = |reason| ImportProblem::Output {
        name: output.to_owned(),
        reason,
    };
    let Encrypted { shape, step } = match walked.values.get(output) {
        Some(Value::Encrypted(value)) => value.clone(),
        Some(_) => return Err(wrong("does not depend on the image".to_owned())),
        None => return Err(wrong("is not made by any node".to_owned())),
    };
    let classes = match shape.split_last() {
        Some((&classes, batch)) if batch.iter().all(|&size| size == 1) => classes,
        _ => return Err(wrong(format!("has shape {shape:?}"))),
    };
    let mut folded = Folded::default();
    for action in walked.trace.into_path(step) {
        folded
            .push(action)
            .map_err(|refusal| ImportProblem::Nodes(vec![refusal]))?;
    }
    let layers = folded
        .finish()
        .map_err(|refusal| ImportProblem::Nodes(vec![refusal]))?;
    if layers.is_empty() {
        return Err(wrong("is the image itself".to_owned()));
    }
    Ok((layers, classes))
}

#[derive(Default)]
struct Folded {
    layers: Vec<Layer>,
    /// Added behind a layer that can't take it; the next linear one can.
    waiting: Option<Bias>,
}

impl Folded {
    fn push(&mut self, action: Action) -> Result<(), Refusal> {
        match action {
            Action::Bias(bias) => {
                self.add(bias);
                Ok(())
            }
            Action::Linear(linear) => self.multiply(linear),
            Action::Square => {
                self.check_nothing_waits()?;
                self.layers.push(Layer::Square);
                Ok(())
            }
        }
    }

    fn finish(self) -> Result<Vec<Layer>, Refusal> {
        self.check_nothing_waits()?;
        Ok(self.layers)
    }

    fn add(&mut self, bias: Bias) {
        let sum = match (self.layers.last_mut(), &mut self.waiting) {
            (Some(Layer::Linear(linear)), _) => &mut linear.bias,
            (_, Some(waiting)) => &mut waiting.values,
            (_, none) => {
                *none = Some(bias);
                return;
            }
        };
        sum.iter_mut()
            .zip(&bias.values)
            .for_each(|(sum, value)| *sum += value);
    }

    fn multiply(&mut self, mut linear: Linear) -> Result<(), Refusal> {
        if let Some(waiting) = self.waiting.take() {
            apply_to(&linear.weights, &waiting.values, &mut linear.bias);
        }
        match self.layers.split_last_mut() {
            Some((Layer::Linear(before), others)) => {
                let taken = others.iter().map(weights_of).sum();
                *before = merge(before, &linear, MAX_WEIGHTS.saturating_sub(taken))?;
            }
            _ => self.layers.push(Layer::Linear(linear)),
        }
        Ok(())
    }

    fn check_nothing_waits(&self) -> Result<(), Refusal> {
        let Some(waiting) = &self.waiting else {
            return Ok(());
        };
        Err(Refusal {
            node: waiting.name.clone(),
            op: "Add".to_owned(),
            reason: "a constant is added where no linear layer stands next to it".to_owned(),
            instead: Some("put the Add before or behind a Gemm or MatMul"),
        })
    }
}

fn weights_of(layer: &Layer) -> usize {
    match layer {
        Layer::Linear(linear) => linear.weights.len(),
        Layer::Square => 0,
    }
}

/// `second ∘ first`, with so many weights at most.
fn merge(first: &Linear, second: &Linear, most: usize) -> Result<Linear, Refusal> {
    let (rows, columns) = (second.rows, first.columns);
    let count = rows.checked_mul(columns).filter(|&count| count <= most);
    let work = count.and_then(|count| count.checked_mul(first.rows));
    let Some((count, _)) = count.zip(work.filter(|&work| work <= MAX_MERGE)) else {
        return Err(Refusal {
            node: second.name.clone(),
            op: "Gemm or MatMul".to_owned(),
            reason: format!(
                "merging it with '{}' before it takes too many weights",
                first.name
            ),
            instead: Some("put an activation between the two layers, or make them smaller"),
        });
    };
    let mut weights = vec![0.0; count];
    let target = weights.chunks_exact_mut(columns);
    for (target, factors) in target.zip(second.weights.chunks_exact(second.columns)) {
        for (row, factor) in first.weights.chunks_exact(columns).zip(factors) {
            target
                .iter_mut()
                .zip(row)
                .for_each(|(sum, weight)| *sum += factor * weight);
        }
    }
    let mut bias = second.bias.clone();
    apply_to(&second.weights, &first.bias, &mut bias);
    let name = format!("{} + {}", first.name, second.name);
    Ok(Linear {
        name,
        rows,
        columns,
        weights,
        bias,
    })
}

/// Adds `weights · input` to `sum`.
fn apply_to(weights: &[f64], input: &[f64], sum: &mut [f64]) {
    for (sum, row) in sum.iter_mut().zip(weights.chunks_exact(input.len().max(1))) {
        *sum += row
            .iter()
            .zip(input)
            .map(|(weight, value)| weight * value)
            .sum::<f64>();
    }
}
