//! Sums, products and rescaling.

use shared::ciphertext::Ciphertext;
use shared::encoding::Scale;
use shared::keys::EvaluationKeys;
use shared::ring::backend::{Product, kernel};
use shared::ring::{Basis, Level, Ntt, Poly, Ring};
use shared::wire::KeyUse;

use super::{Engine, EvalError, Plaintext};

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
    let mut result = Poly::zero(ring, basis);
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
    /// `a + b`, at their common level and scale.
    ///
    /// # Errors
    /// [`EvalError::LevelMismatch`], [`EvalError::ScaleMismatch`].
    pub fn add(&self, a: &Ciphertext, b: &Ciphertext) -> Result<Ciphertext, EvalError> {
        check_levels(a.level(), b.level())?;
        check_scales(a.scale(), b.scale())?;
        let scale = a.scale();
        let (mut c0, mut c1) = a.clone().into_parts();
        c0.add_assign(b.c0(), &self.ring)?;
        c1.add_assign(b.c1(), &self.ring)?;
        Ok(Ciphertext::new(c0, c1, scale)?)
    }

    /// `a + b` with plain `b`, at their common level and scale.
    ///
    /// # Errors
    /// [`EvalError::LevelMismatch`], [`EvalError::ScaleMismatch`].
    pub fn add_plain(&self, a: &Ciphertext, b: &Plaintext) -> Result<Ciphertext, EvalError> {
        check_levels(a.level(), b.level())?;
        check_scales(a.scale(), b.scale())?;
        let scale = a.scale();
        let (mut c0, c1) = a.clone().into_parts();
        c0.add_assign(b.poly(), &self.ring)?;
        Ok(Ciphertext::new(c0, c1, scale)?)
    }

    /// `Σ aᵢ·bᵢ` with plain `bᵢ`, slot by slot; the scale is the product of the scales.
    ///
    /// # Errors
    /// [`EvalError::LevelMismatch`], [`EvalError::ScaleMismatch`] between terms.
    pub fn mul_plain_sum(
        &self,
        terms: &[(&Ciphertext, &Plaintext)],
    ) -> Result<Ciphertext, EvalError> {
        let product_scale = |(a, b): &(&Ciphertext, &Plaintext)| Scale(a.scale().0 * b.scale().0);
        let (level, scale) = terms.first().map_or((Level(0), Scale(1.0)), |term| {
            (term.0.level(), product_scale(term))
        });
        for term in terms {
            check_levels(level, term.0.level())?;
            check_levels(level, term.1.level())?;
            check_scales(scale, product_scale(term))?;
        }
        let half = |part: fn(&Ciphertext) -> &Poly<Ntt>| {
            let pairs: Vec<_> = terms.iter().map(|(a, b)| (part(a), b.poly())).collect();
            sum_of_products(&pairs, &self.ring, Basis::Q(level))
        };
        Ok(Ciphertext::new(
            half(Ciphertext::c0),
            half(Ciphertext::c1),
            scale,
        )?)
    }

    /// `a²`, slot by slot, relinearized; the scale is squared.
    ///
    /// # Errors
    /// [`EvalError::MissingRelinearizationKey`], [`EvalError::KeyLevel`].
    pub fn square(&self, a: &Ciphertext, keys: &EvaluationKeys) -> Result<Ciphertext, EvalError> {
        let key = keys
            .relinearization
            .as_ref()
            .ok_or(EvalError::MissingRelinearizationKey)?;
        let (mut d0, mut d1, mut d2) = (a.c0().clone(), a.c0().clone(), a.c1().clone());
        d0.mul_assign(a.c0(), &self.ring)?;
        d1.add_assign(a.c0(), &self.ring)?;
        d1.mul_assign(a.c1(), &self.ring)?;
        d2.mul_assign(a.c1(), &self.ring)?;
        let decomposed = self.decompose(&d2, key.digit_primes());
        let (k0, k1) = self.switch(&decomposed, key, KeyUse::Relinearization)?;
        d0.add_assign(&self.mod_down(&k0), &self.ring)?;
        d1.add_assign(&self.mod_down(&k1), &self.ring)?;
        Ok(Ciphertext::new(d0, d1, Scale(a.scale().0 * a.scale().0))?)
    }

    /// Divides message and modulus by the primes of the ciphertext's level: one level lower.
    ///
    /// # Errors
    /// [`EvalError::NoLevelLeft`] at level 0.
    pub fn rescale(&self, a: &Ciphertext) -> Result<Ciphertext, EvalError> {
        let scale = Scale(a.scale().0 / self.rescale_divisor(a.level()));
        Ok(Ciphertext::new(
            self.divide(a.c0())?,
            self.divide(a.c1())?,
            scale,
        )?)
    }

    /// Divides a polynomial by the primes of its level.
    fn divide(&self, poly: &Poly<Ntt>) -> Result<Poly<Ntt>, EvalError> {
        let lower = poly
            .basis()
            .level()
            .0
            .checked_sub(1)
            .ok_or(EvalError::NoLevelLeft)?;
        let division = &self.rescales[usize::from(lower)];
        Ok(division.divide(&self.ring, poly, Basis::Q(Level(lower))))
    }

    /// The product of the primes that rescaling from this level divides by.
    #[must_use]
    pub fn rescale_divisor(&self, level: Level) -> f64 {
        let primes = self
            .ring
            .parameters()
            .spec()
            .levels
            .get(usize::from(level.0));
        primes
            .into_iter()
            .flatten()
            .map(|&prime| f64::from(prime))
            .product()
    }
}
