//! What Inkveil's client and evaluator must agree on.
//!
//! Rings, parameter sets, slot encoding, the formats of ciphertexts and evaluation keys, where a
//! pixel and a logit sit in the slots, how a drawing becomes 28×28 numbers, and the words the two
//! sides exchange over HTTP.
//!
//! **Invariant:** nothing here knows a secret key. There is no type for one, no way to make one
//! and no way to decrypt, so linking this crate can't let the evaluator see a drawing.

pub mod params;
pub mod ring;

pub mod ciphertext;
pub mod encoding;
pub mod keys;
pub mod wire;

pub mod idx;
pub mod image;
pub mod packing;

pub mod api;
