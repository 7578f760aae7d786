//! `Gemm`: `alpha · A · B + beta · C` with encrypted A.

use super::{Node, Op, OpError, broadcast, count};
use crate::import::ops::matmul::matrix;
use crate::import::trace::{Action, Encrypted, Trace, Value};
use crate::network::Linear;

pub const OP: Op = Op {
    name: "Gemm",
    attributes: &["alpha", "beta", "transA", "transB"],
    build,
};

fn build(node: &Node<'_>, trace: &mut Trace) -> Result<Value, OpError> {
    let proto = node.proto;
    let alpha = f64::from(proto.attribute_float("alpha")?.unwrap_or(1.0));
    let beta = f64::from(proto.attribute_float("beta")?.unwrap_or(1.0));
    if proto.attribute_int("transA")?.unwrap_or(0) != 0 {
        return Err(OpError::new("it transposes its input (transA)")
            .instead("export with transA = 0: rows are images"));
    }
    let transposed = proto.attribute_int("transB")?.unwrap_or(0) != 0;
    let (factors, addend) = node.two_or_three()?;
    let [Value::Encrypted(value), Value::Constant(tensor)] = factors else {
        return Err(OpError::new("it needs an encrypted A and a constant B"));
    };
    let [1, columns] = *value.shape.as_slice() else {
        return Err(OpError::new(format!("A has shape {:?}", value.shape))
            .instead("flatten it to 1×values"));
    };
    let (rows, weights) = matrix(tensor, transposed, columns, alpha, trace)?;
    let shape = vec![1, rows];
    let bias = match addend {
        None => vec![0.0; count(&shape)?],
        Some(Value::Constant(constant)) => {
            let values = broadcast(constant, &shape)?;
            values.into_iter().map(|value| beta * value).collect()
        }
        Some(_) => return Err(OpError::new("it needs a constant C")),
    };
    let linear = Linear {
        name: node.name(),
        rows,
        columns,
        weights,
        bias,
    };
    let step = trace.push(value.step, Action::Linear(linear));
    Ok(Value::Encrypted(Encrypted { shape, step }))
}
