//! Every homomorphic operation is the same operation on slots.

use super::{Fixture, numbers, scale};

#[test]
fn encryption_and_decryption() {
    for fixture in Fixture::all(30, &[]) {
        let values = numbers(fixture.engine.slots(), 1);
        fixture.check(
            &fixture.encrypt(&values, 0),
            &values,
            fixture.fresh_variance(),
        );
    }
}

#[test]
fn addition() {
    for fixture in Fixture::all(30, &[]) {
        let engine = &fixture.engine;
        let (a, b) = (numbers(engine.slots(), 1), numbers(engine.slots(), 2));
        let sum: Vec<f64> = a.iter().zip(&b).map(|(a, b)| a + b).collect();
        let (x, y) = (fixture.encrypt(&a, 0), fixture.encrypt(&b, 1));
        fixture.check(
            &engine.add(&x, &y).unwrap(),
            &sum,
            2.0 * fixture.fresh_variance(),
        );
        let plain = engine.encode(&b, scale(30), fixture.top()).unwrap();
        // Encoding the plain operand rounds once more.
        let variance = fixture.fresh_variance() + 1.0 / 12.0;
        fixture.check(&engine.add_plain(&x, &plain).unwrap(), &sum, variance);
    }
}

/// `Σ aᵢ·bᵢ`: a slot of the sum is off by `Σ bᵢ·eᵢ + aᵢ·rᵢ` with `|aᵢ|, |bᵢ| ≤ 1`: errors at the
/// weights' scale, roundings at the input's.
#[test]
fn sums_of_plaintext_products() {
    for fixture in Fixture::all(30, &[]) {
        let engine = &fixture.engine;
        for count in [1, 3, 9] {
            let a: Vec<_> = (0..count)
                .map(|i| numbers(engine.slots(), 10 + i))
                .collect();
            let b: Vec<_> = (0..count)
                .map(|i| numbers(engine.slots(), 50 + i))
                .collect();
            let x: Vec<_> = a
                .iter()
                .zip(0..)
                .map(|(a, i)| fixture.encrypt(a, i))
                .collect();
            let plain: Vec<_> = b
                .iter()
                .map(|b| engine.encode(b, scale(20), fixture.top()).unwrap())
                .collect();
            let terms: Vec<_> = x.iter().zip(&plain).collect();
            let product = engine.mul_plain_sum(&terms).unwrap();
            assert_eq!(product.scale(), scale(50));
            let want: Vec<f64> = (0..engine.slots())
                .map(|slot| a.iter().zip(&b).map(|(a, b)| a[slot] * b[slot]).sum())
                .collect();
            let errors = fixture.fresh_variance() * 2f64.powi(40);
            let roundings = 2f64.powi(60) / 12.0;
            fixture.check(&product, &want, count as f64 * (errors + roundings));
        }
    }
}

/// `a²` is off by `2·a·e` at the scale of `a`; `e²` and the key switch are far below.
#[test]
fn square_with_relinearization_and_rescale() {
    for fixture in Fixture::all(28, &[]) {
        let engine = &fixture.engine;
        let a = numbers(engine.slots(), 3);
        let want: Vec<f64> = a.iter().map(|a| a * a).collect();
        let square = engine
            .square(&fixture.encrypt(&a, 0), &fixture.evaluation)
            .unwrap();
        assert_eq!(square.scale(), scale(56));
        let scaled_error = 4.0 * fixture.fresh_variance() * 2f64.powi(56);
        let variance = scaled_error + fixture.key_switch_variance(fixture.top());
        fixture.check(&square, &want, variance);

        let rescaled = engine.rescale(&square).unwrap();
        let divisor = engine.rescale_divisor(fixture.top());
        assert_eq!(rescaled.level().0, fixture.top().0 - 1);
        assert!((rescaled.scale().0 * divisor / 2f64.powi(56) - 1.0).abs() < 1e-12);
        let variance = variance / divisor.powi(2) + fixture.rounding_variance();
        fixture.check(&rescaled, &want, variance);
    }
}

#[test]
fn rotations_move_slots_to_the_left() {
    for fixture in Fixture::all(50, &[1, 5, 1024, 2047]) {
        let engine = &fixture.engine;
        let values = numbers(engine.slots(), 4);
        let fresh = fixture.encrypt(&values, 0);
        let variance = fixture.fresh_variance() + fixture.key_switch_variance(fixture.top());
        let steps = [1, 5, 1024, 2047];
        let hoisted = engine
            .rotate_hoisted(&fresh, &steps, &fixture.evaluation)
            .unwrap();
        for (step, hoisted) in steps.into_iter().zip(hoisted) {
            let mut want = values.clone();
            want.rotate_left(step as usize);
            let rotated = engine.rotate(&fresh, step, &fixture.evaluation).unwrap();
            fixture.check(&rotated, &want, variance);
            fixture.check(&hoisted, &want, variance);
        }
    }
}
