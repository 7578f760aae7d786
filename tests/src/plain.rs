//! Plain inference, the truth that encrypted logits are measured against: of an ONNX file by tract,
//! of a network by the definition of its layers.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use evaluator::network::{Activation, Network, Term};
use tract_onnx::prelude::*;

/// A model that runs on plain values.
pub struct PlainModel {
    model: Arc<TypedRunnableModel>,
    shape: Vec<usize>,
}

impl PlainModel {
    /// Loads an ONNX file for one input of these sizes, without the batch, in tract's optimised
    /// form.
    ///
    /// # Errors
    /// What the operating system, or tract, says of the file.
    pub fn load(path: &Path, shape: &[usize]) -> Result<Self> {
        let bytes = fs::read(path).with_context(|| path.display().to_string())?;
        let shape: Vec<usize> = [1].iter().chain(shape).copied().collect();
        let model = typed(&bytes, &shape)?.into_optimized()?;
        Self::new(model, &shape)
    }

    /// Reads an ONNX file for one input of these sizes, the batch of 1 first. It is not optimised:
    /// tract 0.23.9 can't generate code for a product of an input with a single output.
    ///
    /// # Errors
    /// What tract says of the file.
    pub fn read(bytes: &[u8], shape: &[usize]) -> Result<Self> {
        Self::new(typed(bytes, shape)?, shape)
    }

    fn new(model: TypedModel, shape: &[usize]) -> Result<Self> {
        Ok(Self {
            model: model.into_runnable()?,
            shape: shape.to_vec(),
        })
    }

    /// The logits of one input.
    ///
    /// # Errors
    /// What tract says.
    pub fn logits(&self, values: &[f32]) -> Result<Vec<f64>> {
        let input = Tensor::from_shape(&self.shape, values)?;
        let output = self.model.run(tvec!(input.into()))?;
        let logits = output[0].to_plain_array_view::<f32>()?;
        Ok(logits.iter().map(|&logit| f64::from(logit)).collect())
    }
}

fn typed(mut bytes: &[u8], shape: &[usize]) -> Result<TypedModel> {
    let mut model = onnx().model_for_read(&mut bytes)?;
    model.set_input_fact(0, f32::fact(shape).into())?;
    model.into_typed()
}

/// What a network computes, from the definition of its layers.
#[must_use]
pub fn by_definition(network: &Network, input: &[f64]) -> Vec<f64> {
    let mut values = vec![input.to_vec()];
    for layer in &network.layers {
        let value = |row: usize| {
            let dot = |term: &Term| {
                let products = values[term.of.0].iter().enumerate();
                products
                    .map(|(column, x)| term.matrix.get(row, column) * x)
                    .sum::<f64>()
            };
            let sum = layer.terms.iter().map(dot).sum::<f64>() + layer.bias[row];
            match &layer.activation {
                Activation::Identity => sum,
                Activation::Square => sum * sum,
                Activation::Polynomial(polynomial) => {
                    // T_k(cos θ) = cos kθ, and cosh outside of ±1.
                    let t = sum / polynomial.range();
                    let chebyshev = |k: i32| match t {
                        _ if t.abs() <= 1.0 => (f64::from(k) * t.acos()).cos(),
                        _ => t.signum().powi(k) * (f64::from(k) * t.abs().acosh()).cosh(),
                    };
                    let terms = (0..).zip(polynomial.coefficients());
                    terms
                        .map(|(k, coefficient)| coefficient * chebyshev(k))
                        .sum()
                }
            }
        };
        values.push((0..layer.values()).map(value).collect());
    }
    values.pop().unwrap_or_default()
}
