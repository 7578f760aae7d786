//! Operations that can't be done say why and what would fit.

use evaluator::engine::{Automorphism, EvalError};
use shared::ciphertext::Ciphertext;
use shared::encoding::Scale;
use shared::keys::EvaluationKeys;
use shared::ring::Level;
use tests::networks::sets;

use super::{Fixture, scale};

fn fixture() -> Fixture {
    Fixture::new(sets().remove(0), 30, &[1, 4], 3)
}

#[track_caller]
fn check<T: std::fmt::Debug>(result: Result<T, EvalError>, expected: &str) {
    let message = result.unwrap_err().to_string();
    assert_eq!(message, expected);
}

#[test]
fn missing_keys_are_named() {
    let mut fixture = fixture();
    fixture.evaluation.conjugation = None;
    let (engine, keys) = (&fixture.engine, &fixture.evaluation);
    let fresh = fixture.encrypt(&[1.0], 0);
    let there = "the relinearization key, the key for rotations by 1, the key for rotations by 4";
    for (automorphism, name) in [
        (Automorphism::Rotation(2), "the key for rotations by 2"),
        (Automorphism::Conjugation, "the conjugation key"),
    ] {
        let expected = format!("{name} was not uploaded; uploaded: {there}");
        let lifted = engine.lift(&fresh);
        check(engine.rotate(&lifted, automorphism, keys), &expected);
        check(
            engine.rotate_hoisted(&fresh, &[automorphism], keys),
            &expected,
        );
        check(
            engine.sum_of_images(&lifted, &[automorphism], keys),
            &expected,
        );
    }
    check(
        engine.square(&fresh, &EvaluationKeys::default()),
        "the relinearization key was not uploaded; uploaded: nothing",
    );
}

#[test]
fn keys_of_another_levels_primes_are_named() {
    let fixture = fixture();
    let (engine, keys) = (&fixture.engine, &fixture.evaluation);
    let fresh = fixture.encrypt_lifted(&[1.0], 0);
    let lower = engine.rescale(&fresh).unwrap();
    let why = "was made for level 1, it is needed at level 0";
    check(
        engine.square(&lower, keys),
        &format!("the relinearization key {why}"),
    );
    let lifted = engine.lift(&lower);
    check(
        engine.rotate(&lifted, Automorphism::Rotation(4), keys),
        &format!("the key for rotations by 4 {why}"),
    );
    check(
        engine.rotate(&lifted, Automorphism::Conjugation, keys),
        &format!("the conjugation key {why}"),
    );
}

#[test]
fn operands_that_do_not_fit_are_refused() {
    let fixture = fixture();
    let engine = &fixture.engine;
    let x = fixture.encrypt(&[1.0], 0);
    let lifted = engine.lift(&x);
    let lower = engine.lift(&engine.rescale(&lifted).unwrap());
    let levels = "operands are at levels 1 and 0; bring both to the lower";
    check(engine.add(lifted.clone(), &lower), levels);
    let plain = engine.encode(&[1.0], scale(30), Level(0)).unwrap();
    let addend = engine.encode_addend(&[1.0], scale(30), Level(0)).unwrap();
    check(engine.add_plain(lifted.clone(), &addend), levels);
    check(engine.mul_plain_sum(&[(&lifted, &plain)]), levels);

    let (c0, c1) = x.into_parts();
    let other = Ciphertext::new(c0, c1, Scale(2f64.powi(28))).unwrap();
    let other = engine.lift(&other);
    let scales = "cannot add scales 2^30.0 and 2^28.0; rescale the larger first";
    check(engine.add(lifted.clone(), &other), scales);
    let plain = engine.encode(&[1.0], scale(28), Level(1)).unwrap();
    let addend = engine.encode_addend(&[1.0], scale(28), Level(1)).unwrap();
    check(engine.add_plain(lifted.clone(), &addend), scales);
    check(
        engine.mul_plain_sum(&[(&lifted, &plain), (&other, &plain)]),
        "cannot add scales 2^58.0 and 2^56.0; rescale the larger first",
    );
}

#[test]
fn nothing_is_left_to_rescale_at_the_lowest_level() {
    let fixture = fixture();
    let engine = &fixture.engine;
    let lowest = engine.rescale(&fixture.encrypt_lifted(&[1.0], 0)).unwrap();
    check(
        engine.rescale(&engine.lift(&lowest)),
        "nothing to rescale by: the ciphertext is at the lowest level",
    );
}
