//! The engine on ciphertexts: one parameter set's constants for all operations.
//!
//! RNS-CKKS (Cheon, Han, Kim, Kim and Song, ePrint 2018/931) with hybrid key switching (Han and
//! Ki, ePrint 2019/688). The operations are in the modules beside this one, by kind.

use std::sync::{Arc, OnceLock};

use shared::ciphertext::{Ciphertext, ReplyPart};
use shared::encoding::{Complex64, Encoder, Scale};
use shared::keys::EvaluationKeys;
use shared::params::Parameters;
use shared::ring::galois::GaloisPermutation;
use shared::ring::{Basis, Level, Ring};

use super::basis::{BasisExtension, ModulusSwitch, Truncation};
use super::{Addend, Automorphism, Engine, EvalError, Lifted, NoiseModel, Plaintext};

/// One parameter set's constants for all operations.
#[derive(Debug)]
pub struct Ckks {
    pub(super) ring: Arc<Ring>,
    pub(super) encoder: Encoder,
    /// For each level above 0, from Q·P to Q one level lower.
    pub(super) rescales: Vec<ModulusSwitch>,
    /// For each level, from Q·P to Q.
    pub(super) mod_downs: Vec<ModulusSwitch>,
    /// For each level, from Q·P to powers of two.
    pub(super) truncations: Vec<Truncation>,
    /// For each number of primes in a digit (from 1) and each level, for each digit, the extension
    /// to all other primes of Q·P.
    pub(super) digits: Vec<Vec<Vec<BasisExtension>>>,
    /// For the conjugation and behind it each rotation step, once it was used.
    pub(super) permutations: Vec<OnceLock<GaloisPermutation>>,
}

impl Ckks {
    /// Precomputes the constants of a ring.
    #[must_use]
    pub fn new(ring: &Arc<Ring>) -> Self {
        let parameters = ring.parameters();
        let levels = || (0..=parameters.top().0).map(Level);
        let rescale =
            |level: Level| ModulusSwitch::new(ring, Basis::Qp(level), Basis::Q(Level(level.0 - 1)));
        let mod_down = |level| ModulusSwitch::new(ring, Basis::Qp(level), Basis::Q(level));
        let truncation = |level| Truncation::new(ring, Basis::Qp(level));
        let widest = levels()
            .map(|level| parameters.primes_at(level).len())
            .max();
        let digits_at = |digit_primes, level| {
            let all: Vec<usize> = ring.limbs(Basis::Qp(level)).collect();
            let q: Vec<usize> = ring.limbs(Basis::Q(level)).collect();
            let extension = |digit: &[usize]| {
                let others: Vec<usize> = all
                    .iter()
                    .copied()
                    .filter(|position| !digit.contains(position))
                    .collect();
                BasisExtension::new(ring, digit, &others)
            };
            q.chunks(digit_primes).map(extension).collect()
        };
        let digits = |digit_primes| {
            levels()
                .map(|level| digits_at(digit_primes, level))
                .collect()
        };
        Self {
            encoder: Encoder::new(ring.degree()),
            rescales: levels().skip(1).map(rescale).collect(),
            mod_downs: levels().map(mod_down).collect(),
            truncations: levels().map(truncation).collect(),
            digits: (1..=widest.unwrap_or(1)).map(digits).collect(),
            permutations: (0..=parameters.slots()).map(|_| OnceLock::new()).collect(),
            ring: Arc::clone(ring),
        }
    }

    /// The ring it computes in.
    #[must_use]
    pub fn ring(&self) -> &Arc<Ring> {
        &self.ring
    }

    /// What its operations are expected to add to the noise.
    #[must_use]
    pub fn noise_model(&self) -> NoiseModel<'_> {
        NoiseModel::new(self.ring.parameters())
    }

    /// Number of slots.
    #[must_use]
    pub fn slots(&self) -> usize {
        self.encoder.slots()
    }
}

impl Engine for Ckks {
    type Ciphertext = Ciphertext;
    type Lifted = Lifted;
    type Plaintext = Plaintext;
    type Addend = Addend;
    type Keys = EvaluationKeys;
    type Part = ReplyPart;

    fn parameters(&self) -> &Parameters {
        self.ring.parameters()
    }

    fn monomial(&self, power: usize, slot: usize) -> Complex64 {
        self.encoder.monomial(power, slot)
    }

    fn encode(
        &self,
        slots: &[Complex64],
        scale: Scale,
        level: Level,
    ) -> Result<Plaintext, EvalError> {
        self.encode(slots, scale, level)
    }

    fn encode_addend(
        &self,
        slots: &[Complex64],
        scale: Scale,
        level: Level,
    ) -> Result<Addend, EvalError> {
        self.encode_addend(slots, scale, level)
    }

    fn encode_coefficients(
        &self,
        coefficients: &[f64],
        scale: Scale,
        level: Level,
    ) -> Result<Addend, EvalError> {
        self.encode_coefficients(coefficients, scale, level)
    }

    fn level(&self, a: &Ciphertext) -> Level {
        a.level()
    }

    fn lift(&self, a: &Ciphertext) -> Lifted {
        self.lift(a)
    }

    fn lower(&self, a: &Lifted) -> Result<Ciphertext, EvalError> {
        self.lower(a)
    }

    fn rescale(&self, a: &Lifted) -> Result<Ciphertext, EvalError> {
        self.rescale(a)
    }

    fn drop_to(&self, a: &Ciphertext, level: Level) -> Result<Ciphertext, EvalError> {
        self.drop_to(a, level)
    }

    fn add(&self, a: Lifted, b: &Lifted) -> Result<Lifted, EvalError> {
        self.add(a, b)
    }

    fn sub(&self, a: Lifted, b: &Lifted) -> Result<Lifted, EvalError> {
        self.sub(a, b)
    }

    fn add_plain(&self, a: Lifted, b: &Addend) -> Result<Lifted, EvalError> {
        self.add_plain(a, b)
    }

    fn mul_plain_sum(&self, terms: &[(&Lifted, &Plaintext)]) -> Result<Lifted, EvalError> {
        self.mul_plain_sum(terms)
    }

    fn mul_plain_sums(
        &self,
        sums: &[Vec<(&Lifted, &Plaintext)>],
    ) -> Result<Vec<Lifted>, EvalError> {
        self.mul_plain_sums(sums)
    }

    fn square(&self, a: &Ciphertext, keys: &EvaluationKeys) -> Result<Lifted, EvalError> {
        self.square(a, keys)
    }

    fn multiply(
        &self,
        a: &Ciphertext,
        b: &Ciphertext,
        keys: &EvaluationKeys,
    ) -> Result<Lifted, EvalError> {
        self.multiply(a, b, keys)
    }

    fn rotate(
        &self,
        a: &Lifted,
        automorphism: Automorphism,
        keys: &EvaluationKeys,
    ) -> Result<Lifted, EvalError> {
        self.rotate(a, automorphism, keys)
    }

    fn rotate_hoisted(
        &self,
        a: &Ciphertext,
        automorphisms: &[Automorphism],
        keys: &EvaluationKeys,
    ) -> Result<Vec<Lifted>, EvalError> {
        self.rotate_hoisted(a, automorphisms, keys)
    }

    fn sum_of_images(
        &self,
        a: &Lifted,
        automorphisms: &[Automorphism],
        keys: &EvaluationKeys,
    ) -> Result<Lifted, EvalError> {
        self.sum_of_images(a, automorphisms, keys)
    }

    fn truncate(&self, a: &Lifted, coefficients: &[usize], log_modulus: u32) -> ReplyPart {
        self.truncate(a, coefficients, log_modulus)
    }
}
