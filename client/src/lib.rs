//! The half of Inkveil that holds the secret key.
//!
//! Key generation, encryption, decryption and the steps of a session; pure Rust, for the browser
//! and for the command line. Knows the secret key and the drawing; knows no weights and no
//! network.
//!
//! **Invariant:** the secret leaves this crate only into a file that its owner asked for, is wiped
//! when dropped, and nothing that is sampled or decrypted branches on it. Randomness comes from
//! the platform's generator, and its failure is an error.

mod bulk;
mod decryption;
mod encryption;
mod error;
mod evaluation_keys;
mod logits;
pub mod manners;
pub mod models;
#[cfg(feature = "pictures")]
pub mod pictures;
mod plan;
mod randomness;
#[cfg(test)]
mod sample;
mod sampling;
pub mod sealed;
mod secret;
pub mod token;

pub use encryption::Plaintext;
pub use error::ClientError;
pub use evaluation_keys::EvaluationKeyPieces;
pub use logits::Logits;
pub use plan::Plan;
pub use randomness::SecretSeed;
pub use secret::ClientKeys;
