//! Plain inference, the truth that encrypted logits are measured against: of an ONNX file by tract,
//! of a network by the definition of its layers.

use std::path::Path;

use anyhow::Result;
use evaluator::network::{Layer, Network};
use tract_onnx::prelude::*;

/// A model that runs on plain pixels.
pub struct PlainModel(Arc<TypedRunnableModel>);

impl PlainModel {
    /// Loads an ONNX file for one image of this many rows and columns.
    ///
    /// # Errors
    /// What tract says of the file.
    pub fn load(path: &Path, shape: [usize; 2]) -> Result<Self> {
        let input = f32::fact([1, 1, shape[0], shape[1]]);
        let model = onnx()
            .model_for_path(path)?
            .with_input_fact(0, input.into())?
            .into_optimized()?
            .into_runnable()?;
        Ok(Self(model))
    }

    /// The logits of one image.
    ///
    /// # Errors
    /// What tract says.
    pub fn logits(&self, pixels: &[f32], shape: [usize; 2]) -> Result<Vec<f64>> {
        let input = Tensor::from_shape(&[1, 1, shape[0], shape[1]], pixels)?;
        let output = self.0.run(tvec!(input.into()))?;
        let logits = output[0].to_plain_array_view::<f32>()?;
        Ok(logits.iter().map(|&logit| f64::from(logit)).collect())
    }
}

/// What a network computes, from the definition of its layers.
#[must_use]
pub fn by_definition(network: &Network, input: &[f64]) -> Vec<f64> {
    let layer = |x: Vec<f64>, layer: &Layer| match layer {
        Layer::Square => x.iter().map(|x| x * x).collect(),
        Layer::Linear(linear) => {
            let rows = linear.weights.chunks(linear.columns).zip(&linear.bias);
            let dot = |row: &[f64]| row.iter().zip(&x).map(|(w, x)| w * x).sum::<f64>();
            rows.map(|(row, bias)| dot(row) + bias).collect()
        }
    };
    network.layers.iter().fold(input.to_vec(), layer)
}
