//! Plain slot vectors, encoded once where they are used.

use shared::encoding::{Complex64, EncodingError, Scale};
use shared::ring::{Basis, Coeff, Level, Ntt, Poly};

use super::{Ckks, EvalError};

/// Coefficients are kept as `i64`, with bits to spare.
const MOST_INTEGER: f64 = (1u64 << 62) as f64;

/// Bits of a scale that summands are encoded with; the rest is a power of two.
const SUMMAND_BITS: u32 = 40;

/// What a summand of this scale is encoded at, and log2 of what it is then multiplied by: scales of
/// products have more bits than integers.
pub(super) fn summand_scale(scale: Scale) -> (Scale, u32) {
    let bits = scale.0.log2().floor().max(0.0) as u32;
    let shift = bits.saturating_sub(SUMMAND_BITS);
    (Scale(scale.0 / f64::from(shift).exp2()), shift)
}

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

impl Ckks {
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

    /// As [`Ckks::encode`], to be added.
    ///
    /// # Errors
    /// As [`Ckks::encode`].
    pub fn encode_addend<T: Copy + Into<Complex64>>(
        &self,
        slots: &[T],
        scale: Scale,
        level: Level,
    ) -> Result<Addend, EvalError> {
        let (fine, shift) = summand_scale(scale);
        let poly = self
            .encoder
            .encode(slots, fine, &self.ring, Basis::Q(level))?;
        Ok(self.raised(poly, scale, shift))
    }

    /// A summand that was encoded at the scale over `2^shift`.
    fn raised(&self, poly: Poly<Coeff>, scale: Scale, shift: u32) -> Addend {
        let poly = self.mod_up_times(&poly.into_ntt(&self.ring), shift);
        Addend(Plaintext { poly, scale })
    }

    /// Encodes coefficients of the message, to be added; missing ones are zero.
    ///
    /// # Errors
    /// [`EvalError::Encoding`] for values that don't fit.
    pub fn encode_coefficients(
        &self,
        coefficients: &[f64],
        scale: Scale,
        level: Level,
    ) -> Result<Addend, EvalError> {
        let (fine, shift) = summand_scale(scale);
        let largest = coefficients
            .iter()
            .fold(0.0, |most: f64, value| most.max(value.abs()));
        let fits = largest * fine.0 < MOST_INTEGER; // False for a NaN.
        if !fits {
            let (value, scale) = (largest, fine.0);
            return Err(EncodingError::OutOfRange { value, scale }.into());
        }
        let integers = coefficients
            .iter()
            .map(|value| (value * fine.0).round() as i64);
        let mut integers: Vec<i64> = integers.collect();
        integers.resize(self.ring.degree(), 0);
        let poly = Poly::from_signed(&integers, &self.ring, Basis::Q(level));
        Ok(self.raised(poly, scale, shift))
    }
}
