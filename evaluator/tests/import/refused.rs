//! Files that can't be evaluated: each says which node, why, and what to use instead.

use evaluator::import::{ImportProblem, import};
use onnx::messages::{
    AttributeProto, Dimension, NodeProto, OperatorSetIdProto, TensorProto, ValueInfoProto,
};

use super::model::{Graph, ramp};

#[track_caller]
fn check(graph: &Graph, expected: &str) {
    let error = import("net.onnx", &graph.bytes())
        .map(drop)
        .expect_err("has to be refused");
    let message = error.to_string();
    assert!(message.starts_with("net.onnx: "), "{message}");
    assert!(
        message.contains(expected),
        "{message:?} does not say {expected:?}"
    );
}

/// One node between the image and the logits.
#[track_caller]
fn check_node(node: NodeProto, expected: &str) {
    let graph = Graph::new(&[1, 6])
        .floats("w", &[6, 4], &ramp(24))
        .floats("three", &[], &[3.0])
        .floats("tall", &[2, 6], &ramp(12))
        .ints("seven", &[7])
        .push(node);
    check(&graph, expected);
}

fn node(op: &str, inputs: &[&str]) -> NodeProto {
    NodeProto::new(op, "it", inputs, &["logits"])
}

#[test]
fn every_unsupported_node_is_listed() {
    let graph = Graph::new(&[1, 6])
        .floats("w", &[6, 4], &ramp(24))
        .node("Relu", &["image"], "a")
        .node("MatMul", &["a", "w"], "b")
        .node("Tanh", &["b"], "c")
        .node("Frobnicate", &["c"], "d")
        .node("Softmax", &["d"], "logits");
    let error = import("net.onnx", &graph.bytes())
        .map(drop)
        .expect_err("has to be refused");
    let expected = "\
        net.onnx: 4 nodes can't be evaluated:\n  \
        Relu 'a_node': it compares values, which can't be done on ciphertexts; \
        use x² (Pow 2, or Mul x·x) and train again\n  \
        Tanh 'c_node': it is not a polynomial, and only polynomials can be evaluated; \
        use x² (Pow 2, or Mul x·x) and train again\n  \
        Frobnicate 'd_node': this operator is not known; \
        use Gemm, MatMul, Add of a bias, Flatten, Reshape, and x² as Pow 2 or Mul x·x\n  \
        Softmax 'logits_node': it is not a polynomial, and the order of the classes doesn't need \
        it; leave it out; the client turns logits into probabilities";
    assert_eq!(error.to_string(), expected);
    let ImportProblem::Nodes(refusals) = error.problem else {
        panic!("{error}")
    };
    let names: Vec<_> = refusals.iter().map(|refusal| &*refusal.node).collect();
    assert_eq!(names, ["a_node", "c_node", "d_node", "logits_node"]);
}

#[test]
fn a_node_without_a_name_is_called_by_its_output() {
    let node = NodeProto::new("Relu", "", &["image"], &["logits"]);
    check_node(node, "1 node can't be evaluated:\n  Relu 'logits': ");
}

#[test]
fn linear_operators_that_are_not_read_say_how_to_write_them() {
    check_node(
        node("Conv", &["image", "w"]),
        "write it as a Gemm on the flattened values",
    );
    check_node(
        node("BatchNormalization", &["image"]),
        "neighbouring Gemm or MatMul",
    );
    check_node(node("MaxPool", &["image"]), "use an average");
    check_node(node("Dropout", &["image"]), "export in evaluation mode");
    check_node(node("Transpose", &["image"]), "use Flatten or Reshape");
    check_node(node("Shape", &["image"]), "export with constant shapes");
}

#[test]
fn operators_of_other_sets_are_not_mistaken_for_the_standard_ones() {
    let mut gemm = node("Gemm", &["image", "w"]);
    gemm.domain = "com.example".to_owned();
    check_node(
        gemm,
        "Gemm 'it': its operator set 'com.example' is not known",
    );
}

#[test]
fn gemm() {
    check_node(
        node("Gemm", &["image", "w"]).with(AttributeProto::int("transA", 1)),
        "it transposes its input (transA); export with transA = 0",
    );
    check_node(
        node("Gemm", &["image", "w"]).with(AttributeProto::int("transB", 1)),
        "it takes 4 values and is given 6",
    );
    check_node(
        node("Gemm", &["image", "w"]).with(AttributeProto::float("gamma", 1.0)),
        "attribute 'gamma' is not supported",
    );
    check_node(
        node("Gemm", &["image", "w"]).with(AttributeProto::int("alpha", 1)),
        "attribute 'alpha' has to be a finite float",
    );
    check_node(
        node("Gemm", &["w", "image"]),
        "an encrypted A and a constant B",
    );
    check_node(
        node("Gemm", &["image", "w", "image"]),
        "it needs a constant C",
    );
    check_node(
        node("Gemm", &["image", "w", "tall"]),
        "shape [2, 6] does not fit [1, 4]",
    );
    check_node(
        node("Gemm", &["image", "seven"]),
        "its constant has to be float",
    );
    check_node(
        node("Gemm", &["image", "three"]),
        "weights have to be a matrix",
    );
    check_node(node("Gemm", &["image"]), "it takes 2 or 3 inputs, found 1");
    check_node(node("Gemm", &["image", ""]), "it takes 2 or 3 inputs");
}

#[test]
fn gemm_of_an_image_that_is_not_flat() {
    let graph = Graph::new(&[1, 1, 2, 3])
        .floats("w", &[6, 4], &ramp(24))
        .node("Gemm", &["image", "w"], "logits");
    check(&graph, "A has shape [1, 1, 2, 3]; flatten it to 1×values");
}

#[test]
fn matmul() {
    check_node(
        node("MatMul", &["w", "image"]),
        "an encrypted left and a constant right side",
    );
    check_node(
        node("MatMul", &["image", "image"]),
        "an encrypted left and a constant right side",
    );
    check_node(
        node("MatMul", &["image", "tall"]),
        "it takes 2 values and is given 6",
    );
    let graph = Graph::new(&[1, 1, 2, 3])
        .floats("w", &[3, 4], &ramp(12))
        .node("MatMul", &["image", "w"], "logits");
    check(&graph, "its left side has shape [1, 1, 2, 3]");
}

#[test]
fn products_and_powers() {
    check_node(
        node("Mul", &["image", "three"]),
        "it multiplies by a constant",
    );
    check_node(
        node("Pow", &["image", "three"]),
        "its exponent is not the number 2; use x²",
    );
    check_node(node("Pow", &["image", "image"]), "a constant exponent");
    let graph = Graph::new(&[1, 6])
        .node("Mul", &["image", "image"], "square")
        .node("Mul", &["image", "square"], "logits");
    check(
        &graph,
        "it multiplies two different encrypted values; only x·x",
    );
}

#[test]
fn an_outer_product_is_no_square() {
    let graph = Graph::new(&[1, 6])
        .ints("column", &[6, 1])
        .node("Reshape", &["image", "column"], "turned")
        .node("Mul", &["image", "turned"], "logits");
    check(&graph, "it multiplies two different encrypted values");
}

#[test]
fn sums() {
    check_node(
        node("Add", &["image", "image"]),
        "it adds two encrypted branches",
    );
    check_node(node("Add", &["three", "three"]), "it adds constants");
    check_node(
        node("Add", &["image", "tall"]),
        "shape [2, 6] does not fit [1, 6]",
    );
    check_node(
        node("Add", &["image", "seven"]),
        "its constant has to be float",
    );
    check_node(
        node("Add", &["image", "three"]),
        "Add 'it': a constant is added where no linear layer stands next to it; put the Add \
         before or behind a Gemm or MatMul",
    );
}

#[test]
fn a_bias_between_two_squares() {
    let graph = Graph::new(&[1, 6])
        .floats("one", &[1], &[1.0])
        .node("Mul", &["image", "image"], "a")
        .node("Add", &["a", "one"], "b")
        .node("Mul", &["b", "b"], "logits");
    check(
        &graph,
        "Add 'b_node': a constant is added where no linear layer",
    );
}

#[test]
fn shapes() {
    check_node(
        node("Flatten", &["image"]).with(AttributeProto::int("axis", 3)),
        "axis 3 is outside",
    );
    let lowest = AttributeProto::int("axis", i64::MIN);
    check_node(
        node("Flatten", &["image"]).with(lowest),
        "is outside of shape [1, 6]",
    );
    check_node(
        node("Reshape", &["image", "seven"]),
        "shape [1, 6] can't become [7]",
    );
    check_node(
        node("Reshape", &["image", "image"]),
        "its shape is computed",
    );
    check_node(
        node("Reshape", &["image", "three"]),
        "its shape has to be integers",
    );
    for target in [
        &[-1, -1][..],
        &[-2, -3],
        &[0, 0, 6],
        &[i64::MAX, i64::MAX],
        &[0, -1, 0],
    ] {
        let graph = Graph::new(&[1, 6]).ints("to", target);
        check(
            &graph.node("Reshape", &["image", "to"], "logits"),
            "can't become",
        );
    }
}

#[test]
fn shapes_that_overflow() {
    let huge = TensorProto {
        raw_data: Vec::new(),
        ..TensorProto::floats("", &[0, 1 << 40, 1 << 40], &[])
    };
    let constant =
        NodeProto::new("Constant", "c", &[], &["huge"]).with(AttributeProto::tensor("value", huge));
    let graph = Graph::new(&[1, 6])
        .push(constant)
        .node("Flatten", &["huge"], "logits");
    check(&graph, "is too large");
}

#[test]
fn a_constant_without_a_value() {
    check_node(node("Constant", &[]), "Constant 'it': it has no value");
}

#[test]
fn values_that_are_not_there() {
    check_node(
        node("Identity", &["nowhere"]),
        "it reads 'nowhere', which nothing makes",
    );
    check_node(
        node("Identity", &["logits"]),
        "it reads 'logits', which only this or a later node",
    );
    let graph = Graph::new(&[1, 6])
        .node("Identity", &["b"], "a")
        .node("Identity", &["a"], "b")
        .node("Identity", &["b"], "logits");
    check(
        &graph,
        "Identity 'a_node': it reads 'b', which only this or a later node makes; the graph has a cycle",
    );
}

#[test]
fn values_that_are_made_twice() {
    let graph = Graph::new(&[1, 6])
        .node("Mul", &["image", "image"], "logits")
        .node("Identity", &["image"], "logits");
    check(
        &graph,
        "it makes 'logits' a second time; names have to be unique",
    );
    check_node(node("Split", &["image"]), "Split 'it'");
    let twice = NodeProto::new("Identity", "it", &["image"], &["logits", "other"]);
    check_node(twice, "it has to make exactly one value");
    check_node(
        NodeProto::new("Identity", "it", &["image"], &[]),
        "exactly one value",
    );
}

#[test]
fn inputs_that_are_no_grey_image() {
    for (sizes, reason) in [
        (&[][..], "input 'image' has shape (): it has no sizes"),
        (
            &[1, 3, 32, 32],
            "input 'image' has shape 1×3×32×32: it has several images or channels",
        ),
        (&[64, 1, 28, 28], "several images or channels"),
        (&[1, 0], "it is empty"),
        (&[1, 1 << 20], "it is too large"),
        (&[1 << 40, 1 << 40], "it is too large"),
        (&[1, -28], "only the first size may be left open"),
    ] {
        check(
            &Graph::new(sizes).node("Identity", &["image"], "logits"),
            reason,
        );
    }
    let open = Dimension::Param("width".to_owned());
    let mut graph = Graph::new(&[]).node("Identity", &["image"], "logits");
    graph.graph().input = vec![ValueInfoProto::float_tensor(
        "image",
        &[Dimension::Value(1), open],
    )];
    check(
        &graph,
        "shape 1×?: only the first size may be left open; one grey image is",
    );
    graph.graph().input = vec![ValueInfoProto {
        name: "image".to_owned(),
        ..Default::default()
    }];
    check(&graph, "its type is not float");
}

#[test]
fn too_many_or_too_few_ends() {
    let mut graph = Graph::new(&[1, 6]).node("Identity", &["image"], "logits");
    graph.graph().input.clear();
    check(&graph, "the graph has 0 inputs");
    let mut graph = Graph::new(&[1, 6]).node("Identity", &["image"], "logits");
    let second = ValueInfoProto {
        name: "more".to_owned(),
        ..Default::default()
    };
    graph.graph().output.push(second);
    check(
        &graph,
        "the graph has 2 outputs (logits, more); it needs exactly one",
    );
}

#[test]
fn outputs_that_are_no_logits() {
    check(
        &Graph::new(&[1, 6]),
        "output 'logits' is not made by any node",
    );
    let constant = Graph::new(&[1, 6]).floats("c", &[1, 2], &ramp(2));
    check(
        &constant.node("Identity", &["c"], "logits"),
        "'logits' does not depend on the image",
    );
    let image = Graph::new(&[1, 6]).node("Identity", &["image"], "logits");
    check(&image, "'logits' is the image itself");
    let grid = Graph::new(&[1, 1, 2, 3]).node("Mul", &["image", "image"], "logits");
    check(&grid, "'logits' has shape [1, 1, 2, 3]");
}

#[test]
fn too_many_weights_after_merging() {
    let graph = Graph::new(&[1, 5000])
        .floats("down", &[5000, 1], &ramp(5000))
        .floats("up", &[1, 5000], &ramp(5000))
        .node("MatMul", &["image", "down"], "a")
        .node("MatMul", &["a", "up"], "logits");
    check(
        &graph,
        "merging it with 'a_node' before it takes too many weights",
    );
}

#[test]
fn too_many_weights_in_layers_together() {
    let mut graph = Graph::new(&[1, 4000])
        .floats("down", &[4000, 1], &ramp(4000))
        .floats("up", &[1, 4000], &ramp(4000));
    let mut last = "image".to_owned();
    for layer in 0..2 {
        let [low, high, square] = ["low", "high", "square"].map(|name| format!("{name}{layer}"));
        graph = graph
            .node("MatMul", &[&last, "down"], &low)
            .node("MatMul", &[&low, "up"], &high)
            .node("Mul", &[&high, &high], &square);
        last = square;
    }
    let graph = graph.node("Identity", &[&last], "logits");
    check(
        &graph,
        "merging it with 'low1_node' before it takes too many weights",
    );
}

/// One constant, many nodes: 65 of them would copy more than 2^24 numbers.
fn shared(node: impl Fn(&str, &str) -> NodeProto) -> Graph {
    let mut graph = Graph::new(&[1, 512]).floats("w", &[512, 512], &ramp(1 << 18));
    for number in 0..65 {
        let (name, output) = (format!("copy{number}"), format!("value{number}"));
        graph = graph.push(node(&name, &output));
    }
    graph.node("Identity", &["value64"], "logits")
}

#[test]
fn too_many_weights_in_nodes_that_share_a_constant() {
    let expected = "'copy64': with it, the nodes up to here have more than 16777216 weights \
                    together; use fewer or smaller layers";
    for (op, inputs) in [
        ("MatMul", &["image", "w"][..]),
        ("Gemm", &["image", "w"]),
        ("Flatten", &["w"]),
    ] {
        let graph = shared(|name, output| NodeProto::new(op, name, inputs, &[output]));
        check(
            &graph,
            &format!("1 node can't be evaluated:\n  {op} {expected}"),
        );
    }
}

#[test]
fn too_many_biases() {
    let mut graph = Graph::new(&[1, 1 << 16]).floats("one", &[1], &[1.0]);
    for number in 0..257 {
        let name = format!("add{number}");
        graph = graph.push(NodeProto::new("Add", &name, &["image", "one"], &[&name]));
    }
    check(
        &graph.node("Identity", &["add256"], "logits"),
        "1 node can't be evaluated:\n  Add 'add256': with it, the nodes up to here have more than",
    );
}

#[test]
fn old_operators() {
    let mut graph = Graph::new(&[1, 6]).node("Identity", &["image"], "logits");
    graph.proto.opset_import = vec![OperatorSetIdProto::standard(6)];
    check(&graph, "opset 6 is too old; export with opset 7 or newer");
}

#[test]
fn bounds_that_are_no_bounds() {
    for bound in ["", "0", "-1", "inf", "NaN", "1e7", "sixty"] {
        let graph = Graph::new(&[1, 6])
            .node("Mul", &["image", "image"], "logits")
            .property("inkveil.logit_bound", bound);
        check(
            &graph,
            &format!("inkveil.logit_bound is {bound:?}; it has to be a number above 0"),
        );
    }
}

#[test]
fn bytes_that_are_no_file() {
    for bytes in [&b""[..], b"INKV", &[0xff; 100]] {
        let error = import("net.onnx", bytes)
            .map(drop)
            .expect_err("has to be refused");
        assert!(matches!(error.problem, ImportProblem::Onnx(_)), "{error}");
    }
}
