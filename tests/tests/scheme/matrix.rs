//! Matrix–vector products by diagonals.

use evaluator::engine::{
    Automorphism, MatrixPlan, SlotContent, Walk, encode_matrix, multiply_matrix,
};
use shared::encoding::Complex64;
use shared::packing::InputPacking;
use tests::networks::sets;

use super::{Fixture, numbers, scale};

/// The rotations that a plan needs keys for.
pub fn steps(plan: &MatrixPlan) -> Vec<u32> {
    let automorphisms = plan.of_input().into_iter().chain(plan.of_products());
    let step = |automorphism| match automorphism {
        Automorphism::Conjugation => None,
        Automorphism::Rotation(step) => Some(step),
    };
    let mut steps: Vec<u32> = automorphisms.filter_map(step).collect();
    steps.sort_unstable();
    steps.dedup();
    steps
}

/// A `rows × columns` matrix on a vector that is packed with this period and repetition, `content`
/// to a slot.
///
/// Each of the `columns` products of a row is off by an error of the input, which has been switched
/// once, times a weight below 1, and by a rounding of the weight times an input below 1. The sum
/// with the conjugate counts both twice, and has halved the weights. What is added behind the
/// products is smaller by the weights' scale.
#[track_caller]
fn check(content: SlotContent, period: usize, repeat: usize, rows: usize, columns: usize) {
    for set in sets() {
        let slots = 1 << (set.log_n - 1);
        let padded = rows.next_power_of_two();
        // Slot `s` holds the value, or pair, of position `s / repeat`; row `s` reads those of its
        // remainder.
        let all = period * repeat;
        let rotations = (0..all.min(padded)).step_by(repeat).collect();
        let plan = MatrixPlan::new(slots, (all, padded), &rotations, content, Walk::default());
        let fixture = Fixture::new(set, 30, &steps(&plan), 2);

        let (weights, x) = (numbers(rows * columns, 5), numbers(columns, 6));
        let half = |half: usize| {
            let value = |slot: usize| Some(half * period + slot / repeat);
            let values = (0..all).map(value);
            values
                .map(|value| value.filter(|&value| value < columns))
                .collect()
        };
        let packing = InputPacking {
            real: half(0),
            imaginary: match content {
                SlotContent::Real => Vec::new(),
                SlotContent::Pair => half(1),
            },
        };
        let encrypted = fixture.encrypt(&packing.pack(&x, slots).unwrap(), 0);
        let weight = |row: usize, column: usize| {
            if row < rows && column < columns {
                weights[row * columns + column]
            } else {
                0.0
            }
        };
        let entry = |slot: usize, at: usize| {
            let (row, column) = (slot % padded, at % all / repeat);
            match content {
                SlotContent::Real => weight(row, column).into(),
                SlotContent::Pair => {
                    Complex64::new(weight(row, column), -weight(row, column + period)) / 2.0
                }
            }
        };
        let engine = &fixture.engine;
        let matrix = encode_matrix(engine, plan, entry, scale(20), fixture.top()).unwrap();
        let product = multiply_matrix(engine, &matrix, &encrypted, &fixture.evaluation).unwrap();
        assert_eq!(product.scale(), scale(50));

        let y: Vec<f64> = weights
            .chunks(columns)
            .map(|row| row.iter().zip(&x).map(|(w, x)| w * x).sum())
            .chain(std::iter::repeat_n(0.0, padded - rows))
            .collect();
        let want: Vec<f64> = (0..slots).map(|slot| y[slot % padded]).collect();
        let switched = fixture.fresh_variance() + fixture.key_switch_variance(fixture.top());
        // Of pairs, the squares of two weights and of two inputs make up one product.
        let (errors, roundings) = match content {
            SlotContent::Real => (columns as f64, columns as f64),
            SlotContent::Pair => (columns as f64 / 2.0, 2.0 * columns as f64),
        };
        let variance = errors * switched * 2f64.powi(40) + roundings * 2f64.powi(60) / 12.0;
        fixture.check(&fixture.lower(&product), &want, variance);
    }
}

#[test]
fn wide_dense_layer_on_repeated_input() {
    check(SlotContent::Real, 512, 4, 128, 500);
}

#[test]
fn the_same_in_pairs() {
    check(SlotContent::Pair, 256, 8, 128, 500);
}

#[test]
fn pairs_of_which_some_are_half_empty() {
    check(SlotContent::Pair, 64, 4, 10, 100);
}

#[test]
fn pairs_that_fill_the_slots() {
    check(SlotContent::Pair, 1024, 2, 32, 2047);
}

#[test]
fn one_pair() {
    check(SlotContent::Pair, 1, 1, 1, 2);
}

#[test]
fn classes_from_hidden_values() {
    check(SlotContent::Real, 128, 1, 16, 128);
}

#[test]
fn few_rows_on_a_large_input() {
    check(SlotContent::Real, 1024, 2, 2, 784);
}

#[test]
fn more_rows_than_columns() {
    check(SlotContent::Real, 16, 1, 64, 12);
}

#[test]
fn one_number() {
    check(SlotContent::Real, 1, 1, 1, 1);
}
