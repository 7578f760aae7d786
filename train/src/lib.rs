//! Makes the models that ship with Inkveil.
//!
//! Reads MNIST, trains on the CPU, and writes an ONNX file, a card about it and the curves of the
//! run. Drawings are prepared by [`shared::image`], the same code that prepares the page's canvas.
//! Knows plain numbers only; knows no ciphertext, no key and nothing of how a circuit is laid out,
//! except two wishes that make circuits cheap: windows of few pixels and small logits.
//!
//! **Invariant:** an exported file computes what was trained, in ordinary ONNX operators, with the
//! bound on the logits that was measured stated in its metadata. Proven by `tests/train` against
//! another runtime.

pub mod architecture;
pub mod augment;
pub mod card;
pub mod curves;
pub mod download;
pub mod evaluate;
pub mod export;
pub mod fields;
pub mod inputs;
pub mod mnist;
pub mod models;
pub mod network;
mod patches;
pub mod random;
pub mod rescale;
pub mod schedule;
pub mod statistics;
pub mod training;
pub mod weights;
