//! Files that can be evaluated: one operator or fusion at a time, against tract.

use evaluator::import::import;
use evaluator::network::{Layer, Linear};
use onnx::messages::{AttributeProto, NodeProto, TensorProto};

use super::model::{Graph, ramp};
use super::plain::check_against_tract;

/// Linear layers as (columns, rows), squares as `None`.
fn outline(layers: &[Layer]) -> Vec<Option<(usize, usize)>> {
    let outline = |layer: &Layer| match layer {
        Layer::Linear(Linear { rows, columns, .. }) => Some((*columns, *rows)),
        Layer::Square => None,
    };
    layers.iter().map(outline).collect()
}

#[track_caller]
fn check(graph: &Graph, shape: &[usize], expected: &[Option<(usize, usize)>]) {
    let network = check_against_tract(&graph.bytes(), shape);
    assert_eq!(outline(&network.layers), expected);
}

/// A Gemm from `image` to `logits` with weights `w`.
fn gemm(attributes: impl IntoIterator<Item = AttributeProto>, inputs: &[&str]) -> NodeProto {
    let node = NodeProto::new("Gemm", "gemm", inputs, &["logits"]);
    attributes.into_iter().fold(node, NodeProto::with)
}

#[test]
fn gemm_as_it_stands() {
    let graph = Graph::new(&[1, 6])
        .floats("w", &[6, 4], &ramp(24))
        .push(gemm([], &["image", "w"]));
    check(&graph, &[1, 6], &[Some((6, 4))]);
}

#[test]
fn gemm_with_alpha_beta_and_transposed_weights() {
    let attributes = [
        AttributeProto::float("alpha", 0.5),
        AttributeProto::float("beta", -3.0),
        AttributeProto::int("transA", 0),
        AttributeProto::int("transB", 1),
    ];
    let graph = Graph::open(&[6])
        .floats("w", &[4, 6], &ramp(24))
        .floats("c", &[4], &ramp(4))
        .push(gemm(attributes, &["image", "w", "c"]));
    check(&graph, &[1, 6], &[Some((6, 4))]);
}

#[test]
fn gemm_repeats_its_bias() {
    for dims in [&[][..], &[1], &[1, 1], &[1, 4]] {
        let count = dims.iter().product::<i64>();
        let graph = Graph::new(&[1, 6])
            .floats("w", &[6, 4], &ramp(24))
            .floats("c", dims, &ramp(usize::try_from(count).expect("small")))
            .push(gemm([], &["image", "w", "c"]));
        check(&graph, &[1, 6], &[Some((6, 4))]);
    }
}

#[test]
fn matmul_with_its_bias_on_either_side() {
    for inputs in [["product", "b"], ["b", "product"]] {
        let graph = Graph::new(&[1, 6])
            .floats("w", &[6, 4], &ramp(24))
            .floats("b", &[4], &ramp(4))
            .node("MatMul", &["image", "w"], "product")
            .node("Add", &inputs, "logits");
        check(&graph, &[1, 6], &[Some((6, 4))]);
    }
}

#[test]
fn matmul_keeps_leading_ones() {
    let graph = Graph::new(&[1, 1, 1, 6])
        .floats("w", &[6, 4], &ramp(24))
        .node("MatMul", &["image", "w"], "logits");
    check(&graph, &[1, 1, 1, 6], &[Some((6, 4))]);
}

#[test]
fn an_offset_of_the_image_moves_into_the_first_layer() {
    let graph = Graph::new(&[1, 1, 2, 3])
        .floats("mean", &[2, 1], &[0.25, -0.5])
        .floats("w", &[6, 4], &ramp(24))
        .node("Add", &["image", "mean"], "centred")
        .node("Flatten", &["centred"], "flat")
        .node("MatMul", &["flat", "w"], "logits");
    check(&graph, &[1, 1, 2, 3], &[Some((6, 4))]);
}

#[test]
fn linear_layers_that_meet_become_one() {
    let graph = Graph::new(&[1, 6])
        .floats("w1", &[6, 5], &ramp(30))
        .floats("b1", &[5], &ramp(5))
        .floats("w2", &[5, 4], &ramp(20))
        .floats("b2", &[4], &ramp(4))
        .node("Gemm", &["image", "w1", "b1"], "hidden")
        .node("Identity", &["hidden"], "same")
        .node("MatMul", &["same", "w2"], "product")
        .node("Add", &["product", "b2"], "logits");
    check(&graph, &[1, 6], &[Some((6, 4))]);
}

#[test]
fn squares_in_every_spelling() {
    let two_int = TensorProto::ints("", &[], &[2]);
    let constant = NodeProto::new("Constant", "two_node", &[], &["two"])
        .with(AttributeProto::tensor("value", two_int));
    let graph = Graph::new(&[1, 6])
        .floats("w1", &[6, 5], &ramp(30))
        .floats("w2", &[5, 4], &ramp(20))
        .floats("w3", &[4, 3], &ramp(12))
        .floats("float_two", &[1], &[2.0])
        .push(constant)
        .node("Mul", &["image", "image"], "a")
        .node("MatMul", &["a", "w1"], "b")
        .node("Pow", &["b", "float_two"], "c")
        .node("MatMul", &["c", "w2"], "d")
        .node("Pow", &["d", "two"], "e")
        .node("MatMul", &["e", "w3"], "logits");
    let expected = [None, Some((6, 5)), None, Some((5, 4)), None, Some((4, 3))];
    check(&graph, &[1, 6], &expected);
}

#[test]
fn a_square_of_one_value_under_two_names() {
    let graph = Graph::new(&[1, 6])
        .floats("w", &[6, 4], &ramp(24))
        .node("MatMul", &["image", "w"], "a")
        .node("Identity", &["a"], "b")
        .node("Mul", &["a", "b"], "logits");
    check(&graph, &[1, 6], &[Some((6, 4)), None]);
}

#[test]
fn shapes_change_and_values_stay() {
    let rest = NodeProto::new("Reshape", "reshape", &["image", "rest"], &["a"]);
    let graph = Graph::open(&[1, 2, 3])
        .ints("rest", &[0, -1, 1])
        .push(rest.with(AttributeProto::int("allowzero", 0)))
        .push(NodeProto::new("Flatten", "f", &["a"], &["b"]).with(AttributeProto::int("axis", -2)))
        .floats("w", &[6, 4], &ramp(24))
        .node("MatMul", &["b", "w"], "logits");
    check(&graph, &[1, 1, 2, 3], &[Some((6, 4))]);
}

#[test]
fn weights_may_be_constants_in_another_shape() {
    let weights = TensorProto::floats("", &[24], &ramp(24));
    let constant = NodeProto::new("Constant", "c", &[], &["list"])
        .with(AttributeProto::tensor("value", weights));
    let shape = NodeProto::new("Constant", "s", &[], &["shape"])
        .with(AttributeProto::ints("value_ints", &[6, 4]));
    let graph = Graph::new(&[1, 6])
        .push(constant)
        .push(shape)
        .node("Reshape", &["list", "shape"], "w")
        .node("MatMul", &["image", "w"], "logits");
    check(&graph, &[1, 6], &[Some((6, 4))]);
}

#[test]
fn the_file_speaks_for_itself() {
    let mut graph = Graph::new(&[1, 1, 2, 3])
        .floats("w", &[6, 4], &ramp(24))
        .node("Flatten", &["image"], "flat")
        .node("MatMul", &["flat", "w"], "logits")
        .property("inkveil.logit_bound", " 12.5 ");
    graph.proto.doc_string = "  A test.\nMore about it.".to_owned();
    let network = import("test.onnx", &graph.bytes()).expect("imports");
    assert_eq!(network.description, "A test.");
    assert_eq!(network.logit_bound, 12.5);
    assert_eq!(network.input_shape, [2, 3]);
    assert_eq!(network.classes, ["0", "1", "2", "3"]);
}

#[test]
fn what_the_file_leaves_open_has_a_default() {
    let graph = Graph::new(&[1, 9]).floats("w", &[9, 2], &ramp(18));
    let graph = graph.node("MatMul", &["image", "w"], "logits");
    let network = import("test.onnx", &graph.bytes()).expect("imports");
    assert_eq!(network.description, "");
    assert_eq!(network.logit_bound, 64.0);
    assert_eq!(
        network.input_shape,
        [3, 3],
        "a flat image is square where it can be"
    );
}

#[test]
fn old_files_list_weights_among_the_inputs() {
    let mut graph = Graph::new(&[1, 6]).floats("w", &[6, 4], &ramp(24)).node(
        "MatMul",
        &["image", "w"],
        "logits",
    );
    let weights = onnx::messages::ValueInfoProto {
        name: "w".to_owned(),
        ..Default::default()
    };
    graph.graph().input.push(weights);
    assert!(import("test.onnx", &graph.bytes()).is_ok());
}
