//! Why a file is refused.

use std::fmt;

use onnx::OnnxError;
use thiserror::Error;

/// Why a file is refused.
#[derive(Clone, Debug, PartialEq, Error)]
#[error("{file}: {problem}")]
pub struct ImportError {
    /// Name of the file.
    pub file: String,
    /// What is wrong.
    pub problem: ImportProblem,
}

/// What is wrong with a file.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum ImportProblem {
    /// It isn't a sound ONNX file.
    #[error(transparent)]
    Onnx(#[from] OnnxError),
    /// Its operators are from before they had today's meaning.
    #[error("opset {found} is too old; export with opset {oldest} or newer (17 is a good choice)")]
    Opset {
        /// Version in the file.
        found: i64,
        /// Oldest version that is read.
        oldest: i64,
    },
    /// Not one input.
    #[error("the graph has {} inputs ({}); it needs exactly one, the image", found.len(), found.join(", "))]
    Inputs {
        /// Their names.
        found: Vec<String>,
    },
    /// Not one output.
    #[error("the graph has {} outputs ({}); it needs exactly one, the logits", found.len(), found.join(", "))]
    Outputs {
        /// Their names.
        found: Vec<String>,
    },
    /// The input isn't one image.
    #[error(
        "input '{name}' has shape {shape}: {reason}; one image is 1×channels×rows×columns, \
         1×channels×length or 1×values, where the first size may be named instead of 1"
    )]
    InputShape {
        /// Its name.
        name: String,
        /// Its shape for people.
        shape: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The output isn't a list of logits.
    #[error("output '{name}' {reason}; the logits of one image are 1×classes")]
    Output {
        /// Its name.
        name: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A metadata property that can't be used.
    #[error("metadata property {key} is {value:?}; it has to be {expected}")]
    Property {
        /// Its name.
        key: &'static str,
        /// Its text.
        value: String,
        /// What would be right.
        expected: &'static str,
    },
    /// Activations were to be replaced, but nobody said what they are given.
    #[error(
        "--approximate needs images that show which values the activations are given; name them \
         with --calibrate FILE|DIR"
    )]
    NoCalibration,
    /// Nodes that can't be evaluated.
    #[error("{}", list(.0))]
    Nodes(Vec<Refusal>),
}

/// A node that can't be evaluated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Its name, or that of its first output.
    pub node: String,
    /// Its operator.
    pub op: String,
    /// Why it can't be evaluated.
    pub reason: String,
    /// What to use instead, where there is something.
    pub instead: Option<&'static str>,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} '{}': {}", self.op, self.node, self.reason)?;
        match self.instead {
            Some(instead) => write!(f, "; {instead}"),
            None => Ok(()),
        }
    }
}

fn list(refusals: &[Refusal]) -> String {
    let nodes = if refusals.len() == 1 {
        "1 node"
    } else {
        &format!("{} nodes", refusals.len())
    };
    let lines = refusals.iter().map(|refusal| format!("\n  {refusal}"));
    format!("{nodes} can't be evaluated:{}", lines.collect::<String>())
}
