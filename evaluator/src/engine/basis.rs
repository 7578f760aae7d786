//! From residues modulo some primes to residues modulo others, and division by primes.
//!
//! The quotient that would overflow is estimated in floating point (Halevi, Polyakov and Shoup,
//! ePrint 2018/117, section 2.2), so extensions are exact up to a number that lies within one
//! part in 2^50 of the middle between two multiples.

use shared::ring::backend::kernel;
use shared::ring::{Basis, Buffer, Factor, Modulus, Ntt, Poly, Ring};

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
    /// `(product/prime)⁻¹ mod prime`, times what the number is scaled by.
    weight: Factor,
    reciprocal: f64,
}

impl Source {
    fn weigh(&self, residues: &[u32]) -> Buffer {
        let mut weighted = Buffer::take(residues.len());
        kernel().weighted_sum(&mut weighted, &[(residues, self.weight)], self.modulus);
        weighted
    }
}

#[derive(Debug)]
struct Target {
    position: usize,
    modulus: Modulus,
    /// `product/prime mod target` for each source prime, times the scale of the output.
    cofactors: Vec<Factor>,
    /// `-product mod target`, times the scale of the output.
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
        Self::scaled(ring, from, to, |_| 1, |_| 1)
    }

    /// As [`BasisExtension::new`], of the number times `input` (modulo the source primes); what
    /// comes out is times `output` (modulo the target primes).
    fn scaled(
        ring: &Ring,
        from: &[usize],
        to: &[usize],
        input: impl Fn(Modulus) -> u32,
        output: impl Fn(Modulus) -> u32,
    ) -> Self {
        let moduli = ring.moduli();
        let primes = || from.iter().map(|&position| moduli[position].prime());
        let cofactor = |modulus, prime| product_mod(modulus, primes().filter(|&p| p != prime));
        let source = |&position: &usize| {
            let modulus = moduli[position];
            let prime = modulus.prime();
            let inverse = modulus.inverse(cofactor(modulus, prime));
            Source {
                position,
                modulus,
                weight: modulus.factor(modulus.mul(inverse, input(modulus))),
                reciprocal: 1.0 / f64::from(prime),
            }
        };
        let target = |&position: &usize| {
            let modulus = moduli[position];
            let scale = output(modulus);
            let scaled = |value| modulus.factor(modulus.mul(value, scale));
            Target {
                position,
                modulus,
                cofactors: primes()
                    .map(|prime| scaled(cofactor(modulus, prime)))
                    .collect(),
                minus_product: scaled(modulus.neg(product_mod(modulus, primes()))),
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
        let weigh = |(residues, source): (&&[u32], &Source)| source.weigh(residues);
        let weighted: Vec<Buffer> = residues.iter().zip(&self.from).map(weigh).collect();
        let weighted: Vec<&[u32]> = weighted.iter().map(|weighted| &**weighted).collect();
        let reciprocals = self.from.iter().map(|source| source.reciprocal);
        let quotients = quotients(&weighted, reciprocals);
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

/// The coefficients modulo the prime at a position.
fn coefficients(poly: &Poly<Ntt>, position: usize, ring: &Ring) -> Buffer {
    let mut residues = Buffer::copy_of(poly.limb_at(position, ring));
    kernel().inverse_ntt(&mut residues, ring.tables(position));
    residues
}

/// `⌊1/2 + Σ weighted·reciprocal⌋`.
fn quotients(weighted: &[&[u32]], reciprocals: impl Iterator<Item = f64>) -> Buffer {
    let mut quotients = Buffer::take(weighted.first().map_or(0, |weighted| weighted.len()));
    let terms: Vec<_> = weighted.iter().copied().zip(reciprocals).collect();
    kernel().quotients(&mut quotients, &terms);
    quotients
}

/// From one modulus to another, with the number scaled by their ratio and rounded: rescaling and
/// the mod-down of key switching, alone or in one.
///
/// With `D` the product of the primes that only the old modulus has, and `W` of those that only
/// the new one has, `x` becomes `(x·W - [x·W]_D)/D`.
#[derive(Debug)]
pub struct ModulusSwitch {
    from: Basis,
    to: Basis,
    /// `[x·W]_D` from the dropped primes to those of the new modulus, times `-1/D` for new primes
    /// and times `1/W` for those that stay.
    extension: BasisExtension,
    /// For each prime of the new modulus, `W/D` if the old one has it too.
    kept: Vec<Option<Factor>>,
}

impl ModulusSwitch {
    /// Between two bases of a ring.
    pub fn new(ring: &Ring, from: Basis, to: Basis) -> Self {
        let moduli = ring.moduli();
        let old: Vec<usize> = ring.limbs(from).collect();
        let new: Vec<usize> = ring.limbs(to).collect();
        let missing = |these: &[usize], others: &[usize]| -> Vec<usize> {
            let missing = these.iter().filter(|position| !others.contains(position));
            missing.copied().collect()
        };
        let (dropped, added) = (missing(&old, &new), missing(&new, &old));
        let product = |modulus, positions: &[usize]| {
            product_mod(modulus, positions.iter().map(|&at| moduli[at].prime()))
        };
        let stays = |modulus: Modulus| old.iter().any(|&at| moduli[at] == modulus);
        let input = |modulus| product(modulus, &added);
        let output = |modulus: Modulus| {
            if stays(modulus) {
                modulus.inverse(product(modulus, &added))
            } else {
                modulus.neg(modulus.inverse(product(modulus, &dropped)))
            }
        };
        let kept = |&position: &usize| {
            let modulus = moduli[position];
            stays(modulus).then(|| {
                let inverse = modulus.inverse(product(modulus, &dropped));
                modulus.factor(modulus.mul(inverse, product(modulus, &added)))
            })
        };
        Self {
            from,
            to,
            extension: BasisExtension::scaled(ring, &dropped, &new, input, output),
            kept: new.iter().map(kept).collect(),
        }
    }

    /// Switches a polynomial in the old basis.
    pub fn switch(&self, ring: &Ring, poly: &Poly<Ntt>) -> Poly<Ntt> {
        debug_assert_eq!(poly.basis(), self.from);
        let kernel = kernel();
        let coefficients = |position| coefficients(poly, position, ring);
        let dropped: Vec<Buffer> = self.extension.sources().map(coefficients).collect();
        let dropped: Vec<&[u32]> = dropped.iter().map(|dropped| &**dropped).collect();
        let mut result = Poly::unwritten(ring, self.to);
        self.extension
            .extend(&dropped, ring.limbs(self.to).zip(result.limbs_mut()));
        let limbs = result.limbs_mut().zip(ring.limbs(self.to));
        for ((limb, position), kept) in limbs.zip(&self.kept) {
            kernel.forward_ntt(limb, ring.tables(position));
            if let Some(factor) = *kept {
                let modulus = ring.moduli()[position];
                kernel.sub_scaled(limb, poly.limb_at(position, ring), factor, modulus);
            }
        }
        result
    }
}

/// From a modulus to a power of two, scaled and rounded: what a reply needs.
#[derive(Debug)]
pub struct Truncation {
    from: Vec<Source>,
}

impl Truncation {
    /// From a basis of a ring.
    pub fn new(ring: &Ring, from: Basis) -> Self {
        let positions: Vec<usize> = ring.limbs(from).collect();
        let BasisExtension { from, .. } = BasisExtension::new(ring, &positions, &[]);
        Self { from }
    }

    /// The coefficients of `poly·2^log_modulus/modulus`, rounded, modulo `2^log_modulus`.
    ///
    /// # Shapes
    /// The number of primes times `2^log_modulus` is at most 2^32.
    pub fn truncate(&self, ring: &Ring, poly: &Poly<Ntt>, log_modulus: u32) -> Buffer {
        debug_assert!((self.from.len() as u64) << log_modulus <= 1 << 32);
        let weigh = |source: &Source| source.weigh(&coefficients(poly, source.position, ring));
        let weighted: Vec<Buffer> = self.from.iter().map(weigh).collect();
        let weighted: Vec<&[u32]> = weighted.iter().map(|weighted| &**weighted).collect();
        // x/modulus is Σ weighted/prime but for a whole number, which the mask takes off.
        let modulus = 2f64.powi(log_modulus.cast_signed());
        let reciprocals = self.from.iter().map(|source| modulus * source.reciprocal);
        let mut numbers = quotients(&weighted, reciprocals);
        for number in &mut *numbers {
            *number &= u32::MAX >> (32 - log_modulus);
        }
        numbers
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use shared::params::{ParameterSpec, Parameters, shipped};

    /// Levels that share primes.
    fn nested() -> ParameterSpec {
        let chain = [133_857_281, 133_644_289, 1_073_692_673, 1_032_193];
        ParameterSpec {
            name: "nested".to_owned(),
            log_n: 13,
            levels: (2..=4).map(|count| chain[..count].to_vec()).collect(),
            special: vec![1_073_643_521, 1_073_479_681],
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        /// Against 128-bit integers; a multiple of the product is taken off so that the number is
        /// the centred one.
        #[test]
        fn extension_finds_the_centred_number(numbers in proptest::collection::vec(any::<i64>(), 16)) {
            for spec in shipped().into_iter().chain([nested()]) {
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
