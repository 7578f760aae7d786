//! `Softmax` of the logits: left to the client.

use super::{Node, Op, OpError, Value, axis};
use crate::import::trace::{LeftToClient, Trace};

pub const OP: Op = Op {
    name: "Softmax",
    attributes: &["axis"],
    build,
};

/// Writes down what is left to the client.
pub fn build(node: &Node<'_>, _: &mut Trace<'_>) -> Result<Value, OpError> {
    let logits = node.encrypted(0)?;
    let count = logits.shape.len();
    let along = node.proto.attribute_int("axis")?.unwrap_or(-1);
    let along = axis(along, count)?;
    let mut sizes = logits.shape.iter().enumerate();
    if sizes.any(|(axis, &size)| axis != along && size != 1) {
        return Err(OpError::new(format!(
            "it is not a polynomial, and not over the logits of one image: shape {:?}",
            logits.shape
        ))
        .instead("leave it out"));
    }
    Ok(Value::LeftToClient(LeftToClient {
        logits: logits.clone(),
        op: node.proto.op_type.clone(),
        node: node.name(),
    }))
}
