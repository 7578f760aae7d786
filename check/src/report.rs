//! What is written to `report.json`; the page is drawn from the same values.
//!
//! Knows names and numbers only. `docs/check.md` describes every field; a test holds the two
//! together.
//!
//! **Invariant:** what was not measured is `null`, never 0, and all numbers are finite.

use serde::{Deserialize, Serialize};
use shared::params::ParameterSpec;

/// Raised when a field changes its meaning.
pub const SCHEMA: u32 = 1;

/// Everything that was found out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// Version of this schema, [`SCHEMA`].
    pub schema: u32,
    /// What was checked.
    pub model: Model,
    /// On what.
    pub images: Images,
    /// The parameter sets, the chosen one first.
    pub sets: Vec<Set>,
    /// Why the chosen set is chosen, in a sentence.
    pub choice: String,
}

/// What was checked.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Model {
    /// The ONNX file.
    pub file: String,
    /// Sizes of the input.
    pub input_shape: Vec<usize>,
    /// Values of the output.
    pub outputs: usize,
    /// The layers that were run, in order.
    pub layers: Vec<String>,
    /// Steps that were run: each layer is one, and each activation.
    pub steps: usize,
    /// Steps of the whole network.
    pub all_steps: usize,
}

/// The inputs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Images {
    /// The file or directory.
    pub source: String,
    /// Images that were classified.
    pub count: usize,
    /// The first so many were looked at behind each operation.
    pub watched: usize,
    /// Where their labels come from.
    pub labels: Option<String>,
}

/// A parameter set and what it does.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Set {
    /// How it came about, such as `automatic choice` or `2 bits less`.
    pub role: String,
    /// Whether it is the one that the others are compared with.
    pub chosen: bool,
    /// Ring and primes; none if there is no such set.
    pub parameters: Option<Parameters>,
    /// Why it was not run.
    pub refusal: Option<Refusal>,
    /// What running it showed.
    pub measured: Option<Measured>,
}

/// A parameter set.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Parameters {
    /// What `--params` takes.
    pub spec: ParameterSpec,
    /// N, the ring degree.
    pub degree: usize,
    /// Levels; one fewer is the number of rescales.
    pub levels: usize,
    /// How secure it is.
    pub security: Security,
}

/// Bits of the largest modulus beside the 128-bit lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Security {
    /// log2(Q·P), rounded up.
    pub log2_qp: u32,
    /// The most it may be against classical attacks.
    pub classical_limit: u32,
    /// How far it is below that line.
    pub classical_margin: i32,
    /// The most it may be against quantum attacks.
    pub quantum_limit: u32,
    /// How far it is below that line; negative above it.
    pub quantum_margin: i32,
}

/// Why a set was not run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// The layer at which it would fail; none if it fails as a whole.
    pub layer: Option<String>,
    /// What would happen there.
    pub reason: String,
}

/// What running a set showed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Measured {
    /// Bytes of the evaluation keys, sent once.
    pub key_bytes: usize,
    /// Bytes of an encrypted image.
    pub upload_bytes: usize,
    /// Bytes of an encrypted answer.
    pub download_bytes: usize,
    /// Most memory of the process while it ran; only Linux tells.
    pub peak_memory_bytes: Option<u64>,
    /// Milliseconds for an image, the median.
    pub milliseconds: f64,
    /// The least.
    pub least_milliseconds: f64,
    /// Milliseconds for the keys, on the client.
    pub key_milliseconds: f64,
    /// Errors of the outputs.
    pub outputs: Errors,
    /// log2 of the root mean square of an output over that of its error.
    pub precision_bits: f64,
    /// Share of images for which the largest output is the same as on plain numbers; for whole
    /// networks.
    pub agreement: Option<f64>,
    /// Share of images whose largest output is at the label.
    pub accuracy: Option<f64>,
    /// The same on plain numbers.
    pub plain_accuracy: Option<f64>,
    /// How far the circuit on plain numbers is off the network's definition, at most.
    pub circuit_error: f64,
    /// Each operation, in order; the reply is the last.
    pub operations: Vec<Operation>,
}

/// Errors of values.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Errors {
    /// The largest.
    pub largest: f64,
    /// The mean of their magnitudes.
    pub mean: f64,
    /// Root mean square.
    pub rms: f64,
    /// Root mean square as the noise model predicts it.
    pub predicted: f64,
    /// Root mean square of the values themselves.
    pub values: f64,
    /// The largest value's magnitude.
    pub largest_value: f64,
}

/// One operation on a ciphertext, or the reply.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Operation {
    /// The layer that it is a part of.
    pub layer: String,
    /// What is done.
    pub what: String,
    /// The level of its result.
    pub level: u8,
    /// log2 of the scale of its result.
    pub log2_scale: f64,
    /// Errors of its result against plain numbers.
    pub errors: Errors,
    /// log2 of the values over their errors, both root mean square.
    pub precision_bits: f64,
    /// The noise budget.
    pub budget: Budget,
    /// Milliseconds, the median.
    pub milliseconds: f64,
    /// Rotations and conjugations; unknown for a reply in slots.
    pub rotations: Option<usize>,
    /// Whether the truth is the network's definition; else it is the circuit on plain numbers,
    /// which is held against the definition at the layer's end.
    pub by_definition: bool,
}

/// Where the bits of a modulus go. The bits of the noise, those of the values above it and those
/// left add up to those of the modulus.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Budget {
    /// log2 of the modulus.
    pub modulus_bits: f64,
    /// log2 of the modulus over twice the largest value times the scale.
    pub left_bits: f64,
    /// log2 of twice the largest error times the scale: the part of the values' bits that is noise.
    pub noise_bits: f64,
}
