//! Ciphertexts: fresh ones with a seed for the uniform half, those that are computed on, and replies
//! with only as much of the first half as the message takes.
//!
//! **Invariant:** both polynomials of a ciphertext have residues for the same primes, those of Q at
//! its level.

use crate::encoding::Scale;
use crate::ring::{Basis, Coeff, Level, Ntt, Poly, Ring, RingError, Seed, uniform};

/// An encrypted slot vector: `c0 + c1·s = scale · message + noise` modulo Q at its level.
#[derive(Clone, Debug, PartialEq)]
pub struct Ciphertext {
    c0: Poly<Ntt>,
    c1: Poly<Ntt>,
    scale: Scale,
}

impl Ciphertext {
    /// Joins two halves.
    ///
    /// # Errors
    /// [`RingError::BasisMismatch`] if their levels differ or they have residues modulo P.
    pub fn new(c0: Poly<Ntt>, c1: Poly<Ntt>, scale: Scale) -> Result<Self, RingError> {
        let basis = Basis::Q(c0.basis().level());
        match [c0.basis(), c1.basis()]
            .into_iter()
            .find(|&found| found != basis)
        {
            Some(right) => Err(RingError::BasisMismatch { left: basis, right }),
            None => Ok(Self { c0, c1, scale }),
        }
    }

    /// The part that holds the message.
    #[must_use]
    pub fn c0(&self) -> &Poly<Ntt> {
        &self.c0
    }

    /// The factor of the secret key.
    #[must_use]
    pub fn c1(&self) -> &Poly<Ntt> {
        &self.c1
    }

    /// Both halves.
    #[must_use]
    pub fn into_parts(self) -> (Poly<Ntt>, Poly<Ntt>) {
        (self.c0, self.c1)
    }

    /// The scale of the message.
    #[must_use]
    pub fn scale(&self) -> Scale {
        self.scale
    }

    /// The level of its modulus.
    #[must_use]
    pub fn level(&self) -> Level {
        self.c0.basis().level()
    }
}

/// A fresh ciphertext as it travels: the uniform half is 32 bytes.
#[derive(Clone, Debug, PartialEq)]
pub struct SeededCiphertext {
    /// `-c1·s + scale · message + noise`.
    pub c0: Poly<Ntt>,
    /// What `c1` is expanded from.
    pub seed: Seed,
    /// The scale of the message.
    pub scale: Scale,
}

impl SeededCiphertext {
    /// The ciphertext with its uniform half written out.
    ///
    /// # Errors
    /// [`RingError::BasisMismatch`] if `c0` has residues modulo P.
    pub fn expand(self, ring: &Ring) -> Result<Ciphertext, RingError> {
        let c1 = uniform(&self.seed, 0, ring, Basis::Q(self.c0.basis().level()));
        Ciphertext::new(self.c0, c1, self.scale)
    }
}

/// A ciphertext of slots that repeat with a period, as it travels back.
///
/// Slots of period `p` are those of a polynomial in `X^(N/2p)`, so only `2p` coefficients of
/// `c0 + c1·s` hold the message, and only those of `c0` are kept. The others would say nothing but
/// noise.
#[derive(Clone, Debug, PartialEq)]
pub struct Reply {
    /// For each prime, the coefficients of `c0` at multiples of `N/2p`.
    pub c0: Vec<u32>,
    /// The factor of the secret key.
    pub c1: Poly<Ntt>,
    /// The scale of the message.
    pub scale: Scale,
}

impl Reply {
    /// Keeps what slots of this period need.
    #[must_use]
    pub fn new(ciphertext: Ciphertext, period: usize, ring: &Ring) -> Self {
        let scale = ciphertext.scale;
        let (c0, c1) = ciphertext.into_parts();
        let c0 = Self::subring(&c0.into_coeff(ring), period);
        Self { c0, c1, scale }
    }

    /// The coefficients, for each prime, that slots of this period come from.
    #[must_use]
    pub fn subring(poly: &Poly<Coeff>, period: usize) -> Vec<u32> {
        let stride = |limb: &[u32]| (limb.len() / (2 * period)).max(1);
        // All at once: what grows leaves copies behind, and a client's are secret.
        let mut kept = Vec::with_capacity(poly.limbs().len() * 2 * period);
        for limb in poly.limbs() {
            kept.extend(limb.iter().step_by(stride(limb)));
        }
        kept
    }

    /// The level of its modulus.
    #[must_use]
    pub fn level(&self) -> Level {
        self.c1.basis().level()
    }

    /// The period of its slots.
    #[must_use]
    pub fn period(&self) -> usize {
        self.c0.len() / self.c1.limbs().len().max(1) / 2
    }
}
