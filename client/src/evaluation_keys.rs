//! Evaluation keys from the secret key.
//!
//! Everything here is expanded from the master seed: making the keys again gives the same bytes,
//! so a service that forgot them learns nothing new.

use shared::api::SwitchingKeySpec;
use shared::keys::{SeededSwitchingKey, digits_at};
use shared::ring::galois::{GaloisElement, GaloisPermutation};
use shared::ring::{Basis, Ntt, Poly, Ring};
use shared::wire::{KEYS_HEADER_LEN, KeyUse, key_len, write_key, write_keys_header};

use crate::encryption::mask;
use crate::secret::SecretPoly;
use crate::{ClientError, ClientKeys, SecretSeed};

/// Streams of the master seed below this belong to the secret key itself. From here on: one for
/// relinearization, one for each rotation by its step, and behind them one for the conjugation.
const FIRST_KEY_STREAM: u64 = 1;

/// The pieces of the key upload, in order: its header, then one key at a time.
pub struct EvaluationKeyPieces<'a> {
    keys: &'a ClientKeys,
    uses: std::vec::IntoIter<(KeyUse, SwitchingKeySpec)>,
    header: Option<u32>,
}

impl<'a> EvaluationKeyPieces<'a> {
    pub(crate) fn new(keys: &'a ClientKeys) -> Self {
        let spec = &keys.plan().info().keys;
        let relinearization = spec
            .relinearization
            .map(|key| (KeyUse::Relinearization, key));
        let conjugation = spec.conjugation.map(|key| (KeyUse::Conjugation, key));
        let rotations = spec
            .rotations
            .iter()
            .map(|key| (KeyUse::Rotation(key.step), key.key));
        let uses: Vec<_> = relinearization
            .into_iter()
            .chain(conjugation)
            .chain(rotations)
            .collect();
        Self {
            keys,
            header: Some(uses.len() as u32),
            uses: uses.into_iter(),
        }
    }
}

impl EvaluationKeyPieces<'_> {
    /// Bytes of the pieces that are left.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let header = self.header.map_or(0, |_| KEYS_HEADER_LEN);
        let ring = self.keys.plan().ring();
        let keys = self.uses.as_slice().iter();
        let keys = keys.map(|(_, spec)| key_len(spec.level, spec.digit_primes, ring));
        header + keys.sum::<usize>()
    }
}

impl Iterator for EvaluationKeyPieces<'_> {
    type Item = Result<Vec<u8>, ClientError>;

    fn next(&mut self) -> Option<Self::Item> {
        let ring = self.keys.plan().ring();
        if let Some(count) = self.header.take() {
            return Some(Ok(write_keys_header(count, ring)));
        }
        let (key_use, spec) = self.uses.next()?;
        let key = match key_use {
            KeyUse::Relinearization => relinearization_key(self.keys, spec),
            KeyUse::Conjugation => {
                let degree = ring.degree();
                let stream = FIRST_KEY_STREAM + ring.parameters().slots() as u64;
                galois_key(self.keys, stream, GaloisElement::conjugation(degree), spec)
            }
            KeyUse::Rotation(step) => {
                let element = GaloisElement::rotation(step as usize, ring.degree());
                galois_key(self.keys, FIRST_KEY_STREAM + u64::from(step), element, spec)
            }
        };
        Some(key.map(|key| write_key(key_use, &key, ring)))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = self.uses.len() + usize::from(self.header.is_some());
        (left, Some(left))
    }
}

impl ExactSizeIterator for EvaluationKeyPieces<'_> {}

/// Switches `s²` to `s`.
fn relinearization_key(
    keys: &ClientKeys,
    spec: SwitchingKeySpec,
) -> Result<SeededSwitchingKey, ClientError> {
    let ring = keys.plan().ring();
    let secret = keys.secret().restricted(ring, Basis::Qp(spec.level));
    let mut square = secret.get().clone();
    square.mul_assign(secret.get(), ring)?;
    switching_key(
        keys,
        FIRST_KEY_STREAM,
        &SecretPoly::new(square),
        &secret,
        spec,
    )
}

/// Switches `s` to `σ⁻¹(s)`; see [`shared::keys::EvaluationKeys::rotations`].
fn galois_key(
    keys: &ClientKeys,
    stream: u64,
    element: GaloisElement,
    spec: SwitchingKeySpec,
) -> Result<SeededSwitchingKey, ClientError> {
    let ring = keys.plan().ring();
    let degree = ring.degree();
    let secret = keys.secret().restricted(ring, Basis::Qp(spec.level));
    let back = element.inverse(degree);
    let rotated = secret
        .get()
        .automorphism(&GaloisPermutation::new(back, degree));
    switching_key(keys, stream, &secret, &SecretPoly::new(rotated), spec)
}

/// A key that switches from `from` to `to`, both modulo Q·P at its level.
fn switching_key(
    keys: &ClientKeys,
    stream: u64,
    from: &SecretPoly,
    to: &SecretPoly,
    spec: SwitchingKeySpec,
) -> Result<SeededSwitchingKey, ClientError> {
    let ring = keys.plan().ring();
    let SwitchingKeySpec {
        level,
        digit_primes,
    } = spec;
    let basis = Basis::Qp(level);
    let object = gadget_seed(keys, stream, spec);
    let seed = object.public_seed();
    let q_primes = ring.parameters().primes_at(level).len();
    let digit = |digit: usize| {
        let mut b = mask(&object, digit as u64, Poly::zero(ring, basis), to, ring)?;
        let primes = digit * digit_primes..((digit + 1) * digit_primes).min(q_primes);
        add_gadget(&mut b, from, primes, ring);
        Ok(b)
    };
    let b = (0..digits_at(ring, level, digit_primes))
        .map(digit)
        .collect::<Result<_, ClientError>>()?;
    Ok(SeededSwitchingKey {
        b,
        seed,
        level,
        digit_primes,
    })
}

/// The seed of a key's masks and errors. One mask under two gadgets would give `from` away, so
/// everything that makes a gadget has its part in the seed: the key's use, the size of the digits,
/// the level, all primes.
fn gadget_seed(keys: &ClientKeys, stream: u64, spec: SwitchingKeySpec) -> SecretSeed {
    let ring = keys.plan().ring();
    let shape = [
        spec.digit_primes as u64,
        spec.level.0.into(),
        ring.degree() as u64,
    ];
    let primes = ring
        .moduli_of(Basis::Qp(spec.level))
        .map(|modulus| u64::from(modulus.prime()));
    let words = shape.into_iter().chain(primes);
    words.fold(keys.seed().derive(stream), |seed, word| seed.derive(word))
}

/// Adds `P · from` modulo the primes of one digit.
fn add_gadget(b: &mut Poly<Ntt>, from: &SecretPoly, primes: std::ops::Range<usize>, ring: &Ring) {
    let moduli = ring.moduli_of(b.basis());
    let limbs = b.limbs_mut().zip(from.get().limbs()).zip(moduli);
    for ((to, from), modulus) in limbs.take(primes.end).skip(primes.start) {
        let product = ring.special_product(modulus);
        for (to, &from) in to.iter_mut().zip(from) {
            *to = modulus.add(*to, modulus.mul(from, product));
        }
    }
}
