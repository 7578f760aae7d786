//! Hybrid key switching: decompose into digits, multiply by the key, divide by P.

use shared::keys::SwitchingKey;
use shared::ring::backend::kernel;
use shared::ring::{Basis, Level, Ntt, Poly};
use shared::wire::KeyUse;

use super::arithmetic::sum_of_products;
use super::{Ckks, EvalError};

/// A polynomial's digits modulo Q·P, ready for any number of keys: what rotations of one
/// ciphertext share (hoisting, Halevi and Shoup, ePrint 2018/244, section 4).
#[derive(Clone, Debug)]
pub(super) struct Decomposed {
    digits: Vec<Poly<Ntt>>,
    digit_primes: usize,
    level: Level,
}

impl Ckks {
    /// Decomposes a polynomial modulo Q into digits of this many primes (at most all), each
    /// extended to Q·P.
    pub(super) fn decompose(&self, poly: &Poly<Ntt>, digit_primes: usize) -> Decomposed {
        let ring = &self.ring;
        let level = poly.basis().level();
        let coefficients = poly.clone().into_coeff(ring);
        let kernel = kernel();
        let extend = |extension: &super::BasisExtension| {
            let mut digit = Poly::unwritten(ring, Basis::Qp(level));
            let sources: Vec<&[u32]> = extension
                .sources()
                .map(|position| coefficients.limb_at(position, ring))
                .collect();
            let positions = ring.limbs(Basis::Qp(level));
            extension.extend(&sources, positions.clone().zip(digit.limbs_mut()));
            for (limb, position) in digit.limbs_mut().zip(positions) {
                if extension.sources().any(|source| source == position) {
                    limb.copy_from_slice(poly.limb_at(position, ring));
                } else {
                    kernel.forward_ntt(limb, ring.tables(position));
                }
            }
            digit
        };
        let digit_primes = digit_primes.clamp(1, self.digits.len());
        let extensions = &self.digits[digit_primes - 1][usize::from(level.0)];
        Decomposed {
            digits: extensions.iter().map(extend).collect(),
            digit_primes,
            level,
        }
    }

    /// `(u, v)` with `u + v·s ≈ P·c·t`, for a decomposed `c` and a key that switches from `t` to
    /// `s`.
    ///
    /// # Shapes
    /// Both polynomials are modulo Q·P at the level of `c`, for [`Ckks::mod_down`] to divide.
    /// # Errors
    /// [`EvalError::KeyLevel`] if the key was made for a level that doesn't serve this one.
    pub(super) fn switch(
        &self,
        decomposed: &Decomposed,
        key: &SwitchingKey,
        key_use: KeyUse,
    ) -> Result<(Poly<Ntt>, Poly<Ntt>), EvalError> {
        let level = decomposed.level;
        if !self.ring.parameters().serves(key.level(), level) {
            return Err(EvalError::KeyLevel {
                key: key_use,
                found: key.level(),
                needed: level,
            });
        }
        debug_assert_eq!(decomposed.digit_primes, key.digit_primes());
        let half = |part: fn(&shared::keys::KeyDigit) -> &Poly<Ntt>| {
            let pairs: Vec<_> = decomposed
                .digits
                .iter()
                .zip(key.digits().iter().map(part))
                .collect();
            sum_of_products(&pairs, &self.ring, Basis::Qp(level))
        };
        Ok((half(|digit| &digit.b), half(|digit| &digit.a)))
    }

    /// `P·a` modulo Q·P, for a polynomial modulo Q: zero modulo P.
    pub(super) fn mod_up(&self, a: &Poly<Ntt>) -> Poly<Ntt> {
        self.mod_up_times(a, 0)
    }

    /// `P·2^shift·a` modulo Q·P.
    pub(super) fn mod_up_times(&self, a: &Poly<Ntt>, shift: u32) -> Poly<Ntt> {
        let level = a.basis().level();
        let mut lifted = Poly::zero(&self.ring, Basis::Qp(level));
        let moduli = self.ring.moduli_of(a.basis());
        for ((to, from), modulus) in lifted.limbs_mut().zip(a.limbs()).zip(moduli) {
            let p = self.ring.special_product(modulus);
            let p = modulus.mul(p, modulus.pow(2, shift));
            kernel().weighted_sum(to, &[(from, modulus.factor(p))], modulus);
        }
        lifted
    }

    /// Divides a polynomial modulo Q·P by P.
    pub(super) fn mod_down(&self, poly: &Poly<Ntt>) -> Poly<Ntt> {
        let level = usize::from(poly.basis().level().0);
        self.mod_downs[level].switch(&self.ring, poly)
    }
}
