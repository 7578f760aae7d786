//! Measured noise against the theory, on both sides: noise that is too small is a broken sampler.
//!
//! Most noise is a product of two polynomials, so that its power in a slot is a product of two
//! exponentially distributed numbers: the mean over n slots has a relative deviation of √(3/n), 3.8 %
//! for the smaller ring. 15 % is four of these.

use evaluator::engine::{
    Automorphism, MatrixPlan, SlotContent, Walk, encode_matrix, multiply_matrix,
};
use shared::ciphertext::{Ciphertext, Reply};
use shared::encoding::{Complex64, Scale};
use shared::ring::Level;
use shared::wire::write_reply;
use tests::networks::sets;

use super::{ERROR_VARIANCE, Fixture, complex_numbers, description, modulus, rotations, scale};

#[track_caller]
fn check_ratio(fixture: &Fixture, what: &str, measured: f64, expected: f64) {
    let ratio = measured / expected;
    assert!(
        (0.85..1.15).contains(&ratio),
        "{} {what}: variance {measured:.2}, expected {expected:.2}",
        fixture.name()
    );
}

/// Checks the noise in an encryption of zeros.
#[track_caller]
fn check_variance(fixture: &Fixture, what: &str, ciphertext: &Ciphertext, expected: f64) {
    let zeros = vec![0.0; fixture.engine.slots()];
    let measured = fixture.noise_variance(ciphertext, &zeros);
    check_ratio(fixture, what, measured, expected);
}

#[test]
fn fresh_ciphertexts_have_the_error_distribution() {
    for fixture in Fixture::all([30, 30], &[]) {
        for seed in 0..4 {
            // A zero message has no rounding.
            let fresh = fixture.encrypt(&[0.0], seed);
            check_variance(&fixture, "fresh", &fresh, ERROR_VARIANCE);
        }
    }
}

#[test]
fn lifting_and_lowering_changes_nothing() {
    for fixture in Fixture::all([30, 30], &[]) {
        let fresh = fixture.encrypt(&[0.5], 0);
        assert_eq!(fixture.lower(&fixture.engine.lift(&fresh)), fresh);
    }
}

#[test]
fn key_switching_adds_digits_times_errors_over_p() {
    for fixture in Fixture::all([30, 30], &[1, 7]) {
        let (engine, keys) = (&fixture.engine, &fixture.evaluation);
        let fresh = fixture.encrypt_lifted(&[0.0], 0);
        let switched = fixture.key_switch_variance(fixture.top());
        for automorphism in [rotations(&[1, 7]), vec![Automorphism::Conjugation]].concat() {
            let once = engine.rotate(&fresh, automorphism, keys).unwrap();
            let expected = ERROR_VARIANCE + switched + fixture.rounding_variance();
            let what = format!("{automorphism:?}");
            check_variance(&fixture, &what, &fixture.lower(&once), expected);
            // The second time there is something to round before the digits are taken.
            let twice = engine.rotate(&once, automorphism, keys).unwrap();
            let expected = expected + switched + fixture.second_rounding_variance();
            let what = format!("{automorphism:?} twice");
            check_variance(&fixture, &what, &fixture.lower(&twice), expected);
        }
    }
}

/// The images' errors are independent, and so are the errors in their keys.
#[test]
fn a_sum_of_images_has_the_noise_of_each_and_is_rounded_once() {
    for fixture in Fixture::all([30, 30], &[1, 2, 3]) {
        let fresh = fixture.encrypt_lifted(&[0.0], 0);
        for images in [rotations(&[1, 2, 3]), vec![Automorphism::Conjugation]] {
            let sum = fixture
                .engine
                .sum_of_images(&fresh, &images, &fixture.evaluation);
            let switched = fixture.key_switch_variance(fixture.top());
            let count = images.len() as f64;
            let expected =
                ERROR_VARIANCE + count * (ERROR_VARIANCE + switched) + fixture.rounding_variance();
            let lowered = fixture.lower(&sum.unwrap());
            check_variance(&fixture, &format!("{images:?}"), &lowered, expected);
        }
    }
}

/// Every column of the matrix meets an error of the input once; all but the first of the baby steps
/// have also been switched. What is added at the product's scale doesn't count beside it.
#[test]
fn a_matrix_product_multiplies_the_inputs_noise_by_the_weights() {
    for content in [SlotContent::Real, SlotContent::Pair] {
        for (set, digit_primes) in sets().into_iter().zip([2, 2]) {
            let slots = 1 << (set.log_n - 1);
            let (period, rows) = (32, 16);
            let rotations = (0..rows).collect();
            let periods = (period, rows);
            let plan = MatrixPlan::new(slots, periods, &rotations, content, Walk::default());
            let babies = plan.of_input().len() as f64 + 1.0;
            let fixture =
                Fixture::with_digits(set, 20, &super::matrix::steps(&plan), 4, digit_primes);
            let weights = complex_numbers(rows * period, 5);
            let entry = |slot: usize, column: usize| match content {
                SlotContent::Real => Complex64::from(weights[slot % rows * period + column].re),
                SlotContent::Pair => weights[slot % rows * period + column],
            };
            let power = |at: usize| entry(at / period, at % period).norm_sqr();
            let row_power = (0..weights.len()).map(power).sum::<f64>() / rows as f64;
            let (engine, zeros) = (&fixture.engine, fixture.encrypt(&[0.0], 0));
            let matrix = encode_matrix(engine, plan, entry, scale(30), fixture.top()).unwrap();
            let product = multiply_matrix(engine, &matrix, &zeros, &fixture.evaluation).unwrap();
            let switched = fixture.key_switch_variance(fixture.top()) * (1.0 - 1.0 / babies);
            let conjugate = if content == SlotContent::Pair {
                2.0
            } else {
                1.0
            };
            let expected = conjugate * row_power * (ERROR_VARIANCE + switched) * 2f64.powi(60);
            let what = format!("matrix of {content:?}");
            check_variance(&fixture, &what, &fixture.lower(&product), expected);
        }
    }
}

#[test]
fn rescaling_leaves_its_rounding() {
    for fixture in Fixture::all([30, 30], &[]) {
        let fresh = fixture.encrypt_lifted(&[0.0], 0);
        let rescaled = fixture.engine.rescale(&fresh).unwrap();
        let divisor = fixture.engine.rescale_divisor(fixture.top());
        let expected = ERROR_VARIANCE / divisor.powi(2) + fixture.rounding_variance();
        check_variance(&fixture, "rescaled", &rescaled, expected);
    }
}

/// Division by P and rescaling in one round once.
#[test]
fn rescaling_what_was_switched_rounds_once() {
    for fixture in Fixture::all([30, 30], &[1]) {
        let fresh = fixture.encrypt_lifted(&[0.0], 0);
        let step = Automorphism::Rotation(1);
        let rotated = fixture
            .engine
            .rotate(&fresh, step, &fixture.evaluation)
            .unwrap();
        let rescaled = fixture.engine.rescale(&rotated).unwrap();
        let divisor = fixture.engine.rescale_divisor(fixture.top());
        let before = ERROR_VARIANCE + fixture.key_switch_variance(fixture.top());
        let expected = before / divisor.powi(2) + fixture.rounding_variance();
        check_variance(&fixture, "rotated and rescaled", &rescaled, expected);
    }
}

/// Only where the lower level's primes are the first of the higher's: in the larger set.
#[test]
fn keys_used_below_their_level_switch_with_the_noise_of_that_level() {
    let nested = |fixture: &Fixture| {
        let parameters = fixture.engine.ring().parameters();
        parameters.serves(fixture.top(), Level(fixture.top().0 - 1))
    };
    let fixtures: Vec<_> = Fixture::all([30, 30], &[3])
        .into_iter()
        .filter(nested)
        .collect();
    assert_eq!(fixtures.len(), 3);
    for fixture in fixtures {
        let (engine, keys) = (&fixture.engine, &fixture.evaluation);
        let mut lower = fixture.encrypt(&[0.0], 0);
        let mut before = ERROR_VARIANCE;
        while lower.level() > Level(0) {
            before /= engine.rescale_divisor(lower.level()).powi(2);
            before += fixture.rounding_variance();
            lower = engine.rescale(&engine.lift(&lower)).unwrap();
            for automorphism in [Automorphism::Rotation(3), Automorphism::Conjugation] {
                let rotated = engine
                    .rotate(&engine.lift(&lower), automorphism, keys)
                    .unwrap();
                let switched = fixture.key_switch_variance(lower.level());
                let expected = before + switched + fixture.rounding_variance();
                let what = format!("{automorphism:?} at {:?}", lower.level());
                check_variance(&fixture, &what, &fixture.lower(&rotated), expected);
            }
        }
    }
}

/// Half of the coefficients, read as the client reads logits.
#[test]
fn replies_have_the_noise_of_their_modulus() {
    for (set, log_scale) in sets().into_iter().zip([36, 46]) {
        let mut info = description(set.clone(), 2f64.powi(log_scale), &[], 1);
        info.input.level = Level(0);
        let (log_modulus, half) = (info.output.log_modulus, info.output.packing.classes());
        let ratio = 2f64.powi(log_modulus.cast_signed()) / modulus(&set, 0);
        info.output.scale *= ratio;
        let fixture = Fixture::with_info(info, 6, 1);
        let zeros = fixture.encrypt_lifted(&[0.0], 0);
        let all: Vec<usize> = (0..half).collect();
        let reply = Reply {
            log_modulus,
            scale: Scale(fixture.scale().0 * ratio),
            parts: vec![fixture.engine.truncate(&zeros, &all, log_modulus)],
        };
        let logits = fixture
            .keys
            .decrypt(&write_reply(&reply, fixture.engine.ring()))
            .unwrap();
        let squares: f64 = logits.values().iter().map(|logit| logit * logit).sum();
        let measured = squares * reply.scale.0.powi(2) / half as f64;
        let expected = ERROR_VARIANCE * ratio * ratio + fixture.rounding_variance();
        check_ratio(&fixture, "reply", measured, expected);
    }
}
