//! Windows that slide over rows and columns, for convolutions and pooling.

use super::{Node, OpError, count};
use crate::import::trace::Trace;

/// How a window moves along one axis.
pub struct Axis {
    input: usize,
    output: usize,
    kernel: usize,
    stride: usize,
    dilation: usize,
    /// Padding in front.
    before: usize,
    /// Padding behind.
    after: usize,
}

/// What one output reads: places in the kernel and in one channel of the input.
pub struct Window {
    /// Pairs of the two.
    pub taps: Vec<(usize, usize)>,
    /// How many places of the window lie in the input or its padding.
    pub padded: usize,
}

/// How the windows of a node move over an input of these sizes.
pub fn axes(
    node: &Node<'_>,
    sizes: &[usize],
    kernel: &[usize],
    rounds_up: bool,
) -> Result<Vec<Axis>, OpError> {
    let list = |name: &str, length: usize, default: usize| -> Result<Vec<usize>, OpError> {
        let Some(list) = node.proto.attribute_ints(name)? else {
            return Ok(vec![default; length]);
        };
        let wrong = || OpError::new(format!("its {name} are {list:?}"));
        let sizes = list
            .iter()
            .map(|&size| usize::try_from(size).ok().filter(|&size| size >= default));
        let sizes: Vec<_> = sizes.collect::<Option<_>>().ok_or_else(wrong)?;
        if sizes.len() == length {
            Ok(sizes)
        } else {
            Err(wrong())
        }
    };
    let rank = sizes.len();
    let strides = list("strides", rank, 1)?;
    let dilations = list("dilations", rank, 1)?;
    let pads = list("pads", rank.saturating_mul(2), 0)?;
    let mode = node.proto.attribute_string("auto_pad")?;
    let mode = match mode.as_deref() {
        None | Some("" | "NOTSET") => Padding::Stated { rounds_up },
        Some("VALID") => Padding::None,
        Some("SAME_UPPER") => Padding::Same { more_behind: true },
        Some("SAME_LOWER") => Padding::Same { more_behind: false },
        Some(other) => return Err(OpError::new(format!("its auto_pad is {other:?}"))),
    };
    let behind = pads.iter().skip(rank);
    let mut axes = Vec::new();
    let numbers = sizes.iter().zip(kernel).zip(&strides).zip(&dilations);
    for ((((&input, &kernel), &stride), &dilation), (&before, &after)) in
        numbers.zip(pads.iter().zip(behind))
    {
        let axis = Axis {
            input,
            output: 0,
            kernel,
            stride,
            dilation,
            before,
            after,
        };
        axes.push(axis.with_output(&mode).ok_or_else(|| {
            OpError::new(format!(
                "a window of {kernel} does not fit into {input} values"
            ))
        })?);
    }
    Ok(axes)
}

enum Padding {
    None,
    Same { more_behind: bool },
    Stated { rounds_up: bool },
}

impl Axis {
    pub fn output(&self) -> usize {
        self.output
    }

    fn with_output(mut self, mode: &Padding) -> Option<Self> {
        let span = self
            .kernel
            .checked_sub(1)?
            .checked_mul(self.dilation)?
            .checked_add(1)?;
        match *mode {
            Padding::None => (self.before, self.after) = (0, 0),
            Padding::Same { more_behind } => {
                let steps = self.input.checked_sub(1)?.checked_div(self.stride)?;
                let needed = steps.checked_mul(self.stride)?.checked_add(span)?;
                let all = needed.saturating_sub(self.input);
                let less = all >> 1;
                let more = all.checked_sub(less)?;
                (self.before, self.after) = if more_behind {
                    (less, more)
                } else {
                    (more, less)
                };
            }
            Padding::Stated { .. } => {}
        }
        let padded = self
            .input
            .checked_add(self.before)?
            .checked_add(self.after)?;
        let room = padded.checked_sub(span)?;
        let mut steps = room.checked_div(self.stride)?;
        if matches!(mode, Padding::Stated { rounds_up: true }) {
            steps = room.div_ceil(self.stride);
            // No window starts in the padding behind.
            if steps.checked_mul(self.stride)? >= self.input.checked_add(self.before)? {
                steps = steps.checked_sub(1)?;
            }
        }
        self.output = steps.checked_add(1)?;
        Some(self)
    }

    /// Places in the kernel and in the input, and how many places are not beyond the padding.
    fn window(&self, output: usize) -> Option<Window> {
        let start = output.checked_mul(self.stride)?;
        let end = self.before.checked_add(self.input)?;
        let (mut taps, mut padded) = (Vec::new(), 0_usize);
        for kernel in 0..self.kernel {
            let place = kernel.checked_mul(self.dilation)?.checked_add(start)?;
            if place < end.checked_add(self.after)? {
                padded = padded.checked_add(1)?;
            }
            if let Some(input) = place.checked_sub(self.before).filter(|_| place < end) {
                taps.push((kernel, input));
            }
        }
        Some(Window { taps, padded })
    }
}

/// All windows, in the order of the outputs.
pub fn windows(axes: &[Axis], trace: &mut Trace<'_>) -> Result<Vec<Window>, OpError> {
    let outputs: Vec<_> = axes.iter().map(|axis| axis.output).collect();
    let mut places = count(&outputs)?;
    for axis in axes {
        places = places.saturating_mul(axis.kernel);
        trace.claim(axis.output.saturating_mul(axis.kernel))?;
    }
    trace.claim(places)?;
    let mut windows = vec![Window {
        taps: vec![(0, 0)],
        padded: 1,
    }];
    for axis in axes {
        let along = (0..axis.output).map(|output| axis.window(output));
        let along = along.collect::<Option<Vec<_>>>();
        let along = along.ok_or_else(|| OpError::new("its windows are too large"))?;
        let pairs = windows
            .iter()
            .flat_map(|outer| along.iter().map(move |inner| (outer, inner)));
        windows = pairs
            .map(|(outer, inner)| axis.join(outer, inner))
            .collect();
    }
    Ok(windows)
}

impl Axis {
    /// A window of the axes before this one, and one along this one.
    fn join(&self, outer: &Window, inner: &Window) -> Window {
        let place =
            |outer: usize, size: usize, inner| outer.saturating_mul(size).saturating_add(inner);
        let taps = outer.taps.iter().flat_map(|&(kernel, input)| {
            inner.taps.iter().map(move |&(along, at)| {
                (
                    place(kernel, self.kernel, along),
                    place(input, self.input, at),
                )
            })
        });
        Window {
            taps: taps.collect(),
            padded: outer.padded.saturating_mul(inner.padded),
        }
    }
}
