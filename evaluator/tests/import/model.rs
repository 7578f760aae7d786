//! Small ONNX files, written by the tests.

use onnx::messages::{
    Dimension, GraphProto, ModelProto, NodeProto, OperatorSetIdProto, StringStringEntryProto,
    TensorProto, ValueInfoProto,
};

/// A graph from `image` to `logits`.
#[derive(Clone)]
pub struct Graph {
    pub proto: ModelProto,
}

impl Graph {
    /// No nodes yet; the image has these sizes.
    pub fn new(sizes: &[i64]) -> Self {
        let dims: Vec<_> = sizes.iter().map(|&size| Dimension::Value(size)).collect();
        Self::with_input(&dims)
    }

    /// No nodes yet; the first size is open.
    pub fn open(sizes: &[i64]) -> Self {
        let open = [Dimension::Param("batch".to_owned())];
        let rest = sizes.iter().map(|&size| Dimension::Value(size));
        Self::with_input(&open.into_iter().chain(rest).collect::<Vec<_>>())
    }

    fn with_input(dims: &[Dimension]) -> Self {
        let graph = GraphProto {
            name: "test".to_owned(),
            input: vec![ValueInfoProto::float_tensor("image", dims)],
            output: vec![ValueInfoProto {
                name: "logits".to_owned(),
                ..Default::default()
            }],
            ..Default::default()
        };
        let proto = ModelProto {
            ir_version: 8,
            opset_import: vec![OperatorSetIdProto::standard(17)],
            graph: Some(graph),
            ..Default::default()
        };
        Self { proto }
    }

    pub fn graph(&mut self) -> &mut GraphProto {
        self.proto.graph.as_mut().expect("made with one")
    }

    pub fn node(self, op: &str, input: &[&str], output: &str) -> Self {
        self.push(NodeProto::new(
            op,
            &format!("{output}_node"),
            input,
            &[output],
        ))
    }

    pub fn push(mut self, node: NodeProto) -> Self {
        self.graph().node.push(node);
        self
    }

    pub fn floats(mut self, name: &str, dims: &[i64], values: &[f32]) -> Self {
        self.graph()
            .initializer
            .push(TensorProto::floats(name, dims, values));
        self
    }

    pub fn ints(mut self, name: &str, values: &[i64]) -> Self {
        let dims = [i64::try_from(values.len()).expect("few")];
        self.graph()
            .initializer
            .push(TensorProto::ints(name, &dims, values));
        self
    }

    pub fn scalar(mut self, name: &str, value: i64) -> Self {
        self.graph()
            .initializer
            .push(TensorProto::ints(name, &[], &[value]));
        self
    }

    pub fn property(mut self, key: &str, value: &str) -> Self {
        self.proto
            .metadata_props
            .push(StringStringEntryProto::new(key, value));
        self
    }

    pub fn bytes(&self) -> Vec<u8> {
        onnx::write(&self.proto)
    }
}

/// `1, 2, 3, …` scaled down, so that no two weights are alike.
pub fn ramp(count: usize) -> Vec<f32> {
    (1..=count)
        .map(|index| index as f32 / count as f32 - 0.4)
        .collect()
}
