//! What can go wrong on the client's side.

use shared::encoding::EncodingError;
use shared::packing::PackingError;
use shared::params::ParameterError;
use shared::ring::{Level, RingError};
use shared::wire::WireError;
use thiserror::Error;

/// Errors of this crate.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum ClientError {
    /// The platform gave no random bytes; there is no fallback.
    #[error("the platform's random generator failed: {0}")]
    Randomness(String),
    /// The service speaks another version of the protocol.
    #[error(
        "the service speaks version {found} of the protocol, this client version {expected}; reload or update"
    )]
    ApiVersion {
        /// The service's version.
        found: u32,
        /// This client's version.
        expected: u32,
    },
    /// The service proposed parameters that are not safe or not sound.
    #[error(transparent)]
    Parameters(#[from] ParameterError),
    /// The service proposed a packing that doesn't fit.
    #[error(transparent)]
    Packing(#[from] PackingError),
    /// The service proposed a level that the parameters don't have.
    #[error("{what} is at level {}, the highest of the parameter set is {}", found.0, highest.0)]
    Level {
        /// What the level is of.
        what: &'static str,
        /// Level proposed.
        found: Level,
        /// Top level.
        highest: Level,
    },
    /// The service proposed a scale that can't be used.
    #[error("{what} has scale {found:e}; a finite number from 1 to 2^200 is needed")]
    Scale {
        /// What the scale is of.
        what: &'static str,
        /// Scale proposed.
        found: f64,
    },
    /// The service proposed an input whose size is beyond all numbers.
    #[error("the input has sizes {shape:?}, more values than can be counted")]
    Shape {
        /// Sizes proposed.
        shape: Vec<usize>,
    },
    /// The service proposed a threshold that no pixel could be compared with.
    #[error("the input's values are to be compared with {found}; a number from 0 to 1 is needed")]
    Threshold {
        /// Threshold proposed.
        found: f64,
    },
    /// The service proposed a ring that takes more memory than is reasonable.
    #[error(
        "the service's parameters take {found} numbers to compute with; at most {most} are kept"
    )]
    RingTooLarge {
        /// Numbers of tables and secret key.
        found: u64,
        /// Most that are kept.
        most: u64,
    },
    /// The service asked for more keys than are reasonable.
    #[error("the service asks for keys of {found} residues; at most {most} are made")]
    KeysTooLarge {
        /// Residues asked for.
        found: u64,
        /// Most that are made.
        most: u64,
    },
    /// The service asked for rotation keys that don't exist, or out of order.
    #[error("the service asks for a rotation key by {step}; steps must ascend within 1..{slots}")]
    Step {
        /// Step asked for.
        step: u32,
        /// Slots of the parameter set.
        slots: usize,
    },
    /// The service asked for digits of no primes, or of more than there are.
    #[error("the service asks for keys with digits of {found} primes; 1 to {most} are possible")]
    Digits {
        /// Primes in a digit.
        found: usize,
        /// Primes of the parameter set's Q.
        most: usize,
    },
    /// The model has no way for many images at once.
    #[error("model {model} takes no bulk requests; send its images in batches")]
    NoBulk {
        /// The model's id.
        model: String,
    },
    /// None, or more images than a bulk request holds; or the service proposed so.
    #[error("{found} images in a bulk request; 1 to {most} are possible")]
    BulkImages {
        /// Images given.
        found: usize,
        /// Most that there is room for.
        most: usize,
    },
    /// The service asked for no inputs, or for more than are reasonable.
    #[error("the service asks for {found} ciphertexts in a bulk request; 1 to {most} are made")]
    BulkInputs {
        /// Ciphertexts asked for.
        found: usize,
        /// Most that are made.
        most: usize,
    },
    /// The service asked for inputs out of order, or for one twice.
    #[error("the inputs of a bulk request must ascend")]
    BulkOrder,
    /// The input can't be encoded.
    #[error(transparent)]
    Encoding(#[from] EncodingError),
    /// The reply, or a file, can't be read.
    #[error(transparent)]
    Wire(#[from] WireError),
    /// The reply is a ciphertext, but not the one the model's description promises.
    #[error(
        "the reply is modulo 2^{found} and has scale 2^{found_scale:.2}, the model's description says 2^{expected} and 2^{expected_scale:.2}"
    )]
    Reply {
        /// log2 of the modulus found.
        found: u32,
        /// log2 of the scale found.
        found_scale: f64,
        /// log2 of the modulus promised.
        expected: u32,
        /// log2 of the scale promised.
        expected_scale: f64,
    },
    /// A reply to somebody else's request.
    #[error(
        "decrypts to noise: what is zero in every reply is {found:.1}; this is not the secret key \
         or not the model that it was made with"
    )]
    Noise {
        /// What stood there.
        found: f64,
    },
    /// A reply that no 32-bit number could hold.
    #[error("the model's description says replies are modulo 2^{found}; 1 to 32 bits are possible")]
    ReplyModulus {
        /// log2 of the modulus promised.
        found: u32,
    },
    /// The service proposed a reply in slots that the parameter set's moduli can't be decrypted with.
    #[error(
        "a reply in slots takes {needed} bits of modulus to decrypt; the parameter set has less"
    )]
    ReplyTooWide {
        /// Bits needed.
        needed: u32,
    },
    /// Polynomials that don't belong together; a defect of this crate.
    #[error(transparent)]
    Ring(#[from] RingError),
}
