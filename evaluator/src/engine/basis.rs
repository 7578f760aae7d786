//! From residues modulo some primes to residues modulo others, and division by primes.
//!
//! The quotient that would overflow is estimated in floating point (Halevi, Polyakov and Shoup,
//! ePrint 2018/117, section 2.2), so extensions are exact up to a number that lies within one
//! part in 2^50 of the middle between two multiples.

use shared::ring::backend::kernel;
use shared::ring::{Basis, Factor, Modulus, Ntt, Poly, Ring};

/// Extends residues modulo a few primes to others: of all numbers with these residues, the one in
/// `-product/2..product/2`.
#[derive(Debug)]
pub struct BasisExtension {
    from: Vec<Source>,
    to: Vec<Target>,
}

#[derive(Debug)]
struct Source {
    position: usize,
    modulus: Modulus,
    /// `(product/prime)⁻¹ mod prime`.
    inverse_cofactor: Factor,
    reciprocal: f64,
}

#[derive(Debug)]
struct Target {
    position: usize,
    modulus: Modulus,
    /// `product/prime mod target` for each source prime.
    cofactors: Vec<Factor>,
    /// `-product mod target`.
    minus_product: Factor,
}

fn product_mod(modulus: Modulus, factors: impl Iterator<Item = u32>) -> u32 {
    factors.fold(1, |product, factor| {
        modulus.mul(product, modulus.reduce(u64::from(factor)))
    })
}

impl BasisExtension {
    /// Between primes given by their positions in [`Ring::moduli`].
    pub fn new(ring: &Ring, from: &[usize], to: &[usize]) -> Self {
        let moduli = ring.moduli();
        let primes = || from.iter().map(|&position| moduli[position].prime());
        let cofactor = |modulus, prime| product_mod(modulus, primes().filter(|&p| p != prime));
        let source = |&position: &usize| {
            let modulus = moduli[position];
            let prime = modulus.prime();
            Source {
                position,
                modulus,
                inverse_cofactor: modulus.factor(modulus.inverse(cofactor(modulus, prime))),
                reciprocal: 1.0 / f64::from(prime),
            }
        };
        let target = |&position: &usize| {
            let modulus = moduli[position];
            Target {
                position,
                modulus,
                cofactors: primes()
                    .map(|prime| modulus.factor(cofactor(modulus, prime)))
                    .collect(),
                minus_product: modulus.factor(modulus.neg(product_mod(modulus, primes()))),
            }
        };
        Self {
            from: from.iter().map(source).collect(),
            to: to.iter().map(target).collect(),
        }
    }

    /// Positions of the primes it extends from.
    pub fn sources(&self) -> impl Iterator<Item = usize> + '_ {
        self.from.iter().map(|source| source.position)
    }

    /// Extends coefficients; of the outputs, given by position, those of target primes are written.
    ///
    /// # Shapes
    /// `residues`: for each source prime, in order, the same number of coefficients; as many as
    /// each output has.
    pub fn extend<'a>(
        &self,
        residues: &[&[u32]],
        outputs: impl Iterator<Item = (usize, &'a mut [u32])>,
    ) {
        if let ([source], &[residues]) = (&self.from[..], residues) {
            // One prime: it is its own weight, and the quotient is whether it is past the middle.
            let half = source.modulus.prime() / 2;
            let past_half = |&residue| u32::from(residue > half);
            let quotients: Vec<u32> = residues.iter().map(past_half).collect();
            return self.combine(&[residues], &quotients, outputs);
        }
        let weigh = |(residues, source): (&&[u32], &Source)| -> Vec<u32> {
            let mut weighted = vec![0; residues.len()];
            let terms = [(*residues, source.inverse_cofactor)];
            kernel().weighted_sum(&mut weighted, &terms, source.modulus);
            weighted
        };
        let weighted: Vec<Vec<u32>> = residues.iter().zip(&self.from).map(weigh).collect();
        let weighted: Vec<&[u32]> = weighted.iter().map(Vec::as_slice).collect();
        let mut quotients = vec![0.5f64; residues.first().map_or(0, |residues| residues.len())];
        for (weighted, source) in weighted.iter().zip(&self.from) {
            for (quotient, &value) in quotients.iter_mut().zip(*weighted) {
                *quotient += f64::from(value) * source.reciprocal;
            }
        }
        let quotients: Vec<u32> = quotients
            .into_iter()
            .map(|quotient| quotient as u32)
            .collect();
        self.combine(&weighted, &quotients, outputs);
    }

    /// `Σ weighted·cofactor - quotient·product` modulo each target prime.
    fn combine<'a>(
        &self,
        weighted: &[&[u32]],
        quotients: &[u32],
        outputs: impl Iterator<Item = (usize, &'a mut [u32])>,
    ) {
        let mut terms = Vec::with_capacity(weighted.len() + 1);
        for (position, output) in outputs {
            let Some(target) = self.to.iter().find(|target| target.position == position) else {
                continue;
            };
            terms.clear();
            terms.extend(
                weighted
                    .iter()
                    .copied()
                    .zip(target.cofactors.iter().copied()),
            );
            terms.push((quotients, target.minus_product));
            kernel().weighted_sum(output, &terms, target.modulus);
        }
    }
}

/// Division by a product of primes, rounded to the nearest, of NTT residues modulo other primes.
/// Both rescaling and the mod-down of key switching are this.
#[derive(Debug)]
pub struct ExactDivision {
    extension: BasisExtension,
    /// `product⁻¹` modulo each target prime.
    inverses: Vec<Factor>,
}

impl ExactDivision {
    /// Divides by the primes at `dropped` what remains modulo the primes at `kept`.
    pub fn new(ring: &Ring, dropped: &[usize], kept: &[usize]) -> Self {
        let extension = BasisExtension::new(ring, dropped, kept);
        let moduli = ring.moduli();
        let inverse = |&position: &usize| {
            let modulus = moduli[position];
            let product = product_mod(modulus, dropped.iter().map(|&at| moduli[at].prime()));
            modulus.factor(modulus.inverse(product))
        };
        Self {
            inverses: kept.iter().map(inverse).collect(),
            extension,
        }
    }

    /// Divides a polynomial that has residues for the dropped and the kept primes.
    ///
    /// # Shapes
    /// The result has the kept primes, which are those of `kept`.
    pub fn divide(&self, ring: &Ring, poly: &Poly<Ntt>, kept: Basis) -> Poly<Ntt> {
        let kernel = kernel();
        let coefficients = |position| {
            let mut residues = poly.limb_at(position, ring).to_vec();
            kernel.inverse_ntt(&mut residues, ring.tables(position));
            residues
        };
        let dropped: Vec<Vec<u32>> = self.extension.sources().map(coefficients).collect();
        let dropped: Vec<&[u32]> = dropped.iter().map(Vec::as_slice).collect();
        let mut result = Poly::zero(ring, kept);
        self.extension
            .extend(&dropped, ring.limbs(kept).zip(result.limbs_mut()));
        let limbs = result.limbs_mut().zip(ring.limbs(kept));
        for ((limb, position), &inverse) in limbs.zip(&self.inverses) {
            kernel.forward_ntt(limb, ring.tables(position));
            let modulus = ring.moduli()[position];
            kernel.sub_scaled(limb, poly.limb_at(position, ring), inverse, modulus);
        }
        result
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use shared::params::{Parameters, shipped};

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        /// Against 128-bit integers; a multiple of the product is taken off so that the number is
        /// the centred one.
        #[test]
        fn extension_finds_the_centred_number(numbers in proptest::collection::vec(any::<i64>(), 16)) {
            for spec in shipped() {
                let ring = Ring::new(Parameters::new(spec).unwrap());
                for from in [vec![0], vec![0, 1], vec![0, 1, 2], vec![3]] {
                    let to: Vec<usize> = (0..5).filter(|at| !from.contains(at)).collect();
                    let product: i128 =
                        from.iter().map(|&at| i128::from(ring.moduli()[at].prime())).product();
                    let residues: Vec<Vec<u32>> = from.iter().map(|&at| {
                        let prime = i128::from(ring.moduli()[at].prime());
                        numbers.iter().map(|&x| i128::from(x).rem_euclid(prime) as u32).collect()
                    }).collect();
                    let residues: Vec<&[u32]> = residues.iter().map(Vec::as_slice).collect();
                    let mut extended = vec![vec![0; numbers.len()]; 5];
                    let outputs = extended.iter_mut().map(Vec::as_mut_slice).enumerate();
                    BasisExtension::new(&ring, &from, &to).extend(&residues, outputs);
                    for position in to {
                        let got = &extended[position];
                        let prime = i128::from(ring.moduli()[position].prime());
                        for (&x, &got) in numbers.iter().zip(got) {
                            let mut centred = i128::from(x).rem_euclid(product);
                            if centred > product / 2 {
                                centred -= product;
                            }
                            assert_eq!(i128::from(got), centred.rem_euclid(prime), "{x} from {from:?}");
                        }
                    }
                }
            }
        }
    }
}
