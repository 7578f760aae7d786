//! One constant for many values, as numpy repeats it.

use std::iter;

use onnx::Tensor;

use super::{OpError, count, floats};

/// The constant repeated to fill `shape`, which it must not enlarge.
pub fn broadcast(tensor: &Tensor, shape: &[usize]) -> Result<Vec<f64>, OpError> {
    let values = floats(tensor)?;
    let wrong = || {
        OpError::new(format!(
            "its constant of shape {:?} does not fit {shape:?}",
            tensor.dims
        ))
    };
    let axes = axes(&tensor.dims, shape).ok_or_else(wrong)?;
    let value = |index| values.get(source(index, &axes)?).copied().map(f64::from);
    (0..count(shape)?)
        .map(value)
        .collect::<Option<_>>()
        .ok_or_else(wrong)
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
