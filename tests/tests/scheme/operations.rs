//! Every homomorphic operation is the same operation on slots.

use evaluator::engine::Automorphism;
use evaluator::engine::Engine as _;
use shared::ciphertext::Reply;
use shared::encoding::{Complex64, Scale};
use shared::packing::{CoefficientPacking, OutputPacking};
use shared::ring::Level;
use shared::wire::write_reply;
use tests::networks::sets;

use super::{
    DEVIATIONS, Fixture, complex_numbers, description, image, modulus, numbers, rotations, scale,
};

#[test]
fn encryption_and_decryption() {
    for fixture in Fixture::all([30, 30], &[]) {
        let values = complex_numbers(fixture.engine.slots(), 1);
        let variance = fixture.fresh_variance();
        fixture.check(&fixture.encrypt(&values, 0), &values, variance);
        let values = numbers(fixture.engine.slots(), 1);
        fixture.check(&fixture.encrypt(&values, 0), &values, variance);
    }
}

#[test]
fn addition() {
    for fixture in Fixture::all([30, 30], &[]) {
        let engine = &fixture.engine;
        let (a, b) = (numbers(engine.slots(), 1), numbers(engine.slots(), 2));
        let sum: Vec<f64> = a.iter().zip(&b).map(|(a, b)| a + b).collect();
        let (x, y) = (fixture.encrypt_lifted(&a, 0), fixture.encrypt_lifted(&b, 1));
        let both = engine.add(x.clone(), &y).unwrap();
        let variance = 2.0 * fixture.fresh_variance();
        fixture.check(&fixture.lower(&both), &sum, variance);
        let plain = engine.encode_addend(&b, scale(30), fixture.top()).unwrap();
        let both = engine.add_plain(x, &plain).unwrap();
        // Encoding the plain operand rounds once more.
        let variance = fixture.fresh_variance() + 1.0 / 12.0;
        fixture.check(&fixture.lower(&both), &sum, variance);
    }
}

/// `Σ aᵢ·bᵢ`: a slot of the sum is off by `Σ bᵢ·eᵢ + aᵢ·rᵢ` with `|aᵢ|², |bᵢ|² ≤ 2`: errors at the
/// weights' scale, roundings at the input's.
#[test]
fn sums_of_plaintext_products() {
    for fixture in Fixture::all([30, 30], &[]) {
        let engine = &fixture.engine;
        for count in [1, 3, 9] {
            let a: Vec<_> = (0..count)
                .map(|i| complex_numbers(engine.slots(), 10 + i))
                .collect();
            let b: Vec<_> = (0..count)
                .map(|i| complex_numbers(engine.slots(), 50 + i))
                .collect();
            let x: Vec<_> = a
                .iter()
                .zip(0..)
                .map(|(a, i)| fixture.encrypt_lifted(a, i))
                .collect();
            let plain: Vec<_> = b
                .iter()
                .map(|b| engine.encode(b, scale(20), fixture.top()).unwrap())
                .collect();
            let terms: Vec<_> = x.iter().zip(&plain).collect();
            let product = engine.mul_plain_sum(&terms).unwrap();
            assert_eq!(product.scale(), scale(50));
            let want: Vec<Complex64> = (0..engine.slots())
                .map(|slot| a.iter().zip(&b).map(|(a, b)| a[slot] * b[slot]).sum())
                .collect();
            let errors = fixture.fresh_variance() * 2f64.powi(40);
            let roundings = 2f64.powi(60) / 12.0;
            let variance = count as f64 * 2.0 * (errors + roundings);
            fixture.check(&fixture.lower(&product), &want, variance);
        }
    }
}

/// `a²` is off by `2·a·e` at the scale of `a`; `e²` is far below.
#[test]
fn square_with_relinearization_and_rescale() {
    for fixture in Fixture::all([27, 34], &[]) {
        let engine = &fixture.engine;
        let a = complex_numbers(engine.slots(), 3);
        let want: Vec<Complex64> = a.iter().map(|a| a * a).collect();
        let square = engine
            .square(&fixture.encrypt(&a, 0), &fixture.evaluation)
            .unwrap();
        let product_scale = fixture.scale().0.powi(2);
        assert_eq!(square.scale(), Scale(product_scale));
        // |a|² ≤ 2.
        let scaled_error = 8.0 * fixture.fresh_variance() * product_scale;
        let switched = scaled_error + fixture.key_switch_variance(fixture.top());
        let variance = switched + fixture.rounding_variance();
        fixture.check(&fixture.lower(&square), &want, variance);

        let rescaled = engine.rescale(&square).unwrap();
        let divisor = engine.rescale_divisor(fixture.top());
        assert_eq!(rescaled.level().0, fixture.top().0 - 1);
        assert!((rescaled.scale().0 * divisor / product_scale - 1.0).abs() < 1e-12);
        let variance = switched / divisor.powi(2) + fixture.rounding_variance();
        fixture.check(&rescaled, &want, variance);
    }
}

/// From each level to the next lower one.
#[test]
fn rescaling_divides_by_the_ratio_of_the_moduli() {
    for (set, log_scale) in sets().into_iter().zip([40, 60]) {
        for level in 1..set.levels.len() {
            let mut info = description(set.clone(), 2f64.powi(log_scale), &[], 1);
            info.input.level = Level(u8::try_from(level).unwrap());
            let fixture = Fixture::with_info(info, 7, 1);
            let values = complex_numbers(fixture.engine.slots(), 8);
            let fresh = fixture.encrypt_lifted(&values, 0);
            let rescaled = fixture.engine.rescale(&fresh).unwrap();
            let ratio = modulus(&set, level) / modulus(&set, level - 1);
            assert_eq!(usize::from(rescaled.level().0), level - 1);
            assert!((rescaled.scale().0 * ratio / fixture.scale().0 - 1.0).abs() < 1e-12);
            let variance = fixture.fresh_variance() / ratio.powi(2) + fixture.rounding_variance();
            fixture.check(&rescaled, &values, variance);
        }
    }
}

/// One by one and hoisted, by rotations to the left and the conjugation.
#[test]
fn automorphisms_move_and_conjugate_slots() {
    let steps = [1, 5, 1024, 2047];
    let automorphisms = [rotations(&steps), vec![Automorphism::Conjugation]].concat();
    for fixture in Fixture::all([50, 64], &steps) {
        let (engine, keys) = (&fixture.engine, &fixture.evaluation);
        let values = complex_numbers(engine.slots(), 4);
        let fresh = fixture.encrypt(&values, 0);
        let switched = fixture.fresh_variance() + fixture.key_switch_variance(fixture.top());
        let variance = switched + fixture.rounding_variance();
        let hoisted = engine.rotate_hoisted(&fresh, &automorphisms, keys).unwrap();
        for (&automorphism, hoisted) in automorphisms.iter().zip(hoisted) {
            let want = image(automorphism, &values);
            let lifted = engine.lift(&fresh);
            let rotated = engine.rotate(&lifted, automorphism, keys).unwrap();
            fixture.check(&fixture.lower(&rotated), &want, variance);
            fixture.check(&fixture.lower(&hoisted), &want, variance);
        }
    }
}

#[test]
fn sums_of_images_are_sums_of_moved_slots() {
    let mut automorphisms = rotations(&[1, 2, 1027]);
    automorphisms.push(Automorphism::Conjugation);
    for fixture in Fixture::all([50, 64], &[1, 2, 1027]) {
        let values = complex_numbers(fixture.engine.slots(), 7);
        let mut want = values.clone();
        for &automorphism in &automorphisms {
            let moved = image(automorphism, &values);
            want.iter_mut()
                .zip(moved)
                .for_each(|(sum, term)| *sum += term);
        }
        let fresh = fixture.encrypt_lifted(&values, 0);
        let sum = fixture
            .engine
            .sum_of_images(&fresh, &automorphisms, &fixture.evaluation);
        let count = automorphisms.len() as f64;
        let switched = fixture.key_switch_variance(fixture.top());
        let variance = (count + 1.0) * fixture.fresh_variance()
            + count * switched
            + fixture.rounding_variance();
        fixture.check(&fixture.lower(&sum.unwrap()), &want, variance);
    }
}

/// A message with these numbers in the places of logits, and others everywhere else, comes down to
/// these numbers.
#[test]
fn truncation_keeps_the_logits() {
    let logits = [1.0, -0.5, 0.25, 0.0, -1.0, 0.75];
    let packing = CoefficientPacking {
        classes: logits.len(),
        zeros: 0,
        copies: 4,
    };
    for (set, log_scale) in sets().into_iter().zip([36, 46]) {
        for log_modulus in [16, 24] {
            let mut info = description(set.clone(), 2f64.powi(log_scale), &[], 1);
            info.input.level = Level(0);
            info.output.packing = OutputPacking::Coefficients(packing);
            info.output.log_modulus = log_modulus;
            let ratio = 2f64.powi(log_modulus.cast_signed()) / modulus(&set, 0);
            info.output.scale *= ratio;
            let fixture = Fixture::with_info(info, 6, 1);
            let (engine, degree) = (&fixture.engine, fixture.engine.ring().degree());
            let other = [(5, 0.5), (degree / 2 - 1, -0.9), (degree - 1, 0.8)];
            let places = (0..logits.len()).map(|logit| packing.coefficient(logit, degree));
            let places: Vec<usize> = places.collect();
            let terms: Vec<_> = places.iter().copied().zip(logits).chain(other).collect();
            let slot = |slot| {
                let term = |&(power, value)| engine.monomial(power, slot) * value;
                terms.iter().map(term).sum()
            };
            let message: Vec<Complex64> = (0..engine.slots()).map(slot).collect();
            let lifted = fixture.encrypt_lifted(&message, 0);
            let scale = Scale(fixture.scale().0 * ratio);
            let part = engine.truncate(&lifted, &places, log_modulus);
            let parts = vec![part];
            let reply = write_reply(
                &Reply {
                    log_modulus,
                    scale,
                    parts,
                },
                engine.ring(),
            );
            let got = fixture.keys.decrypt(&reply).unwrap();
            let variance = fixture.fresh_variance() * ratio * ratio + fixture.rounding_variance();
            let bound = DEVIATIONS * variance.sqrt() / scale.0;
            assert_eq!(got.values().len(), logits.len());
            for (got, want) in got.values().iter().zip(logits) {
                assert!((got - want).abs() < bound, "{got}, not {want} ± {bound}");
            }
        }
    }
}
