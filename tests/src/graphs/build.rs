//! From steps to a file: each step that fits becomes nodes.

use onnx::messages::{AttributeProto, NodeProto};

use super::write::{Writer, int};
use super::{Activation, Arithmetic, Dense, Layout, MOST_ACTIVATIONS, Step, Window};

/// Most values on the way, so that tests stay quick.
const MOST_VALUES: usize = 512;

/// A value on the way.
#[derive(Clone)]
struct Place {
    name: String,
    shape: Vec<usize>,
    activations: usize,
}

struct Builder {
    writer: Writer,
    at: Place,
    remembered: Vec<Place>,
}

/// The file of these steps, with a dense layer for the classes behind them.
pub fn file(shape: &[usize], steps: &[Step], classes: usize, is_open: bool, seed: u64) -> Vec<u8> {
    let mut builder = Builder {
        writer: Writer::new(shape, is_open, seed),
        at: Place {
            name: "image".to_owned(),
            shape: shape.to_vec(),
            activations: 0,
        },
        remembered: Vec::new(),
    };
    for step in steps {
        builder.step(step);
    }
    builder.dense(classes, Dense::Gemm);
    builder.writer.file(&builder.at.name)
}

impl Builder {
    fn step(&mut self, step: &Step) {
        match step {
            Step::Conv {
                outputs,
                window,
                in_groups,
                has_bias,
            } => self.conv(*outputs, window, *in_groups, *has_bias),
            Step::Pool {
                window,
                counts_padding,
                rounds_up,
            } => self.pool(window, *counts_padding, *rounds_up),
            Step::Means(as_reduction) => self.means(*as_reduction),
            Step::Normalise => self.normalise(),
            Step::Constant { op, is_left, axes } => self.constant(*op, *is_left, *axes),
            Step::Negate => self.apply("Neg", &[]),
            Step::Rename(as_dropout) => {
                self.apply(if *as_dropout { "Dropout" } else { "Identity" }, &[]);
            }
            Step::Transpose(which) => self.transpose(*which),
            Step::Reshape(layout) => self.reshape(*layout),
            Step::Dense { rows, spelling } => self.dense(*rows, *spelling),
            Step::LeftProduct(rows) => self.left_product(*rows),
            Step::Activation(activation) => self.activation(*activation),
            Step::Remember => self.remembered.push(self.at.clone()),
            Step::Recall(subtracts) => self.recall(*subtracts),
        }
    }

    /// A node that reads the value and others, and keeps its shape.
    fn apply(&mut self, op: &str, others: &[&str]) {
        let inputs = [&[self.at.name.as_str()], others].concat();
        self.at.name = self.writer.node(op, &inputs);
    }

    fn push(&mut self, node: NodeProto, shape: Vec<usize>) {
        self.at.name = self.writer.push(node);
        self.at.shape = shape;
    }

    fn count(&self) -> usize {
        self.at.shape.iter().product()
    }

    fn conv(&mut self, outputs: usize, window: &Window, in_groups: bool, has_bias: bool) {
        let [1, channels, ref sizes @ ..] = self.at.shape[..] else {
            return;
        };
        let Some((attributes, moved)) = moved(window, sizes, Rounding::Conv) else {
            return;
        };
        let (groups, inner) = if in_groups {
            (channels, 1)
        } else {
            (1, channels)
        };
        let kernel = &window.kernel[..sizes.len()];
        let shape = [&[1, outputs * groups], &*moved].concat();
        if shape.iter().product::<usize>() > MOST_VALUES {
            return;
        }
        let dims = [&[outputs * groups, inner], kernel].concat();
        let fan_in = inner * kernel.iter().product::<usize>();
        let weights = self.writer.weights(&dims, 1.5 / (fan_in as f32).sqrt());
        let bias = self.writer.weights(&dims[..1], 0.3);
        let all = [self.at.name.as_str(), &weights, &bias];
        let node = self
            .writer
            .start("Conv", if has_bias { &all } else { &all[..2] });
        let node = node.with(AttributeProto::int("group", int(groups)));
        let dilations = ints("dilations", &window.dilations[..sizes.len()]);
        let node = attributes
            .into_iter()
            .fold(node.with(dilations), NodeProto::with);
        self.push(node, shape);
    }

    fn pool(&mut self, window: &Window, counts_padding: bool, rounds_up: bool) {
        let [1, channels, ref sizes @ ..] = self.at.shape[..] else {
            return;
        };
        let window = Window {
            dilations: [1, 1],
            ..window.clone()
        };
        let rounding = if rounds_up {
            Rounding::Up
        } else {
            Rounding::Down
        };
        let Some((attributes, moved)) = moved(&window, sizes, rounding) else {
            return;
        };
        let shape = [&[1, channels], &*moved].concat();
        let node = self.writer.start("AveragePool", &[&self.at.name]);
        let node = node.with(AttributeProto::int(
            "count_include_pad",
            counts_padding.into(),
        ));
        let node = node.with(AttributeProto::int("ceil_mode", rounds_up.into()));
        self.push(attributes.into_iter().fold(node, NodeProto::with), shape);
    }

    fn means(&mut self, as_reduction: bool) {
        let [1, channels, ref sizes @ ..] = self.at.shape[..] else {
            return;
        };
        if sizes.is_empty() {
            return;
        }
        let shape = [vec![1, channels], vec![1; sizes.len()]].concat();
        let axes: Vec<_> = (2..shape.len()).collect();
        let name = self.at.name.clone();
        let node = if as_reduction {
            self.writer
                .start("ReduceMean", &[&name])
                .with(ints("axes", &axes))
        } else {
            self.writer.start("GlobalAveragePool", &[&name])
        };
        self.push(node, shape);
    }

    fn normalise(&mut self) {
        let channels = self.at.shape[1];
        let [bias, mean] = [0, 1].map(|_| self.writer.weights(&[channels], 0.3));
        let scale = self.writer.factors(&[channels]);
        let variance = self.writer.random_floats(&[channels], |value| 0.5 + value);
        self.apply("BatchNormalization", &[&scale, &bias, &mean, &variance]);
    }

    fn constant(&mut self, op: Arithmetic, is_left: bool, axes: usize) {
        let shape = &self.at.shape;
        let dims = shape[shape.len() - axes.min(shape.len())..].to_vec();
        let (name, constant, is_left) = match op {
            Arithmetic::Add => ("Add", self.writer.weights(&dims, 0.5), is_left),
            Arithmetic::Sub => ("Sub", self.writer.weights(&dims, 0.5), is_left),
            Arithmetic::Mul => ("Mul", self.writer.factors(&dims), is_left),
            Arithmetic::Div => ("Div", self.writer.factors(&dims), false),
        };
        let mut inputs = [self.at.name.as_str(), &constant];
        if is_left {
            inputs.reverse();
        }
        self.at.name = self.writer.node(name, &inputs);
    }

    fn transpose(&mut self, which: usize) {
        let mut order: Vec<usize> = (1..self.at.shape.len()).collect();
        let count = order.len();
        order.rotate_left(which % count);
        if which >= 3 {
            order.reverse();
        }
        order.insert(0, 0);
        let shape = order.iter().map(|&axis| self.at.shape[axis]).collect();
        let node = self.writer.start("Transpose", &[&self.at.name]);
        self.push(node.with(ints("perm", &order)), shape);
    }

    fn reshape(&mut self, layout: Layout) {
        let (name, flat) = (self.at.name.clone(), vec![1, self.count()]);
        match layout {
            Layout::Flatten => {
                let node = self.writer.start("Flatten", &[&name]);
                self.push(node, flat);
            }
            Layout::Rest => {
                let to = self.writer.ints(&[0, -1]);
                let node = self.writer.start("Reshape", &[&name, &to]);
                self.push(node, flat);
            }
            Layout::Computed => {
                let shape = self.writer.node("Shape", &[&name]);
                let first = self.writer.ints(&[0]);
                let gather = self.writer.start("Gather", &[&shape, &first]);
                let batch = self
                    .writer
                    .push(gather.with(AttributeProto::int("axis", 0)));
                let rest = self.writer.ints(&[-1]);
                let concat = self.writer.start("Concat", &[&batch, &rest]);
                let to = self
                    .writer
                    .push(concat.with(AttributeProto::int("axis", 0)));
                let node = self.writer.start("Reshape", &[&name, &to]);
                self.push(node, flat);
            }
            Layout::Axis => {
                let axis = self.writer.ints(&[1]);
                let more = self.writer.node("Unsqueeze", &[&name, &axis]);
                self.at.name = self.writer.node("Squeeze", &[&more, &axis]);
            }
        }
    }

    fn dense(&mut self, rows: usize, spelling: Dense) {
        if self.at.shape.len() > 2 {
            self.reshape(Layout::Flatten);
        }
        let (name, columns) = (self.at.name.clone(), self.count());
        let bias = self.writer.weights(&[rows], 0.3);
        let size = 1.5 / (columns as f32).sqrt();
        let shape = vec![1, rows];
        match spelling {
            Dense::Gemm => {
                let weights = self.writer.weights(&[columns, rows], size);
                let node = self.writer.start("Gemm", &[&name, &weights, &bias]);
                self.push(node, shape);
            }
            Dense::GemmTransposed => {
                let weights = self.writer.weights(&[rows, columns], size);
                let node = self.writer.start("Gemm", &[&name, &weights, &bias]);
                let node = node.with(AttributeProto::float("alpha", 0.75));
                let node = node.with(AttributeProto::float("beta", -1.5));
                self.push(node.with(AttributeProto::int("transB", 1)), shape);
            }
            Dense::MatMul => {
                let weights = self.writer.weights(&[columns, rows], size);
                let product = self.writer.node("MatMul", &[&name, &weights]);
                let node = self.writer.start("Add", &[&bias, &product]);
                self.push(node, shape);
            }
        }
    }

    fn left_product(&mut self, rows: usize) {
        let [ref batch @ .., inner, columns] = self.at.shape[..] else {
            return;
        };
        if batch.is_empty() {
            return;
        }
        let shape = [batch, &[rows, columns]].concat();
        let weights = self
            .writer
            .weights(&[rows, inner], 1.5 / (inner as f32).sqrt());
        let node = self.writer.start("MatMul", &[&weights, &self.at.name]);
        self.push(node, shape);
    }

    fn activation(&mut self, activation: Activation) {
        if self.at.activations == MOST_ACTIVATIONS {
            return;
        }
        self.at.activations += 1;
        let writer = &mut self.writer;
        let x = self.at.name.clone();
        self.at.name = match activation {
            Activation::Product => writer.node("Mul", &[&x, &x]),
            Activation::Power => {
                let two = writer.number(2.0);
                writer.node("Pow", &[&x, &two])
            }
            Activation::Horner => {
                let [a, b, c] = [0.5, -0.75, 0.25].map(|value| writer.number(value));
                let product = writer.node("Mul", &[&a, &x]);
                let sum = writer.node("Add", &[&product, &b]);
                let product = writer.node("Mul", &[&sum, &x]);
                writer.node("Sub", &[&product, &c])
            }
            Activation::Channels => {
                let ones = vec![1; self.at.shape.len() - 2];
                let dims = [vec![self.at.shape[1]], ones].concat();
                let [a, b] = [0, 1].map(|_| writer.factors(&dims));
                let square = writer.node("Mul", &[&x, &x]);
                let square = writer.node("Mul", &[&square, &a]);
                let linear = writer.node("Mul", &[&b, &x]);
                writer.node("Add", &[&square, &linear])
            }
            Activation::Cubic => {
                let [three, eight] = [3.0, 8.0].map(|value| writer.number(value));
                let cube = writer.node("Pow", &[&x, &three]);
                let small = writer.node("Div", &[&cube, &eight]);
                writer.node("Sub", &[&x, &small])
            }
            Activation::Quartic => {
                let [small, half] = [0.125, 0.5].map(|value| writer.number(value));
                let square = writer.node("Mul", &[&x, &x]);
                let fourth = writer.node("Mul", &[&square, &square]);
                let fourth = writer.node("Mul", &[&fourth, &small]);
                let linear = writer.node("Mul", &[&x, &half]);
                writer.node("Add", &[&linear, &fourth])
            }
        };
    }

    fn recall(&mut self, subtracts: bool) {
        let fits = |place: &&Place| place.shape == self.at.shape && place.name != self.at.name;
        let Some(other) = self.remembered.iter().rfind(fits).cloned() else {
            return;
        };
        self.apply(if subtracts { "Sub" } else { "Add" }, &[&other.name]);
        self.at.activations = self.at.activations.max(other.activations);
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Rounding {
    Conv,
    Up,
    Down,
}

/// A window's attributes, and the sizes that it makes of these; none if it doesn't fit.
fn moved(
    window: &Window,
    sizes: &[usize],
    rounding: Rounding,
) -> Option<(Vec<AttributeProto>, Vec<usize>)> {
    let rank = sizes.len();
    if rank == 0 || rank > 2 {
        return None;
    }
    let mut attributes = vec![
        ints("kernel_shape", &window.kernel[..rank]),
        ints("strides", &window.strides[..rank]),
    ];
    let mode = match window.auto_pad {
        0 => "SAME_UPPER",
        1 => "SAME_LOWER",
        2 => "VALID",
        _ => "NOTSET",
    };
    attributes.push(AttributeProto::string("auto_pad", mode));
    // A window has to lie in more than padding.
    let pad = |index: usize, axis: usize| window.pads[index].min(window.kernel[axis] - 1);
    let before: Vec<_> = (0..rank).map(|axis| pad(axis, axis)).collect();
    let behind: Vec<_> = (0..rank).map(|axis| pad(2 + axis, axis)).collect();
    if mode == "NOTSET" {
        attributes.push(ints("pads", &[before.clone(), behind.clone()].concat()));
    }
    let mut moved = Vec::new();
    for (axis, &size) in sizes.iter().enumerate() {
        let (stride, dilation) = (window.strides[axis], window.dilations[axis]);
        let span = (window.kernel[axis] - 1) * dilation + 1;
        moved.push(match mode {
            "SAME_UPPER" | "SAME_LOWER" => size.div_ceil(stride),
            "VALID" => size.checked_sub(span)? / stride + 1,
            _ => {
                let room = (size + before[axis] + behind[axis]).checked_sub(span)?;
                let steps = room / stride;
                let more = room.div_ceil(stride);
                let starts_inside = more * stride < size + before[axis];
                1 + if rounding == Rounding::Up && starts_inside {
                    more
                } else {
                    steps
                }
            }
        });
    }
    Some((attributes, moved))
}

fn ints(name: &str, values: &[usize]) -> AttributeProto {
    let values: Vec<_> = values.iter().copied().map(int).collect();
    AttributeProto::ints(name, &values)
}
