//! `Mul`: a value by itself.

use super::{Node, Op, OpError};
use crate::import::trace::{Action, Encrypted, Trace, Value};

pub const OP: Op = Op {
    name: "Mul",
    attributes: &[],
    build,
};

fn build(node: &Node<'_>, trace: &mut Trace) -> Result<Value, OpError> {
    match node.two()? {
        [Value::Encrypted(left), Value::Encrypted(right)] if left == right => {
            let step = trace.push(left.step, Action::Square);
            Ok(Value::Encrypted(Encrypted {
                shape: left.shape.clone(),
                step,
            }))
        }
        [Value::Encrypted(_), Value::Encrypted(_)] => {
            Err(OpError::new("it multiplies two different encrypted values")
                .instead("only x·x is supported"))
        }
        _ => Err(OpError::new("it multiplies by a constant")
            .instead("multiply the weights of the next Gemm or MatMul instead")),
    }
}
