//! A network as the circuit sees it: what `import` makes and `circuit` takes.
//!
//! Knows plain linear algebra; knows neither ONNX nor ciphertexts.
//!
//! **Invariant:** neighbouring layers fit: each [`Layer::Linear`] has as many columns as the layer
//! before it has outputs, and as many biases as rows.

/// A feed-forward network in evaluation order.
#[derive(Clone, Debug, PartialEq)]
pub struct Network {
    /// Rows and columns of the grey input image.
    pub input_shape: [usize; 2],
    /// The layers; linear ones never stand next to each other.
    pub layers: Vec<Layer>,
    /// Names of the outputs.
    pub classes: Vec<String>,
    /// Largest magnitude of a logit that has to fit, from the file's metadata or the default.
    pub logit_bound: f64,
    /// One sentence for people, from the file's `doc_string`.
    pub description: String,
}

/// One step of a [`Network`].
#[derive(Clone, Debug, PartialEq)]
pub enum Layer {
    /// `y = W·x + b`.
    Linear(Linear),
    /// `y = x²`, slot by slot.
    Square,
}

/// A dense affine map.
#[derive(Clone, Debug, PartialEq)]
pub struct Linear {
    /// Name of the ONNX node it came from, for messages.
    pub name: String,
    /// Outputs.
    pub rows: usize,
    /// Inputs.
    pub columns: usize,
    /// Row-major weights, `rows × columns`.
    pub weights: Vec<f64>,
    /// One bias per row.
    pub bias: Vec<f64>,
}
