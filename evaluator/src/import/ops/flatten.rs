//! `Flatten`: two sizes, before and behind an axis.

use super::{Node, Op, OpError, Value, product, shape_of, with_shape};
use crate::import::trace::Trace;

pub const OP: Op = Op {
    name: "Flatten",
    attributes: &["axis"],
    build,
};

fn build(node: &Node<'_>, trace: &mut Trace<'_>) -> Result<Value, OpError> {
    let value = node.one()?;
    let axis = node.proto.attribute_int("axis")?.unwrap_or(1);
    let shape = shape_of(value);
    let split = usize::try_from(axis).ok().or_else(|| {
        let from_end = usize::try_from(axis.unsigned_abs()).ok()?;
        shape.len().checked_sub(from_end)
    });
    let halves = split.and_then(|split| shape.split_at_checked(split));
    let Some((before, behind)) = halves else {
        return Err(OpError::new(format!(
            "axis {axis} is outside of shape {shape:?}"
        )));
    };
    match product(before).zip(product(behind)) {
        Some((before, behind)) => with_shape(value, vec![before, behind], trace),
        None => Err(OpError::new(format!("shape {shape:?} is too large"))),
    }
}
