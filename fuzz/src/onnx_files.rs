//! Small ONNX files of all operators that are imported, as seeds.

use onnx::messages::{
    AttributeProto, Dimension, GraphProto, ModelProto, NodeProto, OperatorSetIdProto,
    StringStringEntryProto, TensorProto, ValueInfoProto,
};

/// A graph from `x` to `y`.
struct Graph(GraphProto);

impl Graph {
    fn new(sizes: &[i64]) -> Self {
        let open = Dimension::Param("batch".to_owned());
        let sizes = sizes.iter().map(|&size| Dimension::Value(size));
        let dims: Vec<Dimension> = std::iter::once(open).chain(sizes).collect();
        Self(GraphProto {
            name: "seed".to_owned(),
            input: vec![ValueInfoProto::float_tensor("x", &dims)],
            output: vec![ValueInfoProto {
                name: "y".to_owned(),
                ..Default::default()
            }],
            ..Default::default()
        })
    }

    fn node(self, op: &str, input: &[&str], output: &str) -> Self {
        self.with(op, input, output, Vec::new())
    }

    fn with(
        mut self,
        op: &str,
        input: &[&str],
        output: &str,
        attributes: Vec<AttributeProto>,
    ) -> Self {
        let node = NodeProto::new(op, op, input, &[output]);
        let node = attributes.into_iter().fold(node, NodeProto::with);
        self.0.node.push(node);
        self
    }

    fn floats(mut self, name: &str, dims: &[i64]) -> Self {
        let values: Vec<f32> = (0..dims.iter().product::<i64>())
            .map(|at| (at % 5) as f32 / 4.0 - 0.4)
            .collect();
        self.0
            .initializer
            .push(TensorProto::floats(name, dims, &values));
        self
    }

    fn ints(mut self, name: &str, values: &[i64]) -> Self {
        let dims = [values.len() as i64];
        self.0
            .initializer
            .push(TensorProto::ints(name, &dims, values));
        self
    }

    fn write(self) -> Vec<u8> {
        let property = StringStringEntryProto::new;
        onnx::write(&ModelProto {
            ir_version: 8,
            producer_name: "seeds".to_owned(),
            opset_import: vec![OperatorSetIdProto::standard(17)],
            graph: Some(self.0),
            metadata_props: vec![
                property("inkveil.logit_bound", "8"),
                property("inkveil.precision_bits", "6"),
                property("inkveil.threshold", "0.5"),
            ],
            ..Default::default()
        })
    }
}

/// The files, each with another part of what networks are made of.
#[must_use]
pub fn all() -> Vec<Vec<u8>> {
    let ints = AttributeProto::ints;
    let dense = Graph::new(&[4])
        .floats("w", &[3, 4])
        .floats("b", &[3])
        .with(
            "Gemm",
            &["x", "w", "b"],
            "h",
            vec![
                AttributeProto::int("transB", 1),
                AttributeProto::float("alpha", 0.5),
            ],
        )
        .node("Mul", &["h", "h"], "s")
        .floats("v", &[3, 2])
        .node("MatMul", &["s", "v"], "y");
    let image = Graph::new(&[1, 6, 6])
        .floats("k", &[2, 1, 3, 3])
        .with(
            "Conv",
            &["x", "k"],
            "c",
            vec![
                ints("strides", &[2, 2]),
                ints("pads", &[1, 1, 1, 1]),
                ints("dilations", &[1, 1]),
                AttributeProto::int("group", 1),
            ],
        )
        .floats("f", &[2])
        .node("BatchNormalization", &["c", "f", "f", "f", "g"], "n")
        .floats("g", &[2])
        .with(
            "AveragePool",
            &["n"],
            "p",
            vec![
                ints("kernel_shape", &[2, 2]),
                AttributeProto::int("ceil_mode", 1),
                AttributeProto::string("auto_pad", "SAME_UPPER"),
            ],
        )
        .with("Transpose", &["p"], "t", vec![ints("perm", &[0, 2, 3, 1])])
        .with("Flatten", &["t"], "y", vec![AttributeProto::int("axis", 1)]);
    let polynomials = Graph::new(&[3])
        .floats("a", &[3])
        .with(
            "Constant",
            &[],
            "e",
            vec![AttributeProto::tensor(
                "value",
                TensorProto::floats("", &[], &[3.0]),
            )],
        )
        .node("Pow", &["x", "e"], "p")
        .node("Sub", &["p", "a"], "q")
        .node("Div", &["q", "e"], "r")
        .node("Neg", &["r"], "n")
        .node("Add", &["n", "x"], "s")
        .with(
            "Softmax",
            &["s"],
            "y",
            vec![AttributeProto::int("axis", -1)],
        );
    let shapes = Graph::new(&[2, 2])
        .node("Shape", &["x"], "s")
        .ints("zero", &[0])
        .node("Gather", &["s", "zero"], "b")
        .ints("rest", &[-1])
        .with(
            "Concat",
            &["b", "rest"],
            "t",
            vec![AttributeProto::int("axis", 0)],
        )
        .node("Reshape", &["x", "t"], "r")
        .node("Unsqueeze", &["r", "rest"], "u")
        .node("Squeeze", &["u", "rest"], "v")
        .node("Identity", &["v"], "i")
        .with("Cast", &["i"], "c", vec![AttributeProto::int("to", 1)])
        .ints("one", &[1])
        .node("Slice", &["s", "zero", "one"], "l")
        .node("Dropout", &["c"], "y");
    let pools = Graph::new(&[2, 4])
        .with(
            "ReduceMean",
            &["x"],
            "m",
            vec![ints("axes", &[2]), AttributeProto::int("keepdims", 1)],
        )
        .node("GlobalAveragePool", &["x"], "g")
        .node("Add", &["m", "g"], "a")
        .node("Relu", &["a"], "h")
        .node("Tanh", &["h"], "k")
        .with("Flatten", &["k"], "y", vec![AttributeProto::int("axis", 1)]);
    [dense, image, polynomials, shapes, pools]
        .map(Graph::write)
        .to_vec()
}
