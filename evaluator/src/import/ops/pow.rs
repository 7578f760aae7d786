//! `Pow` with a whole number as exponent.

use onnx::TensorData;

use super::{Node, Op, OpError, Value};
use crate::import::MAX_DEGREE;
use crate::import::trace::Trace;

pub const OP: Op = Op {
    name: "Pow",
    attributes: &[],
    build,
};

fn build(node: &Node<'_>, trace: &mut Trace<'_>) -> Result<Value, OpError> {
    let value = node.encrypted(0)?;
    let exponent = node.constant(1, "exponent")?;
    let number = match &exponent.data {
        TensorData::Floats(values) => only(values).map(f64::from),
        TensorData::Ints(values) => only(values).map(|value| value as f64),
    };
    let powers = 1..=MAX_DEGREE;
    let power = number.and_then(|number| powers.clone().find(|&power| power as f64 == number));
    let Some(power) = power.filter(|_| exponent.dims.len() <= value.shape.len()) else {
        return Err(OpError::new(format!(
            "its exponent is not one whole number from 1 to {MAX_DEGREE}"
        ))
        .instead("use x² or another polynomial"));
    };
    let mut product = value.clone();
    for _ in 1..power {
        product = trace.product(&node.name(), &product, value)?;
    }
    Ok(Value::Encrypted(product))
}

/// The number that all are.
fn only<T: Copy + PartialEq>(values: &[T]) -> Option<T> {
    let (&first, rest) = values.split_first()?;
    rest.iter().all(|&value| value == first).then_some(first)
}
