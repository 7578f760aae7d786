//! `Squeeze`: leaves out axes of size 1.

use super::{Node, Op, OpError, Value, axes, shape_of, with_shape};
use crate::import::trace::Trace;

pub const OP: Op = Op {
    name: "Squeeze",
    attributes: &["axes"],
    build,
};

fn build(node: &Node<'_>, trace: &mut Trace<'_>) -> Result<Value, OpError> {
    let value = node
        .optional(0)
        .ok_or_else(|| OpError::new("it has no input"))?;
    let shape = shape_of(value);
    let sizes = || shape.iter().copied().enumerate();
    let gone = match node.ints("axes", 1)? {
        Some(list) => axes(&list, shape.len())?,
        None => sizes()
            .filter(|&(_, size)| size == 1)
            .map(|(axis, _)| axis)
            .collect(),
    };
    if sizes().any(|(axis, size)| size != 1 && gone.contains(&axis)) {
        return Err(OpError::new(format!(
            "axes {gone:?} of shape {shape:?} are not all 1"
        )));
    }
    let kept = sizes().filter(|(axis, _)| !gone.contains(axis));
    with_shape(value, kept.map(|(_, size)| size).collect(), trace)
}
