//! How long operations take: counted on the residues of one prime, and priced.
//!
//! Prices are about those of one machine; what is chosen by them depends on their ratios only. Each
//! model's card has the time that they predict beside the one that was measured, and
//! `cargo xtask params` holds the counts against measurements, at prices that it measures itself.

use std::ops::{Add, Mul};

use shared::params::Parameters;
use shared::ring::Level;

use crate::engine::MatrixPlan;

/// Operations on the residues of one prime, or the seconds that each takes.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Count {
    /// Transforms, either way.
    pub transforms: f64,
    /// Products of two operands, added up.
    pub products: f64,
    /// Products with constants, added up; sums and roundings cost about as much.
    pub weighted: f64,
    /// Permutations.
    pub permutations: f64,
    /// Uniform residues made from a seed.
    pub uniform: f64,
    /// Plain factors read from memory: more of them than caches hold.
    pub streamed: f64,
}

/// Seconds of a digit that a byte of keys weighs as much as: a megabyte is worth 0.3 ms.
pub const SECONDS_PER_KEY_BYTE: f64 = 0.3e-9;

/// Seconds that operations take on one prime's residues at N = 2^12 with AVX-512 kernels (AMD EPYC,
/// 2.6 GHz). That of transforms was measured alone; the others are rounded such that whole digits of
/// the shipped models come out within an eighth of what they take.
const REFERENCE: Count = Count {
    transforms: 3.5e-6,
    products: 0.55e-6,
    weighted: 0.7e-6,
    permutations: 1.1e-6,
    uniform: 5.0e-6,
    streamed: 2.0e-6,
};

/// Bytes of plain factors that stay in caches from one digit to the next.
const CACHED: usize = 8 << 20;

impl Count {
    /// Seconds at these prices.
    #[must_use]
    pub fn price(self, prices: Self) -> f64 {
        self.transforms * prices.transforms
            + self.products * prices.products
            + self.weighted * prices.weighted
            + self.permutations * prices.permutations
            + self.uniform * prices.uniform
            + self.streamed * prices.streamed
    }

    /// Seconds in a ring of degree 2^`log_n`, by the prices of one machine.
    #[must_use]
    pub fn reference_price(self, log_n: u32) -> f64 {
        let size = 2f64.powi(log_n.cast_signed() - 12);
        let layers = f64::from(log_n) / 12.0;
        let prices = REFERENCE * size;
        self.price(Self {
            transforms: prices.transforms * layers,
            ..prices
        })
    }
}

impl Add for Count {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            transforms: self.transforms + other.transforms,
            products: self.products + other.products,
            weighted: self.weighted + other.weighted,
            permutations: self.permutations + other.permutations,
            uniform: self.uniform + other.uniform,
            streamed: self.streamed + other.streamed,
        }
    }
}

impl Mul<f64> for Count {
    type Output = Self;

    fn mul(self, factor: f64) -> Self {
        Self {
            transforms: self.transforms * factor,
            products: self.products * factor,
            weighted: self.weighted * factor,
            permutations: self.permutations * factor,
            uniform: self.uniform * factor,
            streamed: self.streamed * factor,
        }
    }
}

impl std::iter::Sum for Count {
    fn sum<I: Iterator<Item = Self>>(counts: I) -> Self {
        counts.fold(Self::default(), Add::add)
    }
}

/// What operations at one level are counted with.
#[derive(Clone, Copy, Debug)]
pub struct At {
    /// Primes of Q.
    q: f64,
    /// Primes of P.
    p: f64,
}

impl At {
    /// At a level of a parameter set.
    pub fn new(parameters: &Parameters, level: Level) -> Self {
        Self::with(
            parameters.primes_at(level).len(),
            parameters.spec().special.len(),
        )
    }

    /// With so many primes of Q and P.
    pub fn with(q: usize, p: usize) -> Self {
        Self {
            q: q as f64,
            p: p as f64,
        }
    }

    fn all(&self) -> f64 {
        self.q + self.p
    }

    /// Expansion of a fresh ciphertext's second half.
    pub fn expand(&self) -> Count {
        Count {
            uniform: self.q,
            ..Count::default()
        }
    }

    /// Both halves times P.
    pub fn lift(&self) -> Count {
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

    /// Division of one half by P.
    pub fn mod_down(&self) -> Count {
        Self::switch_modulus(self.p, self.q, self.q)
    }

    /// One half in digits of this many primes.
    fn decompose(&self, digit_primes: usize) -> Count {
        let size = digit_primes.max(1) as f64;
        let digits = (self.q / size).ceil();
        let each = self.all() - size.min(self.q);
        let extended = Count {
            transforms: each,
            weighted: each * (size + 1.0) + (2.0 + each) * size,
            ..Count::default()
        };
        extended * digits
            + Count {
                transforms: self.q,
                ..Count::default()
            }
    }

    fn image(&self, digit_primes: usize) -> Count {
        let digits = (self.q / digit_primes.max(1) as f64).ceil();
        Count {
            products: 2.0 * self.all() * digits,
            weighted: self.all(),
            permutations: 2.0 * self.all(),
            ..Count::default()
        }
    }

    /// Images of one half from one decomposition, by the sizes of their keys' digits.
    fn images(&self, digits: &[usize]) -> Count {
        let mut sizes = digits.to_vec();
        sizes.sort_unstable();
        sizes.dedup();
        let decomposed: Count = sizes.iter().map(|&size| self.decompose(size)).sum();
        let images: Count = digits.iter().map(|&size| self.image(size)).sum();
        decomposed + images
    }

    /// Sum of two ciphertexts.
    pub fn add(&self) -> Count {
        Count {
            weighted: 2.0 * self.all(),
            ..Count::default()
        }
    }

    /// Product of two ciphertexts, relinearized with digits of this many primes.
    pub fn multiply(&self, digit_primes: usize) -> Count {
        let products = Count {
            products: 4.0 * self.q,
            ..Count::default()
        };
        let switched = self.decompose(digit_primes)
            + Count {
                products: 2.0 * self.all() * (self.q / digit_primes.max(1) as f64).ceil(),
                ..Count::default()
            };
        products + switched + self.lift() + self.add()
    }

    /// Products of ciphertexts with plaintexts, added up.
    pub fn mul_plain(&self, terms: usize) -> Count {
        Count {
            products: 2.0 * self.all() * terms as f64,
            ..Count::default()
        }
    }

    /// A matrix product; `digits` says the size of the digits of each automorphism's key.
    pub fn matrix(
        &self,
        plan: &MatrixPlan,
        digits: impl Fn(crate::engine::Automorphism) -> usize,
    ) -> Count {
        let babies: Vec<usize> = plan.of_input().into_iter().map(&digits).collect();
        let hoisted = if babies.is_empty() {
            Count::default()
        } else {
            self.images(&babies)
        };
        let steps = plan.giant_steps().into_iter();
        let giants: Count = steps
            .map(|step| self.mod_down() + self.images(&[digits(step)]) + self.add())
            .sum();
        let stage = |stage: &Vec<_>| {
            let sizes: Vec<usize> = stage.iter().copied().map(&digits).collect();
            self.mod_down() + self.images(&sizes) + self.add() * stage.len() as f64
        };
        let sums: Count = plan.sums().iter().map(stage).sum();
        let factors = plan.diagonals() as f64 * self.all();
        let bytes = factors * (2 * plan.slots() * size_of::<u32>()) as f64;
        let streamed = Count {
            streamed: if bytes > CACHED as f64 { factors } else { 0.0 },
            ..Count::default()
        };
        let products = self.mul_plain(plan.diagonals()) + streamed;
        self.lift() + hoisted + products + giants + sums
    }

    /// Division by P and a rescale to a level with `below` primes, of which `kept` are shared.
    pub fn rescale(&self, below: usize, kept: usize) -> Count {
        let (below, kept) = (below as f64, kept as f64);
        Self::switch_modulus(self.all() - kept, below, kept) * 2.0
    }

    /// Truncation of a part of the reply.
    pub fn truncate(&self) -> Count {
        Count {
            transforms: 2.0 * self.all(),
            weighted: 4.0 * self.all(),
            ..Count::default()
        }
    }
}
