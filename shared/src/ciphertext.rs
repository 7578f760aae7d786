//! Ciphertexts: fresh ones with a seed for the uniform half, those that are computed on, and replies
//! with only as much of the first half as the message takes.
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

/// The encrypted logits as they travel back: in one or more parts, modulo a power of two.
///
/// The logits are a few coefficients of a message (see [`crate::packing::OutputPacking`]). Only
/// those coefficients of the first half travel: without the others nobody, the holder of the key
/// included, can decrypt anything else of the message.
#[derive(Clone, Debug, PartialEq)]
pub struct Reply {
    /// log2 of the modulus, 1 to 32.
    pub log_modulus: u32,
    /// Coefficients are this times a logit.
    pub scale: Scale,
    /// The parts.
    pub parts: Vec<ReplyPart>,
}

/// One ciphertext of a [`Reply`]; all numbers are below the modulus.
#[derive(Clone, Debug, PartialEq)]
pub struct ReplyPart {
    /// The coefficients of the first half that belong to logits.
    pub c0: Vec<u32>,
    /// All coefficients of the factor of the secret key.
    pub c1: Vec<u32>,
}

/// Many images at once: one fresh ciphertext for each input of the network, with an image in each
/// slot.
#[derive(Clone, Debug, PartialEq)]
pub struct BulkInput {
    /// The first half of each ciphertext, all at one level.
    pub c0: Vec<Poly<Ntt>>,
    /// What the second halves are expanded from: that of ciphertext `i` is uniform polynomial `i`.
    pub seed: Seed,
    /// The scale of the messages.
    pub scale: Scale,
}

/// The encrypted logits of many images: for each class one message with an image in each slot,
/// modulo a power of two.
///
/// The ciphertexts have three parts, `c0 + c1·s + c2·s² = scale · message + noise`: they are sums of
/// squares that were not relinearized, which would take a key.
#[derive(Clone, Debug, PartialEq)]
pub struct BulkReply {
    /// log2 of the modulus, 1 to 32.
    pub log_modulus: u32,
    /// The scale of the messages.
    pub scale: Scale,
    /// For each class the coefficients of the three parts, all below the modulus.
    pub classes: Vec<[Vec<u32>; 3]>,
}
