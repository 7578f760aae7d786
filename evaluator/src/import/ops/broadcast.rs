//! Two operands of different shapes, as numpy repeats them.

use std::iter;
use std::rc::Rc;

use onnx::{Tensor, TensorData};

use super::layout::gather;
use super::{Node, OpError, constant, count, floats, pick, shape_of};
use crate::import::polynomial::Coefficient;
use crate::import::trace::{Encrypted, Trace, Value};

/// The operands of a node, in the shape that both have together.
pub enum Operands {
    Both(Encrypted, Encrypted),
    Left(Encrypted, Coefficient),
    Right(Coefficient, Encrypted),
    Constants(Rc<Tensor>, Rc<Tensor>),
}

/// Brings the two inputs of a node to one shape.
pub fn operands(node: &Node<'_>, trace: &mut Trace<'_>) -> Result<Operands, OpError> {
    let [left, right] = node.two()?;
    let (first, second) = (shape_of(left), shape_of(right));
    let shape = joint(first, second)
        .ok_or_else(|| OpError::new(format!("shapes {first:?} and {second:?} do not fit")))?;
    count(&shape)?;
    let name = node.name();
    Ok(match (left, right) {
        (Value::Encrypted(left), Value::Encrypted(right)) => Operands::Both(
            expand(&name, left, &shape, trace)?,
            expand(&name, right, &shape, trace)?,
        ),
        (Value::Encrypted(left), Value::Constant(right)) => Operands::Left(
            expand(&name, left, &shape, trace)?,
            coefficient(right, &shape, trace)?,
        ),
        (Value::Constant(left), Value::Encrypted(right)) => Operands::Right(
            coefficient(left, &shape, trace)?,
            expand(&name, right, &shape, trace)?,
        ),
        (Value::Constant(left), Value::Constant(right)) => Operands::Constants(
            repeated(left, &shape, trace)?,
            repeated(right, &shape, trace)?,
        ),
        _ => return Err(OpError::new("it can't be computed with what it is given")),
    })
}

/// Two constants, number by number.
pub fn fold(
    left: &Tensor,
    right: &Tensor,
    float: fn(f32, f32) -> f32,
    int: fn(i64, i64) -> Option<i64>,
) -> Result<Value, OpError> {
    let data = match (&left.data, &right.data) {
        (TensorData::Floats(left), TensorData::Floats(right)) => {
            let pairs = left.iter().zip(right);
            let values: Vec<_> = pairs.map(|(&left, &right)| float(left, right)).collect();
            values
                .iter()
                .all(|value| value.is_finite())
                .then_some(TensorData::Floats(values))
        }
        (TensorData::Ints(left), TensorData::Ints(right)) => {
            let pairs = left.iter().zip(right);
            let values = pairs.map(|(&left, &right)| int(left, right));
            values.collect::<Option<_>>().map(TensorData::Ints)
        }
        _ => return Err(OpError::new("it mixes floats and integers")),
    };
    let data = data.ok_or_else(|| OpError::new("its constants give no number"))?;
    Ok(constant(left.dims.clone(), data))
}

/// A constant for each value of `shape`, which it must not enlarge.
pub fn coefficient(
    tensor: &Tensor,
    shape: &[usize],
    trace: &mut Trace<'_>,
) -> Result<Coefficient, OpError> {
    let values = floats(tensor)?;
    if let [value] = values {
        return Ok(Coefficient::Same(f64::from(*value)));
    }
    let places = places(&tensor.dims, shape, trace)?;
    let value = |&place: &usize| values.get(place).copied().map(f64::from);
    let values = places.iter().map(value).collect::<Option<_>>();
    values
        .map(Coefficient::each)
        .ok_or_else(|| does_not_fit(&tensor.dims, shape))
}

/// The value repeated to fill `shape`.
pub fn expand(
    name: &str,
    value: &Encrypted,
    shape: &[usize],
    trace: &mut Trace<'_>,
) -> Result<Encrypted, OpError> {
    if value.count() == count(shape)? {
        return Ok(value.with_shape(shape.to_vec()));
    }
    let places = places(&value.shape, shape, trace)?;
    gather(name, value, &places, shape.to_vec(), trace)
}

fn repeated(
    tensor: &Rc<Tensor>,
    shape: &[usize],
    trace: &mut Trace<'_>,
) -> Result<Rc<Tensor>, OpError> {
    let places = places(&tensor.dims, shape, trace)?;
    let data = pick(tensor, &places).ok_or_else(|| does_not_fit(&tensor.dims, shape))?;
    Ok(Rc::new(Tensor {
        dims: shape.to_vec(),
        data,
    }))
}

/// The shape of the result.
fn joint(left: &[usize], right: &[usize]) -> Option<Vec<usize>> {
    let length = left.len().max(right.len());
    let padded = |shape: &[usize]| {
        let missing = length.saturating_sub(shape.len());
        iter::repeat_n(1, missing)
            .chain(shape.iter().copied())
            .collect::<Vec<_>>()
    };
    let pairs = padded(left).into_iter().zip(padded(right));
    let size = |(left, right)| match (left, right) {
        (1, size) | (size, 1) => Some(size),
        (left, right) => (left == right).then_some(left),
    };
    pairs.map(size).collect()
}

fn does_not_fit(dims: &[usize], shape: &[usize]) -> OpError {
    OpError::new(format!(
        "its constant of shape {dims:?} does not fit {shape:?}"
    ))
}

/// Where each value of `shape` comes from.
fn places(dims: &[usize], shape: &[usize], trace: &mut Trace<'_>) -> Result<Vec<usize>, OpError> {
    let count = count(shape)?;
    trace.claim(count)?;
    let wrong = || does_not_fit(dims, shape);
    let axes = axes(dims, shape).ok_or_else(wrong)?;
    let places = (0..count).map(|index| source(index, &axes));
    places.collect::<Option<_>>().ok_or_else(wrong)
}
/// An axis of the result.
struct Axis {
    size: usize,
    /// How far the constant's index moves with this axis; zero where it is repeated.
    stride: usize,
}

/// The axes, last one first, if `dims` fits `shape`.
fn axes(dims: &[usize], shape: &[usize]) -> Option<Vec<Axis>> {
    let missing = shape.len().checked_sub(dims.len())?;
    let dims: Vec<_> = iter::repeat_n(1, missing)
        .chain(dims.iter().copied())
        .collect();
    let mut stride = 1_usize;
    let mut axes = Vec::with_capacity(shape.len());
    for (&dim, &size) in dims.iter().zip(shape).rev() {
        match dim {
            1 => axes.push(Axis { size, stride: 0 }),
            _ if dim == size => axes.push(Axis { size, stride }),
            _ => return None,
        }
        stride = stride.checked_mul(dim)?;
    }
    Some(axes)
}

/// Where the constant has the value for position `index` of the result.
fn source(mut index: usize, axes: &[Axis]) -> Option<usize> {
    let mut source = 0_usize;
    for axis in axes {
        let step = index.checked_rem(axis.size)?.checked_mul(axis.stride)?;
        source = source.checked_add(step)?;
        index = index.checked_div(axis.size)?;
    }
    Some(source)
}
