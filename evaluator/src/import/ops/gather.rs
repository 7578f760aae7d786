//! `Gather` of constants, as exporters write it for shapes.

use super::{Node, Op, OpError, Value, axis, constant, pick};
use crate::import::trace::Trace;

pub const OP: Op = Op {
    name: "Gather",
    attributes: &["axis"],
    build,
};

fn build(node: &Node<'_>, trace: &mut Trace<'_>) -> Result<Value, OpError> {
    let list = node.constant(0, "list")?;
    let indices = node.constant(1, "indices")?;
    let along = node.proto.attribute_int("axis")?.unwrap_or(0);
    let [count] = *list.dims.as_slice() else {
        return Err(OpError::new(format!("it picks from shape {:?}", list.dims))
            .instead("use constants, or a Slice, Reshape or Transpose"));
    };
    axis(along, 1)?;
    trace.claim(indices.len())?;
    let places = indices
        .ints()
        .ok_or_else(|| OpError::new("its indices have to be integers"))?;
    let places = places.iter().map(|&place| axis(place, count));
    let data = pick(list, &places.collect::<Result<Vec<_>, _>>()?);
    let data = data.ok_or_else(|| OpError::new("its indices are outside of its list"))?;
    Ok(constant(indices.dims.clone(), data))
}
