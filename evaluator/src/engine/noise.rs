//! How much noise each operation adds: what parameters are chosen by, and what measured noise is
//! held against.
//!
//! Errors are taken for independent and equally distributed over the coefficients, as in Costache,
//! Curtis, Hales, Murphy, Ogilvie and Player, *On the precision loss in approximate homomorphic
//! encryption*, ePrint 2022/162. A polynomial whose coefficients have variance `V` has slots of
//! mean square `N·V`, and in a product mean squares in the slots multiply.

use std::ops::Add;

use shared::params::Parameters;
use shared::ring::Level;

/// Variance of the errors in keys and ciphertexts: σ = 3.2.
const ERROR_VARIANCE: f64 = 3.2 * 3.2;

/// Variance of a coefficient of a uniform ternary secret.
const SECRET_VARIANCE: f64 = 2.0 / 3.0;

/// Variance of a rounding, and of a uniform number over the square of its range.
const UNIFORM_VARIANCE: f64 = 1.0 / 12.0;

/// The error of a ciphertext: its mean square in a slot, where the message is its values times
/// their scale. Of a [`super::Lifted`] ciphertext, what is left of it over P.
#[derive(Clone, Copy, Debug, Default, PartialEq, PartialOrd)]
pub struct Noise(pub f64);

impl Noise {
    /// Root mean square in a slot.
    #[must_use]
    pub fn rms(self) -> f64 {
        self.0.sqrt()
    }

    /// Behind a product with factors of this mean square, or this many independent times.
    #[must_use]
    pub fn times(self, mean_square: f64) -> Self {
        Self(self.0 * mean_square)
    }
}

impl Add for Noise {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self(self.0 + other.0)
    }
}

/// One rule for each operation of [`super::Ckks`]. Messages are given by their mean square in a
/// slot, scale included. Lifting is exact, and so is adding what is exact.
#[derive(Clone, Copy, Debug)]
pub struct NoiseModel<'a> {
    parameters: &'a Parameters,
    degree: f64,
}

impl<'a> NoiseModel<'a> {
    /// For a parameter set.
    #[must_use]
    pub fn new(parameters: &'a Parameters) -> Self {
        let degree = parameters.degree() as f64;
        Self { parameters, degree }
    }

    /// Encoding: each coefficient is rounded. Less where most are below 1 and rounded to zero.
    #[must_use]
    pub fn encoding(&self) -> Noise {
        Noise(self.degree * UNIFORM_VARIANCE)
    }

    /// Encryption of an encoded message: a fresh error, and the encoding's.
    #[must_use]
    pub fn fresh(&self) -> Noise {
        Noise(self.degree * ERROR_VARIANCE) + self.encoding()
    }

    /// Product of a message with a plaintext.
    #[must_use]
    pub fn product(&self, noise: Noise, message: f64, plaintext: f64) -> Noise {
        noise.times(plaintext + self.encoding().0) + self.encoding().times(message)
    }

    /// A key switch before any rounding: uniform digits times errors, over P.
    #[must_use]
    pub fn key_switch(&self, level: Level, digit_primes: usize) -> Noise {
        let special = product(&self.parameters.spec().special);
        let square = |digit: &[u32]| (product(digit) / special).powi(2) * UNIFORM_VARIANCE;
        let digits = self.parameters.primes_at(level).chunks(digit_primes.max(1));
        Noise(self.degree.powi(2) * ERROR_VARIANCE * digits.map(square).sum::<f64>())
    }

    /// Rounding of both halves: one to a coefficient, and one times the secret.
    #[must_use]
    pub fn rounding(&self) -> Noise {
        self.encoding() + self.rounding_under_secret()
    }

    /// Rounding of the half that the secret multiplies.
    fn rounding_under_secret(&self) -> Noise {
        let secret = self.degree * SECRET_VARIANCE;
        Noise(self.degree * UNIFORM_VARIANCE * secret)
    }

    /// An automorphism of a ciphertext, hoisted: nothing is rounded.
    #[must_use]
    pub fn rotate_hoisted(&self, noise: Noise, level: Level, digit_primes: usize) -> Noise {
        noise + self.key_switch(level, digit_primes)
    }

    /// An automorphism of a lifted ciphertext: its second half is divided by P first.
    #[must_use]
    pub fn rotate(&self, noise: Noise, level: Level, digit_primes: usize) -> Noise {
        self.rotate_hoisted(noise, level, digit_primes) + self.rounding_under_secret()
    }

    /// A lifted ciphertext plus its images under automorphisms with digits of these sizes.
    #[must_use]
    pub fn sum_of_images(&self, noise: Noise, level: Level, digit_primes: &[usize]) -> Noise {
        let images = digit_primes.iter();
        images.fold(noise, |sum, &digit_primes| {
            sum + self.rotate(noise, level, digit_primes)
        })
    }

    /// A square, relinearized: twice the message meets the noise, and so does the noise itself.
    #[must_use]
    pub fn square(&self, noise: Noise, message: f64, level: Level, digit_primes: usize) -> Noise {
        noise.times(4.0 * message + 2.0 * noise.0) + self.key_switch(level, digit_primes)
    }

    /// Division by P.
    #[must_use]
    pub fn lower(&self, noise: Noise) -> Noise {
        noise + self.rounding()
    }

    /// A rescale from a level, division by P included: one rounding.
    #[must_use]
    pub fn rescale(&self, noise: Noise, level: Level) -> Noise {
        noise.times(self.rescale_divisor(level).powi(-2)) + self.rounding()
    }

    /// A reply modulo `2^log_modulus`, at the scale it then has.
    #[must_use]
    pub fn truncate(&self, noise: Noise, level: Level, log_modulus: u32) -> Noise {
        let factor = 2f64.powi(log_modulus.cast_signed()) / self.modulus(level);
        noise.times(factor.powi(2)) + self.rounding()
    }

    /// Q at a level.
    #[must_use]
    pub fn modulus(&self, level: Level) -> f64 {
        product(self.parameters.primes_at(level))
    }

    /// What rescaling from this level divides the scale by: the ratio of the moduli.
    #[must_use]
    pub fn rescale_divisor(&self, level: Level) -> f64 {
        self.modulus(level) / self.modulus(Level(level.0.saturating_sub(1)))
    }
}

fn product(primes: &[u32]) -> f64 {
    primes.iter().map(|&prime| f64::from(prime)).product()
}
