//! Evaluation keys: what the evaluator needs to relinearize and to rotate.
//!
//! Knows their shape and how their uniform halves are expanded; knows no secret.
//!
//! **Invariant:** a [`SwitchingKey`] has one pair of polynomials for each digit of its level, all
//! modulo Q·P at that level.

use std::collections::BTreeMap;

use crate::ring::{Basis, Level, Ntt, Poly, Ring, Seed, uniform};

/// Digits of this many primes that a polynomial of this level decomposes into.
#[must_use]
pub fn digits_at(ring: &Ring, level: Level, digit_primes: usize) -> usize {
    ring.parameters()
        .primes_at(level)
        .len()
        .div_ceil(digit_primes.max(1))
}

/// A key for switching from some polynomial `t` to the session's secret `s` (hybrid key switching,
/// Han and Ki, ePrint 2019/688, section 3): for each digit `b = -a·s + e + g·t`, where `g` is P
/// modulo the digit's primes and 0 modulo all others.
#[derive(Clone, Debug, PartialEq)]
pub struct SwitchingKey {
    level: Level,
    digit_primes: usize,
    digits: Vec<KeyDigit>,
}

/// The pair of one digit.
#[derive(Clone, Debug, PartialEq)]
pub struct KeyDigit {
    /// `-a·s + e + g·t`.
    pub b: Poly<Ntt>,
    /// Uniform.
    pub a: Poly<Ntt>,
}

impl SwitchingKey {
    /// The highest level it can be used at.
    #[must_use]
    pub fn level(&self) -> Level {
        self.level
    }

    /// Primes in one digit: with more, the key is smaller and its noise larger.
    #[must_use]
    pub fn digit_primes(&self) -> usize {
        self.digit_primes
    }

    /// The pairs, for the lowest primes first.
    #[must_use]
    pub fn digits(&self) -> &[KeyDigit] {
        &self.digits
    }
}

/// A switching key as it travels: the uniform halves are 32 bytes.
#[derive(Clone, Debug, PartialEq)]
pub struct SeededSwitchingKey {
    /// The `b` half of each digit, modulo Q·P at the key's level.
    pub b: Vec<Poly<Ntt>>,
    /// What the `a` halves are expanded from: digit `d` is polynomial `d` of this seed.
    pub seed: Seed,
    /// The highest level it can be used at.
    pub level: Level,
    /// Primes in one digit, at least 1.
    pub digit_primes: usize,
}

impl SeededSwitchingKey {
    /// The key with its uniform halves written out.
    #[must_use]
    pub fn expand(self, ring: &Ring) -> SwitchingKey {
        let (seed, basis) = (self.seed, Basis::Qp(self.level));
        let expand = |(digit, b)| KeyDigit {
            b,
            a: uniform(&seed, digit, ring, basis),
        };
        let digits = (0..).zip(self.b).map(expand).collect();
        SwitchingKey {
            level: self.level,
            digit_primes: self.digit_primes,
            digits,
        }
    }
}

/// All keys of one session.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct EvaluationKeys {
    /// Switches `s²` to `s`.
    pub relinearization: Option<SwitchingKey>,
    /// The key that switches `s` to its conjugate, applied as the rotations' keys are.
    pub conjugation: Option<SwitchingKey>,
    /// For each rotation step to the left, the key that switches `s` to `σ⁻¹(s)`: applied before
    /// the automorphism σ, so that only the result is permuted.
    pub rotations: BTreeMap<u32, SwitchingKey>,
}

impl EvaluationKeys {
    /// Bytes of residues held.
    #[must_use]
    pub fn byte_len(&self) -> usize {
        let single = [&self.relinearization, &self.conjugation];
        let keys = single.into_iter().flatten().chain(self.rotations.values());
        let polys = keys
            .flat_map(|key| &key.digits)
            .flat_map(|digit| [&digit.b, &digit.a]);
        polys.map(|poly| size_of_val(poly.residues())).sum()
    }
}
