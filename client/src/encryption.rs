//! Encryption under the secret key.

use shared::ciphertext::SeededCiphertext;
use shared::encoding::Scale;
use shared::packing::PackingError;
use shared::ring::{Basis, Coeff, Ntt, Poly, Ring, uniform};
use shared::wire::{write_batch, write_input};
use zeroize::Zeroizing;

use crate::sampling::gaussian;
use crate::secret::SecretPoly;
use crate::{ClientError, ClientKeys, SecretSeed};

/// Stream of an object's seed that its public seed comes from; the errors of polynomial `i` come
/// from stream `FIRST_ERROR_STREAM + i`.
pub(crate) const PUBLIC_STREAM: u64 = 0;
const FIRST_ERROR_STREAM: u64 = 1;

/// `message + e - a·secret`, with `a` polynomial `index` of the object's public seed: an RLWE
/// sample of the object, in the basis of the message.
pub(crate) fn mask(
    object: &SecretSeed,
    index: u64,
    message: Poly<Coeff>,
    secret: &SecretPoly,
    ring: &Ring,
) -> Result<Poly<Ntt>, ClientError> {
    let basis = message.basis();
    let errors = gaussian(
        &mut object.stream(FIRST_ERROR_STREAM + index),
        ring.degree(),
    );
    let mut masked = message.into_ntt(ring);
    let noise = SecretPoly::new(Poly::from_signed(&errors, ring, basis).into_ntt(ring));
    masked.add_assign(noise.get(), ring)?;
    let mut product = uniform(&object.public_seed(), index, ring, basis);
    product.mul_assign(secret.get(), ring)?;
    masked.sub_assign(&product, ring)?;
    drop(SecretPoly::new(product)); // With `a` it would give the secret away.
    Ok(masked)
}

/// One input, packed and encoded for these keys and not yet encrypted; wiped when dropped.
pub struct Plaintext<'a> {
    keys: &'a ClientKeys,
    message: SecretPoly<Coeff>,
    scale: Scale,
}

impl Plaintext<'_> {
    /// Encrypts it; the bytes are the request's body.
    ///
    /// # Errors
    /// [`ClientError::Randomness`].
    pub fn encrypt(&self) -> Result<Vec<u8>, ClientError> {
        self.encrypt_from_seed(&SecretSeed::fresh()?)
    }

    fn encrypt_from_seed(&self, object: &SecretSeed) -> Result<Vec<u8>, ClientError> {
        Ok(write_input(&self.mask(object)?, self.keys.plan().ring()))
    }

    fn mask(&self, object: &SecretSeed) -> Result<SeededCiphertext, ClientError> {
        let ring = self.keys.plan().ring();
        // The copy becomes the ciphertext, in place.
        let message = self.message.get().clone();
        let secret = self.keys.secret().restricted(ring, message.basis());
        Ok(SeededCiphertext {
            c0: mask(object, 0, message, &secret, ring)?,
            seed: object.public_seed(),
            scale: self.scale,
        })
    }
}

impl ClientKeys {
    /// Packs, encodes and encrypts one input; the bytes are the request's body.
    ///
    /// # Shapes
    /// `input`: as many values as the model's input shape has, in row-major order.
    /// # Errors
    /// As [`ClientKeys::encode`] and [`Plaintext::encrypt`].
    pub fn encrypt(&self, input: &[f64]) -> Result<Vec<u8>, ClientError> {
        self.encode(input)?.encrypt()
    }

    /// Encrypts 1 to [`shared::wire::MAX_BATCH`] inputs for one request.
    ///
    /// # Errors
    /// As [`ClientKeys::encode`] and [`ClientKeys::encrypt_plaintexts`].
    pub fn encrypt_batch<'a>(
        &self,
        inputs: impl IntoIterator<Item = &'a [f64]>,
    ) -> Result<Vec<u8>, ClientError> {
        let plaintexts = inputs.into_iter().map(|input| self.encode(input));
        let plaintexts: Vec<_> = plaintexts.collect::<Result<_, _>>()?;
        self.encrypt_plaintexts(&plaintexts)
    }

    /// As [`ClientKeys::encrypt`], with known randomness. A seed used twice for different inputs
    /// gives their difference away; this is for known-answer tests.
    ///
    /// # Errors
    /// As [`ClientKeys::encrypt`].
    pub fn encrypt_from_seed(
        &self,
        input: &[f64],
        object: &SecretSeed,
    ) -> Result<Vec<u8>, ClientError> {
        self.encode(input)?.encrypt_from_seed(object)
    }

    /// The first half of [`ClientKeys::encrypt`]: packs and encodes one input. [`Plaintext::encrypt`]
    /// is the second.
    ///
    /// # Shapes
    /// As [`ClientKeys::encrypt`].
    /// # Errors
    /// [`ClientError::Packing`] for another size, [`ClientError::Encoding`] for values that don't
    /// fit.
    pub fn encode(&self, input: &[f64]) -> Result<Plaintext<'_>, ClientError> {
        let packing = &self.plan().info().input.packing;
        let prepared = self.prepared(input)?;
        let slots = packing.pack(&prepared, self.plan().ring().parameters().slots())?;
        self.encode_slots(&slots)
    }

    /// The second half of [`ClientKeys::encrypt_batch`].
    ///
    /// # Errors
    /// As [`Plaintext::encrypt`]; [`ClientError::Wire`] for none or too many.
    pub fn encrypt_plaintexts(&self, plaintexts: &[Plaintext<'_>]) -> Result<Vec<u8>, ClientError> {
        let ciphertexts: Vec<_> = plaintexts
            .iter()
            .map(Plaintext::encrypt)
            .collect::<Result<_, _>>()?;
        Ok(write_batch(&ciphertexts, self.plan().ring())?)
    }

    /// What is encrypted of an input: its values as the model's description wants them prepared.
    ///
    /// # Errors
    /// [`ClientError::Packing`] for another size than the model's.
    pub(crate) fn prepared(&self, input: &[f64]) -> Result<Zeroizing<Vec<f64>>, ClientError> {
        let spec = &self.plan().info().input;
        let (found, expected) = (input.len(), spec.shape.iter().product());
        if found != expected {
            return Err(PackingError::InputSize { found, expected }.into());
        }
        let values = input.iter().map(|&value| spec.preparation.apply(value));
        Ok(Zeroizing::new(values.collect()))
    }

    /// Encodes and encrypts slots at the input's level and scale.
    ///
    /// # Errors
    /// As [`ClientKeys::encrypt`].
    pub fn encrypt_slots<T: Copy + Into<Complex64>>(
        &self,
        slots: &[T],
        object: &SecretSeed,
    ) -> Result<SeededCiphertext, ClientError> {
        self.encode_slots(slots)?.mask(object)
    }

    fn encode_slots<T: Copy + Into<Complex64>>(
        &self,
        slots: &[T],
    ) -> Result<Plaintext<'_>, ClientError> {
        let (plan, spec) = (self.plan(), &self.plan().info().input);
        let (scale, basis) = (Scale(spec.scale), Basis::Q(spec.level));
        let message = plan.encoder().encode(slots, scale, plan.ring(), basis)?;
        Ok(Plaintext {
            keys: self,
            message: SecretPoly::new(message),
            scale,
        })
    }
}

/// A slot: a real number and what noise added to its imaginary part.
pub use shared::encoding::Complex64;

#[cfg(test)]
mod tests {
    use shared::api::Preparation;
    use shared::ciphertext::Ciphertext;
    use shared::params::shipped;
    use shared::wire::{read_bulk_input, read_input};

    use super::*;
    use crate::sample::{self, INPUT_SCALE};

    const INPUT: [f64; 4] = [0.0, 0.4999, 0.5, 1.0];

    fn keys(threshold: Option<f64>) -> ClientKeys {
        let mut info = sample::description(shipped().remove(0));
        info.input.preparation = Preparation { threshold };
        sample::keys(info, 7)
    }

    #[track_caller]
    fn check_slots(keys: &ClientKeys, ciphertext: &Ciphertext, expected: &[f64]) {
        let slots = keys.decrypt_slots(ciphertext).expect("decrypts");
        for (slot, want) in slots.iter().zip(expected) {
            // A fresh ciphertext's noise has a standard deviation of 205 in a slot.
            assert!(
                (slot.re - want).abs() < 2e3 / INPUT_SCALE,
                "{slots:?}: not {expected:?}"
            );
        }
    }

    /// What single and bulk encryption encrypt, against the threshold's definition.
    #[track_caller]
    fn check(threshold: Option<f64>, expected: [f64; 4]) {
        let keys = keys(threshold);
        let ring = keys.plan().ring();
        let prepared = keys.prepared(&INPUT).expect("four values");
        assert_eq!(*prepared, expected);

        let request = keys.encrypt(&INPUT).expect("encrypts");
        let input = read_input(&request, ring).expect("an input");
        check_slots(&keys, &input.expand(ring).expect("one level"), &expected);

        let images = [INPUT, [1.0; 4], [0.0; 4]];
        let request = keys.encrypt_bulk(&images).expect("encrypts");
        let input = read_bulk_input(&request, 2, ring).expect("a bulk input");
        for (index, (c0, at)) in (0..).zip(input.c0.iter().zip([1, 2])) {
            let c1 = uniform(&input.seed, index, ring, c0.basis());
            let ciphertext = Ciphertext::new(c0.clone(), c1, input.scale).expect("one level");
            check_slots(&keys, &ciphertext, &[expected[at], 1.0, 0.0]);
        }
    }

    #[test]
    fn inputs_are_prepared_as_the_model_wants() {
        check(None, INPUT);
        check(Some(0.5), [0.0, 0.0, 1.0, 1.0]);
        check(Some(0.25), [0.0, 1.0, 1.0, 1.0]);
        check(Some(1.0), [0.0, 0.0, 0.0, 1.0]);
    }

    #[test]
    fn inputs_of_another_size_are_refused() {
        let (found, expected) = (3, 4);
        let refused = PackingError::InputSize { found, expected };
        let error = keys(None).encrypt(&INPUT[..3]).err();
        assert_eq!(error, Some(ClientError::Packing(refused.clone())));
        let error = keys(None).encrypt_bulk(&[&INPUT[..3]]).err();
        assert_eq!(error, Some(ClientError::Packing(refused)));
    }
}
