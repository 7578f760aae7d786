//! `Conv`: each output is a weighted sum of a window of its group's channels.

use super::window::{Window, axes, windows};
use super::{Node, Op, OpError, Value, count, floats, product};
use crate::import::trace::Trace;
use crate::network::Matrix;

pub const OP: Op = Op {
    name: "Conv",
    attributes: &[
        "auto_pad",
        "dilations",
        "group",
        "kernel_shape",
        "pads",
        "strides",
    ],
    build,
};

fn build(node: &Node<'_>, trace: &mut Trace<'_>) -> Result<Value, OpError> {
    let value = node.encrypted(0)?;
    let weights = node.constant(1, "weights")?;
    let group = node.proto.attribute_int("group")?.unwrap_or(1);
    let wrong = || {
        OpError::new(format!(
            "weights of shape {:?} in {group} groups do not fit values of shape {:?}",
            weights.dims, value.shape
        ))
    };
    let ([1, channels, sizes @ ..], [outputs, inner, kernel @ ..]) =
        (value.shape.as_slice(), weights.dims.as_slice())
    else {
        return Err(wrong());
    };
    let stated = node.proto.attribute_ints("kernel_shape")?;
    let is_kernel = |stated: &Vec<i64>| {
        let sizes = stated.iter().map(|&size| usize::try_from(size).ok());
        sizes.eq(kernel.iter().map(|&size| Some(size)))
    };
    let groups = usize::try_from(group).map_err(|_| wrong())?;
    let each = outputs.checked_div(groups).filter(|&each| each > 0);
    if sizes.is_empty()
        || sizes.len() != kernel.len()
        || Some(*channels) != inner.checked_mul(groups)
        || each.and_then(|each| each.checked_mul(groups)) != Some(*outputs)
        || stated.is_some_and(|stated| !is_kernel(&stated))
    {
        return Err(wrong());
    }
    let axes = axes(node, sizes, kernel, false)?;
    let mut shape = vec![1, *outputs];
    shape.extend(axes.iter().map(super::window::Axis::output));
    count(&shape)?;
    let windows = windows(&axes, trace)?;
    let taps = windows.iter().map(|window| window.taps.len());
    let taps = taps.fold(0, usize::saturating_add);
    trace.claim(taps.saturating_mul(*inner).saturating_mul(*outputs))?;
    let filters = Filters {
        weights: floats(weights)?,
        inner: *inner,
        kernel: product(kernel).unwrap_or(0),
        each: each.unwrap_or(1),
        plane: product(sizes).unwrap_or(0),
    };
    let filters = &filters;
    let row = |output| {
        windows
            .iter()
            .map(move |window| filters.row(output, window))
    };
    let map = Matrix::from_rows(value.count(), (0..*outputs).flat_map(row));
    let bias = match node.optional(2) {
        None => vec![0.0; count(&shape)?],
        Some(_) => {
            let bias = floats(node.constant(2, "bias")?)?;
            if bias.len() != *outputs {
                return Err(OpError::new(format!(
                    "it has {} biases for {outputs} channels",
                    bias.len()
                )));
            }
            let repeated = |&bias: &f32| windows.iter().map(move |_| f64::from(bias));
            bias.iter().flat_map(repeated).collect()
        }
    };
    let name = value.name_with(&node.name());
    Ok(Value::Encrypted(trace.linear(
        name,
        shape,
        vec![(map, value)],
        bias,
    )?))
}

struct Filters<'a> {
    weights: &'a [f32],
    /// Channels that an output reads.
    inner: usize,
    /// Weights of one output for one channel.
    kernel: usize,
    /// Outputs of a group.
    each: usize,
    /// Values of an input channel.
    plane: usize,
}

impl Filters<'_> {
    /// The weights of one output at one place.
    fn row(&self, output: usize, window: &Window) -> Vec<(usize, f64)> {
        let group = output.checked_div(self.each).unwrap_or(0);
        let weights = self.weights.chunks(self.kernel.max(1));
        let weights = weights
            .skip(output.saturating_mul(self.inner))
            .take(self.inner);
        let mut row = Vec::with_capacity(self.inner.saturating_mul(window.taps.len()));
        for (channel, weights) in (group.saturating_mul(self.inner)..).zip(weights) {
            let start = channel.saturating_mul(self.plane);
            let weight = |&(kernel, input): &(usize, usize)| {
                Some((start.checked_add(input)?, f64::from(*weights.get(kernel)?)))
            };
            row.extend(window.taps.iter().filter_map(weight));
        }
        row
    }
}
