//! The evaluator from outside: ONNX files against another runtime, and the service's replies.
//!
//! Nothing here has a secret key; what needs one is in the `tests` crate.

mod cli;
mod import;
mod server;
