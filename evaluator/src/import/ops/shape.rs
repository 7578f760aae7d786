//! `Shape`: the sizes of a value, which are known.

use onnx::TensorData;

use super::{Node, Op, OpError, Value, constant, shape_of};
use crate::import::trace::Trace;

pub const OP: Op = Op {
    name: "Shape",
    attributes: &["end", "start"],
    build,
};

fn build(node: &Node<'_>, _: &mut Trace<'_>) -> Result<Value, OpError> {
    let shape = shape_of(node.one()?);
    let end = |name| -> Result<Option<usize>, OpError> {
        let Some(place) = node.proto.attribute_int(name)? else {
            return Ok(None);
        };
        let size = usize::try_from(place.unsigned_abs()).unwrap_or(usize::MAX);
        Ok(Some(if place < 0 {
            shape.len().saturating_sub(size)
        } else {
            size.min(shape.len())
        }))
    };
    let (start, end) = (
        end("start")?.unwrap_or(0),
        end("end")?.unwrap_or(shape.len()),
    );
    let sizes = shape.get(start..end.max(start)).unwrap_or_default();
    let sizes = sizes
        .iter()
        .map(|&size| i64::try_from(size).unwrap_or(i64::MAX));
    let sizes: Vec<_> = sizes.collect();
    Ok(constant(vec![sizes.len()], TensorData::Ints(sizes)))
}
