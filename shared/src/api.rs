//! What travels as JSON between the page (or the command line) and the evaluator.
//!
//! Knows names and shapes; knows neither weights nor key material. Ciphertexts and evaluation
//! keys travel as `application/octet-stream` in the formats of [`crate::wire`].
//!
//! **Invariant:** a reply says what a client needs to take part and nothing about the weights.

mod layers;

use serde::{Deserialize, Serialize};

pub use layers::{LayerRange, LayerRangeError};

use crate::packing::{InputPacking, OutputPacking};
use crate::params::ParameterSpec;
use crate::ring::Level;

/// The version in every route; raised when a message changes its meaning.
pub const API_VERSION: u32 = 1;

/// Prefix of every versioned route.
pub const API_PREFIX: &str = "/api/v1";

/// Media type of ciphertexts and evaluation keys.
pub const OCTET_STREAM: &str = "application/octet-stream";

/// Media type of errors, RFC 9457.
pub const PROBLEM_JSON: &str = "application/problem+json";

/// Reply to `GET models`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ModelList {
    /// Version of the protocol, [`API_VERSION`].
    pub api_version: u32,
    /// The models in alphabetical order of their ids.
    pub models: Vec<ModelSummary>,
}

/// One line of [`ModelList`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ModelSummary {
    /// Name used in routes: the ONNX file's name without its ending.
    pub id: String,
    /// One sentence for people.
    pub description: String,
    /// Sizes of the input, as [`InputSpec::shape`] says them; empty if the service doesn't tell.
    #[serde(default)]
    pub input_shape: Vec<usize>,
}

/// Reply to `GET models/{id}`: everything a client needs to use a model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ModelInfo {
    /// Version of the protocol, [`API_VERSION`].
    pub api_version: u32,
    /// Name used in routes.
    pub id: String,
    /// The layers that are evaluated, where that isn't all of them: the outputs are what those
    /// compute then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, example = "0..3"))]
    pub layers: Option<LayerRange>,
    /// One sentence for people.
    pub description: String,
    /// Ring and primes; the client checks them before it trusts them.
    pub parameters: ParameterSpec,
    /// What the client encrypts.
    pub input: InputSpec,
    /// What the client gets back.
    pub output: OutputSpec,
    /// The evaluation keys the circuit uses.
    pub keys: KeySpec,
    /// How many images are sent at once, where the circuit has a way for that.
    #[serde(default)]
    pub bulk: Option<BulkSpec>,
}

/// How a client encodes many images, and reads the answers: an image in each slot. It takes no keys.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct BulkSpec {
    /// Most images in a request: the slots.
    pub images: usize,
    /// The inputs that the network reads, in ascending order: one ciphertext for each.
    pub inputs: Vec<usize>,
    /// Level the ciphertexts are made at.
    pub level: Level,
    /// Scale the pixels are encoded at.
    pub scale: f64,
    /// What a logit is multiplied by in the reply.
    pub reply_scale: f64,
    /// log2 of the reply's modulus.
    pub log_modulus: u32,
    /// Largest magnitude the logits may have before they wrap around the modulus.
    pub bound: f64,
}

/// How a client encodes one input.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct InputSpec {
    /// Sizes of the input without the batch, such as 1×28×28 for a grey image, whose pixels are in
    /// `[0, 1]`, with ink 1.
    pub shape: Vec<usize>,
    /// What happens to the input before it is encoded.
    #[serde(default)]
    pub preparation: Preparation,
    /// Where each pixel sits.
    pub packing: InputPacking,
    /// Scale the pixels are encoded at.
    pub scale: f64,
    /// Level the ciphertext is made at.
    pub level: Level,
}

/// What a client does to an input before it encodes it. Normalisation is no part of it: that is
/// folded into the first layer's weights.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Preparation {
    /// Values of at least this become 1 and all others 0; without it they stay as they are.
    #[serde(default)]
    pub threshold: Option<f64>,
}

impl Preparation {
    /// The prepared value.
    #[must_use]
    pub fn apply(&self, value: f64) -> f64 {
        match self.threshold {
            Some(threshold) => f64::from(u8::from(value >= threshold)),
            None => value,
        }
    }
}

/// How a client reads one answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct OutputSpec {
    /// Names of the classes, in the order of the logits.
    pub classes: Vec<String>,
    /// Where each logit sits.
    pub packing: OutputPacking,
    /// What a logit is multiplied by in the reply.
    pub scale: f64,
    /// log2 of the reply's modulus.
    pub log_modulus: u32,
    /// Largest magnitude a logit may have before it wraps around the modulus.
    pub bound: f64,
}

/// The evaluation keys a circuit uses, each at the level where it is used.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct KeySpec {
    /// The relinearization key, where the circuit multiplies ciphertexts.
    pub relinearization: Option<SwitchingKeySpec>,
    /// The conjugation key, where the circuit takes real parts.
    pub conjugation: Option<SwitchingKeySpec>,
    /// One Galois key per entry, in ascending order of the steps.
    pub rotations: Vec<RotationKeySpec>,
}

/// The size of a switching key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SwitchingKeySpec {
    /// The level at which it is used; see [`crate::params::Parameters::serves`] for others.
    pub level: Level,
    /// Primes in one digit.
    pub digit_primes: usize,
}

/// One Galois key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RotationKeySpec {
    /// Slots the key rotates to the left, in `1..slots`.
    pub step: u32,
    /// Its size.
    pub key: SwitchingKeySpec,
}

/// Reply to `POST sessions`, to `GET sessions/{id}` and to the last `POST uploads/{id}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SessionInfo {
    /// 128 random bits in hexadecimal.
    pub id: String,
    /// Seconds until the evaluator forgets the keys if they are not used.
    pub expires_in_s: u64,
    /// Bytes of evaluation keys held.
    pub key_bytes: u64,
}

/// Reply to `POST uploads`, and to `POST uploads/{id}` as long as keys are missing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct UploadInfo {
    /// 128 random bits in hexadecimal.
    pub id: String,
    /// Seconds until the evaluator forgets what has come if nothing else comes.
    pub expires_in_s: u64,
    /// Keys that have not come yet.
    pub missing_keys: u32,
}

/// An error reply, RFC 9457.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Problem {
    /// Stable identifier, a relative URI such as `/problems/session-gone`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The kind of error, in words that don't change.
    pub title: String,
    /// HTTP status code.
    pub status: u16,
    /// What was wrong this time, where, and what would be right.
    pub detail: String,
}

/// [`Problem::kind`] of a session that expired, was evicted or never was: upload the keys again.
pub const PROBLEM_SESSION_GONE: &str = "/problems/session-gone";

/// [`Problem::kind`] of a model that the service doesn't have.
pub const PROBLEM_UNKNOWN_MODEL: &str = "/problems/unknown-model";

/// [`Problem::kind`] of an upload in parts that expired, was evicted or never was: begin again.
pub const PROBLEM_UPLOAD_GONE: &str = "/problems/upload-gone";
