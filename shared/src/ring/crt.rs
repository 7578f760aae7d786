//! From residues back to one number: the Chinese remainder theorem by Garner's mixed radix.
//!
//! Decryption runs through here, so nothing branches on a value.

use super::{Basis, Modulus, Ring};

/// Constants to compose residues modulo the primes of one basis.
#[derive(Clone, Debug)]
pub struct Crt {
    moduli: Vec<Modulus>,
    /// `inverses[j][i]` is the inverse of prime `i` modulo prime `j`, for `i < j`.
    inverses: Vec<Vec<u32>>,
    /// The mixed-radix digits of `(product - 1) / 2`.
    half: Vec<u32>,
}

impl Crt {
    /// Precomputes the constants of a basis.
    #[must_use]
    pub fn new(ring: &Ring, basis: Basis) -> Self {
        let moduli: Vec<Modulus> = ring.moduli_of(basis).collect();
        let inverse = |modulus: &Modulus, other: &Modulus| {
            modulus.inverse(modulus.reduce(u64::from(other.prime())))
        };
        let inverses = moduli
            .iter()
            .enumerate()
            .map(|(j, modulus)| {
                moduli
                    .iter()
                    .take(j)
                    .map(|other| inverse(modulus, other))
                    .collect()
            })
            .collect();
        // For odd radices, (q₀q₁… - 1)/2 has the digits (qᵢ - 1)/2.
        let half = moduli
            .iter()
            .map(|modulus| (modulus.prime() - 1) / 2)
            .collect();
        Self {
            moduli,
            inverses,
            half,
        }
    }

    /// The coefficients, each in `-product/2..product/2`, rounded to `f64`.
    ///
    /// # Shapes
    /// `limbs`: for each prime of the basis given to [`Crt::new`], the same number of residues.
    #[must_use]
    pub fn compose_centered<'a>(&self, limbs: impl Iterator<Item = &'a [u32]>) -> Vec<f64> {
        let limbs: Vec<&[u32]> = limbs.collect();
        let degree = limbs.first().map_or(0, |limb| limb.len());
        let mut digits = vec![0u32; self.moduli.len()];
        (0..degree)
            .map(|at| {
                self.mixed_radix(limbs.iter().map(|limb| limb[at]), &mut digits);
                self.center(&digits)
            })
            .collect()
    }

    /// Garner: `x = d₀ + q₀·(d₁ + q₁·(d₂ + …))`.
    fn mixed_radix(&self, residues: impl Iterator<Item = u32>, digits: &mut [u32]) {
        for (j, residue) in residues.enumerate() {
            let modulus = self.moduli[j];
            let lower = digits[..j].iter().zip(&self.inverses[j]);
            digits[j] = lower.fold(residue, |rest, (&digit, &inverse)| {
                let digit = modulus.reduce(u64::from(digit));
                modulus.mul(modulus.sub(rest, digit), inverse)
            });
        }
    }

    /// Subtracts the product from numbers above its half, without looking at which they are.
    fn center(&self, digits: &[u32]) -> f64 {
        let mut borrow = 0u32;
        for (&half, &digit) in self.half.iter().zip(digits) {
            borrow = half.wrapping_sub(digit).wrapping_sub(borrow) >> 31;
        }
        // For a negative number, the digits of product - x: complements to q - 1, plus one.
        let negative = borrow.wrapping_neg();
        let mut carry = borrow;
        let (mut magnitude, mut weight) = (0.0, 1.0);
        for (modulus, &digit) in self.moduli.iter().zip(digits) {
            let prime = modulus.prime();
            let chosen = ((prime - 1 - digit) & negative) | (digit & !negative);
            let sum = chosen + carry;
            carry = prime.wrapping_sub(1).wrapping_sub(sum) >> 31;
            let kept = sum - (prime & carry.wrapping_neg());
            magnitude += f64::from(kept) * weight;
            weight *= f64::from(prime);
        }
        magnitude * (1.0 - 2.0 * f64::from(borrow))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::params::{Parameters, test_sets};
    use crate::ring::{Level, Poly};
    use proptest::prelude::*;

    #[track_caller]
    fn check_round_trip(values: &[i64]) {
        for spec in test_sets() {
            let ring = Ring::new(Parameters::new(spec).expect("shipped"));
            for basis in [Basis::Q(Level(1)), Basis::Qp(Level(0)), Basis::Qp(Level(1))] {
                let poly = Poly::from_signed(values, &ring, basis);
                let composed = Crt::new(&ring, basis).compose_centered(poly.limbs());
                for (&value, got) in values.iter().zip(composed) {
                    assert_eq!(value as f64, got, "{basis:?}");
                }
            }
        }
    }

    #[test]
    fn edges() {
        let ring = Ring::new(Parameters::new(test_sets()[0].clone()).expect("shipped"));
        let basis = Basis::Q(Level(1));
        let primes = ring
            .moduli_of(basis)
            .map(|modulus| i64::from(modulus.prime()));
        let half = (primes.product::<i64>() - 1) / 2;
        check_round_trip(&[0, 1, -1, 2, -2, 1_032_193, -1_032_193]);
        let poly = Poly::from_signed(&[half, -half, half + 1], &ring, basis);
        let composed = Crt::new(&ring, basis).compose_centered(poly.limbs());
        assert_eq!(composed[..3], [half as f64, -half as f64, -half as f64]);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(16))]
        #[test]
        fn signed_numbers_survive(values in proptest::collection::vec(-(1i64 << 52)..1 << 52, 32)) {
            check_round_trip(&values);
        }
    }
}
