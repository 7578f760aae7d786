//! The trained network as an ONNX file.

use onnx::messages::{
    AttributeProto, Dimension, GraphProto, ModelProto, NodeProto, OperatorSetIdProto,
    StringStringEntryProto, TensorProto, ValueInfoProto,
};
use shared::image::{PIXELS, SIDE};
use thiserror::Error;

use crate::architecture::{Layer, Shape};
use crate::mnist::CLASSES;
use crate::weights::{LayerWeights, Weights};

/// Version of the standard operators.
const OPSET: i64 = 17;

/// The file format that came with that version.
const IR_VERSION: i64 = 8;

/// Room above the largest logit that was seen.
const HEADROOM: f32 = 1.5;

/// Largest bound that a circuit should have to leave room for.
const LARGEST_BOUND: f32 = 64.0;

/// Name of the property that holds the bound on the logits.
pub const LOGIT_BOUND: &str = "inkveil.logit_bound";

/// Name of the property that holds the binarisation's threshold: a pixel counts as 1 from there on,
/// and as 0 below. Whoever runs the network does this first; its graph doesn't.
pub const THRESHOLD: &str = "inkveil.threshold";

/// Name of the property that says how many bits of the logits a circuit has to get right.
pub const PRECISION_BITS: &str = "inkveil.precision_bits";

/// Names of the nodes that have weights.
const ORDINALS: [&str; 4] = ["first", "second", "third", "fourth"];

/// Why a network isn't exported.
#[derive(Clone, Copy, Debug, PartialEq, Error)]
#[error(
    "the largest logit is {largest:.1}; with {HEADROOM}× headroom that passes {LARGEST_BOUND}, \
     so train again with a higher logit cost"
)]
pub struct LogitBoundError {
    /// The largest magnitude seen.
    pub largest: f32,
}

/// The bound to state for a largest logit: half as much again, rounded up.
///
/// # Errors
/// If that would be more than 64.
pub fn logit_bound(largest: f32) -> Result<u32, LogitBoundError> {
    let bound = (HEADROOM * largest).ceil();
    if bound <= LARGEST_BOUND {
        Ok(bound.max(1.0) as u32)
    } else {
        Err(LogitBoundError { largest })
    }
}

/// The layers as standard operators on a `[batch, 1, 28, 28]` image; pixels that the network doesn't
/// look at have weights of exactly zero.
#[must_use]
pub fn to_onnx(weights: &Weights, description: &str, bound: u32) -> ModelProto {
    let mut graph = Graph::default();
    let mut numbers = weights.layers.iter();
    let mut values = "image".to_owned();
    let last = weights.architecture.layers.len() - 1;
    for (at, (layer, before)) in weights.architecture.steps().enumerate() {
        let numbers = layer.weights(before).and_then(|_| numbers.next());
        let output = if at == last {
            "logits".to_owned()
        } else {
            graph.fresh(output_name(layer, at))
        };
        match numbers {
            Some(numbers) => graph.weighted(weights, layer, before, numbers, [&values, &output]),
            None => graph.weightless(layer, [&values, &output]),
        }
        values = output;
    }

    let sizes = |sizes: &[usize]| {
        let batch = Dimension::Param("batch".to_owned());
        let known = sizes.iter().map(|&size| Dimension::Value(size as i64));
        std::iter::once(batch).chain(known).collect::<Vec<_>>()
    };
    let image = ValueInfoProto::float_tensor("image", &sizes(&[1, SIDE, SIDE]));
    let mut metadata = vec![StringStringEntryProto::new(LOGIT_BOUND, &bound.to_string())];
    if let Some(threshold) = weights.architecture.threshold {
        let threshold = StringStringEntryProto::new(THRESHOLD, &threshold.to_string());
        metadata.push(threshold);
    }
    if let Some(bits) = weights.architecture.precision_bits {
        metadata.push(StringStringEntryProto::new(
            PRECISION_BITS,
            &bits.to_string(),
        ));
    }
    ModelProto {
        ir_version: IR_VERSION,
        producer_name: "inkveil train".to_owned(),
        producer_version: env!("CARGO_PKG_VERSION").to_owned(),
        doc_string: description.to_owned(),
        opset_import: vec![OperatorSetIdProto::standard(OPSET)],
        metadata_props: metadata,
        graph: Some(GraphProto {
            name: "digits".to_owned(),
            node: graph.nodes,
            input: vec![image],
            output: vec![ValueInfoProto::float_tensor("logits", &sizes(&[CLASSES]))],
            initializer: graph.initializers,
            ..GraphProto::default()
        }),
        ..ModelProto::default()
    }
}

/// What a layer's values are called, without a number.
fn output_name(layer: Layer, at: usize) -> &'static str {
    match layer {
        Layer::Convolution { .. } | Layer::Dense { .. } => "hidden",
        Layer::Square => "squares",
        Layer::AveragePool { .. } => "means",
        Layer::Flatten if at == 0 => "pixels",
        Layer::Flatten => "flat",
    }
}

/// A graph that is being written.
#[derive(Default)]
struct Graph {
    nodes: Vec<NodeProto>,
    initializers: Vec<TensorProto>,
    names: Vec<&'static str>,
    weighted: usize,
}

impl Graph {
    /// A name that wasn't there yet: the second `hidden` is `hidden2`.
    fn fresh(&mut self, name: &'static str) -> String {
        self.names.push(name);
        match self.names.iter().filter(|&&other| other == name).count() {
            1 => name.to_owned(),
            count => format!("{name}{count}"),
        }
    }

    fn weightless(&mut self, layer: Layer, [input, output]: [&str; 2]) {
        let operator = layer.operator();
        let node = match layer {
            Layer::Square => {
                let name = self.fresh("square");
                NodeProto::new(operator, &name, &[input, input], &[output])
            }
            Layer::AveragePool { size } => {
                let name = self.fresh("average");
                let sides = [size as i64; 2];
                NodeProto::new(operator, &name, &[input], &[output])
                    .with(AttributeProto::ints("kernel_shape", &sides))
                    .with(AttributeProto::ints("strides", &sides))
            }
            _ => {
                let name = self.fresh("flatten");
                NodeProto::new(operator, &name, &[input], &[output])
                    .with(AttributeProto::int("axis", 1))
            }
        };
        self.nodes.push(node);
    }

    fn weighted(
        &mut self,
        weights: &Weights,
        layer: Layer,
        before: Shape,
        numbers: &LayerWeights,
        [input, output]: [&str; 2],
    ) {
        let name = ORDINALS[self.weighted];
        self.weighted += 1;
        let [weight, bias] = [format!("{name}.weight"), format!("{name}.bias")];
        let node = NodeProto::new(layer.operator(), name, &[input, &weight, &bias], &[output]);
        let rows = numbers.rows();
        let (node, dims, values) = match layer {
            Layer::Convolution {
                kernel,
                stride,
                padding,
                ..
            } => {
                let node = node
                    .with(AttributeProto::ints("kernel_shape", &[kernel as i64; 2]))
                    .with(AttributeProto::ints("strides", &[stride as i64; 2]))
                    .with(AttributeProto::ints("pads", &[padding as i64; 4]));
                let dims = vec![rows, before.channels, kernel, kernel];
                (node, dims, numbers.weight.clone())
            }
            _ => {
                let node = node.with(AttributeProto::int("transB", 1));
                let windows = matches!(layer, Layer::Dense { windows: true, .. });
                let (columns, values) = if windows {
                    let pixels = weights.architecture.pixels();
                    (PIXELS, on_all_pixels(numbers, &pixels))
                } else {
                    (numbers.columns(), numbers.weight.clone())
                };
                (node, vec![rows, columns], values)
            }
        };
        let dims: Vec<_> = dims.into_iter().map(|size| size as i64).collect();
        let tensors = [
            TensorProto::floats(&weight, &dims, &values),
            TensorProto::floats(&bias, &[rows as i64], &numbers.bias),
        ];
        self.nodes.push(node);
        self.initializers.extend(tensors);
    }
}

/// A layer's weights with a column for every pixel.
fn on_all_pixels(numbers: &LayerWeights, pixels: &[usize]) -> Vec<f32> {
    let mut all = vec![0.0; numbers.rows() * PIXELS];
    let rows = all
        .chunks_exact_mut(PIXELS)
        .zip(numbers.weight.chunks_exact(pixels.len()));
    for (all, some) in rows {
        for (&pixel, &weight) in pixels.iter().zip(some) {
            all[pixel] = weight;
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_are_rounded_up_and_limited() {
        assert_eq!(logit_bound(0.0), Ok(1));
        assert_eq!(logit_bound(10.0), Ok(15));
        assert_eq!(logit_bound(10.1), Ok(16));
        assert_eq!(logit_bound(42.6), Ok(64));
        let error = logit_bound(43.0).unwrap_err().to_string();
        let expected = "the largest logit is 43.0; with 1.5× headroom that passes 64, \
                        so train again with a higher logit cost";
        assert_eq!(error, expected);
    }
}
