//! `Reshape`: the same values in other sizes.

use super::{Node, Op, OpError, product, shape_of, with_shape};
use crate::import::trace::{Trace, Value};

pub const OP: Op = Op {
    name: "Reshape",
    attributes: &["allowzero"],
    build,
};

/// Stands in a shape for what is left over.
const REST: i64 = -1;

fn build(node: &Node<'_>, trace: &mut Trace) -> Result<Value, OpError> {
    let [value, Value::Constant(target)] = node.two()? else {
        return Err(OpError::new("its shape is computed").instead("export with constant shapes"));
    };
    let target = target
        .ints()
        .ok_or_else(|| OpError::new("its shape has to be integers"))?;
    let copies_zero = node.proto.attribute_int("allowzero")?.unwrap_or(0) == 0;
    let before = shape_of(value);
    let wrong = || OpError::new(format!("shape {before:?} can't become {target:?}"));
    let size = |(index, &size): (usize, &i64)| match size {
        REST => Some(None),
        0 if copies_zero => before.get(index).copied().map(Some),
        _ => usize::try_from(size).ok().map(Some),
    };
    let sizes: Vec<Option<usize>> = target
        .iter()
        .enumerate()
        .map(size)
        .collect::<Option<_>>()
        .ok_or_else(wrong)?;
    let shape = product(before)
        .and_then(|count| fill_rest(&sizes, count))
        .ok_or_else(wrong)?;
    with_shape(value, shape, trace)
}

/// The sizes of `count` values, where at most one is open.
fn fill_rest(sizes: &[Option<usize>], count: usize) -> Option<Vec<usize>> {
    let known = product(&sizes.iter().copied().flatten().collect::<Vec<_>>())?;
    let rest = match sizes.iter().filter(|size| size.is_none()).count() {
        0 => 1,
        1 => count.checked_div(known)?,
        _ => return None,
    };
    (known.checked_mul(rest)? == count)
        .then(|| sizes.iter().map(|size| size.unwrap_or(rest)).collect())
}
