//! Plain slot vectors, encoded once where they are used.

use shared::encoding::Scale;
use shared::ring::{Basis, Level, Ntt, Poly};

use super::{Engine, EvalError};

/// Plain slots as a polynomial at one level and scale.
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

impl Engine {
    /// Encodes real slots; missing ones are zero.
    ///
    /// # Errors
    /// [`EvalError::Encoding`] for values that don't fit.
    pub fn encode(
        &self,
        slots: &[f64],
        scale: Scale,
        level: Level,
    ) -> Result<Plaintext, EvalError> {
        let basis = Basis::Q(level);
        let poly = self
            .encoder
            .encode(slots, scale, &self.ring, basis)?
            .into_ntt(&self.ring);
        Ok(Plaintext { poly, scale })
    }
}
