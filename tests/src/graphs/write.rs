//! A file, one node after the other.

use onnx::messages::{
    Dimension, GraphProto, ModelProto, NodeProto, OperatorSetIdProto, TensorProto, ValueInfoProto,
};

/// What is written so far, and the value that the next node reads.
pub struct Writer {
    graph: GraphProto,
    names: usize,
    random: u64,
}

impl Writer {
    /// No nodes yet.
    pub fn new(shape: &[usize], is_open: bool, seed: u64) -> Self {
        let size = |(index, &size): (usize, &usize)| match index {
            0 if is_open => Dimension::Param("batch".to_owned()),
            _ => Dimension::Value(int(size)),
        };
        let dims: Vec<_> = shape.iter().enumerate().map(size).collect();
        Self {
            graph: GraphProto {
                name: "random".to_owned(),
                input: vec![ValueInfoProto::float_tensor("image", &dims)],
                ..GraphProto::default()
            },
            names: 0,
            random: seed,
        }
    }

    /// A new name.
    pub fn name(&mut self) -> String {
        self.names += 1;
        format!("v{}", self.names)
    }

    /// A node with attributes still to come.
    pub fn start(&mut self, op: &str, inputs: &[&str]) -> NodeProto {
        let output = self.name();
        NodeProto::new(op, &format!("{op}_{output}"), inputs, &[&output])
    }

    /// Ends a node; gives the name of what it makes.
    pub fn push(&mut self, node: NodeProto) -> String {
        let output = node.output[0].clone();
        self.graph.node.push(node);
        output
    }

    /// A node without attributes.
    pub fn node(&mut self, op: &str, inputs: &[&str]) -> String {
        let node = self.start(op, inputs);
        self.push(node)
    }

    /// Random constants from `-size` to `size`.
    pub fn weights(&mut self, dims: &[usize], size: f32) -> String {
        self.random_floats(dims, |value| size * (2.0 * value - 1.0))
    }

    /// Random constants that have no small magnitude.
    pub fn factors(&mut self, dims: &[usize]) -> String {
        self.random_floats(dims, |value| {
            if value < 0.3 {
                -1.0 + value
            } else {
                0.4 + value
            }
        })
    }

    /// Random constants made of numbers from 0 to 1.
    pub fn random_floats(&mut self, dims: &[usize], of: impl Fn(f32) -> f32) -> String {
        let values: Vec<_> = (0..dims.iter().product())
            .map(|_| of(self.random()))
            .collect();
        self.floats(dims, &values)
    }

    /// A constant.
    pub fn floats(&mut self, dims: &[usize], values: &[f32]) -> String {
        let name = self.name();
        let dims: Vec<_> = dims.iter().copied().map(int).collect();
        self.graph
            .initializer
            .push(TensorProto::floats(&name, &dims, values));
        name
    }

    /// A number.
    pub fn number(&mut self, value: f32) -> String {
        self.floats(&[], &[value])
    }

    /// A list of integers.
    pub fn ints(&mut self, values: &[i64]) -> String {
        let name = self.name();
        let dims = [int(values.len())];
        self.graph
            .initializer
            .push(TensorProto::ints(&name, &dims, values));
        name
    }

    /// The file, which ends in this value.
    pub fn file(mut self, output: &str) -> Vec<u8> {
        self.graph
            .node
            .push(NodeProto::new("Identity", "end", &[output], &["logits"]));
        self.graph.output.push(ValueInfoProto {
            name: "logits".to_owned(),
            ..ValueInfoProto::default()
        });
        onnx::write(&ModelProto {
            ir_version: 8,
            opset_import: vec![OperatorSetIdProto::standard(17)],
            graph: Some(self.graph),
            ..ModelProto::default()
        })
    }

    /// From 0 to 1 (`SplitMix64`).
    fn random(&mut self) -> f32 {
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.random;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) >> 40) as f32 / (1 << 24) as f32
    }
}

/// As ONNX counts.
pub fn int(size: usize) -> i64 {
    i64::try_from(size).unwrap_or(i64::MAX)
}
