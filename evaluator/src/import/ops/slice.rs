//! `Slice` of constant lists, as exporters write it for shapes.

use super::{Node, Op, OpError, Value, axes, constant, pick};
use crate::import::trace::Trace;

pub const OP: Op = Op {
    name: "Slice",
    attributes: &["axes", "ends", "starts"],
    build,
};

fn build(node: &Node<'_>, trace: &mut Trace<'_>) -> Result<Value, OpError> {
    let list = node.constant(0, "list")?;
    let wrong = || {
        OpError::new(format!("it cuts shape {:?}", list.dims))
            .instead("only one stretch of a list of constants may be cut out")
    };
    let ([count], Some(starts), Some(ends)) = (
        list.dims.as_slice(),
        node.ints("starts", 1)?,
        node.ints("ends", 2)?,
    ) else {
        return Err(wrong());
    };
    axes(&node.ints("axes", 3)?.unwrap_or_default(), 1)?;
    let steps = node.ints("steps", 4)?;
    let ([start], [end], None | Some([1])) = (&*starts, &*ends, steps.as_deref()) else {
        return Err(wrong());
    };
    let place = |place: i64| {
        let size = usize::try_from(place.unsigned_abs()).unwrap_or(usize::MAX);
        if place < 0 {
            count.saturating_sub(size)
        } else {
            size.min(*count)
        }
    };
    trace.claim(*count)?;
    let places: Vec<_> = (place(*start)..place(*end)).collect();
    let data = pick(list, &places).ok_or_else(wrong)?;
    Ok(constant(vec![places.len()], data))
}
