//! `MatMul`: an encrypted row times a constant matrix.

use onnx::Tensor;

use super::{Node, Op, OpError, count, floats};
use crate::import::trace::{Action, Encrypted, Trace, Value};
use crate::network::Linear;

pub const OP: Op = Op {
    name: "MatMul",
    attributes: &[],
    build,
};

fn build(node: &Node<'_>, trace: &mut Trace) -> Result<Value, OpError> {
    let [Value::Encrypted(value), Value::Constant(tensor)] = node.two()? else {
        return Err(OpError::new(
            "it needs an encrypted left and a constant right side",
        ));
    };
    let (columns, batch) = match value.shape.split_last() {
        Some((&columns, batch)) if batch.iter().all(|&size| size == 1) => (columns, batch),
        _ => {
            return Err(
                OpError::new(format!("its left side has shape {:?}", value.shape))
                    .instead("flatten it to 1×values"),
            );
        }
    };
    let (rows, weights) = matrix(tensor, false, columns, 1.0, trace)?;
    let mut shape = batch.to_vec();
    shape.push(rows);
    let linear = Linear {
        name: node.name(),
        rows,
        columns,
        weights,
        bias: vec![0.0; count(&shape)?],
    };
    let step = trace.push(value.step, Action::Linear(linear));
    Ok(Value::Encrypted(Encrypted { shape, step }))
}

/// The number of outputs, and the weights of each, of a matrix that stands on the right; rows of
/// the file's matrix are outputs if it is `transposed`.
pub fn matrix(
    tensor: &Tensor,
    transposed: bool,
    columns: usize,
    factor: f64,
    trace: &mut Trace,
) -> Result<(usize, Vec<f64>), OpError> {
    let values = floats(tensor)?;
    let (inner, rows) = match *tensor.dims.as_slice() {
        [rows, inner] if transposed => (inner, rows),
        [inner, rows] => (inner, rows),
        _ => {
            return Err(
                OpError::new(format!("its weights have shape {:?}", tensor.dims))
                    .instead("weights have to be a matrix"),
            );
        }
    };
    if inner != columns {
        return Err(OpError::new(format!(
            "it takes {inner} values and is given {columns}"
        )));
    }
    trace.claim(count(&[rows])?.saturating_mul(columns))?;
    let scaled = |&value: &f32| factor * f64::from(value);
    let weights = if transposed {
        values.iter().map(scaled).collect()
    } else {
        (0..rows)
            .flat_map(|row| values.iter().skip(row).step_by(rows))
            .map(scaled)
            .collect()
    };
    Ok((rows, weights))
}
