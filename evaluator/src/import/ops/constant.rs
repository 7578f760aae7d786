//! `Constant`: numbers in the graph itself.

use std::rc::Rc;

use onnx::{Tensor, TensorData};

use super::{Node, Op, OpError};
use crate::import::trace::{Trace, Value};

pub const OP: Op = Op {
    name: "Constant",
    attributes: &[
        "value",
        "value_float",
        "value_floats",
        "value_int",
        "value_ints",
    ],
    build,
};

fn build(node: &Node<'_>, _: &mut Trace) -> Result<Value, OpError> {
    let proto = node.proto;
    let scalar = |data| Tensor {
        dims: Vec::new(),
        data,
    };
    let list = |data| {
        let mut tensor = Tensor {
            dims: Vec::new(),
            data,
        };
        tensor.dims.push(tensor.len());
        tensor
    };
    let tensor = if let Some(tensor) = proto.attribute_tensor("value")? {
        tensor
    } else if let Some(value) = proto.attribute_float("value_float")? {
        scalar(TensorData::Floats(vec![value]))
    } else if let Some(values) = proto.attribute_floats("value_floats")? {
        list(TensorData::Floats(values))
    } else if let Some(value) = proto.attribute_int("value_int")? {
        scalar(TensorData::Ints(vec![value]))
    } else if let Some(values) = proto.attribute_ints("value_ints")? {
        list(TensorData::Ints(values))
    } else {
        return Err(OpError::new("it has no value"));
    };
    Ok(Value::Constant(Rc::new(tensor)))
}
