//! Slots and polynomials: the canonical embedding of CKKS.
//!
//! Slot `j` of a polynomial is its value at `ζ^(5^j)`, with `ζ = exp(πi/N)` (Cheon, Kim, Kim and
//! Song, ePrint 2016/421, section 3; the order by powers of 5 makes rotations automorphisms).
//! Knows numbers and scales; knows neither keys nor packings.
//!
//! **Invariant:** the same slots give the same coefficients on every platform: the roots come from
//! `libm`, not from the platform's own functions.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::ring::{Basis, Coeff, Poly, Ring};

pub use num_complex::Complex64;

/// The factor between a message and what is stored: a finite number above zero.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Scale(pub f64);

impl Scale {
    /// Whether both are the same but for rounding in their bookkeeping.
    #[must_use]
    pub fn agrees(self, other: Self) -> bool {
        (self.0 / other.0 - 1.0).abs() < 1e-9
    }

    /// Whether a scale from outside can be one: a finite number from 1 to 2^200.
    #[must_use]
    pub fn is_usable(self) -> bool {
        (1.0..=2f64.powi(200)).contains(&self.0)
    }
}

/// Coefficients must fit in `i64` with a bit to spare.
const MAX_COEFFICIENT: f64 = (1u64 << 62) as f64;

/// Why numbers can't be encoded.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum EncodingError {
    /// More values than slots.
    #[error("{found} values do not fit in {slots} slots")]
    TooManyValues {
        /// Values given.
        found: usize,
        /// Slots of the ring.
        slots: usize,
    },
    /// A value times the scale is not finite or needs more than 62 bits.
    #[error("a value of magnitude {value:e} at scale {scale:e} does not fit in 62 bits; lower one")]
    OutOfRange {
        /// Largest magnitude among the coefficients before scaling.
        value: f64,
        /// The scale.
        scale: f64,
    },
}

/// Slots to coefficients and back, for one ring degree.
#[derive(Clone, Debug)]
pub struct Encoder {
    slots: usize,
    /// `ζ^k` for `k` in `0..2N`.
    roots: Vec<Complex64>,
    /// `5^j mod 2N` for each slot.
    powers_of_five: Vec<usize>,
}

impl Encoder {
    /// Precomputes the roots for a ring degree that is a power of two above 1.
    #[must_use]
    pub fn new(degree: usize) -> Self {
        let two_n = 2 * degree;
        let root = |k: usize| {
            let angle = core::f64::consts::PI * k as f64 / degree as f64;
            Complex64::new(libm::cos(angle), libm::sin(angle))
        };
        let slots = degree / 2;
        let powers_of_five = std::iter::successors(Some(1), |power| Some(power * 5 % two_n))
            .take(slots)
            .collect();
        Self {
            slots,
            roots: (0..two_n).map(root).collect(),
            powers_of_five,
        }
    }

    /// Number of slots, N/2.
    #[must_use]
    pub fn slots(&self) -> usize {
        self.slots
    }

    /// What slot `slot` of the monomial `X^power` holds: `ζ^(5^slot · power)`.
    ///
    /// # Panics
    /// For a slot that the ring doesn't have.
    #[must_use]
    pub fn monomial(&self, power: usize, slot: usize) -> Complex64 {
        self.roots[self.powers_of_five[slot] * power % self.roots.len()]
    }

    /// The polynomial whose slots are `values` times `scale`, rounded; missing values are zero.
    ///
    /// # Errors
    /// [`EncodingError`], when the values don't fit.
    pub fn encode<T: Copy + Into<Complex64>>(
        &self,
        values: &[T],
        scale: Scale,
        ring: &Ring,
        basis: Basis,
    ) -> Result<Poly<Coeff>, EncodingError> {
        Ok(Poly::from_signed(
            &self.embed_inverse(values, scale)?,
            ring,
            basis,
        ))
    }

    /// The rounded coefficients of [`Encoder::encode`].
    ///
    /// # Errors
    /// As [`Encoder::encode`].
    pub fn embed_inverse<T: Copy + Into<Complex64>>(
        &self,
        values: &[T],
        scale: Scale,
    ) -> Result<Vec<i64>, EncodingError> {
        if values.len() > self.slots {
            return Err(EncodingError::TooManyValues {
                found: values.len(),
                slots: self.slots,
            });
        }
        let mut z: Vec<Complex64> = values.iter().map(|&value| value.into()).collect();
        z.resize(self.slots, Complex64::ZERO);
        self.inverse_transform(&mut z);
        let reals = z
            .iter()
            .map(|value| value.re)
            .chain(z.iter().map(|value| value.im));
        let largest = reals.clone().fold(0.0, |most: f64, value| {
            if value.is_nan() {
                f64::NAN
            } else {
                most.max(value.abs())
            }
        });
        let fits = largest * scale.0 < MAX_COEFFICIENT; // False for a NaN.
        if !fits {
            return Err(EncodingError::OutOfRange {
                value: largest,
                scale: scale.0,
            });
        }
        Ok(reals
            .map(|value| libm::rint(value * scale.0) as i64)
            .collect())
    }

    /// The slots of a polynomial with these coefficients, divided by `scale`.
    ///
    /// # Shapes
    /// `coefficients`: N numbers; N/2 slots come back. Their imaginary parts are noise where the
    /// message was real.
    #[must_use]
    pub fn decode(&self, coefficients: &[f64], scale: Scale) -> Vec<Complex64> {
        let (low, high) = coefficients.split_at(coefficients.len().min(self.slots));
        let mut z: Vec<Complex64> = low
            .iter()
            .zip(high)
            .map(|(&re, &im)| Complex64::new(re, im))
            .collect();
        z.resize(self.slots, Complex64::ZERO);
        self.forward_transform(&mut z);
        for value in &mut z {
            *value /= scale.0;
        }
        z
    }

    /// Halves of the transform: for blocks of `size`, the root that belongs to position `j`.
    fn twiddle(&self, size: usize, j: usize) -> Complex64 {
        let order = 4 * size;
        let stride = 4 * self.slots / order;
        self.roots[(self.powers_of_five[j] % order) * stride]
    }

    /// Values `u_k + i·u_(k+n)` to slots: `z_j = Σ_k u_k ζ^(5^j k)`.
    fn forward_transform(&self, z: &mut [Complex64]) {
        bit_reverse(z);
        let mut size = 2;
        while size <= z.len() {
            let half = size / 2;
            let twiddles: Vec<_> = (0..half).map(|j| self.twiddle(size, j)).collect();
            for block in z.chunks_exact_mut(size) {
                let (low, high) = block.split_at_mut(half);
                for ((a, b), twiddle) in low.iter_mut().zip(high).zip(&twiddles) {
                    let product = *b * twiddle;
                    (*a, *b) = (*a + product, *a - product);
                }
            }
            size *= 2;
        }
    }

    /// The inverse of [`Encoder::forward_transform`].
    fn inverse_transform(&self, z: &mut [Complex64]) {
        let mut size = z.len();
        while size >= 2 {
            let half = size / 2;
            let twiddles: Vec<_> = (0..half).map(|j| self.twiddle(size, j).conj()).collect();
            for block in z.chunks_exact_mut(size) {
                let (low, high) = block.split_at_mut(half);
                for ((a, b), twiddle) in low.iter_mut().zip(high).zip(&twiddles) {
                    (*a, *b) = (*a + *b, (*a - *b) * twiddle);
                }
            }
            size /= 2;
        }
        bit_reverse(z);
        let factor = 1.0 / z.len() as f64;
        for value in z {
            *value *= factor;
        }
    }
}

fn bit_reverse(z: &mut [Complex64]) {
    let bits = z.len().ilog2();
    for i in 0..z.len() {
        let j = crate::ring::reverse_bits(i, bits);
        if i < j {
            z.swap(i, j);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::params::{Parameters, shipped};
    use crate::ring::Level;
    use crate::ring::crt::Crt;
    use crate::ring::galois::{GaloisElement, GaloisPermutation};
    use proptest::prelude::*;

    /// The slots of a polynomial from the definition, in O(N²).
    fn slots_by_definition(coefficients: &[f64]) -> Vec<Complex64> {
        let degree = coefficients.len();
        let powers = std::iter::successors(Some(1), |power| Some(power * 5 % (2 * degree)));
        let slot = |power: usize| {
            let terms = coefficients.iter().enumerate().map(|(k, &coefficient)| {
                let exponent = (power * k % (2 * degree)) as f64;
                Complex64::from_polar(
                    coefficient,
                    core::f64::consts::PI * exponent / degree as f64,
                )
            });
            terms.sum()
        };
        powers.take(degree / 2).map(slot).collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]

        #[test]
        fn decode_evaluates_at_the_powers_of_five(
            coefficients in (2u32..9).prop_flat_map(|log_n| {
                proptest::collection::vec(-1e6..1e6f64, 1 << log_n)
            }),
        ) {
            let encoder = Encoder::new(coefficients.len());
            let want = slots_by_definition(&coefficients);
            for (got, want) in encoder.decode(&coefficients, Scale(1.0)).iter().zip(want) {
                prop_assert!((got - want).norm() < 1e-6, "{got} {want}");
            }
        }

        /// Each coefficient is rounded by at most 1/2, so a slot moves by at most N/2.
        #[test]
        fn encode_then_the_definition_gives_the_values(
            values in (1u32..8).prop_flat_map(|log_n| {
                proptest::collection::vec(-10.0..10.0f64, 1 << log_n)
            }),
        ) {
            let degree = 2 * values.len();
            let scale = (1u64 << 30) as f64;
            let encoder = Encoder::new(degree);
            let coefficients = encoder.embed_inverse(&values, Scale(scale)).unwrap();
            let coefficients: Vec<f64> = coefficients.iter().map(|&c| c as f64).collect();
            for (got, want) in slots_by_definition(&coefficients).iter().zip(&values) {
                prop_assert!((got / scale - want).norm() <= degree as f64 / 2.0 / scale);
            }
        }
    }

    #[test]
    fn an_automorphism_by_powers_of_five_rotates_to_the_left() {
        let ring = Ring::new(Parameters::new(shipped().remove(0)).expect("shipped"));
        let encoder = Encoder::new(ring.degree());
        let values: Vec<f64> = (0..encoder.slots()).map(|slot| slot as f64).collect();
        let basis = Basis::Q(Level(1));
        let poly = encoder
            .encode(&values, Scale(1e9), &ring, basis)
            .unwrap()
            .into_ntt(&ring);
        let element = GaloisElement::rotation(3, ring.degree());
        let rotated = poly.automorphism(&GaloisPermutation::new(element, ring.degree()));
        let coefficients =
            Crt::new(&ring, basis).compose_centered(rotated.into_coeff(&ring).limbs());
        for (slot, got) in encoder.decode(&coefficients, Scale(1e9)).iter().enumerate() {
            let want = values[(slot + 3) % values.len()];
            assert!(
                (got - want).norm() < 1e-3,
                "slot {slot}: {got}, expected {want}"
            );
        }
    }

    #[test]
    fn values_that_do_not_fit_are_refused() {
        let encoder = Encoder::new(16);
        let refused =
            |values: &[f64], scale| encoder.embed_inverse(values, Scale(scale)).unwrap_err();
        assert_eq!(
            refused(&[0.0; 9], 1.0),
            EncodingError::TooManyValues { found: 9, slots: 8 }
        );
        for values in [[1e10; 8], [f64::NAN; 8], [f64::INFINITY; 8]] {
            assert!(matches!(
                refused(&values, 1e10),
                EncodingError::OutOfRange { .. }
            ));
        }
    }
}
