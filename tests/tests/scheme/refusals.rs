//! Operations that can't be done say why and what would fit.

use evaluator::engine::EvalError;
use shared::ciphertext::Ciphertext;
use shared::encoding::Scale;
use shared::keys::EvaluationKeys;
use shared::params::shipped;
use shared::ring::Level;

use super::{Fixture, scale};

fn fixture() -> Fixture {
    Fixture::new(shipped().remove(0), 30, &[1, 4], 3)
}

#[track_caller]
fn check<T: std::fmt::Debug>(result: Result<T, EvalError>, expected: &str) {
    let message = result.unwrap_err().to_string();
    assert_eq!(message, expected);
}

#[test]
fn a_missing_rotation_key_is_named() {
    let fixture = fixture();
    let x = fixture.encrypt(&[1.0], 0);
    check(
        fixture.engine.rotate(&x, 2, &fixture.evaluation),
        "no Galois key for a rotation by 2; uploaded steps: [1, 4]",
    );
}

#[test]
fn a_missing_relinearization_key_is_named() {
    let fixture = fixture();
    let x = fixture.encrypt(&[1.0], 0);
    check(
        fixture.engine.square(&x, &EvaluationKeys::default()),
        "no relinearization key was uploaded, and the model multiplies ciphertexts",
    );
}

#[test]
fn operands_that_do_not_fit_are_refused() {
    let fixture = fixture();
    let x = fixture.encrypt(&[1.0], 0);
    let lower = fixture.engine.rescale(&x).unwrap();
    check(
        fixture.engine.add(&x, &lower),
        "operands are at levels 3 and 2; bring both to the lower",
    );
    let (c0, c1) = x.clone().into_parts();
    let other = Ciphertext::new(c0, c1, Scale(2f64.powi(28))).unwrap();
    check(
        fixture.engine.add(&x, &other),
        "cannot add scales 2^30.0 and 2^28.0; rescale the larger first",
    );
    let plain = fixture.engine.encode(&[1.0], scale(30), Level(2)).unwrap();
    check(
        fixture.engine.mul_plain_sum(&[(&x, &plain)]),
        "operands are at levels 3 and 2; bring both to the lower",
    );
}

#[test]
fn nothing_is_left_to_rescale_at_the_lowest_level() {
    let fixture = fixture();
    let mut x = fixture.encrypt(&[1.0], 0);
    for _ in 0..3 {
        x = fixture.engine.rescale(&x).unwrap();
    }
    check(
        fixture.engine.rescale(&x),
        "nothing to rescale by: the ciphertext is at the lowest level",
    );
}
