//! Why a file can't be used.

use prost::DecodeError;
use thiserror::Error;

/// Why an ONNX file is refused.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum OnnxError {
    /// More bytes than [`Limits::file_bytes`](crate::Limits).
    #[error("the file has {found} bytes; at most {limit} are read")]
    FileSize {
        /// Bytes given.
        found: usize,
        /// Bytes allowed.
        limit: usize,
    },
    /// Not a protobuf message.
    #[error("not an ONNX file: {0}")]
    Malformed(#[from] DecodeError),
    /// A protobuf message without a graph: an empty file, or something else than ONNX.
    #[error("not an ONNX model: it has no graph")]
    NoGraph,
    /// The version of the standard operators isn't stated.
    #[error("the model imports no version of the standard operator set; export it again")]
    NoOpset,
    /// More nodes than [`Limits::nodes`](crate::Limits).
    #[error("the graph has {found} nodes; at most {limit} are read")]
    Nodes {
        /// Nodes given.
        found: usize,
        /// Nodes allowed.
        limit: usize,
    },
    /// An initializer that is declared twice.
    #[error("the graph has two initializers named '{name}'")]
    Duplicate {
        /// Their name.
        name: String,
    },
    /// A tensor that contradicts itself or can't be represented.
    #[error("tensor '{name}': {problem}")]
    Tensor {
        /// Its name, or that of the node whose attribute holds it.
        name: String,
        /// What is wrong with it.
        problem: TensorError,
    },
    /// An attribute that holds something else than its operator wants.
    #[error("{node}: attribute '{attribute}' has to be {expected}")]
    Attribute {
        /// The node, as [`NodeProto::label`](crate::messages::NodeProto::label) has it.
        node: String,
        /// Name of the attribute.
        attribute: String,
        /// What was wanted.
        expected: &'static str,
    },
}

/// Why a tensor is refused.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum TensorError {
    /// An element type that isn't read.
    #[error("element type {code} is not supported; use float, double, int32, int64 or bool")]
    ElementType {
        /// Number of the type in `TensorProto.DataType`.
        code: i32,
    },
    /// The numbers are in another file.
    #[error("its data is in another file; export the model with its weights inside")]
    External,
    /// A dimension below zero.
    #[error("dimension {index} is {value}")]
    Dimension {
        /// Which dimension.
        index: usize,
        /// What it says.
        value: i64,
    },
    /// More elements than [`Limits::tensor_elements`](crate::Limits), or than can be counted.
    #[error("dimensions {dims:?} are too large; at most {limit} elements are read")]
    Elements {
        /// Its dimensions.
        dims: Vec<i64>,
        /// Elements allowed.
        limit: usize,
    },
    /// The data doesn't fill the dimensions.
    #[error("dimensions {dims:?} need {expected} {unit}, found {found}")]
    Length {
        /// Its dimensions.
        dims: Vec<i64>,
        /// What dimensions and type ask for.
        expected: usize,
        /// What is there.
        found: usize,
        /// `"elements"`, or `"bytes"` for raw data.
        unit: &'static str,
    },
    /// Infinite, not a number, or a double beyond the range of a float.
    #[error("element {index} is {value}; all have to be finite")]
    NotFinite {
        /// Position in row-major order.
        index: usize,
        /// What stands there.
        value: f64,
    },
}
