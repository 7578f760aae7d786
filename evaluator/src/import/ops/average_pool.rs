//! `AveragePool`: the mean of a window of each channel.

use super::window::{Axis, Window, axes, windows};
use super::{Node, Op, OpError, Value, count, product};
use crate::import::trace::Trace;
use crate::network::Matrix;

pub const OP: Op = Op {
    name: "AveragePool",
    attributes: &[
        "auto_pad",
        "ceil_mode",
        "count_include_pad",
        "dilations",
        "kernel_shape",
        "pads",
        "strides",
    ],
    build,
};

fn build(node: &Node<'_>, trace: &mut Trace<'_>) -> Result<Value, OpError> {
    let value = node.encrypted(0)?;
    let proto = node.proto;
    let kernel = proto.attribute_ints("kernel_shape")?;
    let kernel = kernel.ok_or_else(|| OpError::new("it has no kernel_shape"))?;
    let wrong = || {
        OpError::new(format!(
            "a window {kernel:?} does not fit shape {:?}",
            value.shape
        ))
    };
    let [1, channels, sizes @ ..] = value.shape.as_slice() else {
        return Err(wrong());
    };
    let sizes_of_kernel = kernel
        .iter()
        .map(|&size| usize::try_from(size).ok().filter(|&size| size > 0));
    let kernel: Vec<_> = sizes_of_kernel.collect::<Option<_>>().ok_or_else(wrong)?;
    if sizes.is_empty() || sizes.len() != kernel.len() {
        return Err(wrong());
    }
    let rounds_up = proto.attribute_int("ceil_mode")?.unwrap_or(0) != 0;
    let counts_padding = proto.attribute_int("count_include_pad")?.unwrap_or(0) != 0;
    let axes = axes(node, sizes, &kernel, rounds_up)?;
    let mut shape = vec![1, *channels];
    shape.extend(axes.iter().map(Axis::output));
    let windows = windows(&axes, trace)?;
    let (plane, channels) = (product(sizes).unwrap_or(0), *channels);
    let taps = windows.iter().map(|window| window.taps.len());
    let taps = taps.fold(0, usize::saturating_add);
    trace.claim(taps.saturating_mul(channels))?;
    let row = move |channel: usize, window: &Window| -> Vec<(usize, f64)> {
        let parts = if counts_padding {
            window.padded
        } else {
            window.taps.len()
        };
        let start = channel.saturating_mul(plane);
        let place =
            |&(_, input): &(usize, usize)| (start.saturating_add(input), 1.0 / parts as f64);
        window.taps.iter().map(place).collect()
    };
    let windows = &windows;
    let rows =
        (0..channels).flat_map(|channel| windows.iter().map(move |window| row(channel, window)));
    let map = Matrix::from_rows(value.count(), rows);
    let name = value.name_with(&node.name());
    let bias = vec![0.0; count(&shape)?];
    Ok(Value::Encrypted(trace.linear(
        name,
        shape,
        vec![(map, value)],
        bias,
    )?))
}
