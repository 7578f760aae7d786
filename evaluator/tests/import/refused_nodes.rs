//! Nodes that can't be evaluated, one operator at a time.

use onnx::messages::{AttributeProto, NodeProto};

use super::model::{Graph, ramp};
use super::refused::{check, check_node, node};

#[test]
fn operators_that_are_not_read_say_what_to_use() {
    check_node(
        node("MaxPool", &["image"]),
        "MaxPool 'it': it compares values, which can't be done on ciphertexts; use AveragePool",
    );
    check_node(
        node("Clip", &["image"]),
        "Relu with --approximate relu=chebyshev:DEGREE",
    );
    check_node(
        node("Sigmoid", &["image"]),
        "--approximate sigmoid=chebyshev:DEGREE",
    );
    check_node(
        node("Softplus", &["image"]),
        "--approximate softplus=chebyshev:DEGREE",
    );
    check_node(
        node("Gelu", &["image"]),
        "--approximate gelu=chebyshev:DEGREE",
    );
    check_node(
        node("Swish", &["image"]),
        "--approximate silu=chebyshev:DEGREE",
    );
    check_node(node("Where", &["image"]), "use x²");
    check_node(
        node("ArgMax", &["image"]),
        "the client finds the largest logit",
    );
    check_node(
        node("Exp", &["image"]),
        "only polynomials can be evaluated; use x²",
    );
    check_node(
        node("ConvTranspose", &["image"]),
        "write it as a Conv, Gemm or AveragePool",
    );
    check_node(
        node("LayerNormalization", &["image"]),
        "use BatchNormalization",
    );
    check_node(
        node("Split", &["image"]),
        "use Flatten, Reshape or Transpose",
    );
    check_node(node("Range", &["image"]), "export with constant shapes");
}

#[test]
fn a_softmax_that_is_not_the_last_node() {
    let graph = Graph::new(&[1, 6])
        .floats("w", &[6, 4], &ramp(24))
        .node("Softmax", &["image"], "a")
        .node("MatMul", &["a", "w"], "b")
        .node("Identity", &["a"], "c")
        .node("Mul", &["c", "c"], "logits");
    check(
        &graph,
        "1 node can't be evaluated:\n  Softmax 'a_node': it is not a polynomial, and only the \
         client could compute it, as the last node; leave it out",
    );
    let graph = Graph::new(&[1, 1, 2, 3]).node("Softmax", &["image"], "logits");
    check(
        &graph,
        "not over the logits of one image: shape [1, 1, 2, 3]",
    );
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
        "it takes 6 values and is given 1",
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
        "its input is a constant; export with constant folding",
    );
    check_node(
        node("Gemm", &["image", "w", "image"]),
        "its C depends on the image; use constants",
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
    check_node(node("Gemm", &["image"]), "it has no B");
    check_node(node("Gemm", &["image", ""]), "it has no B");
    check_node(node("Gemm", &["", "w"]), "it has no input");
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
        node("MatMul", &["image", "image"]),
        "it multiplies two encrypted values, or two constants",
    );
    check_node(
        node("MatMul", &["image", "tall"]),
        "it takes 2 values and is given 6",
    );
    check_node(
        node("MatMul", &["image", "three"]),
        "weights have to be a matrix",
    );
    let graph = Graph::new(&[1, 1, 2, 3])
        .floats("w", &[6, 4], &ramp(24))
        .node("MatMul", &["image", "w"], "logits");
    check(&graph, "it takes 6 values and is given 3");
}

fn check_window(node: NodeProto, expected: &str) {
    let graph = Graph::new(&[1, 2, 5, 6])
        .floats("w", &[4, 2, 3, 3], &ramp(72))
        .floats("line", &[4, 2, 3], &ramp(24))
        .floats("deep", &[4, 3, 3, 3], &ramp(108))
        .floats("b", &[3], &ramp(3))
        .push(node);
    check(&graph, expected);
}

#[test]
fn windows() {
    let conv = |inputs: &[&str]| node("Conv", inputs);
    let ints = AttributeProto::ints;
    check_window(
        conv(&["image", "line"]),
        "do not fit values of shape [1, 2, 5, 6]",
    );
    check_window(
        conv(&["image", "deep"]),
        "weights of shape [4, 3, 3, 3] in 1 groups",
    );
    check_window(
        conv(&["image", "image"]),
        "its weights depends on the image",
    );
    check_window(conv(&["image", "w", "b"]), "it has 3 biases for 4 channels");
    for group in [-1, 0, 2, 3, i64::MAX] {
        let conv = conv(&["image", "w"]).with(AttributeProto::int("group", group));
        check_window(conv, &format!("in {group} groups do not fit"));
    }
    for (name, list) in [
        ("strides", &[0, 1][..]),
        ("strides", &[1]),
        ("dilations", &[-1, 1]),
        ("pads", &[-1, 0, 0, 0]),
        ("pads", &[1, 1]),
    ] {
        let conv = conv(&["image", "w"]).with(ints(name, list));
        check_window(conv, &format!("its {name} are {list:?}"));
    }
    let stated = conv(&["image", "w"]).with(ints("kernel_shape", &[2, 2]));
    check_window(stated, "do not fit values");
    let pad = AttributeProto::string("auto_pad", "MIRROR");
    check_window(
        conv(&["image", "w"]).with(pad),
        "its auto_pad is \"MIRROR\"",
    );
    for large in [1 << 20, i64::MAX] {
        let far = conv(&["image", "w"]).with(ints("dilations", &[large, 1]));
        check_window(far, "a window of 3 does not fit into 5 values");
        let wide = conv(&["image", "w"]).with(ints("pads", &[large, 0, large, 0]));
        check_window(wide, "Conv 'it': ");
    }
    let pool = |kernel: &[i64]| node("AveragePool", &["image"]).with(ints("kernel_shape", kernel));
    check_window(node("AveragePool", &["image"]), "it has no kernel_shape");
    check_window(pool(&[2]), "a window [2] does not fit shape");
    check_window(pool(&[0, 2]), "a window [0, 2] does not fit shape");
    check_window(pool(&[6, 6]), "a window of 6 does not fit into 5 values");
    check_window(pool(&[i64::MAX, 1]), "does not fit");
    check_node(
        node("Conv", &["image", "w"]),
        "do not fit values of shape [1, 6]",
    );
    check_node(
        node("GlobalAveragePool", &["image"]),
        "it is given shape [1, 6]",
    );
}

#[test]
fn normalisation_of_what_is_not_known() {
    let norm = |inputs: &[&str]| node("BatchNormalization", inputs);
    let training = AttributeProto::int("training_mode", 1);
    let inputs = ["image", "six", "six", "six", "six"];
    let graph = |node| Graph::new(&[1, 6]).floats("six", &[6], &ramp(6)).push(node);
    check(
        &graph(norm(&inputs).with(training)),
        "export in evaluation mode",
    );
    check(&graph(norm(&inputs)), "its variance is not above 0");
    check(
        &graph(norm(&["image", "six", "six", "six"])),
        "it has no variance",
    );
    check_node(
        norm(&["image", "three", "w", "w", "w"]),
        "its scale has 1 numbers for 6 channels",
    );
}

#[test]
fn products_and_powers() {
    let powers = "its exponent is not one whole number from 1 to 32; use x²";
    for power in [0.5, -1.0, 0.0, 33.0] {
        let graph = Graph::new(&[1, 6]).floats("power", &[], &[power]);
        check(&graph.node("Pow", &["image", "power"], "logits"), powers);
    }
    check_node(
        node("Pow", &["image", "image"]),
        "its exponent depends on the image",
    );
    check_node(
        node("Div", &["three", "image"]),
        "it divides by an encrypted value",
    );
    let graph = Graph::new(&[1, 6]).floats("zero", &[2, 1, 1], &[1.0, 0.0]);
    check(
        &graph.node("Div", &["image", "zero"], "logits"),
        "it divides by 0",
    );
    let graph = Graph::new(&[1, 6])
        .floats("w", &[6, 6], &ramp(36))
        .node("MatMul", &["image", "w"], "other")
        .node("Mul", &["image", "other"], "logits");
    check(
        &graph,
        "it multiplies two encrypted values that are not made of the same one; multiply a value \
         by itself",
    );
    let graph = Graph::new(&[1, 6])
        .floats("power", &[], &[32.0])
        .node("Pow", &["image", "power"], "a")
        .node("Mul", &["a", "image"], "logits");
    check(
        &graph,
        "it makes a polynomial of degree 33; at most 32 is supported",
    );
}

#[test]
fn an_outer_product_is_no_square() {
    let graph = Graph::new(&[1, 6])
        .ints("column", &[6, 1])
        .node("Reshape", &["image", "column"], "turned")
        .node("Mul", &["image", "turned"], "logits");
    check(
        &graph,
        "it multiplies two encrypted values that are not made of the same one",
    );
}

#[test]
fn polynomials_that_differ_too_much_from_value_to_value() {
    let mut graph = Graph::new(&[1, 7]).node("Mul", &["image", "image"], "p2");
    let mut sum = "image".to_owned();
    for power in 2..8 {
        let names = ["p", "w", "t", "s"].map(|name| format!("{name}{power}"));
        let [value, weights, scaled, next] = &names;
        let each: Vec<f32> = (0..7).map(|at| ((at * power) as f32).sin()).collect();
        if power > 2 {
            let before = format!("p{}", power - 1);
            graph = graph.node("Mul", &[&before, "image"], value);
        }
        graph = graph
            .floats(weights, &[7], &each)
            .node("Mul", &[value, weights], scaled)
            .node("Add", &[&sum, scaled], next);
        sum.clone_from(next);
    }
    check(
        &graph.node("Identity", &[&sum], "logits"),
        "makes a polynomial of degree 7 that is another one for each value; use one polynomial \
         for all values",
    );
}

#[test]
fn sums() {
    check_node(node("Add", &["image", "tall"]), "'logits' has shape [2, 6]");
    check_node(
        node("Add", &["image", "w"]),
        "shapes [1, 6] and [6, 4] do not fit",
    );
    check_node(
        node("Add", &["image", "seven"]),
        "its constant has to be float",
    );
    check_node(
        node("Add", &["three", "seven"]),
        "it mixes floats and integers",
    );
    check_node(node("Add", &["image"]), "it takes 2 inputs, found 1");
}

#[test]
fn constants_of_constants() {
    let graph = |node| {
        Graph::new(&[1, 6])
            .ints("list", &[4, 5, 6])
            .ints("far", &[3])
            .push(node)
    };
    check(
        &graph(node("Gather", &["list", "far"])),
        "axis 3 is outside of 3 axes",
    );
    check(
        &graph(node("Gather", &["image", "far"])),
        "its list depends on the image",
    );
    check(
        &graph(node("Div", &["list", "list"])),
        "'logits' does not depend on the image",
    );
    let zero = graph(node("Div", &["list", "none"])).ints("none", &[0]);
    check(&zero, "its constants give no number");
    let concat = node("Concat", &["list", "image"]).with(AttributeProto::int("axis", 0));
    check(&graph(concat), "its list depends on the image");
    let cast = node("Cast", &["image"]).with(AttributeProto::int("to", 7));
    check(&graph(cast), "it rounds an encrypted value");
    let cast = node("Cast", &["image"]).with(AttributeProto::int("to", 9));
    check(&graph(cast), "its type is not supported");
}

#[test]
fn what_only_training_needs() {
    let graph = Graph::new(&[1, 6])
        .push(NodeProto::new(
            "Dropout",
            "drop",
            &["image"],
            &["a", "mask"],
        ))
        .node("Mul", &["a", "mask"], "logits");
    check(
        &graph,
        "it reads 'mask', a second output that means nothing outside of training",
    );
    let graph = Graph::new(&[1, 6])
        .scalar("on", 1)
        .node("Dropout", &["image", "", "on"], "logits");
    check(&graph, "it is in training mode; export in evaluation mode");
}

#[test]
fn shapes() {
    check_node(
        node("Transpose", &["image"]).with(AttributeProto::ints("perm", &[0])),
        "its perm",
    );
    let twice = AttributeProto::ints("perm", &[1, 1]);
    check_node(
        node("Transpose", &["image"]).with(twice),
        "its perm does not fit shape [1, 6]",
    );
    check_node(
        node("Squeeze", &["image"]).with(AttributeProto::ints("axes", &[1])),
        "axes [1] of shape [1, 6] are not all 1",
    );
    check_node(node("Unsqueeze", &["image"]), "it has no axes");
    for axes in [&[0, 0][..], &[9], &[i64::MIN], &[0, 1, 2, 3, 4, 5, 6]] {
        let unsqueeze = node("Unsqueeze", &["image"]).with(AttributeProto::ints("axes", axes));
        check_node(unsqueeze, "Unsqueeze 'it': ");
    }
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
fn a_constant_without_a_value() {
    check_node(node("Constant", &[]), "Constant 'it': it has no value");
}
