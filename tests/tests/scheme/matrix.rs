//! Matrix–vector products by diagonals.

use evaluator::engine::MatrixPlan;
use shared::packing::InputPacking;
use shared::params::shipped;

use super::{Fixture, numbers, scale};

/// A `rows × columns` matrix on a vector that is packed with this period and repetition.
///
/// Each of the `columns` products of a row is off by an error of the input, which has passed up to
/// seven rotations, times a weight below 1, and by a rounding of the weight times an input below
/// 1; the rotations after the products are smaller by the weights' scale.
#[track_caller]
fn check(period: usize, repeat: usize, rows: usize, columns: usize, hoisted: bool) {
    let set = shipped().remove(0);
    let slots = 1 << (set.log_n - 1);
    let padded = rows.next_power_of_two();
    let plan = MatrixPlan::new(slots, period, repeat, padded);
    let mut steps: Vec<u32> = plan.input_steps().chain(plan.product_steps()).collect();
    if hoisted {
        steps.extend((1..8).map(|baby| baby * repeat as u32));
    }
    steps.sort_unstable();
    steps.dedup();
    let fixture = Fixture::new(set, 30, &steps, 2);

    let (weights, x) = (numbers(rows * columns, 5), numbers(columns, 6));
    let packing = InputPacking {
        period,
        repeat,
        sources: (0..columns).collect(),
    };
    let encrypted = fixture.encrypt(&packing.pack(&x, slots).unwrap(), 0);
    let entry = |row: usize, column: usize| {
        if row < rows && column < columns {
            weights[row * columns + column]
        } else {
            0.0
        }
    };
    let matrix = fixture
        .engine
        .encode_matrix(plan, entry, scale(20), fixture.top())
        .unwrap();
    let product = fixture
        .engine
        .multiply_matrix(&matrix, &encrypted, &fixture.evaluation)
        .unwrap();

    let y: Vec<f64> = weights
        .chunks(columns)
        .map(|row| row.iter().zip(&x).map(|(w, x)| w * x).sum())
        .chain(std::iter::repeat_n(0.0, padded - rows))
        .collect();
    let want: Vec<f64> = (0..slots).map(|slot| y[slot % padded]).collect();
    let rotated = fixture.fresh_variance() + 7.0 * fixture.key_switch_variance(fixture.top());
    let variance = columns as f64 * (rotated * 2f64.powi(40) + 2f64.powi(60) / 12.0);
    fixture.check(&product, &want, variance);
}

#[test]
fn wide_dense_layer_on_repeated_input() {
    check(512, 4, 128, 500, false);
}

#[test]
fn the_same_from_one_decomposition() {
    check(512, 4, 128, 500, true);
}

#[test]
fn classes_from_hidden_values() {
    check(128, 1, 16, 128, false);
}

#[test]
fn few_rows_on_a_large_input() {
    check(1024, 2, 2, 784, false);
}

#[test]
fn more_rows_than_columns() {
    check(16, 1, 64, 12, false);
}

#[test]
fn one_number() {
    check(1, 1, 1, 1, false);
}
