//! `ReduceMean`: the mean along axes.

use super::layout::permuted;
use super::{Node, Op, OpError, Value, axes, count, product};
use crate::import::trace::{Encrypted, Trace};
use crate::network::Matrix;

pub const OP: Op = Op {
    name: "ReduceMean",
    attributes: &["axes", "keepdims", "noop_with_empty_axes"],
    build,
};

fn build(node: &Node<'_>, trace: &mut Trace<'_>) -> Result<Value, OpError> {
    let value = node.encrypted(0)?;
    let keeps = node.proto.attribute_int("keepdims")?.unwrap_or(1) != 0;
    let does_nothing = node
        .proto
        .attribute_int("noop_with_empty_axes")?
        .unwrap_or(0)
        != 0;
    let list = node.ints("axes", 1)?.unwrap_or_default();
    if list.is_empty() && does_nothing {
        return Ok(Value::Encrypted(value.clone()));
    }
    let mut reduced = axes(&list, value.shape.len())?;
    if reduced.is_empty() {
        reduced = (0..value.shape.len()).collect();
    }
    mean(node, value, &reduced, keeps, trace)
}

/// The mean along `reduced`, which become 1 or go.
pub fn mean(
    node: &Node<'_>,
    value: &Encrypted,
    reduced: &[usize],
    keeps: bool,
    trace: &mut Trace<'_>,
) -> Result<Value, OpError> {
    let sizes = || value.shape.iter().copied().enumerate();
    let is_kept = |axis: usize| !reduced.contains(&axis);
    let kept: Vec<_> = sizes().filter(|&(axis, _)| is_kept(axis)).collect();
    let order: Vec<_> = kept
        .iter()
        .map(|&(axis, _)| axis)
        .chain(reduced.iter().copied())
        .collect();
    let shape: Vec<_> = if keeps {
        sizes()
            .map(|(axis, size)| if is_kept(axis) { size } else { 1 })
            .collect()
    } else {
        kept.iter().map(|&(_, size)| size).collect()
    };
    let rows = product(&shape).unwrap_or(0);
    trace.claim(value.count())?;
    let too_large = || OpError::new(format!("shape {:?} is too large", value.shape));
    let places = permuted(&value.shape, &order).ok_or_else(too_large)?;
    let each = value
        .count()
        .checked_div(rows)
        .ok_or_else(too_large)?
        .max(1);
    let share = |places: &[usize]| {
        places
            .iter()
            .map(|&place| (place, 1.0 / each as f64))
            .collect()
    };
    let map = Matrix::from_rows(value.count(), places.chunks(each).map(share));
    let name = value.name_with(&node.name());
    let bias = vec![0.0; count(&shape)?];
    Ok(Value::Encrypted(trace.linear(
        name,
        shape,
        vec![(map, value)],
        bias,
    )?))
}
