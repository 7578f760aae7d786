//! Sums and products.

use shared::ciphertext::Ciphertext;
use shared::encoding::Scale;
use shared::keys::EvaluationKeys;
use shared::ring::backend::{Product, kernel};
use shared::ring::{Basis, Level, Ntt, Poly, Ring};
use shared::wire::KeyUse;

use super::{Addend, Engine, EvalError, Lifted, Plaintext};

pub(super) fn check_levels(left: Level, right: Level) -> Result<(), EvalError> {
    if left == right {
        Ok(())
    } else {
        Err(EvalError::LevelMismatch { left, right })
    }
}

pub(super) fn check_scales(left: Scale, right: Scale) -> Result<(), EvalError> {
    if left.agrees(right) {
        Ok(())
    } else {
        Err(EvalError::ScaleMismatch {
            left: left.0.log2(),
            right: right.0.log2(),
        })
    }
}

/// `Σ left·right` modulo the primes of `basis`.
///
/// # Shapes
/// Each operand has residues for all primes of `basis`, and may have more.
pub(super) fn sum_of_products(
    pairs: &[(&Poly<Ntt>, &Poly<Ntt>)],
    ring: &Ring,
    basis: Basis,
) -> Poly<Ntt> {
    let mut result = Poly::unwritten(ring, basis);
    let kernel = kernel();
    let mut terms = Vec::with_capacity(pairs.len());
    for (residues, position) in result.limbs_mut().zip(ring.limbs(basis)) {
        terms.clear();
        terms.extend(pairs.iter().map(|(left, right)| Product {
            left: left.limb_at(position, ring),
            right: right.limb_at(position, ring),
        }));
        kernel.sum_of_products(residues, &terms, ring.moduli()[position]);
    }
    result
}

impl Engine {
    /// `a + b` with plain `b`, at their common level and scale.
    ///
    /// # Errors
    /// [`EvalError::LevelMismatch`], [`EvalError::ScaleMismatch`].
    pub fn add_plain(&self, mut a: Lifted, b: &Addend) -> Result<Lifted, EvalError> {
        check_levels(a.level(), b.level())?;
        check_scales(a.scale, b.scale())?;
        a.c0.add_assign(b.poly(), &self.ring)?;
        Ok(a)
    }

    /// `Σ aᵢ·bᵢ` with plain `bᵢ`, slot by slot; the scale is the product of the scales.
    ///
    /// # Errors
    /// [`EvalError::LevelMismatch`], [`EvalError::ScaleMismatch`] between terms.
    pub fn mul_plain_sum(&self, terms: &[(&Lifted, &Plaintext)]) -> Result<Lifted, EvalError> {
        let product_scale = |(a, b): &(&Lifted, &Plaintext)| Scale(a.scale.0 * b.scale().0);
        let (level, scale) = terms.first().map_or((Level(0), Scale(1.0)), |term| {
            (term.0.level(), product_scale(term))
        });
        for term in terms {
            check_levels(level, term.0.level())?;
            check_levels(level, term.1.level())?;
            check_scales(scale, product_scale(term))?;
        }
        let half = |part: fn(&Lifted) -> &Poly<Ntt>| {
            let pairs: Vec<_> = terms.iter().map(|(a, b)| (part(a), b.poly())).collect();
            sum_of_products(&pairs, &self.ring, Basis::Qp(level))
        };
        Ok(Lifted {
            c0: half(|a| &a.c0),
            c1: half(|a| &a.c1),
            scale,
        })
    }

    /// `a²`, slot by slot, relinearized; the scale is squared.
    ///
    /// # Errors
    /// [`EvalError::MissingKey`], [`EvalError::KeyLevel`].
    pub fn square(&self, a: &Ciphertext, keys: &EvaluationKeys) -> Result<Lifted, EvalError> {
        let key = keys
            .relinearization
            .as_ref()
            .ok_or_else(|| EvalError::missing(KeyUse::Relinearization, keys))?;
        let (mut d0, mut d1, mut d2) = (a.c0().clone(), a.c0().clone(), a.c1().clone());
        d0.mul_assign(a.c0(), &self.ring)?;
        d1.add_assign(a.c0(), &self.ring)?;
        d1.mul_assign(a.c1(), &self.ring)?;
        d2.mul_assign(a.c1(), &self.ring)?;
        let decomposed = self.decompose(&d2, key.digit_primes());
        let (mut c0, mut c1) = self.switch(&decomposed, key, KeyUse::Relinearization)?;
        c0.add_assign(&self.mod_up(&d0), &self.ring)?;
        c1.add_assign(&self.mod_up(&d1), &self.ring)?;
        let scale = Scale(a.scale().0 * a.scale().0);
        Ok(Lifted { c0, c1, scale })
    }
}
