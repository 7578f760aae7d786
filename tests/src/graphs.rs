//! Random small ONNX files that use every operator the importer reads.
//!
//! Knows how the operators are written; knows nothing of what becomes of them.
//!
//! **Invariant:** a file is sound, has at most [`MOST_ACTIVATIONS`] activations in a row, and its
//! values stay around 1 for an image from 0 to 1.

mod build;
mod write;

use std::fmt;

use proptest::collection::vec;
use proptest::prelude::*;

/// Most activations from the image to the output.
pub const MOST_ACTIVATIONS: usize = 2;

/// A file with a network.
#[derive(Clone)]
pub struct RandomGraph {
    /// The file.
    pub bytes: Vec<u8>,
    /// Sizes of its input, the batch of 1 first.
    pub shape: Vec<usize>,
    /// What was put together; steps that didn't fit where they stood are left out of the file.
    pub steps: Vec<Step>,
}

/// What was put together, not the bytes.
impl fmt::Debug for RandomGraph {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            bytes,
            shape,
            steps,
        } = self;
        write!(f, "{} bytes for {shape:?}: {steps:?}", bytes.len())
    }
}

impl RandomGraph {
    /// Number of values of the input.
    #[must_use]
    pub fn inputs(&self) -> usize {
        self.shape.iter().product()
    }
}

/// A few nodes.
#[derive(Clone, Debug)]
pub enum Step {
    /// A convolution.
    Conv {
        /// Channels, for each group.
        outputs: usize,
        /// How the window moves.
        window: Window,
        /// Whether each channel is a group.
        in_groups: bool,
        /// Whether it has a bias.
        has_bias: bool,
    },
    /// An average over windows.
    Pool {
        /// How the window moves.
        window: Window,
        /// Whether padding counts.
        counts_padding: bool,
        /// Whether a last window may reach beyond.
        rounds_up: bool,
    },
    /// An average over everything but channels, as its own operator or as `ReduceMean`.
    Means(bool),
    /// Normalisation with fixed statistics.
    Normalise,
    /// A constant on one side of values.
    Constant {
        /// What is done.
        op: Arithmetic,
        /// Whether the constant stands on the left.
        is_left: bool,
        /// How many of the last axes it has.
        axes: usize,
    },
    /// Changes the sign.
    Negate,
    /// Another name.
    Rename(bool),
    /// Axes change places.
    Transpose(usize),
    /// The same values in another shape.
    Reshape(Layout),
    /// A dense layer, flattened before.
    Dense {
        /// Its outputs.
        rows: usize,
        /// How it is spelled.
        spelling: Dense,
    },
    /// A matrix on the left of the last two axes.
    LeftProduct(usize),
    /// An activation.
    Activation(Activation),
    /// The value will be needed again.
    Remember,
    /// Adds or subtracts the last value of this shape that was remembered.
    Recall(bool),
}

/// How a window moves over rows and columns.
#[derive(Clone, Debug)]
pub struct Window {
    /// Its sizes.
    pub kernel: [usize; 2],
    /// Its steps.
    pub strides: [usize; 2],
    /// How far its places are apart.
    pub dilations: [usize; 2],
    /// Padding in front of both axes, then behind; at most as much as fits a window.
    pub pads: [usize; 4],
    /// Which of the padding modes counts.
    pub auto_pad: usize,
}

/// Arithmetic with constants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arithmetic {
    /// Adds.
    Add,
    /// Subtracts.
    Sub,
    /// Multiplies.
    Mul,
    /// Divides, always by the constant.
    Div,
}

/// Ways to change a shape.
#[derive(Clone, Copy, Debug)]
pub enum Layout {
    /// To 1×values.
    Flatten,
    /// The same by a `Reshape` with -1.
    Rest,
    /// The same by a `Reshape` whose sizes are computed from the shape.
    Computed,
    /// An axis comes and goes.
    Axis,
}

/// Ways to write a dense layer.
#[derive(Clone, Copy, Debug)]
pub enum Dense {
    /// `Gemm`.
    Gemm,
    /// `Gemm` with `alpha`, `beta` and transposed weights.
    GemmTransposed,
    /// `MatMul` and `Add`.
    MatMul,
}

/// Ways to write a polynomial.
#[derive(Clone, Copy, Debug)]
pub enum Activation {
    /// `x·x`.
    Product,
    /// `x²`, as a power.
    Power,
    /// `(a·x + b)·x + c`.
    Horner,
    /// `a·x² + b·x`, where a and b differ from channel to channel.
    Channels,
    /// `x - x³/8`.
    Cubic,
    /// `x⁴/8 + x/2`, by squaring twice.
    Quartic,
}

/// Small graphs of any shape.
pub fn graph() -> impl Strategy<Value = RandomGraph> {
    let shape = prop_oneof![
        3 => (1..3_usize, 3..9_usize, 3..9_usize).prop_map(|(c, h, w)| vec![1, c, h, w]),
        1 => (1..3_usize, 4..17_usize).prop_map(|(c, l)| vec![1, c, l]),
        1 => (2..24_usize).prop_map(|n| vec![1, n]),
    ];
    let steps = vec(step(), 1..10);
    (shape, steps, 1..6_usize, any::<bool>(), any::<u64>()).prop_map(
        |(shape, steps, classes, is_open, seed)| RandomGraph {
            bytes: build::file(&shape, &steps, classes, is_open, seed),
            shape,
            steps,
        },
    )
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (1..4_usize, window(), any::<bool>(), any::<bool>()).prop_map(
            |(outputs, window, in_groups, has_bias)| Step::Conv {
                outputs,
                window,
                in_groups,
                has_bias,
            }
        ),
        2 => (window(), any::<bool>(), any::<bool>()).prop_map(
            |(window, counts_padding, rounds_up)| Step::Pool {
                window,
                counts_padding,
                rounds_up,
            }
        ),
        1 => any::<bool>().prop_map(Step::Means),
        2 => Just(Step::Normalise),
        3 => (arithmetic(), any::<bool>(), 0..5_usize).prop_map(|(op, is_left, axes)| {
            Step::Constant { op, is_left, axes }
        }),
        1 => Just(Step::Negate),
        1 => any::<bool>().prop_map(Step::Rename),
        1 => (0..6_usize).prop_map(Step::Transpose),
        2 => layout().prop_map(Step::Reshape),
        2 => (1..9_usize, dense()).prop_map(|(rows, spelling)| Step::Dense { rows, spelling }),
        1 => (1..6_usize).prop_map(Step::LeftProduct),
        6 => activation().prop_map(Step::Activation),
        3 => Just(Step::Remember),
        4 => any::<bool>().prop_map(Step::Recall),
    ]
}

fn window() -> impl Strategy<Value = Window> {
    let pair = |most: usize| [1..=most, 1..=most];
    let pads = [0..3_usize, 0..3, 0..3, 0..3];
    (pair(4), pair(3), pair(2), pads, 0..8_usize).prop_map(
        |(kernel, strides, dilations, pads, auto_pad)| Window {
            kernel,
            strides,
            dilations,
            pads,
            auto_pad,
        },
    )
}

fn arithmetic() -> impl Strategy<Value = Arithmetic> {
    prop_oneof![
        Just(Arithmetic::Add),
        Just(Arithmetic::Sub),
        Just(Arithmetic::Mul),
        Just(Arithmetic::Div),
    ]
}

fn layout() -> impl Strategy<Value = Layout> {
    prop_oneof![
        Just(Layout::Flatten),
        Just(Layout::Rest),
        Just(Layout::Computed),
        Just(Layout::Axis),
    ]
}

fn dense() -> impl Strategy<Value = Dense> {
    prop_oneof![
        Just(Dense::Gemm),
        Just(Dense::GemmTransposed),
        Just(Dense::MatMul)
    ]
}

fn activation() -> impl Strategy<Value = Activation> {
    prop_oneof![
        2 => Just(Activation::Product),
        1 => Just(Activation::Power),
        2 => Just(Activation::Horner),
        1 => Just(Activation::Channels),
        1 => Just(Activation::Cubic),
        1 => Just(Activation::Quartic),
    ]
}
