//! Bytes to a checked model.
//!
//! Everything here meets bytes from outside, so nothing here may panic.
#![deny(
    clippy::panic,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects
)]

mod attribute;
mod model;
mod tensor;

pub use model::{Model, read, read_with_limits};
pub use tensor::{Tensor, TensorData};
