//! `Gemm`: `alpha · A · B + beta · C` with encrypted A.

use super::broadcast::coefficient;
use super::layout::{gather, permuted};
use super::matmul::{Right, times};
use super::{Node, Op, OpError, Value, count};
use crate::import::trace::Trace;

pub const OP: Op = Op {
    name: "Gemm",
    attributes: &["alpha", "beta", "transA", "transB"],
    build,
};

fn build(node: &Node<'_>, trace: &mut Trace<'_>) -> Result<Value, OpError> {
    let proto = node.proto;
    let alpha = f64::from(proto.attribute_float("alpha")?.unwrap_or(1.0));
    let beta = f64::from(proto.attribute_float("beta")?.unwrap_or(1.0));
    let turns_left = proto.attribute_int("transA")?.unwrap_or(0) != 0;
    let turns_right = proto.attribute_int("transB")?.unwrap_or(0) != 0;
    let mut value = node.encrypted(0)?.clone();
    let weights = node.constant(1, "B")?;
    let [rows, columns] = *value.shape.as_slice() else {
        return Err(OpError::new(format!("A has shape {:?}", value.shape))
            .instead("flatten it to 1×values"));
    };
    if turns_left {
        trace.claim(value.count())?;
        let places = permuted(&value.shape, &[1, 0]);
        let places = places.ok_or_else(|| OpError::new("A is too large"))?;
        value = gather(&node.name(), &value, &places, vec![columns, rows], trace)?;
    }
    let right = Right {
        weights,
        is_transposed: turns_right,
        factor: alpha,
    };
    let (shape, map) = times(&value, &right, trace)?;
    let bias = match node.optional(2) {
        None => vec![0.0; count(&shape)?],
        Some(_) => {
            let addend = coefficient(node.constant(2, "C")?, &shape, trace)?;
            addend.map(|value| beta * value).to_vec(count(&shape)?)
        }
    };
    let name = value.name_with(&node.name());
    Ok(Value::Encrypted(trace.linear(
        name,
        shape,
        vec![(map, &value)],
        bias,
    )?))
}
