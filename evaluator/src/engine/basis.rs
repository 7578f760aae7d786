//! From residues modulo some primes to residues modulo others, and division by primes.
//!
//! The quotient that would overflow is estimated in floating point (Halevi, Polyakov and Shoup,
//! ePrint 2018/117, section 2.2), so extensions are exact up to a number that lies within one
//! part in 2^50 of the middle between two multiples.

use shared::ring::backend::kernel;
use shared::ring::{Factor, Modulus, Ring};

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

    /// Extends coefficients; `write` gets the position of each target prime with its residues.
    ///
    /// # Shapes
    /// `residues`: for each source prime, in order, the same number of coefficients.
    pub fn extend(&self, residues: &[&[u32]], write: impl FnMut(usize, Vec<u32>)) {
        if let ([source], &[residues]) = (&self.from[..], residues) {
            // One prime: it is its own weight, and the quotient is whether it is past the middle.
            let half = source.modulus.prime() / 2;
            let quotients: Vec<u32> = residues
                .iter()
                .map(|&residue| u32::from(residue > half))
                .collect();
            return self.combine(&[residues], &quotients, write);
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
        self.combine(&weighted, &quotients, write);
    }

    /// `Σ weighted·cofactor - quotient·product` modulo each target prime.
    fn combine(
        &self,
        weighted: &[&[u32]],
        quotients: &[u32],
        mut write: impl FnMut(usize, Vec<u32>),
    ) {
        for target in &self.to {
            let weights = target.cofactors.iter().copied();
            let mut terms: Vec<(&[u32], Factor)> = weighted.iter().copied().zip(weights).collect();
            terms.push((quotients, target.minus_product));
            let mut extended = vec![0; quotients.len()];
            kernel().weighted_sum(&mut extended, &terms, target.modulus);
            write(target.position, extended);
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

    /// The kept residues, divided.
    ///
    /// # Shapes
    /// `limb`: NTT residues for the prime at a position, for the dropped and the kept primes.
    /// The result has one vector for each kept prime, in order.
    pub fn divide<'a>(&self, ring: &Ring, limb: impl Fn(usize) -> &'a [u32]) -> Vec<Vec<u32>> {
        let kernel = kernel();
        let coefficients = |position| {
            let mut residues = limb(position).to_vec();
            kernel.inverse_ntt(&mut residues, ring.tables(position));
            residues
        };
        let dropped: Vec<Vec<u32>> = self.extension.sources().map(coefficients).collect();
        let dropped: Vec<&[u32]> = dropped.iter().map(Vec::as_slice).collect();
        let mut inverses = self.inverses.iter().copied();
        let mut result = Vec::with_capacity(self.inverses.len());
        self.extension.extend(&dropped, |position, mut remainder| {
            let modulus = ring.moduli()[position];
            let inverse = inverses.next().unwrap_or(modulus.factor(0));
            kernel.forward_ntt(&mut remainder, ring.tables(position));
            kernel.sub_scaled(&mut remainder, limb(position), inverse, modulus);
            result.push(remainder);
        });
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
                    BasisExtension::new(&ring, &from, &to).extend(&residues, |position, got| {
                        let prime = i128::from(ring.moduli()[position].prime());
                        for (&x, got) in numbers.iter().zip(got) {
                            let mut centred = i128::from(x).rem_euclid(product);
                            if centred > product / 2 {
                                centred -= product;
                            }
                            assert_eq!(i128::from(got), centred.rem_euclid(prime), "{x} from {from:?}");
                        }
                    });
                }
            }
        }
    }
}
