//! Reading and writing ONNX files, good and bad.

mod attributes;
mod bad_files;
mod exported;
mod known_bytes;
mod round_trip;

use onnx::messages::{
    AttributeProto, Dimension, GraphProto, ModelProto, NodeProto, OperatorSetIdProto,
    StringStringEntryProto, TensorProto, ValueInfoProto,
};

/// `y = x·Wᵀ + b` with two inputs and one output.
fn small_model() -> ModelProto {
    let gemm = NodeProto::new("Gemm", "dense", &["x", "w", "b"], &["y"]);
    let batch = Dimension::Param("batch".into());
    ModelProto {
        ir_version: 8,
        producer_name: "a test".into(),
        doc_string: "One neuron.".into(),
        opset_import: vec![OperatorSetIdProto::standard(17)],
        metadata_props: vec![StringStringEntryProto::new("key", "value")],
        graph: Some(GraphProto {
            name: "graph".into(),
            node: vec![gemm.with(AttributeProto::int("transB", 1))],
            input: vec![ValueInfoProto::float_tensor(
                "x",
                &[batch.clone(), Dimension::Value(2)],
            )],
            output: vec![ValueInfoProto::float_tensor(
                "y",
                &[batch, Dimension::Value(1)],
            )],
            initializer: vec![
                TensorProto::floats("w", &[1, 2], &[0.5, -2.0]),
                TensorProto::floats("b", &[1], &[3.0]),
            ],
            ..GraphProto::default()
        }),
        ..ModelProto::default()
    }
}
