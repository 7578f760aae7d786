//! `Pow`: the square.

use onnx::TensorData;

use super::{Node, Op, OpError};
use crate::import::trace::{Action, Encrypted, Trace, Value};

pub const OP: Op = Op {
    name: "Pow",
    attributes: &[],
    build,
};

fn build(node: &Node<'_>, trace: &mut Trace) -> Result<Value, OpError> {
    let [Value::Encrypted(value), Value::Constant(exponent)] = node.two()? else {
        return Err(OpError::new(
            "it needs an encrypted base and a constant exponent",
        ));
    };
    let is_square = match &exponent.data {
        TensorData::Floats(values) => values.as_slice() == [2.0],
        TensorData::Ints(values) => values.as_slice() == [2],
    };
    if !is_square || exponent.dims.len() > value.shape.len() {
        return Err(OpError::new("its exponent is not the number 2").instead("use x²"));
    }
    let step = trace.push(value.step, Action::Square);
    Ok(Value::Encrypted(Encrypted {
        shape: value.shape.clone(),
        step,
    }))
}
