//! An ONNX file becomes a [`Network`].
//!
//! Knows what ONNX operators mean for one image; knows no ciphertext, no level and no packing.
//! Each operator has a file of its own in `ops`. While the graph is walked, values are kept as
//! polynomials of linear maps (`trace`), which become layers where something linear reads them
//! (`lower`); in the end the layers that the output needs are put together (`fold`).
//!
//! **Invariant:** a network that comes out computes what the file says, for one image, but for
//! activations that were to be replaced; what can't be evaluated is refused, all of it at once,
//! each by its node's name with the reason and a way out. Bytes from outside never panic here, and
//! sizes are checked before anything of that size is allocated.
#![deny(
    clippy::panic,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects
)]

mod approximate;
mod boundary;
pub mod calibration;
mod error;
mod fold;
mod graph;
mod lower;
mod ops;
mod polynomial;
mod samples;
mod trace;

pub use approximate::{Approximated, Approximation, Function, NoApproximation};
pub use error::{ImportError, ImportProblem, Refusal};

use crate::network::Network;
use samples::Samples;

/// Oldest version of the standard operators whose meaning is the one that [`ops`] implements.
const OLDEST_OPSET: i64 = 7;

/// Most values that one image, or what it becomes on the way, may have.
const MAX_VALUES: usize = 1 << 16;

/// Most weights of all nodes together, and of all linear maps together after merging.
const MAX_WEIGHTS: usize = 1 << 24;

/// Most multiplications that merging linear maps may take, all together.
const MAX_PRODUCTS: usize = 1 << 31;

/// Highest degree of a polynomial.
const MAX_DEGREE: usize = 32;

/// Most axes of a value.
const MAX_AXES: usize = 8;

/// Most bytes of the names of nodes that a layer came from.
const MAX_NAME: usize = 200;

/// Largest bound on the logits that a file may state.
const MAX_LOGIT_BOUND: f64 = 1e6;

/// Metadata property that states the bound on the logits.
const LOGIT_BOUND: &str = "inkveil.logit_bound";

/// Metadata property that states how many bits of the logits have to be right.
const PRECISION_BITS: &str = "inkveil.precision_bits";

/// Metadata property that states from which value on a pixel counts as 1.
const THRESHOLD: &str = "inkveil.threshold";

/// Most characters of a file's description that are kept.
const MAX_DESCRIPTION: usize = 300;

/// How to read a file.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options<'a> {
    /// Activations that are to become polynomials; the last one counts for each function.
    pub approximations: &'a [Approximation],
    /// Images that show which values activations are given, as a client has them before it
    /// prepares them.
    pub calibration: &'a [Vec<f64>],
}

/// What was read from a file.
#[derive(Clone, Debug, PartialEq)]
pub struct Imported {
    /// The network.
    pub network: Network,
    /// Each activation that was replaced, in the file's order.
    pub approximated: Vec<Approximated>,
}

/// Reads the network in `bytes`, which has to be as it is; `file` is the name that messages use.
///
/// # Errors
/// What is wrong with the file, or every node that can't be evaluated.
pub fn import(file: &str, bytes: &[u8]) -> Result<Network, ImportError> {
    import_with(file, bytes, &Options::default()).map(|imported| imported.network)
}

/// Reads the network in `bytes`, replacing activations as the options say.
///
/// # Errors
/// As [`import`]; or that there are no calibration images to replace anything with.
pub fn import_with(
    file: &str,
    bytes: &[u8],
    options: &Options<'_>,
) -> Result<Imported, ImportError> {
    read(bytes, options).map_err(|problem| ImportError {
        file: file.to_owned(),
        problem,
    })
}

fn read(bytes: &[u8], options: &Options<'_>) -> Result<Imported, ImportProblem> {
    if options.calibration.is_empty() && !options.approximations.is_empty() {
        return Err(ImportProblem::NoCalibration);
    }
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
    let precision_bits = boundary::precision_bits(&model)?;
    let preparation = boundary::preparation(&model)?;
    let fits = |image: &&Vec<f64>| image.len() == input.values();
    let prepare = |image: &Vec<f64>| {
        image
            .iter()
            .map(|&value| preparation.apply(value))
            .collect()
    };
    let images: Vec<_> = options
        .calibration
        .iter()
        .filter(fits)
        .map(prepare)
        .collect();
    let samples = if images.is_empty() {
        Samples::made_up(&input.shape)
    } else {
        Samples::given(images)
    };
    let mut walked = graph::walk(&model, &input, samples, options)?;
    let folded = fold::layers(&mut walked, output)?;
    let network = Network {
        input_shape: trace::without_batch(&input.shape),
        preparation,
        layers: folded.layers,
        classes: (0..folded.classes).map(|class| class.to_string()).collect(),
        logit_bound,
        precision_bits,
        left_to_client: folded.left_to_client,
        description: boundary::description(&model),
    };
    Ok(Imported {
        network,
        approximated: walked.trace.approximated,
    })
}
