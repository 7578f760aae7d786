//! An ONNX file becomes a [`Network`].
//!
//! Knows what ONNX operators mean for one image; knows no ciphertext, no level and no packing.
//! Each operator has a file of its own in [`ops`]. While the graph is walked, linear steps and
//! squares are only written down ([`trace`]); afterwards neighbouring linear steps become one
//! layer ([`fold`]).
//!
//! **Invariant:** a network that comes out computes what the file says, for one image; what can't
//! be evaluated is refused, all of it at once, each by its node's name with the reason and a way
//! out. Bytes from outside never panic here, and sizes are checked before anything of that size is
//! allocated.
#![deny(
    clippy::panic,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects
)]

mod boundary;
mod error;
mod fold;
mod graph;
mod ops;
mod trace;

pub use error::{ImportError, ImportProblem, Refusal};

use crate::network::Network;

/// Oldest version of the standard operators whose meaning is the one that [`ops`] implements.
const OLDEST_OPSET: i64 = 7;

/// Most values that one image, or what it becomes on the way, may have.
const MAX_VALUES: usize = 1 << 16;

/// Most weights of all nodes together, and of all layers together whenever two are merged.
const MAX_WEIGHTS: usize = 1 << 24;

/// Bound on the logits of a file that states none.
const DEFAULT_LOGIT_BOUND: f64 = 64.0;

/// Largest bound that a file may state.
const MAX_LOGIT_BOUND: f64 = 1e6;

/// Metadata property that states the bound on the logits.
const LOGIT_BOUND: &str = "inkveil.logit_bound";

/// Most characters of a file's description that are kept.
const MAX_DESCRIPTION: usize = 300;

/// Reads the network in `bytes`; `file` is the name that messages use.
///
/// # Errors
/// What is wrong with the file, or every node that can't be evaluated.
pub fn import(file: &str, bytes: &[u8]) -> Result<Network, ImportError> {
    read(bytes).map_err(|problem| ImportError {
        file: file.to_owned(),
        problem,
    })
}

fn read(bytes: &[u8]) -> Result<Network, ImportProblem> {
    let model = onnx::read(bytes)?;
    if model.opset < OLDEST_OPSET {
        return Err(ImportProblem::Opset {
            found: model.opset,
            oldest: OLDEST_OPSET,
        });
    }
    let input = boundary::input(&model)?;
    let output = boundary::output(&model)?;
    let logit_bound = boundary::logit_bound(&model)?;
    let walked = graph::walk(&model, &input)?;
    let (layers, classes) = fold::layers(walked, output)?;
    Ok(Network {
        input_shape: input.image,
        layers,
        classes: (0..classes).map(|class| class.to_string()).collect(),
        logit_bound,
        description: boundary::description(&model),
    })
}
