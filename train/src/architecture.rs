//! What a network is made of.
//!
//! Everything else is derived from this description: how a network is computed, how its weights
//! start, how they are rescaled, what is exported and what the card says.

use shared::image::{PIXELS, SIDE};

use crate::fields;

/// One layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layer {
    /// Square kernels over all channels, with a bias per output channel.
    Convolution {
        /// Output channels.
        channels: usize,
        /// Rows and columns of a kernel.
        kernel: usize,
        /// Rows and columns from one position to the next.
        stride: usize,
        /// Rows and columns of zeros on each side.
        padding: usize,
    },
    /// Every value times itself.
    Square,
    /// Means of square blocks that don't overlap.
    AveragePool {
        /// Rows and columns of a block.
        size: usize,
    },
    /// Channels, rows and columns in a row.
    Flatten,
    /// A matrix and a bias.
    Dense {
        /// Outputs.
        units: usize,
        /// Whether each unit reads one of the windows of [`fields`] only. For the first dense layer
        /// of a network without convolutions.
        windows: bool,
    },
}

/// How values between layers are arranged: `channels` maps of `side` rows and columns. What has
/// been flattened has a side of 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// Channels or units.
    pub channels: usize,
    /// Rows, and columns.
    pub side: usize,
}

impl Shape {
    /// Places in each channel.
    #[must_use]
    pub fn positions(self) -> usize {
        self.side * self.side
    }

    /// All values.
    #[must_use]
    pub fn values(self) -> usize {
        self.channels * self.positions()
    }
}

impl Layer {
    /// What comes out for what goes in.
    #[must_use]
    pub fn shape(self, before: Shape) -> Shape {
        match self {
            Self::Convolution {
                channels,
                kernel,
                stride,
                padding,
            } => Shape {
                channels,
                side: (before.side + 2 * padding - kernel) / stride + 1,
            },
            Self::Square => before,
            Self::AveragePool { size } => Shape {
                side: before.side / size,
                ..before
            },
            Self::Flatten => Shape {
                channels: before.values(),
                side: 1,
            },
            Self::Dense { units, .. } => Shape {
                channels: units,
                side: 1,
            },
        }
    }

    /// Rows and columns of its weights, if it has any: one row per output channel or unit, one
    /// column for each value that such a row reads.
    #[must_use]
    pub fn weights(self, before: Shape) -> Option<(usize, usize)> {
        match self {
            Self::Convolution {
                channels, kernel, ..
            } => Some((channels, before.channels * kernel * kernel)),
            Self::Dense { units, .. } => Some((units, before.values())),
            Self::Square | Self::AveragePool { .. } | Self::Flatten => None,
        }
    }

    /// Name of the standard operator.
    #[must_use]
    pub fn operator(self) -> &'static str {
        match self {
            Self::Convolution { .. } => "Conv",
            Self::Square => "Mul",
            Self::AveragePool { .. } => "AveragePool",
            Self::Flatten => "Flatten",
            Self::Dense { .. } => "Gemm",
        }
    }

    /// For people.
    #[must_use]
    pub fn describe(self) -> String {
        match self {
            Self::Convolution {
                channels,
                kernel,
                stride,
                padding,
            } => {
                let stride = match stride {
                    1 => String::new(),
                    _ => format!(" stride {stride}"),
                };
                let padding = match padding {
                    0 => String::new(),
                    _ => format!(" padding {padding}"),
                };
                format!("conv {channels}@{kernel}×{kernel}{stride}{padding}")
            }
            Self::Square => "x²".to_owned(),
            Self::AveragePool { size } => format!("average {size}×{size}"),
            Self::Flatten => "flatten".to_owned(),
            Self::Dense { units, .. } => units.to_string(),
        }
    }
}

/// Layers in the order in which they are computed.
///
/// **Invariant:** a square stands right after a layer with weights and before another one, at most four
/// layers have weights, and the last layer is dense; `models` has a test.
#[derive(Clone, Debug, PartialEq)]
pub struct Architecture {
    /// From the image to the logits.
    pub layers: Vec<Layer>,
    /// Where given, a pixel counts as 1 from here on, and as 0 below.
    pub threshold: Option<f32>,
    /// Where given, how many bits of the logits a circuit has to get right.
    pub precision_bits: Option<u8>,
}

impl Architecture {
    /// The pixels that the network looks at, ascending, by their index in the flattened image.
    #[must_use]
    pub fn pixels(&self) -> Vec<usize> {
        if self.has_windows() {
            fields::pixels()
        } else {
            (0..PIXELS).collect()
        }
    }

    /// Whether the first weights are limited to windows.
    #[must_use]
    pub fn has_windows(&self) -> bool {
        let windows = |layer: &Layer| matches!(layer, Layer::Dense { windows: true, .. });
        self.layers.iter().any(windows)
    }

    /// Each layer with what goes into it.
    pub fn steps(&self) -> impl Iterator<Item = (Layer, Shape)> {
        let mut shape = if self.has_windows() {
            Shape {
                channels: self.pixels().len(),
                side: 1,
            }
        } else {
            Shape {
                channels: 1,
                side: SIDE,
            }
        };
        self.layers.iter().map(move |&layer| {
            let before = shape;
            shape = layer.shape(before);
            (layer, before)
        })
    }

    /// The layers in a row, for people.
    #[must_use]
    pub fn describe(&self) -> String {
        let named = |layer: &Layer| match layer {
            Layer::Flatten => None,
            layer => Some(layer.describe()),
        };
        let mut names: Vec<_> = self.layers.iter().filter_map(named).collect();
        if self.layers.first() == Some(&Layer::Flatten) {
            names.insert(0, PIXELS.to_string());
        }
        names.join(" – ")
    }

    /// The operators in a row, as the file has them.
    #[must_use]
    pub fn operators(&self) -> Vec<&'static str> {
        self.layers.iter().map(|layer| layer.operator()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strides_and_padding_shrink_maps() {
        let before = Shape {
            channels: 3,
            side: 28,
        };
        let side = |kernel, stride, padding| {
            let layer = Layer::Convolution {
                channels: 2,
                kernel,
                stride,
                padding,
            };
            assert_eq!(layer.weights(before), Some((2, 3 * kernel * kernel)));
            layer.shape(before).side
        };
        assert_eq!(side(5, 1, 0), 24);
        assert_eq!(side(5, 2, 1), 13);
        assert_eq!(side(3, 1, 1), 28);
        assert_eq!(Layer::AveragePool { size: 2 }.shape(before).side, 14);
        assert_eq!(Layer::Flatten.shape(before).channels, 3 * 784);
    }
}
