//! Files that can be evaluated: polynomials in whatever spelling, against tract.

use evaluator::network::{Activation, Network};
use onnx::messages::NodeProto;

use super::model::{Graph, ramp};
use super::plain::check_against_tract;

/// What stands between two dense layers: from `x`, which has 5 values, to `y`.
#[track_caller]
fn check(steps: &[(&str, &[&str], &str)], expected: &[&str]) -> Network {
    let constants = [
        ("half", 0.5),
        ("two", 2.0),
        ("three", 3.0),
        ("minus", -0.75),
        ("small", 0.125),
        ("tiny", 1e-4),
    ];
    let mut graph = Graph::new(&[1, 6])
        .floats("w1", &[6, 5], &ramp(30))
        .floats("w2", &[5, 4], &ramp(20))
        .floats("each", &[5], &[0.5, -0.25, 1.5, 1.0, -2.0])
        .floats("some", &[5], &[0.5, 0.0, 1.5, 0.0, -2.0])
        .floats("others", &[5], &[0.1, 0.7, -0.4, 0.0, 1.0]);
    for (name, value) in constants {
        graph = graph.floats(name, &[], &[value]);
    }
    graph = graph.node("MatMul", &["image", "w1"], "x");
    for (op, inputs, output) in steps {
        graph = graph.push(NodeProto::new(op, output, inputs, &[output]));
    }
    let graph = graph.node("MatMul", &["y", "w2"], "logits");
    let network = check_against_tract(&graph.bytes(), &[1, 6]);
    let name = |activation: &Activation| match activation {
        Activation::Identity => "linear".to_owned(),
        Activation::Square => "square".to_owned(),
        Activation::Polynomial(polynomial) => format!("degree {}", polynomial.degree()),
    };
    let found: Vec<_> = network
        .layers
        .iter()
        .map(|layer| name(&layer.activation))
        .collect();
    assert_eq!(found, expected);
    network
}

#[test]
fn quadratic_ones_become_squares() {
    let square = &["square", "linear"];
    check(&[("Mul", &["x", "x"], "y")], square);
    check(
        &[("Mul", &["x", "x"], "a"), ("Add", &["a", "x"], "y")],
        square,
    );
    check(
        &[
            ("Pow", &["x", "two"], "a"),
            ("Mul", &["half", "a"], "b"),
            ("Mul", &["x", "minus"], "c"),
            ("Sub", &["b", "c"], "d"),
            ("Add", &["d", "three"], "y"),
        ],
        square,
    );
    check(
        &[
            ("Mul", &["x", "half"], "a"),
            ("Add", &["a", "minus"], "b"),
            ("Mul", &["b", "x"], "c"),
            ("Sub", &["three", "c"], "y"),
        ],
        square,
    );
    check(
        &[
            ("Add", &["x", "three"], "a"),
            ("Sub", &["x", "half"], "b"),
            ("Mul", &["a", "b"], "y"),
        ],
        square,
    );
}

#[test]
fn quadratic_ones_may_differ_from_value_to_value() {
    let square = &["square", "linear"];
    let per_value = |factor: &'static str| {
        [
            ("Mul", vec!["x", factor], "a"),
            ("Mul", vec!["a", "x"], "b"),
            ("Mul", vec!["x", "others"], "c"),
            ("Add", vec!["b", "c"], "d"),
            ("Add", vec!["d", "each"], "y"),
        ]
    };
    for factor in ["each", "some"] {
        let steps = per_value(factor);
        let steps: Vec<_> = steps
            .iter()
            .map(|(op, inputs, to)| (*op, &inputs[..], *to))
            .collect();
        let network = check(&steps, square);
        let terms: Vec<_> = network.layers[1]
            .terms
            .iter()
            .map(|term| term.of.0)
            .collect();
        // Values without a square are read in front of it.
        assert_eq!(
            terms,
            if factor == "each" {
                vec![1]
            } else {
                vec![0, 1]
            }
        );
    }
}

#[test]
fn a_shift_too_far_for_its_square_is_kept_apart() {
    let network = check(
        &[
            ("Mul", &["x", "x"], "a"),
            ("Mul", &["a", "tiny"], "b"),
            ("Add", &["b", "x"], "y"),
        ],
        &["square", "linear"],
    );
    assert_eq!(network.layers[1].terms.len(), 2);
    assert!(network.layers[0].bias.iter().all(|&bias| bias == 0.0));
}

#[test]
fn cubes_in_every_spelling() {
    let cube = &["degree 3", "linear"];
    check(&[("Pow", &["x", "three"], "y")], cube);
    check(
        &[("Mul", &["x", "x"], "a"), ("Mul", &["x", "a"], "y")],
        cube,
    );
    let one = check(
        &[
            ("Mul", &["x", "half"], "a"),
            ("Add", &["a", "minus"], "b"),
            ("Mul", &["b", "x"], "c"),
            ("Add", &["c", "two"], "d"),
            ("Mul", &["d", "x"], "e"),
            ("Sub", &["e", "three"], "y"),
        ],
        cube,
    );
    let other = check(
        &[
            ("Pow", &["x", "three"], "a"),
            ("Mul", &["a", "half"], "b"),
            ("Pow", &["x", "two"], "c"),
            ("Mul", &["c", "minus"], "d"),
            ("Mul", &["x", "two"], "e"),
            ("Add", &["d", "e"], "f"),
            ("Add", &["f", "b"], "g"),
            ("Sub", &["g", "three"], "y"),
        ],
        cube,
    );
    assert_eq!(one.layers[0].activation, other.layers[0].activation);
}

#[test]
fn higher_ones() {
    check(
        &[
            ("Mul", &["x", "half"], "s"),
            ("Mul", &["s", "s"], "a"),
            ("Mul", &["a", "a"], "b"),
            ("Mul", &["b", "s"], "c"),
            ("Sub", &["c", "a"], "y"),
        ],
        &["degree 5", "linear"],
    );
    check(
        &[
            ("Mul", &["x", "small"], "s"),
            ("Mul", &["s", "s"], "a"),
            ("Mul", &["a", "a"], "b"),
            ("Mul", &["b", "b"], "c"),
            ("Mul", &["c", "c"], "d"),
            ("Mul", &["d", "d"], "e"),
            ("Add", &["e", "a"], "y"),
        ],
        &["degree 32", "linear"],
    );
}

/// Normalisation in front of a polynomial and behind it, for each value or channel.
#[test]
fn higher_ones_of_scaled_values_are_one_polynomial() {
    let network = check(
        &[
            ("Mul", &["x", "each"], "n"),
            ("Add", &["n", "others"], "u"),
            ("Mul", &["u", "half"], "a"),
            ("Add", &["a", "minus"], "b"),
            ("Mul", &["b", "u"], "c"),
            ("Mul", &["c", "u"], "d"),
            ("Add", &["d", "u"], "e"),
            ("Mul", &["e", "others"], "f"),
            ("Sub", &["f", "each"], "y"),
        ],
        &["degree 3", "linear"],
    );
    let Activation::Polynomial(polynomial) = &network.layers[0].activation else {
        panic!("no polynomial");
    };
    assert_eq!(polynomial.degree(), 3);
    check(
        &[
            ("Mul", &["x", "each"], "n"),
            ("Add", &["n", "others"], "u"),
            ("Pow", &["u", "three"], "a"),
            ("Sub", &["a", "u"], "y"),
        ],
        &["degree 3", "linear"],
    );
}

#[test]
fn sums_of_a_few_polynomials_for_all_values() {
    let network = check(
        &[
            ("Pow", &["x", "three"], "a"),
            ("Mul", &["a", "each"], "b"),
            ("Mul", &["x", "x"], "c"),
            ("Mul", &["c", "others"], "d"),
            ("Sub", &["b", "d"], "e"),
            ("Mul", &["x", "some"], "f"),
            ("Add", &["e", "f"], "g"),
            ("Sub", &["g", "others"], "y"),
        ],
        &["degree 3", "square", "linear"],
    );
    let reads: Vec<_> = network.layers[2]
        .terms
        .iter()
        .map(|term| term.of.0)
        .collect();
    assert_eq!(reads, [0, 1, 2]);
}

/// A polynomial of a normalised polynomial, with nothing but factors in between.
#[test]
fn one_behind_the_other_where_values_differ() {
    let normal = [
        ("Mul", ["x", "x"], "a"),
        ("Mul", ["a", "each"], "b"),
        ("Add", ["b", "others"], "n"),
    ];
    let then =
        |steps: &[(&'static str, [&'static str; 2], &'static str)]| [&normal[..], steps].concat();
    for (steps, last) in [
        (then(&[("Mul", ["n", "n"], "y")]), "square"),
        (then(&[("Pow", ["n", "three"], "y")]), "degree 3"),
        (
            then(&[
                ("Add", ["n", "half"], "c"),
                ("Mul", ["c", "n"], "d"),
                ("Mul", ["n", "d"], "e"),
                ("Sub", ["e", "n"], "y"),
            ]),
            "degree 3",
        ),
    ] {
        let steps: Vec<_> = steps
            .iter()
            .map(|(op, inputs, to)| (*op, &inputs[..], *to))
            .collect();
        check(&steps, &["square", last, "linear"]);
    }
}

#[test]
fn what_cancels_is_gone() {
    check(
        &[("Sub", &["x", "x"], "a"), ("Add", &["a", "half"], "y")],
        &["linear"],
    );
    check(
        &[
            ("Mul", &["x", "x"], "a"),
            ("Add", &["a", "x"], "b"),
            ("Sub", &["b", "a"], "y"),
        ],
        &["linear"],
    );
}

#[test]
fn a_polynomial_that_is_read_twice_is_one_layer() {
    let graph = Graph::new(&[1, 6])
        .floats("w1", &[6, 5], &ramp(30))
        .floats("w2", &[5, 4], &ramp(20))
        .floats("w3", &[5, 4], &ramp(20))
        .node("MatMul", &["image", "w1"], "x")
        .node("Mul", &["x", "x"], "a")
        .node("MatMul", &["a", "w2"], "b")
        .node("Mul", &["x", "x"], "c")
        .node("MatMul", &["c", "w3"], "d")
        .node("Add", &["b", "d"], "logits");
    let network = check_against_tract(&graph.bytes(), &[1, 6]);
    assert_eq!(network.layers.len(), 2);
}

#[test]
fn a_polynomial_in_the_end_has_a_layer_behind_it() {
    for power in [2.0, 3.0] {
        let graph = Graph::new(&[1, 6]).floats("power", &[], &[power]).node(
            "Pow",
            &["image", "power"],
            "logits",
        );
        let network = check_against_tract(&graph.bytes(), &[1, 6]);
        assert_eq!(network.layers.len(), 2);
        assert_eq!(network.layers[1].terms[0].matrix.nonzeros(), 6);
    }
}

/// How a range is found doesn't change what is computed.
#[test]
fn polynomials_of_polynomials() {
    let graph = Graph::new(&[1, 1, 4, 4])
        .floats("three", &[], &[3.0])
        .floats("w1", &[2, 1, 3, 3], &ramp(18))
        .floats("w2", &[8, 3], &ramp(24))
        .node("Conv", &["image", "w1"], "a")
        .node("Pow", &["a", "three"], "b")
        .node("Flatten", &["b"], "c")
        .node("MatMul", &["c", "w2"], "d")
        .node("Pow", &["d", "three"], "logits");
    let network = check_against_tract(&graph.bytes(), &[1, 1, 4, 4]);
    assert_eq!(network.layers.len(), 3);
}
