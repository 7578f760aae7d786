//! A network as the circuit sees it: what `import` makes and `circuit` takes.
//!
//! Knows plain linear algebra; knows neither ONNX nor ciphertexts.
//!
//! **Invariant:** the layers are in evaluation order and fit: each [`Term`] reads the image or an
//! earlier layer and has as many columns as that has values, and as many rows as its layer has. All
//! layers but the last have an activation, so no two linear maps meet; the last one has one only in
//! the prefix of a network.

mod chebyshev;
mod matrix;
pub mod samples;

pub use chebyshev::Chebyshev;
pub use matrix::{Matrix, TooManyWeights};

use shared::api::Preparation;

/// A feed-forward network: a graph without cycles of linear layers, each with an activation.
#[derive(Clone, Debug, PartialEq)]
pub struct Network {
    /// Sizes of the input without the batch, such as 1×28×28.
    pub input_shape: Vec<usize>,
    /// What happens to an input before it is encrypted.
    pub preparation: Preparation,
    /// The layers; the last one's values are the logits.
    pub layers: Vec<Layer>,
    /// Names of the outputs.
    pub classes: Vec<String>,
    /// Largest magnitude of a logit that has to fit, if the file states it.
    pub logit_bound: Option<f64>,
    /// Bits of the logits that have to be right, if the file states them: log2 of their size over
    /// their error, both root mean square.
    pub precision_bits: Option<f64>,
    /// What the file would do to the logits in the end, such as `Softmax`; a client can.
    pub left_to_client: Option<String>,
    /// One sentence for people, from the file's `doc_string`.
    pub description: String,
}

/// The sum of linear maps of earlier values and a bias, and an activation of that.
#[derive(Clone, Debug, PartialEq)]
pub struct Layer {
    /// Names of the ONNX nodes it came from, for messages.
    pub name: String,
    /// Sizes of its values, such as channels × rows × columns.
    pub shape: Vec<usize>,
    /// What is added up; at least one.
    pub terms: Vec<Term>,
    /// One for each value.
    pub bias: Vec<f64>,
    /// What is done to each value.
    pub activation: Activation,
}

/// A linear map of one earlier value.
#[derive(Clone, Debug, PartialEq)]
pub struct Term {
    /// What it reads; no two terms of a layer read the same.
    pub of: ValueId,
    /// One row for each value of the layer.
    pub matrix: Matrix,
}

/// What a term reads: 0 is the image, `i + 1` is layer `i` behind its activation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ValueId(pub usize);

impl ValueId {
    /// The image.
    pub const IMAGE: Self = Self(0);

    /// The layer that makes it; none for the image.
    #[must_use]
    pub fn layer(self) -> Option<usize> {
        self.0.checked_sub(1)
    }
}

/// What is done to each value of a layer.
#[derive(Clone, Debug, PartialEq)]
pub enum Activation {
    /// Nothing: the last layer.
    Identity,
    /// `x²`.
    Square,
    /// A polynomial of degree 3 or more.
    Polynomial(Chebyshev),
}

impl Activation {
    /// Its value at `x`.
    #[must_use]
    pub fn apply(&self, x: f64) -> f64 {
        match self {
            Self::Identity => x,
            Self::Square => x * x,
            Self::Polynomial(polynomial) => polynomial.evaluate(x),
        }
    }
}

impl Layer {
    /// Number of its values.
    #[must_use]
    pub fn values(&self) -> usize {
        self.bias.len()
    }

    /// Its values in front of the activation.
    ///
    /// # Shapes
    /// `values`: the image and every earlier layer's values behind its activation.
    #[must_use]
    pub fn sums(&self, values: &[Vec<f64>]) -> Vec<f64> {
        let mut sums = self.bias.clone();
        for term in &self.terms {
            if let Some(values) = values.get(term.of.0) {
                term.matrix.add_product(values, &mut sums);
            }
        }
        sums
    }
}

impl Network {
    /// Values of the input.
    #[must_use]
    pub fn inputs(&self) -> usize {
        self.input_shape.iter().product()
    }

    /// What each layer computes in front of its activation, on plain numbers; the last one's are the
    /// logits.
    ///
    /// # Shapes
    /// `input`: as many prepared values as the network takes.
    #[must_use]
    pub fn trace(&self, input: &[f64]) -> Vec<Vec<f64>> {
        let mut values = vec![input.to_vec()];
        let mut sums = Vec::with_capacity(self.layers.len());
        for layer in &self.layers {
            let before = layer.sums(&values);
            values.push(before.iter().map(|&x| layer.activation.apply(x)).collect());
            sums.push(before);
        }
        sums
    }

    /// Steps that `inspect` counts: each layer, and each activation.
    #[must_use]
    pub fn steps(&self) -> usize {
        let active = |layer: &&Layer| layer.activation != Activation::Identity;
        self.layers.len() + self.layers.iter().filter(active).count()
    }

    /// The network of the first steps only, whose values are its output; nothing for no step or more
    /// than there are.
    ///
    /// Layer `i` is step `2i`, its activation step `2i + 1`.
    #[must_use]
    pub fn prefix(&self, steps: usize) -> Option<Self> {
        if !(1..=self.steps()).contains(&steps) {
            return None;
        }
        let mut layers = self.layers[..steps.div_ceil(2)].to_vec();
        let last = layers.last_mut()?;
        if steps % 2 == 1 {
            last.activation = Activation::Identity;
        }
        let classes = (0..last.values()).map(|value| value.to_string()).collect();
        let whole = steps == self.steps();
        Some(Self {
            layers,
            classes: if whole { self.classes.clone() } else { classes },
            logit_bound: self.logit_bound.filter(|_| whole),
            precision_bits: self.precision_bits,
            input_shape: self.input_shape.clone(),
            preparation: self.preparation,
            left_to_client: self.left_to_client.clone().filter(|_| whole),
            description: self.description.clone(),
        })
    }

    /// The logits, on plain numbers.
    ///
    /// # Shapes
    /// As [`Network::trace`].
    #[must_use]
    pub fn evaluate(&self, input: &[f64]) -> Vec<f64> {
        let sums = self.trace(input).pop().unwrap_or_default();
        let activation = self.layers.last().map(|layer| &layer.activation);
        let apply = |x| activation.map_or(x, |activation| activation.apply(x));
        sums.into_iter().map(apply).collect()
    }
}
