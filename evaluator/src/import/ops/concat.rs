//! `Concat` of constant lists, as exporters write it for shapes.

use onnx::TensorData;

use super::{Node, Op, OpError, Value, axis, constant};
use crate::import::trace::Trace;

pub const OP: Op = Op {
    name: "Concat",
    attributes: &["axis"],
    build,
};

fn build(node: &Node<'_>, trace: &mut Trace<'_>) -> Result<Value, OpError> {
    axis(node.proto.attribute_int("axis")?.unwrap_or(0), 1)?;
    let mut all = Vec::new();
    for index in 0..node.inputs.len() {
        let list = node.constant(index, "list")?;
        let numbers = list.ints().filter(|_| list.dims.len() == 1);
        let numbers = numbers.ok_or_else(|| {
            OpError::new("it joins what is no list of integers")
                .instead("only shapes may be joined")
        })?;
        trace.claim(numbers.len())?;
        all.extend_from_slice(numbers);
    }
    Ok(constant(vec![all.len()], TensorData::Ints(all)))
}
