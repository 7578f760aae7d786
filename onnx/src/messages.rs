//! The protobuf messages of ONNX, as far as feed-forward networks need them.
//!
//! Tags and meanings are those of the ONNX standard's `onnx.proto`. Numbers that a message may
//! leave out are [`Option`] where "absent" differs from zero.

mod construct;

use prost::{Enumeration, Message, Oneof};

/// A whole file: a graph and where it comes from.
#[derive(Clone, PartialEq, Message)]
pub struct ModelProto {
    /// Version of the file format.
    #[prost(int64, tag = "1")]
    pub ir_version: i64,
    /// Which program wrote it.
    #[prost(string, tag = "2")]
    pub producer_name: String,
    /// That program's version.
    #[prost(string, tag = "3")]
    pub producer_version: String,
    /// Namespace of the model, like a reversed domain name.
    #[prost(string, tag = "4")]
    pub domain: String,
    /// Version of the model itself.
    #[prost(int64, tag = "5")]
    pub model_version: i64,
    /// For people.
    #[prost(string, tag = "6")]
    pub doc_string: String,
    /// The network.
    #[prost(message, optional, tag = "7")]
    pub graph: Option<GraphProto>,
    /// Versions of the operator sets that the graph uses.
    #[prost(message, repeated, tag = "8")]
    pub opset_import: Vec<OperatorSetIdProto>,
    /// Named properties.
    #[prost(message, repeated, tag = "14")]
    pub metadata_props: Vec<StringStringEntryProto>,
}

/// An operator set and its version.
#[derive(Clone, PartialEq, Message)]
pub struct OperatorSetIdProto {
    /// Empty for the standard operators.
    #[prost(string, tag = "1")]
    pub domain: String,
    /// Version.
    #[prost(int64, tag = "2")]
    pub version: i64,
}

/// A named text.
#[derive(Clone, PartialEq, Message)]
pub struct StringStringEntryProto {
    /// Name.
    #[prost(string, tag = "1")]
    pub key: String,
    /// Text.
    #[prost(string, tag = "2")]
    pub value: String,
}

/// Nodes in topological order, and the tensors they start from.
#[derive(Clone, PartialEq, Message)]
pub struct GraphProto {
    /// The steps.
    #[prost(message, repeated, tag = "1")]
    pub node: Vec<NodeProto>,
    /// Name of the graph.
    #[prost(string, tag = "2")]
    pub name: String,
    /// Named constants: weights and biases.
    #[prost(message, repeated, tag = "5")]
    pub initializer: Vec<TensorProto>,
    /// For people.
    #[prost(string, tag = "10")]
    pub doc_string: String,
    /// What the graph takes; old files list initializers here, too.
    #[prost(message, repeated, tag = "11")]
    pub input: Vec<ValueInfoProto>,
    /// What it gives.
    #[prost(message, repeated, tag = "12")]
    pub output: Vec<ValueInfoProto>,
    /// Types of what lies between.
    #[prost(message, repeated, tag = "13")]
    pub value_info: Vec<ValueInfoProto>,
}

/// One step: an operator applied to named values.
#[derive(Clone, PartialEq, Message)]
pub struct NodeProto {
    /// Names of what it takes; empty for an optional one that is left out.
    #[prost(string, repeated, tag = "1")]
    pub input: Vec<String>,
    /// Names of what it gives.
    #[prost(string, repeated, tag = "2")]
    pub output: Vec<String>,
    /// Optional name.
    #[prost(string, tag = "3")]
    pub name: String,
    /// The operator.
    #[prost(string, tag = "4")]
    pub op_type: String,
    /// Its settings.
    #[prost(message, repeated, tag = "5")]
    pub attribute: Vec<AttributeProto>,
    /// For people.
    #[prost(string, tag = "6")]
    pub doc_string: String,
    /// The operator's set; empty for the standard one.
    #[prost(string, tag = "7")]
    pub domain: String,
}

/// A named setting of a node.
#[derive(Clone, PartialEq, Message)]
pub struct AttributeProto {
    /// Name.
    #[prost(string, tag = "1")]
    pub name: String,
    /// If it is a float.
    #[prost(float, optional, tag = "2")]
    pub f: Option<f32>,
    /// If it is an integer.
    #[prost(int64, optional, tag = "3")]
    pub i: Option<i64>,
    /// If it is a text, which ONNX stores as bytes.
    #[prost(bytes = "vec", optional, tag = "4")]
    pub s: Option<Vec<u8>>,
    /// If it is a tensor.
    #[prost(message, optional, tag = "5")]
    pub t: Option<TensorProto>,
    /// If it is a list of floats.
    #[prost(float, repeated, packed = "false", tag = "7")]
    pub floats: Vec<f32>,
    /// If it is a list of integers.
    #[prost(int64, repeated, packed = "false", tag = "8")]
    pub ints: Vec<i64>,
    /// If it is a list of texts.
    #[prost(bytes = "vec", repeated, tag = "9")]
    pub strings: Vec<Vec<u8>>,
    /// For people.
    #[prost(string, tag = "13")]
    pub doc_string: String,
    /// Which of the above it is: an [`AttributeType`].
    #[prost(enumeration = "AttributeType", tag = "20")]
    pub kind: i32,
}

/// What an attribute holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Enumeration)]
#[repr(i32)]
pub enum AttributeType {
    /// Not stated.
    Undefined = 0,
    /// [`AttributeProto::f`].
    Float = 1,
    /// [`AttributeProto::i`].
    Int = 2,
    /// [`AttributeProto::s`].
    String = 3,
    /// [`AttributeProto::t`].
    Tensor = 4,
    /// A subgraph, which is not read.
    Graph = 5,
    /// [`AttributeProto::floats`].
    Floats = 6,
    /// [`AttributeProto::ints`].
    Ints = 7,
    /// [`AttributeProto::strings`].
    Strings = 8,
    /// A list of tensors, which is not read.
    Tensors = 9,
    /// A list of subgraphs, which is not read.
    Graphs = 10,
}

/// An array of numbers, stored as raw little-endian bytes or in the field of its type.
#[derive(Clone, PartialEq, Message)]
pub struct TensorProto {
    /// Sizes; none for a scalar.
    #[prost(int64, repeated, packed = "false", tag = "1")]
    pub dims: Vec<i64>,
    /// Element type: a [`DataType`] or one of those that aren't read.
    #[prost(int32, tag = "2")]
    pub data_type: i32,
    /// Elements of a [`DataType::Float`].
    #[prost(float, repeated, tag = "4")]
    pub float_data: Vec<f32>,
    /// Elements of a [`DataType::Int32`] or [`DataType::Bool`].
    #[prost(int32, repeated, tag = "5")]
    pub int32_data: Vec<i32>,
    /// Elements of a [`DataType::Int64`].
    #[prost(int64, repeated, tag = "7")]
    pub int64_data: Vec<i64>,
    /// Name.
    #[prost(string, tag = "8")]
    pub name: String,
    /// Elements of any type, little-endian.
    #[prost(bytes = "vec", tag = "9")]
    pub raw_data: Vec<u8>,
    /// Elements of a [`DataType::Double`].
    #[prost(double, repeated, tag = "10")]
    pub double_data: Vec<f64>,
    /// For people.
    #[prost(string, tag = "12")]
    pub doc_string: String,
    /// Where the data is, if in another file.
    #[prost(message, repeated, tag = "13")]
    pub external_data: Vec<StringStringEntryProto>,
    /// 0: here, 1: in another file.
    #[prost(int32, tag = "14")]
    pub data_location: i32,
}

/// Element types that are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Enumeration)]
#[repr(i32)]
pub enum DataType {
    /// Not stated.
    Undefined = 0,
    /// 32-bit float.
    Float = 1,
    /// 32-bit signed integer.
    Int32 = 6,
    /// 64-bit signed integer.
    Int64 = 7,
    /// One byte, 0 or 1.
    Bool = 9,
    /// 64-bit float.
    Double = 11,
}

/// Name and type of a value.
#[derive(Clone, PartialEq, Message)]
pub struct ValueInfoProto {
    /// Name.
    #[prost(string, tag = "1")]
    pub name: String,
    /// Type.
    #[prost(message, optional, tag = "2")]
    pub value_type: Option<TypeProto>,
    /// For people.
    #[prost(string, tag = "3")]
    pub doc_string: String,
}

/// Type of a value; only tensors are read.
#[derive(Clone, PartialEq, Message)]
pub struct TypeProto {
    /// If it is a tensor.
    #[prost(message, optional, tag = "1")]
    pub tensor_type: Option<TensorTypeProto>,
}

/// Element type and shape of a tensor (`TypeProto.Tensor` in the standard).
#[derive(Clone, PartialEq, Message)]
pub struct TensorTypeProto {
    /// Element type: a [`DataType`] or one of those that aren't read.
    #[prost(int32, tag = "1")]
    pub elem_type: i32,
    /// Shape, if stated.
    #[prost(message, optional, tag = "2")]
    pub shape: Option<TensorShapeProto>,
}

/// Shape of a tensor.
#[derive(Clone, PartialEq, Message)]
pub struct TensorShapeProto {
    /// Its sizes.
    #[prost(message, repeated, tag = "1")]
    pub dim: Vec<DimensionProto>,
}

/// One size of a shape (`TensorShapeProto.Dimension` in the standard).
#[derive(Clone, PartialEq, Message)]
pub struct DimensionProto {
    /// Its value, if stated.
    #[prost(oneof = "Dimension", tags = "1, 2")]
    pub value: Option<Dimension>,
}

/// A size that is known or named.
#[derive(Clone, PartialEq, Eq, Oneof)]
pub enum Dimension {
    /// Known.
    #[prost(int64, tag = "1")]
    Value(i64),
    /// Named, such as a batch size that is chosen when the network runs.
    #[prost(string, tag = "2")]
    Param(String),
}
