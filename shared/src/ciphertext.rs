//! Ciphertexts: fresh ones with a seed for the uniform half, and those that have been computed on.
//!
//! **Invariant:** both polynomials of a ciphertext have residues for the same primes, those of Q at
//! its level.

use crate::encoding::Scale;
use crate::ring::{Basis, Level, Ntt, Poly, Ring, RingError, Seed, uniform};

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
        match [c0.basis(), c1.basis()].into_iter().find(|&found| found != basis) {
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
