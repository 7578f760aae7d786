//! `Unsqueeze`: more axes, of size 1.

use super::{Node, Op, OpError, Value, axes, shape_of, with_shape};
use crate::import::MAX_AXES;
use crate::import::trace::Trace;

pub const OP: Op = Op {
    name: "Unsqueeze",
    attributes: &["axes"],
    build,
};

fn build(node: &Node<'_>, trace: &mut Trace<'_>) -> Result<Value, OpError> {
    let value = node
        .optional(0)
        .ok_or_else(|| OpError::new("it has no input"))?;
    let list = node
        .ints("axes", 1)?
        .ok_or_else(|| OpError::new("it has no axes"))?;
    let mut shape = shape_of(value).to_vec();
    let count = shape.len().saturating_add(list.len());
    if count > MAX_AXES {
        return Err(OpError::new(format!("it makes more than {MAX_AXES} axes")));
    }
    let new = axes(&list, count)?;
    if new.len() != list.len() {
        return Err(OpError::new(format!("axes {list:?} name one twice")));
    }
    for axis in new {
        if axis > shape.len() {
            return Err(OpError::new(format!(
                "axis {axis} is outside of {count} axes"
            )));
        }
        shape.insert(axis, 1);
    }
    with_shape(value, shape, trace)
}
