//! `Neg`: the same values with the other sign.

use onnx::TensorData;

use super::{Node, Op, OpError, Value, constant};
use crate::import::polynomial::Coefficient;
use crate::import::trace::Trace;

pub const OP: Op = Op {
    name: "Neg",
    attributes: &[],
    build,
};

fn build(node: &Node<'_>, trace: &mut Trace<'_>) -> Result<Value, OpError> {
    match node.one()? {
        Value::Encrypted(value) => {
            let (minus, none) = (Coefficient::Same(-1.0), Coefficient::ZERO);
            let negated = trace.rescale(&node.name(), value, &minus, &none)?;
            Ok(Value::Encrypted(negated))
        }
        Value::Constant(tensor) => {
            trace.claim(tensor.len())?;
            let data = match &tensor.data {
                TensorData::Floats(values) => {
                    TensorData::Floats(values.iter().map(|value| -value).collect())
                }
                TensorData::Ints(values) => {
                    TensorData::Ints(values.iter().map(|value| value.saturating_neg()).collect())
                }
            };
            Ok(constant(tensor.dims.clone(), data))
        }
        _ => Err(OpError::new("it can't be computed with what it is given")),
    }
}
