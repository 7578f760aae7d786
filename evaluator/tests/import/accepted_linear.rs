//! Files that can be evaluated: convolutions, pooling, normalisation, constants on values and
//! branches, against tract.

use evaluator::network::Network;
use onnx::messages::{AttributeProto, NodeProto};

use super::model::{Graph, ramp};
use super::plain::check_against_tract;

/// Weights with a sum that stays small.
fn weights(dims: &[i64]) -> Vec<f32> {
    let count: i64 = dims.iter().product();
    let spread = |value: f32| (value * 37.0).sin() / 2.0;
    let count = usize::try_from(count).expect("small");
    ramp(count).into_iter().map(spread).collect()
}

/// One node from an image of this shape; everything linear becomes one layer.
#[track_caller]
fn check(sizes: &[i64], graph: Graph, node: NodeProto, expected: &[i64]) -> Network {
    let output = node.output[0].clone();
    let graph = graph.push(node).node("Flatten", &[&output], "logits");
    let shape: Vec<usize> = sizes.iter().map(|&size| size as usize).collect();
    let network = check_against_tract(&graph.bytes(), &shape);
    let [layer] = &*network.layers else {
        panic!("{} layers", network.layers.len());
    };
    let expected: i64 = expected.iter().product();
    assert_eq!(layer.values(), expected as usize);
    network
}

fn ints(name: &str, values: &[i64]) -> AttributeProto {
    AttributeProto::ints(name, values)
}

fn with_all(node: NodeProto, attributes: &[AttributeProto]) -> NodeProto {
    attributes.iter().cloned().fold(node, NodeProto::with)
}

#[track_caller]
fn check_conv(image: &[i64], kernel: &[i64], attributes: &[AttributeProto], expected: &[i64]) {
    for inputs in [&["image", "w"][..], &["image", "w", "b"]] {
        let graph = Graph::new(image)
            .floats("w", kernel, &weights(kernel))
            .floats("b", &kernel[..1], &weights(&kernel[..1]));
        let node = with_all(NodeProto::new("Conv", "conv", inputs, &["y"]), attributes);
        check(image, graph, node, expected);
    }
}

#[test]
fn convolutions() {
    let image = &[1, 2, 6, 7];
    check_conv(image, &[3, 2, 3, 3], &[], &[3, 4, 5]);
    check_conv(image, &[3, 2, 1, 4], &[], &[3, 6, 4]);
    check_conv(
        image,
        &[3, 2, 3, 2],
        &[ints("kernel_shape", &[3, 2])],
        &[3, 4, 6],
    );
    check_conv(
        image,
        &[3, 2, 3, 3],
        &[ints("strides", &[2, 3])],
        &[3, 2, 2],
    );
    check_conv(
        image,
        &[3, 2, 3, 3],
        &[ints("pads", &[1, 1, 1, 1])],
        &[3, 6, 7],
    );
    check_conv(
        image,
        &[3, 2, 3, 3],
        &[ints("pads", &[0, 2, 1, 0])],
        &[3, 5, 7],
    );
    check_conv(
        image,
        &[3, 2, 3, 2],
        &[ints("dilations", &[2, 3])],
        &[3, 2, 4],
    );
    let all = [
        ints("dilations", &[2, 1]),
        ints("pads", &[2, 1, 0, 3]),
        ints("strides", &[3, 2]),
        AttributeProto::string("auto_pad", "NOTSET"),
    ];
    check_conv(image, &[1, 2, 2, 3], &all, &[1, 2, 5]);
}

#[test]
fn convolutions_in_groups() {
    let group = |count| AttributeProto::int("group", count);
    check_conv(&[1, 4, 5, 5], &[4, 1, 3, 3], &[group(4)], &[4, 3, 3]);
    check_conv(&[1, 4, 5, 5], &[8, 1, 3, 3], &[group(4)], &[8, 3, 3]);
    check_conv(&[1, 4, 5, 5], &[6, 2, 2, 2], &[group(2)], &[6, 4, 4]);
}

#[test]
fn convolutions_that_pad_themselves() {
    for mode in ["SAME_UPPER", "SAME_LOWER", "VALID"] {
        let pad = AttributeProto::string("auto_pad", mode);
        let is_same = mode != "VALID";
        let (rows, columns) = if is_same { (6, 7) } else { (3, 6) };
        let expected = &[2, rows, columns];
        check_conv(
            &[1, 1, 6, 7],
            &[2, 1, 4, 2],
            std::slice::from_ref(&pad),
            expected,
        );
        let strides = ints("strides", &[2, 3]);
        let expected = if is_same { &[2, 3, 3] } else { &[2, 2, 2] };
        check_conv(
            &[1, 1, 6, 7],
            &[2, 1, 4, 2],
            &[pad.clone(), strides],
            expected,
        );
        let far = ints("strides", &[4, 5]);
        let expected = &[1, 2, 2];
        check_conv(&[1, 1, 6, 7], &[1, 1, 1, 2], &[pad, far], expected);
    }
}

#[test]
fn convolutions_along_a_line() {
    check_conv(&[1, 2, 9], &[3, 2, 4], &[], &[3, 6]);
    let all = [
        ints("strides", &[2]),
        ints("pads", &[1, 2]),
        ints("dilations", &[2]),
    ];
    check_conv(&[1, 2, 9], &[3, 2, 3], &all, &[3, 4]);
    check_conv(
        &[1, 3, 9],
        &[3, 1, 2],
        &[AttributeProto::int("group", 3)],
        &[3, 8],
    );
}

#[track_caller]
fn check_pool(image: &[i64], attributes: &[AttributeProto], expected: &[i64]) {
    let node = NodeProto::new("AveragePool", "pool", &["image"], &["y"]);
    check(
        image,
        Graph::new(image),
        with_all(node, attributes),
        expected,
    );
}

#[test]
fn averages_of_windows() {
    let kernel = |sizes: &[i64]| ints("kernel_shape", sizes);
    let image = &[1, 2, 6, 7];
    check_pool(image, &[kernel(&[2, 3])], &[2, 5, 5]);
    check_pool(
        image,
        &[kernel(&[2, 2]), ints("strides", &[2, 2])],
        &[2, 3, 3],
    );
    check_pool(&[1, 2, 9], &[kernel(&[3]), ints("strides", &[3])], &[2, 3]);
    for includes in [0, 1] {
        let count = AttributeProto::int("count_include_pad", includes);
        let pads = ints("pads", &[1, 0, 1, 2]);
        check_pool(
            image,
            &[kernel(&[3, 3]), pads.clone(), count.clone()],
            &[2, 6, 7],
        );
        let strided = [
            kernel(&[3, 3]),
            pads,
            ints("strides", &[2, 2]),
            count.clone(),
        ];
        check_pool(image, &strided, &[2, 3, 4]);
        for mode in ["SAME_UPPER", "SAME_LOWER"] {
            let pad = AttributeProto::string("auto_pad", mode);
            check_pool(image, &[kernel(&[3, 2]), pad, count.clone()], &[2, 6, 7]);
        }
        let up = AttributeProto::int("ceil_mode", 1);
        let strides = ints("strides", &[2, 2]);
        let rounded = [kernel(&[3, 2]), strides, up.clone(), count.clone()];
        check_pool(image, &rounded, &[2, 3, 4]);
        let pads = ints("pads", &[1, 1, 1, 1]);
        let strides = ints("strides", &[3, 3]);
        check_pool(
            image,
            &[kernel(&[3, 3]), strides, up, pads, count],
            &[2, 3, 3],
        );
    }
}

#[test]
fn averages_of_everything() {
    let global = NodeProto::new("GlobalAveragePool", "pool", &["image"], &["y"]);
    check(
        &[1, 3, 4, 5],
        Graph::new(&[1, 3, 4, 5]),
        global.clone(),
        &[3],
    );
    check(&[1, 3, 7], Graph::new(&[1, 3, 7]), global, &[3]);
    for keeps in [0, 1] {
        let mean = NodeProto::new("ReduceMean", "mean", &["image"], &["y"]);
        let mean = mean.with(AttributeProto::int("keepdims", keeps));
        for (axes, expected) in [(&[2, 3][..], &[3][..]), (&[-1], &[3, 4]), (&[1], &[4, 5])] {
            let node = mean.clone().with(ints("axes", axes));
            check(&[1, 3, 4, 5], Graph::new(&[1, 3, 4, 5]), node, expected);
        }
    }
    let mut graph = Graph::new(&[1, 3, 4, 5]).ints("axes", &[1, 3]);
    graph.proto.opset_import[0].version = 18;
    let node = NodeProto::new("ReduceMean", "mean", &["image", "axes"], &["y"]);
    check(&[1, 3, 4, 5], graph, node, &[4]);
}

#[test]
fn normalisation_with_fixed_statistics() {
    for (epsilon, image) in [
        (1e-5, &[1, 3, 2, 2][..]),
        (0.5, &[1, 3, 4]),
        (1e-3, &[1, 3]),
    ] {
        let graph = Graph::new(image)
            .floats("scale", &[3], &[0.5, -2.0, 1.0])
            .floats("bias", &[3], &[1.0, 0.0, -0.25])
            .floats("mean", &[3], &[0.5, 0.25, -3.0])
            .floats("variance", &[3], &[0.25, 4.0, 0.01]);
        let inputs = ["image", "scale", "bias", "mean", "variance"];
        let node = NodeProto::new("BatchNormalization", "norm", &inputs, &["y"]);
        let node = node.with(AttributeProto::float("epsilon", epsilon));
        check(
            image,
            graph,
            node.with(AttributeProto::float("momentum", 0.9)),
            &image[1..],
        );
    }
}

#[test]
fn constants_on_either_side() {
    let image = &[1, 2, 2, 3];
    for (dims, count) in [
        (&[][..], 1),
        (&[1], 1),
        (&[3], 3),
        (&[2, 1, 1], 2),
        (&[1, 1, 2, 3], 6),
    ] {
        for op in ["Add", "Sub", "Mul", "Div"] {
            for inputs in [["image", "c"], ["c", "image"]] {
                if op == "Div" && inputs[0] == "c" {
                    continue;
                }
                let values: Vec<f32> = (1..=count).map(|value| value as f32 / 3.0).collect();
                let graph = Graph::new(image).floats("c", dims, &values);
                check(
                    image,
                    graph,
                    NodeProto::new(op, "it", &inputs, &["y"]),
                    &[12],
                );
            }
        }
    }
    check(
        image,
        Graph::new(image),
        NodeProto::new("Neg", "it", &["image"], &["y"]),
        &[12],
    );
}

#[test]
fn constants_and_values_that_repeat_values() {
    let image = &[1, 2, 1, 3];
    let graph = Graph::new(image).floats("c", &[4, 1], &ramp(4));
    check(
        image,
        graph,
        NodeProto::new("Add", "it", &["image", "c"], &["y"]),
        &[2, 4, 3],
    );
    let graph = Graph::new(image)
        .floats("w", &[2, 2, 1, 3], &weights(&[2, 2, 1, 3]))
        .node("Conv", &["image", "w"], "means");
    check(
        image,
        graph,
        NodeProto::new("Sub", "it", &["image", "means"], &["y"]),
        &[2, 3],
    );
}

#[test]
fn pooling_and_convolutions_that_meet_become_one() {
    let graph = Graph::new(&[1, 1, 8, 8])
        .floats("w", &[2, 1, 3, 3], &weights(&[2, 1, 3, 3]))
        .floats("mean", &[], &[0.13])
        .floats("deviation", &[], &[0.31])
        .node("Sub", &["image", "mean"], "centred")
        .node("Div", &["centred", "deviation"], "normal")
        .node("Conv", &["normal", "w"], "conv");
    let pool = NodeProto::new("AveragePool", "pool", &["conv"], &["y"]);
    let attributes = [ints("kernel_shape", &[2, 2]), ints("strides", &[2, 2])];
    let network = check(
        &[1, 1, 8, 8],
        graph,
        with_all(pool, &attributes),
        &[2, 3, 3],
    );
    // A window of 4×4 pixels for each.
    assert_eq!(network.layers[0].terms[0].matrix.nonzeros(), 18 * 16);
}

#[test]
fn branches_of_an_image_become_one() {
    let graph = Graph::new(&[1, 6])
        .floats("w1", &[6, 4], &weights(&[6, 4]))
        .floats("w2", &[6, 4], &ramp(24))
        .node("MatMul", &["image", "w1"], "a")
        .node("MatMul", &["image", "w2"], "b");
    check(
        &[1, 6],
        graph,
        NodeProto::new("Sub", "it", &["a", "b"], &["y"]),
        &[4],
    );
}

#[test]
fn residual_branches_read_two_layers() {
    let dims = [2, 2, 3, 3];
    let same = |name: &str, input: &str, weights: &str| {
        NodeProto::new("Conv", name, &[input, weights], &[name]).with(ints("pads", &[1, 1, 1, 1]))
    };
    let graph = Graph::new(&[1, 2, 4, 4])
        .floats("w1", &dims, &weights(&dims))
        .floats("w2", &dims, &ramp(36))
        .floats("w3", &[32, 3], &weights(&[32, 3]))
        .push(same("a", "image", "w1"))
        .node("Mul", &["a", "a"], "b")
        .push(same("c", "b", "w2"))
        .node("Add", &["c", "b"], "d")
        .node("Add", &["image", "d"], "e")
        .node("Mul", &["e", "e"], "f")
        .node("Add", &["f", "b"], "g")
        .node("Flatten", &["g"], "flat")
        .node("MatMul", &["flat", "w3"], "logits");
    let network = check_against_tract(&graph.bytes(), &[1, 2, 4, 4]);
    let reads = |layer: usize| -> Vec<usize> {
        let terms = network.layers[layer].terms.iter();
        terms.map(|term| term.of.0).collect()
    };
    assert_eq!(network.layers.len(), 3);
    assert_eq!(network.layers[1].shape, [2, 4, 4]);
    assert_eq!(
        [reads(0), reads(1), reads(2)],
        [vec![0], vec![0, 1], vec![1, 2]]
    );
}

#[test]
fn layers_that_nothing_reads_are_left_out() {
    let graph = Graph::new(&[1, 6])
        .floats("w", &[6, 4], &ramp(24))
        .node("MatMul", &["image", "w"], "a")
        .node("Mul", &["a", "a"], "unused")
        .node("MatMul", &["unused", "v"], "unused too")
        .floats("v", &[4, 2], &ramp(8))
        .node("Identity", &["a"], "logits");
    let network = check_against_tract(&graph.bytes(), &[1, 6]);
    assert_eq!(network.layers.len(), 1);
}
