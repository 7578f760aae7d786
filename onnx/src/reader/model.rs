//! The file as a whole.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use prost::Message as _;

use super::Tensor;
use crate::messages::{
    Dimension, ModelProto, NodeProto, OperatorSetIdProto, TensorProto, ValueInfoProto,
};
use crate::{Limits, OnnxError};

/// A checked model.
#[derive(Clone, Debug, PartialEq)]
pub struct Model {
    /// Which program wrote the file.
    pub producer: String,
    /// For people; empty if the file says nothing.
    pub description: String,
    /// Version of the standard operators.
    pub opset: i64,
    /// The file's named properties.
    pub metadata: BTreeMap<String, String>,
    /// Name of the graph.
    pub name: String,
    /// What the graph takes, without the initializers that old files list among them.
    pub inputs: Vec<ValueInfoProto>,
    /// What the graph gives.
    pub outputs: Vec<ValueInfoProto>,
    /// The steps, each after those it depends on.
    pub nodes: Vec<NodeProto>,
    /// Weights and biases by name.
    pub initializers: BTreeMap<String, Tensor>,
}

/// Reads an `.onnx` file within the usual [`Limits`].
///
/// # Errors
/// What is wrong with the file, and with which tensor.
pub fn read(bytes: &[u8]) -> Result<Model, OnnxError> {
    read_with_limits(bytes, &Limits::default())
}

/// Reads an `.onnx` file within the given limits.
///
/// # Errors
/// As [`read`].
pub fn read_with_limits(bytes: &[u8], limits: &Limits) -> Result<Model, OnnxError> {
    let found = bytes.len();
    if found > limits.file_bytes {
        return Err(OnnxError::FileSize {
            found,
            limit: limits.file_bytes,
        });
    }
    let proto = ModelProto::decode(bytes)?;
    let opset = standard_opset(&proto.opset_import).ok_or(OnnxError::NoOpset);
    let graph = proto.graph.ok_or(OnnxError::NoGraph)?;
    let opset = opset?;
    let found = graph.node.len();
    if found > limits.nodes {
        return Err(OnnxError::Nodes {
            found,
            limit: limits.nodes,
        });
    }
    for node in &graph.node {
        check_attributes(node, limits)?;
    }
    let initializers = read_initializers(&graph.initializer, limits)?;
    let is_given = |value: &ValueInfoProto| !initializers.contains_key(&value.name);
    Ok(Model {
        producer: proto.producer_name,
        description: proto.doc_string,
        opset,
        metadata: proto
            .metadata_props
            .into_iter()
            .map(|entry| (entry.key, entry.value))
            .collect(),
        name: graph.name,
        inputs: graph.input.into_iter().filter(is_given).collect(),
        outputs: graph.output,
        nodes: graph.node,
        initializers,
    })
}

fn standard_opset(imports: &[OperatorSetIdProto]) -> Option<i64> {
    let is_standard = |import: &&OperatorSetIdProto| matches!(&*import.domain, "" | "ai.onnx");
    imports
        .iter()
        .find(is_standard)
        .map(|import| import.version)
}

fn check_attributes(node: &NodeProto, limits: &Limits) -> Result<(), OnnxError> {
    let tensors = node
        .attribute
        .iter()
        .filter_map(|attribute| attribute.t.as_ref());
    for tensor in tensors {
        let name = if tensor.name.is_empty() {
            node.label()
        } else {
            tensor.name.clone()
        };
        Tensor::from_proto(tensor, limits)
            .map_err(|problem| OnnxError::Tensor { name, problem })?;
    }
    Ok(())
}

fn read_initializers(
    protos: &[TensorProto],
    limits: &Limits,
) -> Result<BTreeMap<String, Tensor>, OnnxError> {
    let mut tensors = BTreeMap::new();
    for proto in protos {
        let name = proto.name.clone();
        match tensors.entry(name.clone()) {
            Entry::Occupied(_) => return Err(OnnxError::Duplicate { name }),
            Entry::Vacant(place) => {
                let tensor = Tensor::from_proto(proto, limits)
                    .map_err(|problem| OnnxError::Tensor { name, problem })?;
                place.insert(tensor);
            }
        }
    }
    Ok(tensors)
}

impl ValueInfoProto {
    /// The sizes of a tensor; `None` for a size that is named, missing or negative. An empty list
    /// if the file doesn't say.
    #[must_use]
    pub fn shape(&self) -> Vec<Option<usize>> {
        let tensor = self
            .value_type
            .as_ref()
            .and_then(|value| value.tensor_type.as_ref());
        let shape = tensor.and_then(|tensor| tensor.shape.as_ref());
        let dims = shape.map(|shape| &*shape.dim).unwrap_or_default();
        let size = |value: &Option<Dimension>| match value {
            Some(Dimension::Value(value)) => usize::try_from(*value).ok(),
            Some(Dimension::Param(_)) | None => None,
        };
        dims.iter().map(|dim| size(&dim.value)).collect()
    }
}
