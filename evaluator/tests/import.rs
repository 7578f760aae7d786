//! ONNX files: what comes out of them, and what is said about those that are refused.

mod accepted;
pub mod model;
mod plain;
mod property;
mod refused;
mod trained;
