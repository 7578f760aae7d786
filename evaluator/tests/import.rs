//! ONNX files: what comes out of them, and what is said about those that are refused.

mod accepted;
mod accepted_linear;
mod accepted_polynomial;
pub mod model;
mod plain;
mod property;
mod refused;
mod refused_nodes;
mod trained;
