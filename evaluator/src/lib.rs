//! The half of Inkveil that computes on ciphertexts.
//!
//! An ONNX file is read by [`import`] into a plain [`network`]; [`circuit`] decides how it is run
//! on ciphertexts, with the homomorphic operations of [`engine`]; [`server`] offers it over HTTP, as
//! [`settings`] say.
//!
//! **Invariant:** nothing here can decrypt. No crate that this one links, not even for its tests,
//! defines a secret key, a decryptor or a key generator: `cargo tree -p evaluator` has no
//! `client`.

pub mod circuit;
pub mod engine;
pub mod import;
pub mod network;
pub mod server;
pub mod settings;
