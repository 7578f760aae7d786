//! Networks that are no chains of dense layers: convolutions, branches, polynomials.

use evaluator::circuit::Circuit;
use evaluator::network::{Activation, Chebyshev, Layer, Matrix, Network, Term, ValueId};
use shared::api::Preparation;
use tests::plain::by_definition;

use super::{Client, tolerance};
use crate::scheme::numbers;

/// A layer that reads these values.
fn layer(shape: &[usize], terms: Vec<(usize, Matrix)>, activation: Activation) -> Layer {
    let count = shape.iter().product();
    let term = |(of, matrix)| Term {
        of: ValueId(of),
        matrix,
    };
    Layer {
        name: format!("layer{count}"),
        shape: shape.to_vec(),
        terms: terms.into_iter().map(term).collect(),
        bias: numbers(count, count as u64)
            .iter()
            .map(|bias| bias / 4.0)
            .collect(),
        activation,
    }
}

fn dense(rows: usize, columns: usize, seed: u64) -> Matrix {
    let size = 1.5 / (columns as f64).sqrt();
    let weights = numbers(rows * columns, seed);
    Matrix::from_dense(
        columns,
        &weights.iter().map(|w| w * size).collect::<Vec<_>>(),
    )
}

/// A convolution of 3×3 without padding, as its definition says.
fn convolution(
    [channels, rows, columns]: [usize; 3],
    kernels: usize,
    stride: usize,
    seed: u64,
) -> ([usize; 3], Matrix) {
    let [high, wide] = [rows, columns].map(|side| (side - 3) / stride + 1);
    let size = 1.5 / (9.0 * channels as f64).sqrt();
    let kernel = numbers(kernels * channels * 9, seed);
    let row = |row: usize| {
        let (of, y, x) = (row / (high * wide), row / wide % high, row % wide);
        let tap = |tap: usize| {
            let (channel, dy, dx) = (tap / 9, tap / 3 % 3, tap % 3);
            let column = (channel * rows + y * stride + dy) * columns + x * stride + dx;
            (column, kernel[of * channels * 9 + tap] * size)
        };
        (0..channels * 9).map(tap).collect()
    };
    let matrix = Matrix::from_rows(
        channels * rows * columns,
        (0..kernels * high * wide).map(row),
    );
    ([kernels, high, wide], matrix)
}

fn network(input_shape: &[usize], layers: Vec<Layer>) -> Network {
    let classes = layers.last().map_or(0, Layer::values);
    Network {
        input_shape: input_shape.to_vec(),
        preparation: Preparation::default(),
        layers,
        classes: (0..classes).map(|class| class.to_string()).collect(),
        logit_bound: Some(16.0),
        precision_bits: None,
        left_to_client: None,
        description: String::new(),
    }
}

/// Runs a network on both engines, and asserts what they make of it.
#[track_caller]
fn check(network: &Network) -> Circuit {
    let input = numbers(network.inputs(), 5);
    let samples = [input.clone()];
    let options = evaluator::circuit::Options {
        samples: &samples,
        ..Default::default()
    };
    let circuit = Circuit::compile_with("graph", network, &options).expect("compiles");
    let want = by_definition(network, &input);
    let plain = circuit.plain(network).expect("compiles");
    let got = plain.outputs(&input, |_, _| {}).expect("runs");
    assert_eq!(got.len(), want.len());
    for (got, want) in got.iter().zip(&want) {
        assert!(
            (got - want).abs() < 1e-5,
            "plain slots give {got}, not {want}"
        );
    }
    let client = Client::new(&circuit, 3);
    let reply = client.classify(&circuit, &input).expect("runs");
    let got = client.keys.decrypt(&reply).expect("decrypts");
    for (got, want) in got.values().iter().zip(&want) {
        let off = (got - want).abs();
        assert!(off < tolerance(16.0), "ciphertexts give {got}, not {want}");
    }
    circuit
}

#[test]
fn a_convolution_and_a_dense_layer() {
    let (shape, first) = convolution([1, 12, 12], 5, 2, 1);
    let hidden = shape.iter().product();
    check(&network(
        &[1, 12, 12],
        vec![
            layer(&shape, vec![(0, first)], Activation::Square),
            layer(&[10], vec![(1, dense(10, hidden, 2))], Activation::Identity),
        ],
    ));
}

#[test]
fn convolutions_behind_each_other() {
    for stride in [1, 2] {
        let (middle, first) = convolution([2, 14, 14], 4, 1, 3);
        let (shape, second) = convolution(middle, 6, stride, 4);
        let hidden = shape.iter().product();
        check(&network(
            &[2, 14, 14],
            vec![
                layer(&middle, vec![(0, first)], Activation::Square),
                layer(&shape, vec![(1, second)], Activation::Square),
                layer(&[10], vec![(2, dense(10, hidden, 5))], Activation::Identity),
            ],
        ));
    }
}

/// The sum of a value and what became of it later: one of them skips levels.
#[test]
fn a_residual_branch() {
    check(&network(
        &[20],
        vec![
            layer(&[16], vec![(0, dense(16, 20, 6))], Activation::Square),
            layer(&[16], vec![(1, dense(16, 16, 7))], Activation::Square),
            layer(
                &[16],
                vec![(1, Matrix::identity(16)), (2, dense(16, 16, 8))],
                Activation::Square,
            ),
            layer(
                &[5],
                vec![
                    (0, dense(5, 20, 9)),
                    (1, dense(5, 16, 10)),
                    (3, dense(5, 16, 11)),
                ],
                Activation::Identity,
            ),
        ],
    ));
}

#[test]
fn polynomials_of_every_degree() {
    for degree in [3, 4, 5, 8, 11] {
        let polynomial = Chebyshev::new(3.0, numbers(degree + 1, degree as u64));
        check(&network(
            &[20],
            vec![
                layer(
                    &[16],
                    vec![(0, dense(16, 20, 12))],
                    Activation::Polynomial(polynomial),
                ),
                layer(&[5], vec![(1, dense(5, 16, 13))], Activation::Identity),
            ],
        ));
    }
}

/// A square works at a level where a polynomial's products do.
#[test]
fn a_square_beside_a_polynomial() {
    let polynomial = Activation::Polynomial(Chebyshev::new(3.0, vec![0.3, -0.5, 0.0, 0.4]));
    check(&network(
        &[20],
        vec![
            layer(&[16], vec![(0, dense(16, 20, 14))], polynomial),
            layer(&[16], vec![(0, dense(16, 20, 15))], Activation::Square),
            layer(
                &[5],
                vec![(1, dense(5, 16, 16)), (2, dense(5, 16, 17))],
                Activation::Identity,
            ),
        ],
    ));
}

/// The outputs of a prefix are many, and leave in slots.
#[test]
fn every_prefix_of_a_network() {
    let (middle, first) = convolution([1, 10, 10], 4, 1, 18);
    let hidden = middle.iter().product();
    let polynomial = Activation::Polynomial(Chebyshev::new(3.0, vec![0.1, 0.5, 0.2, -0.1]));
    let whole = network(
        &[1, 10, 10],
        vec![
            layer(&middle, vec![(0, first)], Activation::Square),
            layer(&[12], vec![(1, dense(12, hidden, 19))], polynomial),
            layer(&[5], vec![(2, dense(5, 12, 20))], Activation::Identity),
        ],
    );
    assert_eq!(whole.steps(), 5);
    for steps in 1..=5 {
        let mut prefix = whole.prefix(steps).expect("that many");
        prefix.logit_bound = Some(16.0);
        check(&prefix);
    }
}

/// As many channels as there is room for between the pixels of a strided layer: a level isn't
/// wasted, and neither are slots.
#[test]
fn lenet_1_takes_three_levels_and_one_ciphertext() {
    let network = lenet_1();
    let circuit = check(&network);
    assert_eq!(circuit.info().input.level.0, 2);
    assert_eq!(circuit.ring().degree(), 1 << 13);
}

/// LeNet-1 with squares: 4@5×5, pooled, 12@5×5, pooled, dense.
fn lenet_1() -> Network {
    let kernel = |shape: [usize; 3], kernels: usize, seed: u64| {
        let [channels, rows, columns] = shape;
        let (high, wide) = (rows - 4, columns - 4);
        let size = 1.5 / (25.0 * channels as f64).sqrt();
        let weights = numbers(kernels * channels * 25, seed);
        let row = |row: usize| {
            let (of, y, x) = (row / (high * wide), row / wide % high, row % wide);
            let tap = |tap: usize| {
                let (channel, dy, dx) = (tap / 25, tap / 5 % 5, tap % 5);
                let column = (channel * rows + y + dy) * columns + x + dx;
                (column, weights[of * channels * 25 + tap] * size)
            };
            (0..channels * 25).map(tap).collect()
        };
        let count = channels * rows * columns;
        Matrix::from_rows(count, (0..kernels * high * wide).map(row))
    };
    let pool = |[channels, rows, columns]: [usize; 3]| {
        let (high, wide) = (rows / 2, columns / 2);
        let row = |row: usize| {
            let (channel, y, x) = (row / (high * wide), row / wide % high, row % wide);
            let at = |dy, dx| (channel * rows + 2 * y + dy) * columns + 2 * x + dx;
            [(0, 0), (0, 1), (1, 0), (1, 1)]
                .map(|(dy, dx)| (at(dy, dx), 0.25))
                .to_vec()
        };
        Matrix::from_rows(
            channels * rows * columns,
            (0..channels * high * wide).map(row),
        )
    };
    let merged = |second: &Matrix, first: &Matrix| second.after(first, 1 << 24).expect("small");
    let first = kernel([1, 28, 28], 4, 21);
    let second = merged(&kernel([4, 12, 12], 12, 22), &pool([4, 24, 24]));
    let last = merged(&dense(10, 192, 23), &pool([12, 8, 8]));
    network(
        &[1, 28, 28],
        vec![
            layer(&[4, 24, 24], vec![(0, first)], Activation::Square),
            layer(&[12, 8, 8], vec![(1, second)], Activation::Square),
            layer(&[10], vec![(2, last)], Activation::Identity),
        ],
    )
}
