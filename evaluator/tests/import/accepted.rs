//! Files that can be evaluated: dense layers, squares, shapes and what a file says of itself,
//! against tract.

use evaluator::import::import;
use evaluator::network::{Activation, Layer};
use onnx::messages::{AttributeProto, DataType, NodeProto, TensorProto};

use super::model::{Graph, ramp};
use super::plain::check_against_tract;

/// Layers as (values read, values, whether they are squared).
fn outline(layers: &[Layer]) -> Vec<(usize, usize, bool)> {
    let outline = |layer: &Layer| {
        let [term] = &*layer.terms else {
            panic!("{} terms", layer.terms.len());
        };
        let is_squared = layer.activation == Activation::Square;
        (term.matrix.columns(), layer.values(), is_squared)
    };
    layers.iter().map(outline).collect()
}

#[track_caller]
fn check(graph: &Graph, shape: &[usize], expected: &[(usize, usize, bool)]) {
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
    check(&graph, &[1, 6], &[(6, 4, false)]);
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
    check(&graph, &[1, 6], &[(6, 4, false)]);
}

#[test]
fn gemm_of_a_column() {
    let graph = Graph::new(&[1, 6])
        .ints("column", &[6, 1])
        .node("Reshape", &["image", "column"], "turned")
        .floats("w", &[6, 4], &ramp(24))
        .push(gemm([AttributeProto::int("transA", 1)], &["turned", "w"]));
    check(&graph, &[1, 6], &[(6, 4, false)]);
}

#[test]
fn gemm_repeats_its_bias() {
    for dims in [&[][..], &[1], &[1, 1], &[1, 4]] {
        let count = dims.iter().product::<i64>();
        let graph = Graph::new(&[1, 6])
            .floats("w", &[6, 4], &ramp(24))
            .floats("c", dims, &ramp(usize::try_from(count).expect("small")))
            .push(gemm([], &["image", "w", "c"]));
        check(&graph, &[1, 6], &[(6, 4, false)]);
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
        check(&graph, &[1, 6], &[(6, 4, false)]);
    }
}

#[test]
fn matmul_keeps_leading_sizes() {
    let graph = Graph::new(&[1, 1, 2, 3])
        .floats("w", &[3, 4], &ramp(12))
        .node("MatMul", &["image", "w"], "product")
        .node("Flatten", &["product"], "logits");
    check(&graph, &[1, 1, 2, 3], &[(6, 8, false)]);
}

#[test]
fn matmul_with_its_constant_on_the_left() {
    let graph = Graph::new(&[1, 1, 2, 3])
        .floats("w", &[5, 2], &ramp(10))
        .node("MatMul", &["w", "image"], "product")
        .node("Flatten", &["product"], "logits");
    check(&graph, &[1, 1, 2, 3], &[(6, 15, false)]);
}

#[test]
fn an_offset_of_the_image_moves_into_the_first_layer() {
    let graph = Graph::new(&[1, 1, 2, 3])
        .floats("mean", &[2, 1], &[0.25, -0.5])
        .floats("w", &[6, 4], &ramp(24))
        .node("Add", &["image", "mean"], "centred")
        .node("Flatten", &["centred"], "flat")
        .node("MatMul", &["flat", "w"], "logits");
    check(&graph, &[1, 1, 2, 3], &[(6, 4, false)]);
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
    let network = check_against_tract(&graph.bytes(), &[1, 6]);
    assert_eq!(outline(&network.layers), [(6, 4, false)]);
    let names = "hidden_node + product_node + logits_node";
    assert_eq!(network.layers[0].name, names);
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
    let expected = [(6, 6, true), (6, 5, true), (5, 4, true), (4, 3, false)];
    check(&graph, &[1, 6], &expected);
}

#[test]
fn a_square_of_one_value_under_two_names() {
    let graph = Graph::new(&[1, 6])
        .floats("w", &[6, 4], &ramp(24))
        .node("MatMul", &["image", "w"], "a")
        .node("Identity", &["a"], "b")
        .node("Mul", &["a", "b"], "logits");
    check(&graph, &[1, 6], &[(6, 4, true), (4, 4, false)]);
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
    check(&graph, &[1, 1, 2, 3], &[(6, 4, false)]);
}

#[test]
fn axes_of_size_1_come_and_go() {
    let graph = Graph::new(&[1, 1, 2, 3])
        .ints("first", &[1])
        .ints("ends", &[0, -1])
        .node("Squeeze", &["image", "first"], "a")
        .node("Unsqueeze", &["a", "ends"], "b")
        .node("Flatten", &["b"], "c")
        .node("Squeeze", &["c"], "d")
        .ints("row", &[1, -1])
        .node("Reshape", &["d", "row"], "flat")
        .floats("w", &[6, 4], &ramp(24))
        .node("MatMul", &["flat", "w"], "logits");
    check(&graph, &[1, 1, 2, 3], &[(6, 4, false)]);
}

#[test]
fn a_transpose_moves_weights() {
    let transpose = NodeProto::new("Transpose", "t", &["image"], &["turned"]);
    let graph = Graph::new(&[1, 2, 3, 4])
        .push(transpose.with(AttributeProto::ints("perm", &[0, 3, 1, 2])))
        .node("Flatten", &["turned"], "flat")
        .floats("w", &[24, 3], &ramp(72))
        .node("MatMul", &["flat", "w"], "logits");
    let network = check_against_tract(&graph.bytes(), &[1, 2, 3, 4]);
    assert_eq!(outline(&network.layers), [(24, 3, false)]);
    assert_eq!(network.layers[0].terms[0].matrix.nonzeros(), 72);
}

#[test]
fn weights_may_be_constants_in_another_shape() {
    let weights = TensorProto::floats("", &[24], &ramp(24));
    let constant = NodeProto::new("Constant", "c", &[], &["list"])
        .with(AttributeProto::tensor("value", weights));
    let shape = NodeProto::new("Constant", "s", &[], &["shape"])
        .with(AttributeProto::ints("value_ints", &[4, 6]));
    let graph = Graph::new(&[1, 6])
        .push(constant)
        .push(shape)
        .node("Reshape", &["list", "shape"], "turned")
        .node("Transpose", &["turned"], "w")
        .node("MatMul", &["image", "w"], "logits");
    check(&graph, &[1, 6], &[(6, 4, false)]);
}

#[test]
fn constants_are_computed_from_constants() {
    let graph = Graph::new(&[1, 6])
        .floats("a", &[6, 4], &ramp(24))
        .floats("b", &[4], &[1.0, 2.0, 3.0, 4.0])
        .node("Mul", &["a", "b"], "c")
        .node("Div", &["c", "b"], "d")
        .node("Sub", &["b", "d"], "e")
        .node("Neg", &["e"], "f")
        .node("Add", &["f", "a"], "w")
        .node("MatMul", &["image", "w"], "logits");
    check(&graph, &[1, 6], &[(6, 4, false)]);
}

/// What PyTorch leaves of `view(x.shape[0], -1)`, and some more.
#[test]
fn shapes_are_computed_from_shapes() {
    let gather = NodeProto::new("Gather", "gather", &["shape", "zero"], &["batch"]);
    let concat = NodeProto::new("Concat", "concat", &["batches", "rest"], &["to"]);
    let cast = NodeProto::new("Cast", "cast", &["shape64"], &["shape"]);
    let graph = Graph::open(&[1, 2, 3])
        .node("Shape", &["image"], "shape64")
        .push(cast.with(AttributeProto::int("to", 7)))
        .scalar("zero", 0)
        .push(gather.with(AttributeProto::int("axis", 0)))
        .ints("axes", &[0])
        .node("Unsqueeze", &["batch", "axes"], "batches")
        .ints("rest", &[-1])
        .push(concat.with(AttributeProto::int("axis", 0)))
        .node("Reshape", &["image", "to"], "flat")
        .floats("w", &[6, 4], &ramp(24))
        .node("MatMul", &["flat", "w"], "logits");
    check(&graph, &[1, 1, 2, 3], &[(6, 4, false)]);
    let graph = Graph::open(&[1, 2, 3])
        .node("Shape", &["image"], "shape")
        .ints("start", &[0])
        .ints("end", &[-3])
        .node("Slice", &["shape", "start", "end"], "batch")
        .ints("rest", &[-1])
        .push(
            NodeProto::new("Concat", "concat", &["batch", "rest"], &["to"])
                .with(AttributeProto::int("axis", 0)),
        )
        .node("Reshape", &["image", "to"], "flat")
        .floats("w", &[6, 4], &ramp(24))
        .node("MatMul", &["flat", "w"], "logits");
    check(&graph, &[1, 1, 2, 3], &[(6, 4, false)]);
}

#[test]
fn dropout_is_for_training() {
    let off = TensorProto {
        data_type: DataType::Bool.into(),
        raw_data: vec![0],
        ..TensorProto::default()
    };
    let constant = NodeProto::new("Constant", "mode", &[], &["off"])
        .with(AttributeProto::tensor("value", off));
    let dropout = NodeProto::new("Dropout", "drop", &["a", "", "off"], &["b", "mask"]);
    let graph = Graph::new(&[1, 6])
        .floats("w", &[6, 4], &ramp(24))
        .node("MatMul", &["image", "w"], "a")
        .push(constant)
        .push(dropout)
        .node("Mul", &["b", "b"], "logits");
    let network = import("test.onnx", &graph.bytes()).expect("imports");
    assert_eq!(outline(&network.layers), [(6, 4, true), (4, 4, false)]);
}

#[test]
fn a_softmax_in_the_end_is_left_to_the_client() {
    for (op, axis) in [("Softmax", -1), ("LogSoftmax", 1)] {
        let last = NodeProto::new(op, "last", &["a"], &["b"]);
        let graph = Graph::new(&[1, 6])
            .floats("w", &[6, 4], &ramp(24))
            .node("MatMul", &["image", "w"], "a")
            .push(last.with(AttributeProto::int("axis", axis)))
            .node("Identity", &["b"], "logits");
        let network = import("test.onnx", &graph.bytes()).expect("imports");
        assert_eq!(network.left_to_client.as_deref(), Some(op));
        let logits = Graph::new(&[1, 6]).floats("w", &[6, 4], &ramp(24)).node(
            "MatMul",
            &["image", "w"],
            "logits",
        );
        let plain = check_against_tract(&logits.bytes(), &[1, 6]);
        assert_eq!(plain.left_to_client, None);
        assert_eq!(plain.evaluate(&[0.5; 6]), network.evaluate(&[0.5; 6]));
    }
}

#[test]
fn the_file_speaks_for_itself() {
    let mut graph = Graph::new(&[1, 1, 2, 3])
        .floats("w", &[6, 4], &ramp(24))
        .node("Flatten", &["image"], "flat")
        .node("MatMul", &["flat", "w"], "logits")
        .property("inkveil.logit_bound", " 12.5 ")
        .property("inkveil.threshold", "0.5");
    graph.proto.doc_string = "  A test.\nMore about it.".to_owned();
    let network = import("test.onnx", &graph.bytes()).expect("imports");
    assert_eq!(network.description, "A test.");
    assert_eq!(network.logit_bound, Some(12.5));
    assert_eq!(network.preparation.threshold, Some(0.5));
    assert_eq!(network.input_shape, [1, 2, 3]);
    assert_eq!(network.classes, ["0", "1", "2", "3"]);
}

#[test]
fn what_the_file_leaves_open_stays_open() {
    let graph = Graph::new(&[1, 9]).floats("w", &[9, 2], &ramp(18));
    let graph = graph.node("MatMul", &["image", "w"], "logits");
    let network = import("test.onnx", &graph.bytes()).expect("imports");
    assert_eq!(network.description, "");
    assert_eq!(network.logit_bound, None);
    assert_eq!(network.preparation.threshold, None);
    assert_eq!(network.input_shape, [9]);
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
