//! `Transpose`: axes change places.

use super::layout::{gather, permuted};
use super::{Node, Op, OpError, Value, axes, constant, pick, shape_of};
use crate::import::trace::Trace;

pub const OP: Op = Op {
    name: "Transpose",
    attributes: &["perm"],
    build,
};

fn build(node: &Node<'_>, trace: &mut Trace<'_>) -> Result<Value, OpError> {
    let value = node.one()?;
    let shape = shape_of(value);
    let wrong = || OpError::new(format!("its perm does not fit shape {shape:?}"));
    let order: Vec<usize> = match node.proto.attribute_ints("perm")? {
        None => (0..shape.len()).rev().collect(),
        Some(perm) => {
            let order = perm.iter().map(|&axis| usize::try_from(axis).ok());
            let order: Vec<_> = order.collect::<Option<_>>().ok_or_else(wrong)?;
            let all = axes(&perm, shape.len())?;
            if all.len() != shape.len() || order.len() != shape.len() {
                return Err(wrong());
            }
            order
        }
    };
    let turned = order
        .iter()
        .filter_map(|&axis| shape.get(axis).copied())
        .collect();
    let count = super::product(shape).ok_or_else(wrong)?;
    trace.claim(count)?;
    let places = permuted(shape, &order).ok_or_else(wrong)?;
    match value {
        Value::Encrypted(value) => {
            let name = node.name();
            Ok(Value::Encrypted(gather(
                &name, value, &places, turned, trace,
            )?))
        }
        Value::Constant(tensor) => {
            let data = pick(tensor, &places).ok_or_else(wrong)?;
            Ok(constant(turned, data))
        }
        _ => Err(OpError::new("it can't be computed with what it is given")),
    }
}
