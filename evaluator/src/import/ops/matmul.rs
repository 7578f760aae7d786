//! `MatMul`: a constant matrix on either side of encrypted values.

use onnx::Tensor;

use super::layout::{gather, permuted};
use super::{Node, Op, OpError, Value, count, floats};
use crate::import::trace::{Encrypted, Trace};
use crate::network::Matrix;

pub const OP: Op = Op {
    name: "MatMul",
    attributes: &[],
    build,
};

fn build(node: &Node<'_>, trace: &mut Trace<'_>) -> Result<Value, OpError> {
    let name = node.name();
    let (value, weights, is_left) = match node.two()? {
        [Value::Encrypted(value), Value::Constant(weights)] => (value.clone(), weights, true),
        // (W·X)ᵀ = Xᵀ·Wᵀ
        [Value::Constant(weights), Value::Encrypted(value)] => {
            (turned(&name, value, trace)?, weights, false)
        }
        _ => {
            return Err(
                OpError::new("it multiplies two encrypted values, or two constants")
                    .instead("use a constant matrix on one side"),
            );
        }
    };
    let right = Right {
        weights,
        is_transposed: !is_left,
        factor: 1.0,
    };
    let (shape, map) = times(&value, &right, trace)?;
    let bias = vec![0.0; count(&shape)?];
    let product = trace.linear(value.name_with(&name), shape, vec![(map, &value)], bias)?;
    Ok(Value::Encrypted(if is_left {
        product
    } else {
        turned(&name, &product, trace)?
    }))
}

/// The last two axes change places.
fn turned(name: &str, value: &Encrypted, trace: &mut Trace<'_>) -> Result<Encrypted, OpError> {
    let turned = |list: &[usize]| match list {
        [rest @ .., rows, columns] => Some([rest, &[*columns, *rows]].concat()),
        _ => None,
    };
    let order: Vec<_> = (0..value.shape.len()).collect();
    let parts = turned(&order).zip(turned(&value.shape));
    trace.claim(value.count())?;
    let parts = parts.and_then(|(order, shape)| Some((permuted(&value.shape, &order)?, shape)));
    let (places, shape) = parts.ok_or_else(|| {
        OpError::new(format!("its right side has shape {:?}", value.shape)).instead("use a matrix")
    })?;
    gather(name, value, &places, shape, trace)
}

/// A constant matrix on the right.
pub struct Right<'a> {
    pub weights: &'a Tensor,
    /// Whether its columns stand in rows.
    pub is_transposed: bool,
    pub factor: f64,
}

/// The shape of the product, and the map that makes it.
pub fn times(
    value: &Encrypted,
    right: &Right<'_>,
    trace: &mut Trace<'_>,
) -> Result<(Vec<usize>, Matrix), OpError> {
    let weights = floats(right.weights)?;
    let dims = right.weights.dims.as_slice();
    let (inner, outputs) = match *dims {
        [outputs, inner] if right.is_transposed => (inner, outputs),
        [inner, outputs] => (inner, outputs),
        _ => {
            return Err(OpError::new(format!("its weights have shape {dims:?}"))
                .instead("weights have to be a matrix"));
        }
    };
    let Some((&columns, batch)) = value.shape.split_last() else {
        return Err(OpError::new("its left side is a single number"));
    };
    if inner != columns {
        return Err(OpError::new(format!(
            "it takes {inner} values and is given {columns}"
        )));
    }
    let mut shape = batch.to_vec();
    shape.push(outputs);
    count(&shape)?;
    let rows = count(batch)?;
    trace.claim(rows.saturating_mul(outputs).saturating_mul(columns))?;
    let stride = if right.is_transposed { 1 } else { outputs };
    let row = |row: usize, output: usize| {
        let start = if right.is_transposed {
            output.saturating_mul(inner)
        } else {
            output
        };
        let column = weights.iter().skip(start).step_by(stride).take(inner);
        let places = row.saturating_mul(columns)..;
        let weight = |&weight: &f32| right.factor * f64::from(weight);
        places.zip(column.map(weight)).collect()
    };
    let row = &row;
    let all = (0..rows).flat_map(|place| (0..outputs).map(move |output| row(place, output)));
    Ok((shape, Matrix::from_rows(value.count(), all)))
}
