//! Small models made for tests, as files.
//!
//! **Invariant:** the same name gives the same file each time.

use std::fs;
use std::path::Path;

use anyhow::Result;
use onnx::messages::{
    AttributeProto, Dimension, GraphProto, ModelProto, NodeProto, OperatorSetIdProto,
    StringStringEntryProto, TensorProto, ValueInfoProto,
};
use tempfile::TempDir;

use crate::root;

const OPSET: i64 = 17;
const IR_VERSION: i64 = 8;
const HIDDEN: usize = 16;
const CLASSES: usize = 10;

/// A network of two layers with a square between them.
#[derive(Clone, Copy, Debug)]
pub struct Sample {
    /// The model's id.
    pub id: &'static str,
    /// Its sentence.
    pub description: &'static str,
    /// Sizes of its input.
    pub shape: [usize; 3],
    /// The class that it says whatever it sees.
    pub says: usize,
    /// What pixels are compared with.
    pub threshold: Option<f64>,
}

/// Says three.
pub const THREES: Sample = Sample {
    id: "threes",
    description: "Says three, whatever is drawn.",
    shape: [1, 28, 28],
    says: 3,
    threshold: None,
};

/// Says five, of pixels that are black or white.
pub const FIVES: Sample = Sample {
    id: "fives",
    description: "Says five of pixels that are black or white.",
    shape: [1, 28, 28],
    says: 5,
    threshold: Some(0.5),
};

/// Takes no drawings.
pub const PHOTOS: Sample = Sample {
    id: "photos",
    description: "Takes small colour photographs.",
    shape: [3, 8, 8],
    says: 1,
    threshold: None,
};

impl Sample {
    /// Writes the model into a directory.
    ///
    /// # Errors
    /// If the file can't be written.
    pub fn save(&self, directory: &Path) -> Result<()> {
        let path = directory.join(format!("{}.onnx", self.id));
        Ok(fs::write(path, onnx::write(&self.model()))?)
    }

    fn model(&self) -> ModelProto {
        let inputs: usize = self.shape.iter().product();
        // Weights that look random and are small, so that the bias decides.
        let number = |at: usize| ((at * 7919 % 101) as f32 - 50.0) / 50.0;
        let matrix = |name: &str, rows: usize, columns: usize, largest: f32| {
            let values: Vec<f32> = (0..rows * columns).map(|at| number(at) * largest).collect();
            TensorProto::floats(name, &[rows as i64, columns as i64], &values)
        };
        let bias: Vec<f32> = (0..CLASSES)
            .map(|class| if class == self.says { 6.0 } else { 0.0 })
            .collect();
        let first_bias: Vec<f32> = (0..HIDDEN).map(|unit| number(unit + 3) * 0.5).collect();
        let gemm = |name: &str, input: &str, output: &str| {
            let [weight, bias] = [format!("{name}.weight"), format!("{name}.bias")];
            let node = NodeProto::new("Gemm", name, &[input, &weight, &bias], &[output]);
            node.with(AttributeProto::int("transB", 1))
        };
        let sizes = |sizes: &[usize]| -> Vec<Dimension> {
            let batch = [Dimension::Param("batch".to_owned())];
            let known = sizes.iter().map(|&size| Dimension::Value(size as i64));
            batch.into_iter().chain(known).collect()
        };
        let flatten = NodeProto::new("Flatten", "flatten", &["image"], &["pixels"]);
        let graph = GraphProto {
            name: self.id.to_owned(),
            node: vec![
                flatten.with(AttributeProto::int("axis", 1)),
                gemm("first", "pixels", "hidden"),
                NodeProto::new("Mul", "square", &["hidden", "hidden"], &["squares"]),
                gemm("second", "squares", "logits"),
            ],
            input: vec![ValueInfoProto::float_tensor("image", &sizes(&self.shape))],
            output: vec![ValueInfoProto::float_tensor("logits", &sizes(&[CLASSES]))],
            initializer: vec![
                matrix("first.weight", HIDDEN, inputs, 0.05),
                TensorProto::floats("first.bias", &[HIDDEN as i64], &first_bias),
                matrix("second.weight", CLASSES, HIDDEN, 0.1),
                TensorProto::floats("second.bias", &[CLASSES as i64], &bias),
            ],
            ..GraphProto::default()
        };
        let threshold = self.threshold.map(|threshold| {
            StringStringEntryProto::new("inkveil.threshold", &threshold.to_string())
        });
        let bound = StringStringEntryProto::new("inkveil.logit_bound", "16");
        ModelProto {
            ir_version: IR_VERSION,
            doc_string: self.description.to_owned(),
            opset_import: vec![OperatorSetIdProto::standard(OPSET)],
            metadata_props: threshold.into_iter().chain([bound]).collect(),
            graph: Some(graph),
            ..ModelProto::default()
        }
    }
}

/// A directory with these models and the shipped fast one.
///
/// # Errors
/// If it can't be made.
pub fn beside_the_fast_one(samples: &[Sample]) -> Result<TempDir> {
    let directory = tempfile::tempdir()?;
    let name = "mnist-fast.onnx";
    fs::copy(
        root().join("models").join(name),
        directory.path().join(name),
    )?;
    for sample in samples {
        sample.save(directory.path())?;
    }
    Ok(directory)
}
