//! Sums and products.

use shared::ciphertext::Ciphertext;
use shared::encoding::Scale;
use shared::keys::EvaluationKeys;
use shared::ring::backend::{Product, kernel};
use shared::ring::{Basis, Level, Ntt, Poly, Ring};
use shared::wire::KeyUse;

use super::{Addend, Ckks, EvalError, Lifted, Plaintext};

/// Values of one prime that all sums are worked out for together: with the ciphertexts of a matrix
/// product they fit in a core's cache.
const CHUNK: usize = 1024;

/// One of a ciphertext's polynomials.
type Half = fn(&Lifted) -> &Poly<Ntt>;

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

impl Ckks {
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
        let mut sums = self.mul_plain_sums(&[terms.to_vec()])?;
        sums.pop().ok_or(EvalError::Register { number: 0 })
    }

    /// Several sums like [`Ckks::mul_plain_sum`].
    ///
    /// All of them are worked out for a few values at a time: plain factors, of which there may be
    /// more than any cache holds, are read once, and ciphertexts that sums share are still near.
    ///
    /// # Errors
    /// As [`Ckks::mul_plain_sum`].
    pub fn mul_plain_sums(
        &self,
        sums: &[Vec<(&Lifted, &Plaintext)>],
    ) -> Result<Vec<Lifted>, EvalError> {
        let empty = |terms: &Vec<(&Lifted, &Plaintext)>| self.empty_sum(terms);
        let mut results: Vec<Lifted> = sums.iter().map(empty).collect::<Result<_, _>>()?;
        let mut pairs = Vec::new();
        let levels: Vec<Level> = results.iter().map(Lifted::level).collect();
        let Some(&level) = levels.first() else {
            return Ok(results);
        };
        for &other in &levels {
            check_levels(level, other)?;
        }
        let ring = &self.ring;
        for (limb, position) in ring.limbs(Basis::Qp(level)).enumerate() {
            let modulus = ring.moduli()[position];
            for start in (0..ring.degree()).step_by(CHUNK) {
                let range = start..(start + CHUNK).min(ring.degree());
                for (terms, result) in sums.iter().zip(&mut results) {
                    let halves: [(_, Half); 2] =
                        [(&mut result.c0, |a| &a.c0), (&mut result.c1, |a| &a.c1)];
                    for (sum, half) in halves {
                        pairs.clear();
                        pairs.extend(terms.iter().map(|(a, b)| Product {
                            left: &half(a).limb_at(position, ring)[range.clone()],
                            right: &b.poly().limb_at(position, ring)[range.clone()],
                        }));
                        let residues = sum.limbs_mut().nth(limb);
                        let residues = residues.map(|residues| &mut residues[range.clone()]);
                        if let Some(residues) = residues {
                            kernel().sum_of_products(residues, &pairs, modulus);
                        }
                    }
                }
            }
        }
        Ok(results)
    }

    /// A sum of these terms with nothing in it yet.
    fn empty_sum(&self, terms: &[(&Lifted, &Plaintext)]) -> Result<Lifted, EvalError> {
        let product_scale = |(a, b): &(&Lifted, &Plaintext)| Scale(a.scale.0 * b.scale().0);
        let (level, scale) = terms.first().map_or((Level(0), Scale(1.0)), |term| {
            (term.0.level(), product_scale(term))
        });
        for term in terms {
            check_levels(level, term.0.level())?;
            check_levels(level, term.1.level())?;
            check_scales(scale, product_scale(term))?;
        }
        let basis = Basis::Qp(level);
        Ok(Lifted {
            c0: Poly::unwritten(&self.ring, basis),
            c1: Poly::unwritten(&self.ring, basis),
            scale,
        })
    }

    /// `a + b`, at their common level and scale.
    ///
    /// # Errors
    /// [`EvalError::LevelMismatch`], [`EvalError::ScaleMismatch`].
    pub fn add(&self, mut a: Lifted, b: &Lifted) -> Result<Lifted, EvalError> {
        check_levels(a.level(), b.level())?;
        check_scales(a.scale, b.scale)?;
        a.c0.add_assign(&b.c0, &self.ring)?;
        a.c1.add_assign(&b.c1, &self.ring)?;
        Ok(a)
    }

    /// `a - b`, at their common level and scale.
    ///
    /// # Errors
    /// [`EvalError::LevelMismatch`], [`EvalError::ScaleMismatch`].
    pub fn sub(&self, mut a: Lifted, b: &Lifted) -> Result<Lifted, EvalError> {
        check_levels(a.level(), b.level())?;
        check_scales(a.scale, b.scale)?;
        a.c0.sub_assign(&b.c0, &self.ring)?;
        a.c1.sub_assign(&b.c1, &self.ring)?;
        Ok(a)
    }

    /// `a²`, slot by slot, relinearized; the scale is squared.
    ///
    /// # Errors
    /// [`EvalError::MissingKey`], [`EvalError::KeyLevel`].
    pub fn square(&self, a: &Ciphertext, keys: &EvaluationKeys) -> Result<Lifted, EvalError> {
        let (mut d0, mut d1, mut d2) = (a.c0().clone(), a.c0().clone(), a.c1().clone());
        d0.mul_assign(a.c0(), &self.ring)?;
        d1.add_assign(a.c0(), &self.ring)?;
        d1.mul_assign(a.c1(), &self.ring)?;
        d2.mul_assign(a.c1(), &self.ring)?;
        self.relinearize([&d0, &d1, &d2], Scale(a.scale().0 * a.scale().0), keys)
    }

    /// `a·b`, slot by slot, relinearized; the scale is the product of the scales.
    ///
    /// # Errors
    /// [`EvalError::LevelMismatch`], [`EvalError::MissingKey`], [`EvalError::KeyLevel`].
    pub fn multiply(
        &self,
        a: &Ciphertext,
        b: &Ciphertext,
        keys: &EvaluationKeys,
    ) -> Result<Lifted, EvalError> {
        check_levels(a.level(), b.level())?;
        let basis = a.c0().basis();
        let [a0, a1, b0, b1] = [a.c0(), a.c1(), b.c0(), b.c1()];
        let sum = |pairs: &[(&Poly<Ntt>, &Poly<Ntt>)]| sum_of_products(pairs, &self.ring, basis);
        let parts = [
            sum(&[(a0, b0)]),
            sum(&[(a0, b1), (a1, b0)]),
            sum(&[(a1, b1)]),
        ];
        self.relinearize(parts.each_ref(), Scale(a.scale().0 * b.scale().0), keys)
    }

    /// `d0 + d1·s + d2·s²` under `s` alone, times P.
    fn relinearize(
        &self,
        [d0, d1, d2]: [&Poly<Ntt>; 3],
        scale: Scale,
        keys: &EvaluationKeys,
    ) -> Result<Lifted, EvalError> {
        let key = keys
            .relinearization
            .as_ref()
            .ok_or_else(|| EvalError::missing(KeyUse::Relinearization, keys))?;
        let decomposed = self.decompose(d2, key.digit_primes());
        let (mut c0, mut c1) = self.switch(&decomposed, key, KeyUse::Relinearization)?;
        c0.add_assign(&self.mod_up(d0), &self.ring)?;
        c1.add_assign(&self.mod_up(d1), &self.ring)?;
        Ok(Lifted { c0, c1, scale })
    }
}
