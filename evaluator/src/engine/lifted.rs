//! Ciphertexts on their way through a sum of products and rotations.

use shared::ciphertext::{Ciphertext, ReplyPart};
use shared::encoding::Scale;
use shared::ring::{Basis, Level, Ntt, Poly};

use super::{Ckks, EvalError};

/// A ciphertext multiplied by P, modulo Q·P: what key switching makes and what sums are taken of,
/// so that a sum is divided and rounded once (double hoisting, Bossuat, Mouchet, Troncoso-Pastoriza
/// and Hubaux, ePrint 2020/1203, section 4).
#[derive(Clone, Debug)]
pub struct Lifted {
    /// `P·c0` modulo Q·P.
    pub(super) c0: Poly<Ntt>,
    /// `P·c1` modulo Q·P.
    pub(super) c1: Poly<Ntt>,
    pub(super) scale: Scale,
}

impl Lifted {
    /// The scale of the message.
    #[must_use]
    pub fn scale(&self) -> Scale {
        self.scale
    }

    /// The level of Q.
    #[must_use]
    pub fn level(&self) -> Level {
        self.c0.basis().level()
    }
}

impl Ckks {
    /// Multiplies a ciphertext by P.
    #[must_use]
    pub fn lift(&self, a: &Ciphertext) -> Lifted {
        Lifted {
            c0: self.mod_up(a.c0()),
            c1: self.mod_up(a.c1()),
            scale: a.scale(),
        }
    }

    /// Divides by P; level and scale stay.
    ///
    /// # Errors
    /// [`EvalError::Ring`] never: both halves are at one level.
    pub fn lower(&self, a: &Lifted) -> Result<Ciphertext, EvalError> {
        Ok(Ciphertext::new(
            self.mod_down(&a.c0),
            self.mod_down(&a.c1),
            a.scale,
        )?)
    }

    /// Divides by P and brings message and modulus one level down, in one rounding: the scale is
    /// divided by [`Ckks::rescale_divisor`].
    ///
    /// # Errors
    /// [`EvalError::NoLevelLeft`] at level 0.
    pub fn rescale(&self, a: &Lifted) -> Result<Ciphertext, EvalError> {
        let level = usize::from(a.level().0);
        let below = level.checked_sub(1).ok_or(EvalError::NoLevelLeft)?;
        let switch = &self.rescales[below];
        Ok(Ciphertext::new(
            switch.switch(&self.ring, &a.c0),
            switch.switch(&self.ring, &a.c1),
            Scale(a.scale.0 / self.rescale_divisor(a.level())),
        )?)
    }

    /// What rescaling from this level divides the scale by: the ratio of the moduli.
    #[must_use]
    pub fn rescale_divisor(&self, level: Level) -> f64 {
        self.noise_model().rescale_divisor(level)
    }

    /// Q at a level.
    #[must_use]
    pub fn modulus(&self, level: Level) -> f64 {
        self.noise_model().modulus(level)
    }

    /// The same message at a lower level, whose primes the ciphertext has already; the scale stays.
    ///
    /// # Errors
    /// [`EvalError::Drop`] for levels with primes of their own.
    pub fn drop_to(&self, a: &Ciphertext, level: Level) -> Result<Ciphertext, EvalError> {
        let from = a.level();
        if !self.ring.parameters().serves(from, level) {
            return Err(EvalError::Drop { from, to: level });
        }
        let half = |poly: &Poly<Ntt>| {
            let mut kept = Poly::unwritten(&self.ring, Basis::Q(level));
            let positions = self.ring.limbs(Basis::Q(level));
            for (to, position) in kept.limbs_mut().zip(positions) {
                to.copy_from_slice(poly.limb_at(position, &self.ring));
            }
            kept
        };
        Ok(Ciphertext::new(half(a.c0()), half(a.c1()), a.scale())?)
    }

    /// Brings part of the reply down to a power of two, and of the first half only these
    /// coefficients. The scale is multiplied by `2^log_modulus` over Q.
    #[must_use]
    pub fn truncate(&self, a: &Lifted, coefficients: &[usize], log_modulus: u32) -> ReplyPart {
        let truncation = &self.truncations[usize::from(a.level().0)];
        let half = |poly| truncation.truncate(&self.ring, poly, log_modulus);
        let c0 = half(&a.c0);
        ReplyPart {
            c0: coefficients.iter().map(|&at| c0[at]).collect(),
            c1: half(&a.c1).to_vec(),
        }
    }
}
