//! Homomorphic operations: what can be computed on ciphertexts with evaluation keys.
//!
//! RNS-CKKS (Cheon, Han, Kim, Kim and Song, ePrint 2018/931) with hybrid key switching (Han and
//! Ki, ePrint 2019/688). Knows rings, plaintexts, ciphertexts and switching keys; knows no network
//! and no packing of one.
//!
//! **Invariant:** operands are checked before they are used: levels and scales that don't fit, and
//! keys that are missing, are errors that say what would fit. A result is at the level and scale
//! that its documentation states.

mod arithmetic;
mod basis;
mod key_switch;
mod lifted;
mod matrix;
mod noise;
mod plaintext;
mod rotation;
mod slotwise;

pub use lifted::Lifted;
pub use matrix::{Diagonals, MatrixPlan, SlotContent, Walk};
pub use noise::{Noise, NoiseModel};
pub use plaintext::{Addend, Plaintext};
pub use rotation::Automorphism;
pub use slotwise::{IntegerMap, SumsOfSquares};

use std::sync::{Arc, OnceLock};

use shared::encoding::{Encoder, EncodingError};
use shared::keys::EvaluationKeys;
use shared::ring::galois::GaloisPermutation;
use shared::ring::{Basis, Level, Ring, RingError};
use shared::wire::KeyUse;
use thiserror::Error;

use basis::{BasisExtension, ModulusSwitch, Truncation};

/// Why an operation can't be done.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum EvalError {
    /// A key that was not uploaded.
    #[error("{key} was not uploaded; uploaded: {}", list(uploaded))]
    MissingKey {
        /// The key needed.
        key: KeyUse,
        /// The keys there are.
        uploaded: Vec<KeyUse>,
    },
    /// A key that was made for another level than it is needed at.
    #[error("{key} was made for level {}, it is needed at level {}", found.0, needed.0)]
    KeyLevel {
        /// Which key.
        key: KeyUse,
        /// Level it was made for.
        found: Level,
        /// Level it is needed at.
        needed: Level,
    },
    /// A key whose digits are larger than asked for: its noise would drown the message.
    #[error("{key} has digits of {found} primes; the model takes {most} at most")]
    KeyDigits {
        /// Which key.
        key: KeyUse,
        /// Primes in a digit.
        found: usize,
        /// Most that the circuit was planned for.
        most: usize,
    },
    /// Operands at different levels.
    #[error("operands are at levels {} and {}; bring both to the lower", left.0, right.0)]
    LevelMismatch {
        /// Level of the left operand.
        left: Level,
        /// Level of the right operand.
        right: Level,
    },
    /// A sum of different scales.
    #[error("cannot add scales 2^{left:.1} and 2^{right:.1}; rescale the larger first")]
    ScaleMismatch {
        /// log2 of the left operand's scale.
        left: f64,
        /// log2 of the right operand's scale.
        right: f64,
    },
    /// A rescale at the lowest level.
    #[error("nothing to rescale by: the ciphertext is at the lowest level")]
    NoLevelLeft,
    /// A ciphertext that is not what the circuit takes.
    #[error(
        "input has level {} and scale 2^{found_scale:.2}, the model takes level {} and 2^{expected_scale:.2}; \
         fetch the model's description again",
        found.0, expected.0
    )]
    Input {
        /// Level of the input.
        found: Level,
        /// log2 of its scale.
        found_scale: f64,
        /// Level the circuit takes.
        expected: Level,
        /// log2 of the scale the circuit takes.
        expected_scale: f64,
    },
    /// Plain numbers that don't fit.
    #[error(transparent)]
    Encoding(#[from] EncodingError),
    /// Polynomials that don't belong together.
    #[error(transparent)]
    Ring(#[from] RingError),
}

fn list(keys: &[KeyUse]) -> String {
    if keys.is_empty() {
        return "nothing".to_owned();
    }
    let keys: Vec<String> = keys.iter().map(KeyUse::to_string).collect();
    keys.join(", ")
}

impl EvalError {
    pub(crate) fn missing(key: KeyUse, keys: &EvaluationKeys) -> Self {
        let relinearization = keys.relinearization.iter().map(|_| KeyUse::Relinearization);
        let conjugation = keys.conjugation.iter().map(|_| KeyUse::Conjugation);
        let rotations = keys.rotations.keys().map(|&step| KeyUse::Rotation(step));
        Self::MissingKey {
            key,
            uploaded: relinearization
                .chain(conjugation)
                .chain(rotations)
                .collect(),
        }
    }
}

/// One parameter set's constants for all operations.
#[derive(Debug)]
pub struct Engine {
    ring: Arc<Ring>,
    encoder: Encoder,
    /// For each level above 0, from Q·P to Q one level lower.
    rescales: Vec<ModulusSwitch>,
    /// For each level, from Q·P to Q.
    mod_downs: Vec<ModulusSwitch>,
    /// For each level, from Q·P to powers of two.
    truncations: Vec<Truncation>,
    /// For each number of primes in a digit (from 1) and each level, for each digit, the extension
    /// to all other primes of Q·P.
    digits: Vec<Vec<Vec<BasisExtension>>>,
    /// For the conjugation and behind it each rotation step, once it was used.
    permutations: Vec<OnceLock<GaloisPermutation>>,
}

impl Engine {
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
