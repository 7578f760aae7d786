//! How long a circuit will take: its operations on the residues of one prime, counted and priced.

use std::hint::black_box;
use std::time::Instant;

use evaluator::circuit::{Circuit, StageOutline};
use evaluator::engine::{Automorphism, MatrixPlan};
use shared::api::KeySpec;
use shared::params::Parameters;
use shared::ring::backend::{Product, kernel};
use shared::ring::galois::{GaloisElement, GaloisPermutation};
use shared::ring::{Basis, Level, Ring, uniform};

/// Operations on the residues of one prime, or the seconds that each takes.
#[derive(Clone, Copy, Debug, Default)]
pub struct Count {
    /// Transforms, either way.
    transforms: f64,
    /// Products of two operands, added up.
    products: f64,
    /// Products with constants, added up; sums and roundings cost about as much.
    weighted: f64,
    permutations: f64,
    /// Uniform residues made from a seed.
    uniform: f64,
}

impl Count {
    fn plus(self, other: Self) -> Self {
        Self {
            transforms: self.transforms + other.transforms,
            products: self.products + other.products,
            weighted: self.weighted + other.weighted,
            permutations: self.permutations + other.permutations,
            uniform: self.uniform + other.uniform,
        }
    }

    fn times(self, factor: f64) -> Self {
        Self {
            transforms: self.transforms * factor,
            products: self.products * factor,
            weighted: self.weighted * factor,
            permutations: self.permutations * factor,
            uniform: self.uniform * factor,
        }
    }

    /// Seconds at these prices.
    pub fn price(self, prices: Self) -> f64 {
        self.transforms * prices.transforms
            + self.products * prices.products
            + self.weighted * prices.weighted
            + self.permutations * prices.permutations
            + self.uniform * prices.uniform
    }

    /// Measures the prices in a ring, on operands that don't all fit in the nearest cache.
    pub fn prices(ring: &Ring) -> Self {
        const OPERANDS: usize = 64;
        let (kernel, modulus, tables) = (kernel(), ring.moduli()[0], ring.tables(0));
        let basis = Basis::Q(Level(0));
        let limbs = ring.limbs(basis).len() as f64;
        let random = |index| {
            uniform(&[7; 32], index, ring, basis)
                .limbs()
                .next()
                .map(<[u32]>::to_vec)
        };
        let operands: Vec<Vec<u32>> = (0..OPERANDS as u64).filter_map(random).collect();
        let mut out = operands[0].clone();
        let pairs = operands.chunks(2).map(|pair| Product {
            left: &pair[0],
            right: &pair[1],
        });
        let pairs: Vec<Product<'_>> = pairs.collect();
        let terms: Vec<_> = operands
            .iter()
            .map(|values| (values.as_slice(), modulus.factor(3)))
            .collect();
        let permutation =
            GaloisPermutation::new(GaloisElement::rotation(1, ring.degree()), ring.degree());
        let mut residues = operands[1].clone();
        Self {
            transforms: fastest(|| {
                kernel.forward_ntt(&mut residues, tables);
                kernel.inverse_ntt(&mut residues, tables);
            }) / 2.0,
            products: fastest(|| {
                for pairs in pairs.chunks(4) {
                    kernel.sum_of_products(&mut out, pairs, modulus);
                }
            }) / pairs.len() as f64,
            weighted: fastest(|| {
                for terms in terms.chunks(2) {
                    kernel.weighted_sum(&mut out, terms, modulus);
                }
            }) / terms.len() as f64,
            permutations: fastest(|| {
                for values in &operands {
                    kernel.permute(&mut out, values, &permutation);
                }
            }) / operands.len() as f64,
            uniform: fastest(|| drop(black_box(uniform(&[8; 32], 0, ring, basis)))) / limbs,
        }
    }
}

/// The least time of many tries.
fn fastest(mut work: impl FnMut()) -> f64 {
    let time = |_| {
        let start = Instant::now();
        work();
        start.elapsed().as_secs_f64()
    };
    (0..400).map(time).fold(f64::MAX, f64::min)
}

/// Counts the operations of one classification.
pub fn count(circuit: &Circuit) -> Count {
    let (info, stages) = (circuit.info(), circuit.outline());
    let parameters = circuit.ring().parameters();
    let parts = info.output.packing.parts().len() as f64;
    let at = |level: usize| At::new(parameters, &info.keys, level);
    let top = at(stages.len() - 1);
    let expand = Count {
        uniform: top.q,
        ..Count::default()
    };
    let hidden = |(index, stage): (usize, &StageOutline<'_>)| {
        at(stages.len() - 1 - index).hidden(stage, &at(stages.len() - 2 - index))
    };
    let (last, before) = stages
        .split_last()
        .map_or((None, &[][..]), |(last, before)| (Some(last), before));
    let reply = at(0);
    let start = if last.is_some_and(|stage| stage.squared) {
        reply.square()
    } else {
        reply.lift()
    };
    let end = Count {
        products: 2.0 * reply.all,
        transforms: 2.0 * reply.all,
        weighted: 4.0 * reply.all,
        ..Count::default()
    };
    let total = before
        .iter()
        .enumerate()
        .map(hidden)
        .fold(expand, Count::plus);
    total.plus(start).plus(end.times(parts))
}

/// What operations at one level are counted with.
struct At<'a> {
    keys: &'a KeySpec,
    primes: &'a [u32],
    /// Primes of Q, of P and of both.
    q: f64,
    p: f64,
    all: f64,
}

impl<'a> At<'a> {
    fn new(parameters: &'a Parameters, keys: &'a KeySpec, level: usize) -> Self {
        let primes = parameters.primes_at(Level(u8::try_from(level).unwrap_or(u8::MAX)));
        let (q, p) = (primes.len() as f64, parameters.spec().special.len() as f64);
        Self {
            keys,
            primes,
            q,
            p,
            all: q + p,
        }
    }

    fn digit_primes(&self, automorphism: Automorphism) -> usize {
        let key = match automorphism {
            Automorphism::Conjugation => self.keys.conjugation,
            Automorphism::Rotation(step) => {
                let rotations = &self.keys.rotations;
                rotations
                    .iter()
                    .find(|rotation| rotation.step == step)
                    .map(|rotation| rotation.key)
            }
        };
        key.map_or(1, |key| key.digit_primes)
    }

    fn lift(&self) -> Count {
        Count {
            weighted: 2.0 * self.q,
            ..Count::default()
        }
    }

    /// From `from` primes to `to`, of which the polynomial has `kept` already.
    fn switch_modulus(from: f64, to: f64, kept: f64) -> Count {
        Count {
            transforms: from + to,
            weighted: 2.0 * from + to * (from + 1.0) + kept,
            ..Count::default()
        }
    }

    fn mod_down(&self) -> Count {
        Self::switch_modulus(self.p, self.q, self.q)
    }

    fn decompose(&self, digit_primes: usize) -> Count {
        let digits = self.primes.chunks(digit_primes).map(|digit| {
            let (from, to) = (digit.len() as f64, self.all - digit.len() as f64);
            Self::switch_modulus(0.0, to, 0.0).plus(Count {
                weighted: (2.0 + to) * from,
                ..Count::default()
            })
        });
        digits.fold(
            Count {
                transforms: self.q,
                ..Count::default()
            },
            Count::plus,
        )
    }

    fn switch(&self, digit_primes: usize) -> Count {
        let digits = self.primes.len().div_ceil(digit_primes) as f64;
        Count {
            products: 2.0 * self.all * digits,
            ..Count::default()
        }
    }

    fn image(&self, automorphism: Automorphism) -> Count {
        let rest = Count {
            weighted: self.all,
            permutations: 2.0 * self.all,
            ..Count::default()
        };
        self.switch(self.digit_primes(automorphism)).plus(rest)
    }

    /// Images of one polynomial, from as many decompositions as there are sizes of digits.
    fn images(&self, automorphisms: &[Automorphism]) -> Count {
        let mut sizes: Vec<usize> = automorphisms
            .iter()
            .map(|&image| self.digit_primes(image))
            .collect();
        sizes.sort_unstable();
        sizes.dedup();
        let decomposed = sizes.iter().map(|&size| self.decompose(size));
        let images = automorphisms.iter().map(|&image| self.image(image));
        decomposed.chain(images).fold(Count::default(), Count::plus)
    }

    fn add(&self) -> Count {
        Count {
            weighted: 2.0 * self.all,
            ..Count::default()
        }
    }

    fn square(&self) -> Count {
        let digit_primes = self.keys.relinearization.map_or(1, |key| key.digit_primes);
        let products = Count {
            products: 3.0 * self.q,
            weighted: self.q,
            ..Count::default()
        };
        let switched = self.decompose(digit_primes).plus(self.switch(digit_primes));
        products.plus(switched).plus(self.lift()).plus(self.add())
    }

    fn matrix(&self, plan: &MatrixPlan) -> Count {
        let giants = plan.giants() as f64 - 1.0;
        let products = Count {
            products: 2.0 * self.all * plan.diagonals() as f64,
            ..Count::default()
        };
        let giant = self
            .mod_down()
            .plus(self.images(&[plan.giant_step()]))
            .plus(self.add());
        let sums = plan.sums().iter().map(|stage| {
            let adds = self.add().times(stage.len() as f64);
            self.mod_down().plus(self.images(stage)).plus(adds)
        });
        let start = self
            .lift()
            .plus(self.images(&plan.of_input()))
            .plus(products);
        sums.fold(start.plus(giant.times(giants)), Count::plus)
    }

    fn hidden(&self, stage: &StageOutline<'_>, below: &Self) -> Count {
        let mut count = Count::default();
        if stage.squared {
            count = count.plus(self.square());
        }
        if let Some(plan) = stage.matrix {
            if stage.squared {
                count = count.plus(self.mod_down().times(2.0));
            }
            count = count.plus(self.matrix(plan)).plus(Count {
                weighted: self.all,
                ..Count::default()
            });
        }
        let kept = below
            .primes
            .iter()
            .filter(|prime| self.primes.contains(prime))
            .count() as f64;
        count.plus(Self::switch_modulus(self.all - kept, below.q, kept).times(2.0))
    }
}
