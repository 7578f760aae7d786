//! Measured noise against the theory, on both sides: noise that is too small is a broken sampler.
//!
//! A variance estimated from N coefficients has a relative deviation of √(2/N), 2.2 % for the
//! smaller ring; the secret's own norm varies by another percent. 15 % is six of these.

use shared::ciphertext::Ciphertext;

use super::Fixture;

#[track_caller]
fn check_variance(fixture: &Fixture, what: &str, ciphertext: &Ciphertext, expected: f64) {
    let zeros = vec![0.0; fixture.engine.slots()];
    let measured = fixture.noise_variance(ciphertext, &zeros);
    let ratio = measured / expected;
    assert!(
        (0.85..1.15).contains(&ratio),
        "{} {what}: variance {measured:.2}, expected {expected:.2}",
        fixture.name()
    );
}

#[test]
fn fresh_ciphertexts_have_the_error_distribution() {
    for fixture in Fixture::all(30, &[]) {
        for seed in 0..4 {
            // A zero message has no rounding.
            let fresh = fixture.encrypt(&[0.0], seed);
            check_variance(&fixture, "fresh", &fresh, super::ERROR_VARIANCE);
        }
    }
}

#[test]
fn key_switching_adds_digits_times_errors_over_p_and_rounding() {
    for fixture in Fixture::all(30, &[1, 7]) {
        for step in [1, 7] {
            let rotated = fixture
                .engine
                .rotate(&fixture.encrypt(&[0.0], 0), step, &fixture.evaluation)
                .unwrap();
            let expected = super::ERROR_VARIANCE + fixture.key_switch_variance(fixture.top());
            check_variance(&fixture, "rotated", &rotated, expected);
        }
    }
}

#[test]
fn rescaling_leaves_its_rounding() {
    for fixture in Fixture::all(30, &[]) {
        let rescaled = fixture.engine.rescale(&fixture.encrypt(&[0.0], 0)).unwrap();
        let divisor = fixture.engine.rescale_divisor(fixture.top());
        let expected = super::ERROR_VARIANCE / divisor.powi(2) + fixture.rounding_variance();
        check_variance(&fixture, "rescaled", &rescaled, expected);
    }
}

#[test]
fn keys_used_below_their_level_switch_with_the_noise_of_that_level() {
    for fixture in Fixture::all(30, &[3]) {
        let lower = fixture.engine.rescale(&fixture.encrypt(&[0.0], 0)).unwrap();
        let rotated = fixture
            .engine
            .rotate(&lower, 3, &fixture.evaluation)
            .unwrap();
        let divisor = fixture.engine.rescale_divisor(fixture.top());
        let before = super::ERROR_VARIANCE / divisor.powi(2) + fixture.rounding_variance();
        let expected = before + fixture.key_switch_variance(lower.level());
        check_variance(&fixture, "rotated at a lower level", &rotated, expected);
    }
}
