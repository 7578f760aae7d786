//! Random networks, spelled in random ways, against tract; and random damage to a file.

use evaluator::import::import;
use onnx::messages::{AttributeProto, NodeProto};
use proptest::prelude::*;

use super::model::{Graph, ramp};
use super::plain::check_against_tract;

/// One layer, in one of its spellings.
#[derive(Clone, Debug)]
enum Piece {
    Gemm {
        rows: usize,
        alpha: f32,
        transposed: bool,
        bias: bool,
    },
    MatMul {
        rows: usize,
        bias: bool,
        bias_first: bool,
    },
    Mul,
    Pow,
    Reshape,
    Flatten,
    Identity,
}

fn piece() -> impl Strategy<Value = Piece> {
    let gemm = (1..9_usize, -2.0..2.0_f32, any::<bool>(), any::<bool>());
    let matmul = (1..9_usize, any::<bool>(), any::<bool>());
    prop_oneof![
        3 => gemm.prop_map(|(rows, alpha, transposed, bias)| {
            Piece::Gemm { rows, alpha, transposed, bias }
        }),
        3 => matmul.prop_map(|(rows, bias, bias_first)| Piece::MatMul { rows, bias, bias_first }),
        1 => Just(Piece::Mul),
        1 => Just(Piece::Pow),
        1 => Just(Piece::Reshape),
        1 => Just(Piece::Flatten),
        1 => Just(Piece::Identity),
    ]
}

/// At most two squares, so that values stay in a range where the tolerance means something.
fn pieces() -> impl Strategy<Value = Vec<Piece>> {
    prop::collection::vec(piece(), 0..8).prop_filter("few squares", |pieces| {
        let is_square = |piece: &&Piece| matches!(piece, Piece::Mul | Piece::Pow);
        pieces.iter().filter(is_square).count() <= 2
    })
}

fn size(count: usize) -> i64 {
    i64::try_from(count).expect("small")
}

fn append(graph: Graph, at: usize, piece: &Piece, columns: &mut usize) -> Graph {
    let (input, output) = (&*format!("v{at}"), &*format!("v{}", at + 1));
    let (w, b) = (&*format!("w{at}"), &*format!("b{at}"));
    match *piece {
        Piece::Gemm {
            rows,
            alpha,
            transposed,
            bias,
        } => {
            let mut dims = [size(*columns), size(rows)];
            if transposed {
                dims.reverse();
            }
            let graph = graph.floats(w, &dims, &ramp(*columns * rows)).floats(
                b,
                &[size(rows)],
                &ramp(rows),
            );
            *columns = rows;
            let inputs = if bias {
                &[input, w, b][..]
            } else {
                &[input, w]
            };
            let node = NodeProto::new("Gemm", output, inputs, &[output])
                .with(AttributeProto::float("alpha", alpha))
                .with(AttributeProto::int("transB", transposed.into()));
            graph.push(node)
        }
        Piece::MatMul {
            rows,
            bias,
            bias_first,
        } => {
            let graph = graph.floats(w, &[size(*columns), size(rows)], &ramp(*columns * rows));
            let offset = if bias_first { *columns } else { rows };
            let graph = graph.floats(b, &[1, size(offset)], &ramp(offset));
            *columns = rows;
            let between = &*format!("m{at}");
            match (bias, bias_first) {
                (false, _) => graph.node("MatMul", &[input, w], output),
                (true, true) => {
                    graph
                        .node("Add", &[b, input], between)
                        .node("MatMul", &[between, w], output)
                }
                (true, false) => {
                    graph
                        .node("MatMul", &[input, w], between)
                        .node("Add", &[between, b], output)
                }
            }
        }
        Piece::Mul => graph.node("Mul", &[input, input], output),
        Piece::Pow => graph.node("Pow", &[input, "two"], output),
        Piece::Reshape => graph.ints(b, &[1, -1]).node("Reshape", &[input, b], output),
        Piece::Flatten => graph.node("Flatten", &[input], output),
        Piece::Identity => graph.node("Identity", &[input], output),
    }
}

fn build(pieces: &[Piece]) -> Graph {
    let mut graph =
        Graph::new(&[1, 1, 2, 3])
            .floats("two", &[], &[2.0])
            .node("Flatten", &["image"], "v0");
    let mut columns = 6;
    for (at, piece) in pieces.iter().enumerate() {
        graph = append(graph, at, piece, &mut columns);
    }
    let last = format!("v{}", pieces.len());
    graph
        .floats("w", &[size(columns), 3], &ramp(columns * 3))
        .node("MatMul", &[&last, "w"], "logits")
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn random_networks_agree_with_tract(pieces in pieces()) {
        check_against_tract(&build(&pieces).bytes(), &[1, 1, 2, 3]);
    }
}

proptest! {
    /// The result doesn't matter; that there is one does.
    #[test]
    fn damaged_files_are_answered(pieces in pieces(), changes in prop::collection::vec(any::<(usize, u8)>(), 1..8)) {
        let mut bytes = build(&pieces).bytes();
        let length = bytes.len();
        for (at, value) in changes {
            bytes[at % length] = value;
        }
        let _ = import("damaged.onnx", &bytes);
    }
}
