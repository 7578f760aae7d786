//! RNS polynomials modulo X^N + 1 and primes below 2^31.
//!
//! Knows residues, the number-theoretic transform and automorphisms; knows no key, no scale and no
//! message.
//!
//! **Invariant:** every residue of a [`Poly`] is below its prime, and a polynomial in the NTT
//! domain can't be used as one in the coefficient domain: the domain is part of its type.

pub mod backend;
mod buffer;
pub mod crt;
pub mod galois;
mod modulus;
mod ntt;
mod poly;
mod uniform;

pub use buffer::Buffer;
pub use modulus::{Factor, Modulus};
pub use ntt::NttTables;
pub(crate) use ntt::reverse_bits;
pub use poly::{Coeff, Domain, Ntt, Poly};
pub use uniform::{Seed, uniform};

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::params::Parameters;

/// A step of the moduli: level 0 is the lowest, rescaling goes down by one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(transparent)]
pub struct Level(pub u8);

/// Which primes a polynomial has residues for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Basis {
    /// The ciphertext modulus Q at a level.
    Q(Level),
    /// Q at a level and the key-switching modulus P.
    Qp(Level),
}

impl Basis {
    /// The level of the Q part.
    #[must_use]
    pub fn level(self) -> Level {
        match self {
            Self::Q(level) | Self::Qp(level) => level,
        }
    }
}

/// Operands that don't belong together.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum RingError {
    /// Residues for different primes.
    #[error("polynomials have different moduli: {left:?} and {right:?}; bring both to the lower")]
    BasisMismatch {
        /// Basis of the left operand.
        left: Basis,
        /// Basis of the right operand.
        right: Basis,
    },
}

/// A parameter set with everything precomputed that arithmetic in its ring needs.
#[derive(Debug)]
pub struct Ring {
    parameters: Parameters,
    /// The primes of all levels, each once, the lowest level's first; then those of P.
    moduli: Vec<Modulus>,
    tables: Vec<NttTables>,
    /// For each level, the positions of its primes and behind them those of P.
    positions: Vec<Vec<usize>>,
    q_count: usize,
}

impl Ring {
    /// Precomputes the tables of a parameter set.
    #[must_use]
    pub fn new(parameters: Parameters) -> Arc<Self> {
        let spec = parameters.spec();
        let mut primes: Vec<u32> = Vec::new();
        for &prime in spec.levels.iter().flatten() {
            if !primes.contains(&prime) {
                primes.push(prime);
            }
        }
        let q_count = primes.len();
        primes.extend(&spec.special);
        let position = |prime: &u32| primes.iter().position(|own| own == prime);
        let level = |level: &Vec<u32>| {
            level
                .iter()
                .chain(&spec.special)
                .filter_map(position)
                .collect()
        };
        let positions = spec.levels.iter().map(level).collect();
        let moduli: Vec<Modulus> = primes.iter().map(|&prime| Modulus::new(prime)).collect();
        let degree = parameters.degree();
        let tables = moduli
            .iter()
            .map(|&modulus| NttTables::new(modulus, degree))
            .collect();
        Arc::new(Self {
            parameters,
            moduli,
            tables,
            positions,
            q_count,
        })
    }

    /// The parameter set.
    #[must_use]
    pub fn parameters(&self) -> &Parameters {
        &self.parameters
    }

    /// Ring degree N.
    #[must_use]
    pub fn degree(&self) -> usize {
        self.parameters.degree()
    }

    /// Positions, in [`Ring::moduli`], of a basis's primes, in the order of a polynomial's limbs.
    pub fn limbs(&self, basis: Basis) -> impl ExactSizeIterator<Item = usize> + Clone + '_ {
        let level = usize::from(basis.level().0).min(self.positions.len() - 1);
        let all = &self.positions[level];
        let special = self.moduli.len() - self.q_count;
        let count = match basis {
            Basis::Q(_) => all.len() - special,
            Basis::Qp(_) => all.len(),
        };
        all.iter().take(count).copied()
    }

    /// All primes: those of the levels, each once, then those of P.
    #[must_use]
    pub fn moduli(&self) -> &[Modulus] {
        &self.moduli
    }

    /// The primes of a basis, in the order of a polynomial's limbs.
    pub fn moduli_of(&self, basis: Basis) -> impl ExactSizeIterator<Item = Modulus> + Clone + '_ {
        self.limbs(basis).map(|position| self.moduli[position])
    }

    /// The NTT tables of the prime at a position of [`Ring::moduli`].
    #[must_use]
    pub fn tables(&self, position: usize) -> &NttTables {
        &self.tables[position]
    }

    /// Primes of all levels together; the position of the first special prime.
    #[must_use]
    pub fn q_count(&self) -> usize {
        self.q_count
    }

    /// P, the product of the special primes, modulo a prime of Q.
    #[must_use]
    pub fn special_product(&self, modulus: Modulus) -> u32 {
        let special = self.moduli[self.q_count..].iter();
        special.fold(1, |product, special| {
            modulus.mul(product, modulus.reduce(u64::from(special.prime())))
        })
    }

    /// Bits one polynomial of a basis takes on the wire: each residue takes its prime's bits.
    #[must_use]
    pub fn encoded_bits(&self, basis: Basis) -> usize {
        self.moduli_of(basis)
            .map(|modulus| modulus.bits() as usize * self.degree())
            .sum()
    }
}
