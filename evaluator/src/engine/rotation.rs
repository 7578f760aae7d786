//! Rotations of the slots.

use shared::ciphertext::Ciphertext;
use shared::keys::EvaluationKeys;
use shared::wire::KeyUse;

use super::{Decomposed, Engine, EvalError};

impl Engine {
    /// Rotates the slots to the left: slot `i` of the result is slot `i + step` of `a`.
    ///
    /// # Errors
    /// [`EvalError::MissingGaloisKey`], [`EvalError::KeyLevel`].
    pub fn rotate(
        &self,
        a: &Ciphertext,
        step: u32,
        keys: &EvaluationKeys,
    ) -> Result<Ciphertext, EvalError> {
        self.rotate_decomposed(a, &self.decompose(a.c1().clone()), step, keys)
    }

    /// As [`Engine::rotate`], for several steps that share one decomposition.
    ///
    /// # Errors
    /// As [`Engine::rotate`], for the first step that fails.
    pub fn rotate_hoisted(
        &self,
        a: &Ciphertext,
        steps: &[u32],
        keys: &EvaluationKeys,
    ) -> Result<Vec<Ciphertext>, EvalError> {
        let decomposed = self.decompose(a.c1().clone());
        steps.iter().map(|&step| self.rotate_decomposed(a, &decomposed, step, keys)).collect()
    }

    fn rotate_decomposed(
        &self,
        a: &Ciphertext,
        decomposed: &Decomposed,
        step: u32,
        keys: &EvaluationKeys,
    ) -> Result<Ciphertext, EvalError> {
        let key = keys.rotations.get(&step).ok_or_else(|| EvalError::MissingGaloisKey {
            step,
            uploaded: keys.rotations.keys().copied().collect(),
        })?;
        let (mut c0, c1) = self.switch(decomposed, key, KeyUse::Rotation(step))?;
        c0.add_assign(a.c0(), &self.ring)?;
        let permutation = self.permutation(step);
        let rotated = (c0.automorphism(permutation), c1.automorphism(permutation));
        Ok(Ciphertext::new(rotated.0, rotated.1, a.scale())?)
    }
}
