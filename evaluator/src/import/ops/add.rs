//! `Add`: a bias on encrypted values.

use super::{Node, Op, OpError, broadcast, count};
use crate::import::trace::{Action, Bias, Encrypted, Trace, Value};

pub const OP: Op = Op {
    name: "Add",
    attributes: &[],
    build,
};

fn build(node: &Node<'_>, trace: &mut Trace) -> Result<Value, OpError> {
    let (value, constant) = match node.two()? {
        [Value::Encrypted(value), Value::Constant(constant)]
        | [Value::Constant(constant), Value::Encrypted(value)] => (value, constant),
        [Value::Encrypted(_), Value::Encrypted(_)] => {
            return Err(OpError::new("it adds two encrypted branches")
                .instead("networks have to be a chain of layers in this version"));
        }
        _ => return Err(OpError::new("it adds constants").instead("export with constant folding")),
    };
    trace.claim(count(&value.shape)?)?;
    let values = broadcast(constant, &value.shape)?;
    let step = trace.push(
        value.step,
        Action::Bias(Bias {
            name: node.name(),
            values,
        }),
    );
    Ok(Value::Encrypted(Encrypted {
        shape: value.shape.clone(),
        step,
    }))
}
