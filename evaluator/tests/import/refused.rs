//! Files that can't be evaluated: each says which node, why, and what to use instead.

use evaluator::import::{Approximation, ImportProblem, Options, import, import_with};
use onnx::messages::{
    AttributeProto, Dimension, NodeProto, OperatorSetIdProto, TensorProto, ValueInfoProto,
};

use super::model::{Graph, ramp};

#[track_caller]
pub fn check(graph: &Graph, expected: &str) {
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
pub fn check_node(node: NodeProto, expected: &str) {
    let graph = Graph::new(&[1, 6])
        .floats("w", &[6, 4], &ramp(24))
        .floats("three", &[], &[3.0])
        .floats("tall", &[2, 6], &ramp(12))
        .ints("seven", &[7])
        .push(node);
    check(&graph, expected);
}

pub fn node(op: &str, inputs: &[&str]) -> NodeProto {
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
        net.onnx: 3 nodes can't be evaluated:\n  \
        Relu 'a_node': it compares values, which can't be done on ciphertexts; \
        use x² (Pow 2, or Mul x·x) and train again, or import with --approximate \
        relu=chebyshev:DEGREE\n  \
        Tanh 'c_node': it is not a polynomial, and only polynomials can be evaluated; \
        use x² and train again, or import with --approximate tanh=chebyshev:DEGREE\n  \
        Frobnicate 'd_node': this operator is not known; \
        use Conv, Gemm, MatMul, AveragePool, BatchNormalization, Add, Sub, Mul and Div with \
        constants, sums of branches, and polynomials such as x²";
    assert_eq!(error.to_string(), expected);
    let ImportProblem::Nodes(refusals) = error.problem else {
        panic!("{error}")
    };
    let names: Vec<_> = refusals.iter().map(|refusal| &*refusal.node).collect();
    assert_eq!(names, ["a_node", "c_node", "d_node"]);
}

#[test]
fn a_node_without_a_name_is_called_by_its_output() {
    let node = NodeProto::new("Relu", "", &["image"], &["logits"]);
    check_node(node, "1 node can't be evaluated:\n  Relu 'logits': ");
}

#[test]
fn approximations_need_images() {
    let graph = Graph::new(&[1, 6]).node("Relu", &["image"], "logits");
    let wish: Approximation = "relu=chebyshev:5".parse().expect("is one");
    let refused = |calibration: &[Vec<f64>]| {
        let options = Options {
            approximations: &[wish],
            calibration,
        };
        let imported = import_with("net.onnx", &graph.bytes(), &options).map(drop);
        imported.expect_err("has to be refused").to_string()
    };
    let none = "net.onnx: --approximate needs images that show which values the activations are \
                given; name them with --calibrate FILE|DIR";
    assert_eq!(refused(&[]), none);
    let wrong = "Relu 'logits_node': calibration images have 5 values, and the network takes 6";
    assert!(refused(&[vec![0.0; 5]]).contains(wrong));
    let other = Graph::new(&[1, 6]).node("Tanh", &["image"], "logits");
    let options = Options {
        approximations: &[wish],
        calibration: &[vec![0.5; 6]],
    };
    let error = import_with("net.onnx", &other.bytes(), &options).map(drop);
    let message = error.expect_err("has to be refused").to_string();
    assert!(
        message.contains("--approximate tanh=chebyshev:DEGREE"),
        "{message}"
    );
}

/// Sizes that would take more room or time than there is are refused, not tried.
#[test]
fn windows_that_are_too_many() {
    let graph = Graph::new(&[1, 1, 200, 200])
        .floats("w", &[1, 1, 100, 100], &ramp(10000))
        .node("Conv", &["image", "w"], "logits");
    check(
        &graph,
        "'logits_node': with it, the nodes up to here have more than 16777216 weights",
    );
    let pool = node("AveragePool", &["image"]);
    let kernel = AttributeProto::ints("kernel_shape", &[150, 150]);
    let graph = Graph::new(&[1, 1, 200, 200]).push(pool.with(kernel));
    check(
        &graph,
        "with it, the nodes up to here have more than 16777216 weights",
    );
    let graph = Graph::new(&[1, 1, 200, 200])
        .floats("w", &[8, 1, 3, 3], &ramp(72))
        .node("Conv", &["image", "w"], "logits");
    check(
        &graph,
        "shape [1, 8, 198, 198] is not supported; it may have 1 to 65536 values",
    );
}

#[test]
fn numbers_that_grow_beyond_all_others() {
    let mut graph = Graph::new(&[1, 2]).floats("huge", &[], &[3e38]);
    let mut last = "image".to_owned();
    for at in 0..10 {
        let next = format!("v{at}");
        graph = graph.node("Mul", &[&last, "huge"], &next);
        last = next;
    }
    check(
        &graph.clone().node("Identity", &[&last], "logits"),
        "are beyond all numbers",
    );
    let graph = graph
        .floats("three", &[], &[3.0])
        .node("Pow", &[&last, "three"], "logits");
    check(&graph, "beyond all numbers");
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
fn inputs_that_are_no_image() {
    for (sizes, reason) in [
        (
            &[][..],
            "input 'image' has shape (): it has no sizes besides the batch",
        ),
        (&[7], "it has no sizes besides the batch"),
        (
            &[64, 1, 28, 28],
            "input 'image' has shape 64×1×28×28: it has several images; one image is",
        ),
        (&[1; 9], "it has too many sizes"),
        (&[1, 0], "it is empty"),
        (&[1, 1 << 20], "it is too large"),
        (&[1, 1 << 40, 1 << 40], "it is too large"),
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
        "shape 1×?: only the first size may be left open; one image is",
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
        "merging it with the linear maps before it takes more than 16777216 weights in all",
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
        "'high1_node': merging it with the linear maps before it takes more than 16777216 weights",
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
    let mut graph = Graph::new(&[1, 1 << 16]).floats("each", &[1 << 16], &ramp(1 << 16));
    for number in 0..257 {
        let name = format!("add{number}");
        graph = graph.push(NodeProto::new("Add", &name, &["image", "each"], &[&name]));
    }
    check(
        &graph.node("Identity", &["add256"], "logits"),
        "with it, the nodes up to here have more than 16777216 weights together",
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
fn thresholds_that_are_no_thresholds() {
    for threshold in ["0", "-0.5", "1.5", "NaN", "half"] {
        let graph = Graph::new(&[1, 6])
            .node("Mul", &["image", "image"], "logits")
            .property("inkveil.threshold", threshold);
        let expected = "it has to be a number above 0 and at most 1";
        check(
            &graph,
            &format!("inkveil.threshold is {threshold:?}; {expected}"),
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
