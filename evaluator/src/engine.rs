//! Homomorphic operations: what can be computed on ciphertexts with evaluation keys.
//!
//! [`Engine`] says what there is to compute with; [`Ckks`] does it on ciphertexts and [`Plain`] on
//! plain numbers, so that a circuit can be tested without cryptography. Knows rings, plaintexts,
//! ciphertexts and switching keys; knows no network and no packing of one.
//!
//! **Invariant:** operands are checked before they are used: levels and scales that don't fit, and
//! keys that are missing, are errors that say what would fit. A result is at the level and scale
//! that its documentation states.

mod arithmetic;
mod basis;
mod ckks;
mod key_switch;
mod lifted;
mod matrix;
mod noise;
mod plain;
mod plaintext;
mod rotation;
mod slotwise;

pub use ckks::Ckks;
pub use lifted::Lifted;
pub use matrix::{Diagonals, MatrixPlan, SlotContent, Walk, encode_matrix, multiply_matrix};
pub use noise::{Noise, NoiseModel};
pub use plain::{Plain, PlainVector};
pub use plaintext::{Addend, Plaintext};
pub use rotation::Automorphism;
pub use slotwise::{IntegerMap, SumsOfSquares};

use shared::encoding::{Complex64, EncodingError, Scale};
use shared::keys::EvaluationKeys;
use shared::packing::PackingError;
use shared::params::Parameters;
use shared::ring::{Level, RingError};
use shared::wire::KeyUse;
use thiserror::Error;

use basis::{BasisExtension, Truncation};

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
    /// A level whose primes are not among those of the level above.
    #[error("levels {} and {} have different primes; rescale from one to the next", from.0, to.0)]
    Drop {
        /// The ciphertext's level.
        from: Level,
        /// The level wanted.
        to: Level,
    },
    /// Whoever asked had it end before its time.
    #[error("stopped behind operation {done} of {of}")]
    Stopped {
        /// Operations that were done.
        done: usize,
        /// Operations in all, without the reply.
        of: usize,
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
    /// A value that was given up too early; a defect of this program.
    #[error("register {number} is not there")]
    Register {
        /// Its number.
        number: usize,
    },
    /// An input of another size, on plain numbers.
    #[error(transparent)]
    Packing(#[from] PackingError),
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

/// What a circuit computes with: vectors of slots at levels and scales.
///
/// # Errors
/// Every operation refuses operands whose levels or scales don't fit, and keys that are missing or
/// of another level, with an [`EvalError`].
pub trait Engine: Sync {
    /// A vector of slots.
    type Ciphertext: Clone;
    /// A vector on its way through a sum of products and rotations.
    type Lifted: Clone;
    /// A plain factor.
    type Plaintext: Send + Sync;
    /// A plain summand.
    type Addend: Send + Sync;
    /// What relinearization and rotations take.
    type Keys: ?Sized;
    /// Part of a reply.
    type Part;

    /// The parameter set.
    fn parameters(&self) -> &Parameters;

    /// What slot `slot` of the monomial `X^power` holds.
    fn monomial(&self, power: usize, slot: usize) -> Complex64;

    /// Encodes slots as a factor; missing ones are zero.
    ///
    /// # Errors
    /// [`EvalError::Encoding`] for values that don't fit.
    fn encode(
        &self,
        slots: &[Complex64],
        scale: Scale,
        level: Level,
    ) -> Result<Self::Plaintext, EvalError>;

    /// Encodes slots as a summand; missing ones are zero.
    ///
    /// # Errors
    /// [`EvalError::Encoding`] for values that don't fit.
    fn encode_addend(
        &self,
        slots: &[Complex64],
        scale: Scale,
        level: Level,
    ) -> Result<Self::Addend, EvalError>;

    /// Encodes coefficients of the message as a summand.
    ///
    /// # Errors
    /// [`EvalError::Encoding`] for values that don't fit.
    fn encode_coefficients(
        &self,
        coefficients: &[f64],
        scale: Scale,
        level: Level,
    ) -> Result<Self::Addend, EvalError>;

    /// The level of a vector.
    fn level(&self, a: &Self::Ciphertext) -> Level;

    /// Starts a sum.
    fn lift(&self, a: &Self::Ciphertext) -> Self::Lifted;

    /// Ends a sum; level and scale stay.
    ///
    /// # Errors
    /// See [`Engine`].
    fn lower(&self, a: &Self::Lifted) -> Result<Self::Ciphertext, EvalError>;

    /// Ends a sum one level lower, the scale divided by the ratio of the moduli.
    ///
    /// # Errors
    /// [`EvalError::NoLevelLeft`] at level 0.
    fn rescale(&self, a: &Self::Lifted) -> Result<Self::Ciphertext, EvalError>;

    /// The same vector at a lower level; the scale stays.
    ///
    /// # Errors
    /// [`EvalError::Drop`] where the lower level's primes are not among the higher one's.
    fn drop_to(&self, a: &Self::Ciphertext, level: Level) -> Result<Self::Ciphertext, EvalError>;

    /// `a + b`.
    ///
    /// # Errors
    /// See [`Engine`].
    fn add(&self, a: Self::Lifted, b: &Self::Lifted) -> Result<Self::Lifted, EvalError>;

    /// `a - b`.
    ///
    /// # Errors
    /// See [`Engine`].
    fn sub(&self, a: Self::Lifted, b: &Self::Lifted) -> Result<Self::Lifted, EvalError>;

    /// `a + b` with plain `b`.
    ///
    /// # Errors
    /// See [`Engine`].
    fn add_plain(&self, a: Self::Lifted, b: &Self::Addend) -> Result<Self::Lifted, EvalError>;

    /// `Σ aᵢ·bᵢ` with plain `bᵢ`; the scale is the product of the scales.
    ///
    /// # Errors
    /// See [`Engine`].
    fn mul_plain_sum(
        &self,
        terms: &[(&Self::Lifted, &Self::Plaintext)],
    ) -> Result<Self::Lifted, EvalError>;

    /// Several sums like [`Engine::mul_plain_sum`], of factors that they share.
    ///
    /// # Errors
    /// See [`Engine`].
    fn mul_plain_sums(
        &self,
        sums: &[Vec<(&Self::Lifted, &Self::Plaintext)>],
    ) -> Result<Vec<Self::Lifted>, EvalError> {
        sums.iter().map(|terms| self.mul_plain_sum(terms)).collect()
    }

    /// `a²`; the scale is squared.
    ///
    /// # Errors
    /// See [`Engine`].
    fn square(&self, a: &Self::Ciphertext, keys: &Self::Keys) -> Result<Self::Lifted, EvalError>;

    /// `a·b`; the scale is the product of the scales.
    ///
    /// # Errors
    /// See [`Engine`].
    fn multiply(
        &self,
        a: &Self::Ciphertext,
        b: &Self::Ciphertext,
        keys: &Self::Keys,
    ) -> Result<Self::Lifted, EvalError>;

    /// An automorphism of a sum.
    ///
    /// # Errors
    /// See [`Engine`].
    fn rotate(
        &self,
        a: &Self::Lifted,
        automorphism: Automorphism,
        keys: &Self::Keys,
    ) -> Result<Self::Lifted, EvalError>;

    /// Several automorphisms of one vector.
    ///
    /// # Errors
    /// See [`Engine`].
    fn rotate_hoisted(
        &self,
        a: &Self::Ciphertext,
        automorphisms: &[Automorphism],
        keys: &Self::Keys,
    ) -> Result<Vec<Self::Lifted>, EvalError>;

    /// `a` plus its images under the automorphisms.
    ///
    /// # Errors
    /// See [`Engine`].
    fn sum_of_images(
        &self,
        a: &Self::Lifted,
        automorphisms: &[Automorphism],
        keys: &Self::Keys,
    ) -> Result<Self::Lifted, EvalError>;

    /// Part of a reply: these coefficients of the message, modulo `2^log_modulus`.
    fn truncate(&self, a: &Self::Lifted, coefficients: &[usize], log_modulus: u32) -> Self::Part;
}
