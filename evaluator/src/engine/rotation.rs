//! Automorphisms of the slots: rotations and conjugation, alone or in sums.

use std::collections::BTreeMap;

use shared::ciphertext::Ciphertext;
use shared::keys::{EvaluationKeys, SwitchingKey};
use shared::ring::galois::{GaloisElement, GaloisPermutation};
use shared::ring::{Ntt, Poly};
use shared::wire::KeyUse;

use super::key_switch::Decomposed;
use super::{Ckks, EvalError, Lifted};

/// What can be done to the order of the slots.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Automorphism {
    /// Every slot becomes its complex conjugate.
    Conjugation,
    /// A rotation to the left: slot `i` of the result is slot `i + step`.
    Rotation(u32),
}

impl Automorphism {
    /// The key it takes.
    #[must_use]
    pub fn key_use(self) -> KeyUse {
        match self {
            Self::Conjugation => KeyUse::Conjugation,
            Self::Rotation(step) => KeyUse::Rotation(step),
        }
    }

    fn key(self, keys: &EvaluationKeys) -> Result<&SwitchingKey, EvalError> {
        let key = match self {
            Self::Conjugation => keys.conjugation.as_ref(),
            Self::Rotation(step) => keys.rotations.get(&step),
        };
        key.ok_or_else(|| EvalError::missing(self.key_use(), keys))
    }
}

impl Ckks {
    /// Applies an automorphism.
    ///
    /// # Errors
    /// [`EvalError::MissingKey`], [`EvalError::KeyLevel`].
    pub fn rotate(
        &self,
        a: &Lifted,
        automorphism: Automorphism,
        keys: &EvaluationKeys,
    ) -> Result<Lifted, EvalError> {
        let key = automorphism.key(keys)?;
        let decomposed = self.decompose(&self.mod_down(&a.c1), key.digit_primes());
        self.rotate_decomposed(a, &decomposed, automorphism, key)
    }

    /// As [`Ckks::rotate`], of a ciphertext and for several automorphisms; those whose keys have
    /// digits of the same size share one decomposition, and nothing is divided by P.
    ///
    /// # Errors
    /// As [`Ckks::rotate`], for the first automorphism that fails.
    pub fn rotate_hoisted(
        &self,
        a: &Ciphertext,
        automorphisms: &[Automorphism],
        keys: &EvaluationKeys,
    ) -> Result<Vec<Lifted>, EvalError> {
        self.images(&self.lift(a), a.c1(), automorphisms, keys)
    }

    /// The images of a lifted ciphertext whose second half over P is `c1`.
    fn images(
        &self,
        lifted: &Lifted,
        c1: &Poly<Ntt>,
        automorphisms: &[Automorphism],
        keys: &EvaluationKeys,
    ) -> Result<Vec<Lifted>, EvalError> {
        let mut shared = BTreeMap::new();
        let rotate = |&automorphism: &Automorphism| {
            let key = automorphism.key(keys)?;
            let decompose = || self.decompose(c1, key.digit_primes());
            let decomposed = shared.entry(key.digit_primes()).or_insert_with(decompose);
            self.rotate_decomposed(lifted, decomposed, automorphism, key)
        };
        automorphisms.iter().map(rotate).collect()
    }

    /// `a` plus its images under the automorphisms, from one decomposition as far as their keys
    /// have digits of the same size.
    ///
    /// # Errors
    /// As [`Ckks::rotate`].
    pub fn sum_of_images(
        &self,
        a: &Lifted,
        automorphisms: &[Automorphism],
        keys: &EvaluationKeys,
    ) -> Result<Lifted, EvalError> {
        let images = self.images(a, &self.mod_down(&a.c1), automorphisms, keys)?;
        images
            .iter()
            .try_fold(a.clone(), |sum, image| self.add(sum, image))
    }

    fn rotate_decomposed(
        &self,
        a: &Lifted,
        decomposed: &Decomposed,
        automorphism: Automorphism,
        key: &SwitchingKey,
    ) -> Result<Lifted, EvalError> {
        let (mut c0, c1) = self.switch(decomposed, key, automorphism.key_use())?;
        c0.add_assign(&a.c0, &self.ring)?;
        let permutation = self.permutation(automorphism);
        Ok(Lifted {
            c0: c0.automorphism(permutation),
            c1: c1.automorphism(permutation),
            scale: a.scale,
        })
    }

    fn permutation(&self, automorphism: Automorphism) -> &GaloisPermutation {
        let degree = self.ring.degree();
        let at = match automorphism {
            Automorphism::Conjugation => 0,
            Automorphism::Rotation(step) => 1 + step as usize % self.slots(),
        };
        self.permutations[at].get_or_init(|| {
            let element = match automorphism {
                Automorphism::Conjugation => GaloisElement::conjugation(degree),
                Automorphism::Rotation(step) => GaloisElement::rotation(step as usize, degree),
            };
            GaloisPermutation::new(element, degree)
        })
    }
}
