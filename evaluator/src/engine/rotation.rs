//! Rotations of the slots, one by one or in chains.

use std::collections::BTreeMap;

use shared::ciphertext::Ciphertext;
use shared::encoding::Scale;
use shared::keys::{EvaluationKeys, SwitchingKey};
use shared::ring::{Ntt, Poly};
use shared::wire::KeyUse;

use super::arithmetic::{check_levels, check_scales};
use super::key_switch::Decomposed;
use super::{Engine, EvalError};

/// A ciphertext on its way through a chain of rotations and sums: its first half stays multiplied
/// by P until the end, so that the chain divides it once and not at every rotation.
#[derive(Clone, Debug)]
pub struct Lifted {
    /// `P·c0` modulo Q·P.
    c0: Poly<Ntt>,
    /// `c1` modulo Q.
    c1: Poly<Ntt>,
    scale: Scale,
}

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
        self.lower(&self.rotate_lifted(&self.lift(a), step, keys)?)
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
        let lifted = self.lift(a);
        let mut shared = BTreeMap::new();
        let rotate = |&step: &u32| {
            let key = rotation_key(step, keys)?;
            let decompose = || self.decompose(a.c1(), key.digit_primes());
            let decomposed = shared.entry(key.digit_primes()).or_insert_with(decompose);
            self.lower(&self.rotate_decomposed(&lifted, decomposed, step, key)?)
        };
        steps.iter().map(rotate).collect()
    }

    /// Prepares a ciphertext for a chain.
    #[must_use]
    pub fn lift(&self, a: &Ciphertext) -> Lifted {
        Lifted {
            c0: self.mod_up(a.c0()),
            c1: a.c1().clone(),
            scale: a.scale(),
        }
    }

    /// Ends a chain.
    ///
    /// # Errors
    /// [`EvalError::Ring`] never: both halves are at one level.
    pub fn lower(&self, a: &Lifted) -> Result<Ciphertext, EvalError> {
        Ok(Ciphertext::new(
            self.mod_down(&a.c0),
            a.c1.clone(),
            a.scale,
        )?)
    }

    /// As [`Engine::rotate`], in a chain.
    ///
    /// # Errors
    /// As [`Engine::rotate`].
    pub fn rotate_lifted(
        &self,
        a: &Lifted,
        step: u32,
        keys: &EvaluationKeys,
    ) -> Result<Lifted, EvalError> {
        let key = rotation_key(step, keys)?;
        self.rotate_decomposed(a, &self.decompose(&a.c1, key.digit_primes()), step, key)
    }

    /// As [`Engine::add`], in a chain.
    ///
    /// # Errors
    /// As [`Engine::add`].
    pub fn add_lifted(&self, mut a: Lifted, b: &Lifted) -> Result<Lifted, EvalError> {
        check_levels(a.c1.basis().level(), b.c1.basis().level())?;
        check_scales(a.scale, b.scale)?;
        a.c0.add_assign(&b.c0, &self.ring)?;
        a.c1.add_assign(&b.c1, &self.ring)?;
        Ok(a)
    }

    fn rotate_decomposed(
        &self,
        a: &Lifted,
        decomposed: &Decomposed,
        step: u32,
        key: &SwitchingKey,
    ) -> Result<Lifted, EvalError> {
        let (mut c0, c1) = self.switch(decomposed, key, KeyUse::Rotation(step))?;
        c0.add_assign(&a.c0, &self.ring)?;
        let permutation = self.permutation(step);
        Ok(Lifted {
            c0: c0.automorphism(permutation),
            c1: self.mod_down(&c1).automorphism(permutation),
            scale: a.scale,
        })
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
