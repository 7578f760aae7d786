//! Rotations of the slots.

use std::collections::BTreeMap;

use shared::ciphertext::Ciphertext;
use shared::keys::{EvaluationKeys, SwitchingKey};
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
        let key = rotation_key(step, keys)?;
        self.rotate_decomposed(a, &self.decompose(a.c1(), key.digit_primes()), step, key)
    }

    /// As [`Engine::rotate`], for several steps; those whose keys have digits of the same size
    /// share one decomposition.
    ///
    /// # Errors
    /// As [`Engine::rotate`], for the first step that fails.
    pub fn rotate_hoisted(
        &self,
        a: &Ciphertext,
        steps: &[u32],
        keys: &EvaluationKeys,
    ) -> Result<Vec<Ciphertext>, EvalError> {
        let mut shared = BTreeMap::new();
        let rotate = |&step: &u32| {
            let key = rotation_key(step, keys)?;
            let decompose = || self.decompose(a.c1(), key.digit_primes());
            let decomposed = shared.entry(key.digit_primes()).or_insert_with(decompose);
            self.rotate_decomposed(a, decomposed, step, key)
        };
        steps.iter().map(rotate).collect()
    }

    fn rotate_decomposed(
        &self,
        a: &Ciphertext,
        decomposed: &Decomposed,
        step: u32,
        key: &SwitchingKey,
    ) -> Result<Ciphertext, EvalError> {
        let (mut c0, c1) = self.switch(decomposed, key, KeyUse::Rotation(step))?;
        c0.add_assign(a.c0(), &self.ring)?;
        let permutation = self.permutation(step);
        let rotated = (c0.automorphism(permutation), c1.automorphism(permutation));
        Ok(Ciphertext::new(rotated.0, rotated.1, a.scale())?)
    }
}

fn rotation_key(step: u32, keys: &EvaluationKeys) -> Result<&SwitchingKey, EvalError> {
    keys.rotations
        .get(&step)
        .ok_or_else(|| EvalError::MissingGaloisKey {
            step,
            uploaded: keys.rotations.keys().copied().collect(),
        })
}
