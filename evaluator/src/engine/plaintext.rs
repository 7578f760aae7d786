//! Plain slot vectors, encoded once where they are used.

use shared::encoding::{Complex64, Scale};
use shared::ring::{Basis, Level, Ntt, Poly};

use super::{Engine, EvalError};

/// Plain slots as a polynomial modulo Q·P at one level: a factor for ciphertexts on their way
/// through a sum ([`super::Lifted`]).
#[derive(Clone, Debug, PartialEq)]
pub struct Plaintext {
    poly: Poly<Ntt>,
    scale: Scale,
}

impl Plaintext {
    /// The encoded polynomial.
    #[must_use]
    pub fn poly(&self) -> &Poly<Ntt> {
        &self.poly
    }

    /// The scale of the message.
    #[must_use]
    pub fn scale(&self) -> Scale {
        self.scale
    }

    /// The level it can be used at.
    #[must_use]
    pub fn level(&self) -> Level {
        self.poly.basis().level()
    }
}

/// Plain slots times P, modulo Q·P at one level: what can be added to a [`super::Lifted`].
#[derive(Clone, Debug, PartialEq)]
pub struct Addend(Plaintext);

impl Addend {
    /// The encoded polynomial, times P.
    #[must_use]
    pub fn poly(&self) -> &Poly<Ntt> {
        &self.0.poly
    }

    /// The scale of the message.
    #[must_use]
    pub fn scale(&self) -> Scale {
        self.0.scale
    }

    /// The level it can be used at.
    #[must_use]
    pub fn level(&self) -> Level {
        self.0.level()
    }
}

impl Engine {
    /// Encodes slots; missing ones are zero.
    ///
    /// # Errors
    /// [`EvalError::Encoding`] for values that don't fit.
    pub fn encode<T: Copy + Into<Complex64>>(
        &self,
        slots: &[T],
        scale: Scale,
        level: Level,
    ) -> Result<Plaintext, EvalError> {
        let basis = Basis::Qp(level);
        let poly = self
            .encoder
            .encode(slots, scale, &self.ring, basis)?
            .into_ntt(&self.ring);
        Ok(Plaintext { poly, scale })
    }

    /// As [`Engine::encode`], to be added.
    ///
    /// # Errors
    /// As [`Engine::encode`].
    pub fn encode_addend<T: Copy + Into<Complex64>>(
        &self,
        slots: &[T],
        scale: Scale,
        level: Level,
    ) -> Result<Addend, EvalError> {
        let poly = self
            .encoder
            .encode(slots, scale, &self.ring, Basis::Q(level))?;
        let poly = self.mod_up(&poly.into_ntt(&self.ring));
        Ok(Addend(Plaintext { poly, scale }))
    }

    /// What slot `slot` of the monomial `X^power` holds.
    #[must_use]
    pub fn monomial(&self, power: usize, slot: usize) -> Complex64 {
        self.encoder.monomial(power, slot)
    }
}
