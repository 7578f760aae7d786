//! Plain inference of an ONNX file by tract: the truth that encrypted logits are measured against.

use std::path::Path;

use anyhow::Result;
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
