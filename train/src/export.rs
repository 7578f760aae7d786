//! The trained network as an ONNX file.

use onnx::messages::{
    AttributeProto, Dimension, GraphProto, ModelProto, NodeProto, OperatorSetIdProto,
    StringStringEntryProto, TensorProto, ValueInfoProto,
};
use shared::image::{PIXELS, SIDE};
use thiserror::Error;

use crate::mnist::CLASSES;
use crate::network::Weights;

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

/// Flatten, Gemm, Mul(h, h), Gemm on a `[batch, 1, 28, 28]` image; pixels that the network doesn't
/// look at have weights of exactly zero.
#[must_use]
pub fn to_onnx(weights: &Weights, description: &str, bound: u32) -> ModelProto {
    let batch = || Dimension::Param("batch".to_owned());
    let sizes = |sizes: &[usize]| {
        let known = sizes.iter().map(|&size| Dimension::Value(size as i64));
        std::iter::once(batch()).chain(known).collect::<Vec<_>>()
    };
    let hidden = weights.hidden();
    let matrix = |name: &str, rows: usize, columns: usize, values: &[f32]| {
        TensorProto::floats(name, &[rows as i64, columns as i64], values)
    };
    let vector =
        |name: &str, values: &[f32]| TensorProto::floats(name, &[values.len() as i64], values);
    let gemm = |name: &str, input: &str, output: &str| {
        let [weight, bias] = [format!("{name}.weight"), format!("{name}.bias")];
        let node = NodeProto::new("Gemm", name, &[input, &weight, &bias], &[output]);
        node.with(AttributeProto::int("transB", 1))
    };
    let graph = GraphProto {
        name: "digits".to_owned(),
        node: vec![
            NodeProto::new("Flatten", "flatten", &["image"], &["pixels"])
                .with(AttributeProto::int("axis", 1)),
            gemm("first", "pixels", "hidden"),
            NodeProto::new("Mul", "square", &["hidden", "hidden"], &["squares"]),
            gemm("second", "squares", "logits"),
        ],
        input: vec![ValueInfoProto::float_tensor(
            "image",
            &sizes(&[1, SIDE, SIDE]),
        )],
        output: vec![ValueInfoProto::float_tensor("logits", &sizes(&[CLASSES]))],
        initializer: vec![
            matrix("first.weight", hidden, PIXELS, &on_all_pixels(weights)),
            vector("first.bias", &weights.first_bias),
            matrix("second.weight", CLASSES, hidden, &weights.second),
            vector("second.bias", &weights.second_bias),
        ],
        ..GraphProto::default()
    };
    ModelProto {
        ir_version: IR_VERSION,
        producer_name: "inkveil train".to_owned(),
        producer_version: env!("CARGO_PKG_VERSION").to_owned(),
        doc_string: description.to_owned(),
        opset_import: vec![OperatorSetIdProto::standard(OPSET)],
        metadata_props: vec![StringStringEntryProto::new(LOGIT_BOUND, &bound.to_string())],
        graph: Some(graph),
        ..ModelProto::default()
    }
}

/// The first layer's weights with a column for every pixel.
fn on_all_pixels(weights: &Weights) -> Vec<f32> {
    let mut all = vec![0.0; weights.hidden() * PIXELS];
    let rows = all
        .chunks_exact_mut(PIXELS)
        .zip(weights.first.chunks_exact(weights.pixels.len()));
    for (all, some) in rows {
        for (&pixel, &weight) in weights.pixels.iter().zip(some) {
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
