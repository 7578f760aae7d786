//! `Dropout` outside of training: the same value; its mask means nothing.

use onnx::TensorData;

use super::{Node, Op, OpError, Value};
use crate::import::trace::Trace;

pub const OP: Op = Op {
    name: "Dropout",
    attributes: &["ratio", "seed"],
    build,
};

fn build(node: &Node<'_>, _: &mut Trace<'_>) -> Result<Value, OpError> {
    if node.optional(2).is_some() {
        let mode = node.constant(2, "training_mode")?;
        let is_off = match &mode.data {
            TensorData::Floats(values) => values.iter().all(|&value| value == 0.0),
            TensorData::Ints(values) => values.iter().all(|&value| value == 0),
        };
        if !is_off {
            return Err(OpError::new("it is in training mode").instead("export in evaluation mode"));
        }
    }
    node.optional(0)
        .cloned()
        .ok_or_else(|| OpError::new("it has no input"))
}
