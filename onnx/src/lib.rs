//! The ONNX file format: messages, reader, writer.
//!
//! Knows the protobuf messages that feed-forward networks need and how a tensor's numbers are
//! stored; knows no operator, no shape rule and nothing encrypted. What a node *means* is decided
//! where a network is imported. Fields that aren't listed in [`messages`] are skipped on reading.
//!
//! **Invariant:** whatever [`read`] returns is consistent: every tensor, of an initializer or an
//! attribute, has exactly as many numbers as its dimensions say, all of them finite, and no more
//! than [`Limits`] allows. Bad bytes are an error that names the tensor; they never panic. Proven
//! by `tests/onnx/bad_files.rs`.

mod error;
mod limits;
pub mod messages;
mod reader;
mod writer;

pub use error::{OnnxError, TensorError};
pub use limits::Limits;
pub use reader::{Model, Tensor, TensorData, read, read_with_limits};
pub use writer::write;
