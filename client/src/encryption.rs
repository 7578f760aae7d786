//! Encryption and decryption under the secret key.

use shared::ciphertext::{Ciphertext, Reply, SeededCiphertext};
use shared::encoding::{Encoder, Scale};
use shared::packing::PackingError;
use shared::ring::crt::Crt;
use shared::ring::{Basis, Coeff, Ntt, Poly, Ring, uniform};
use shared::wire::{read_reply, write_input};
use zeroize::Zeroizing;

use crate::sampling::gaussian;
use crate::secret::SecretPoly;
use crate::{ClientError, ClientKeys, Logits, SecretSeed};

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

impl ClientKeys {
    /// Packs, encodes and encrypts one input; the bytes are the request's body.
    ///
    /// # Shapes
    /// `input`: as many values as the model's input shape has, in row-major order.
    /// # Errors
    /// [`ClientError::Packing`] for another size, [`ClientError::Encoding`] for values that don't
    /// fit, [`ClientError::Randomness`].
    pub fn encrypt(&self, input: &[f64]) -> Result<Vec<u8>, ClientError> {
        self.encrypt_from_seed(input, &SecretSeed::fresh()?)
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
        let spec = &self.plan().info().input;
        let (found, expected) = (input.len(), spec.shape.iter().product());
        if found != expected {
            return Err(PackingError::InputSize { found, expected }.into());
        }
        let slots = spec
            .packing
            .pack(input, self.plan().ring().parameters().slots())?;
        let ciphertext = self.encrypt_slots(&slots, object)?;
        Ok(write_input(&ciphertext, self.plan().ring()))
    }

    /// Encodes and encrypts slots at the input's level and scale.
    ///
    /// # Errors
    /// As [`ClientKeys::encrypt`].
    pub fn encrypt_slots(
        &self,
        slots: &[f64],
        object: &SecretSeed,
    ) -> Result<SeededCiphertext, ClientError> {
        let (plan, ring) = (self.plan(), self.plan().ring());
        let spec = &plan.info().input;
        let (scale, basis) = (Scale(spec.scale), Basis::Q(spec.level));
        let message = plan.encoder().encode(slots, scale, ring, basis)?;
        let secret = self.secret().restricted(ring, basis);
        let c0 = mask(object, 0, message, &secret, ring)?;
        Ok(SeededCiphertext {
            c0,
            seed: object.public_seed(),
            scale,
        })
    }

    /// Reads, decrypts and decodes a reply.
    ///
    /// # Errors
    /// [`ClientError::Wire`] for bytes that are no reply, [`ClientError::Reply`] for a ciphertext
    /// that is not what the model's description promises.
    pub fn decrypt(&self, reply: &[u8]) -> Result<Logits, ClientError> {
        let (plan, ring) = (self.plan(), self.plan().ring());
        let output = &plan.info().output;
        let reply = read_reply(reply, output.packing.period, ring)?;
        let same_scale = reply.scale.agrees(Scale(output.scale));
        if reply.level() != output.level || !same_scale {
            return Err(ClientError::Reply {
                found: reply.level(),
                found_scale: reply.scale.0.log2(),
                expected: output.level,
                expected_scale: output.scale.log2(),
            });
        }
        let mut logits: Vec<f64> = self
            .decrypt_reply(&reply)?
            .iter()
            .map(|slot| slot.re)
            .collect();
        logits.truncate(output.packing.classes);
        Ok(Logits::new(logits))
    }

    /// Decrypts every slot of a reply, imaginary parts included; there are as many as its period.
    ///
    /// # Errors
    /// [`ClientError::Ring`] for polynomials that don't belong together.
    /// # Panics
    /// For a reply of another ring than the plan's.
    pub fn decrypt_reply(&self, reply: &Reply) -> Result<Vec<Complex64>, ClientError> {
        let ring = self.plan().ring();
        let basis = reply.c1.basis();
        let period = reply.period();
        let mut product = reply.c1.clone();
        product.mul_assign(self.secret().restricted(ring, basis).get(), ring)?;
        let product = SecretPoly::new(product.into_coeff(ring));
        let mut message = Zeroizing::new(Reply::subring(product.get(), period));
        let limbs = message
            .chunks_exact_mut(2 * period)
            .zip(reply.c0.chunks_exact(2 * period));
        for ((limb, c0), modulus) in limbs.zip(ring.moduli_of(basis)) {
            for (residue, &c0) in limb.iter_mut().zip(c0) {
                *residue = modulus.add(*residue, c0);
            }
        }
        let coefficients = Crt::new(ring, basis).compose_centered(message.chunks_exact(2 * period));
        Ok(Encoder::new(2 * period).decode(&Zeroizing::new(coefficients), reply.scale))
    }

    /// Decrypts every slot of a ciphertext at any level, imaginary parts included.
    ///
    /// # Errors
    /// [`ClientError::Ring`] for polynomials that don't belong together.
    /// # Panics
    /// For a ciphertext of another ring than the plan's.
    pub fn decrypt_slots(&self, ciphertext: &Ciphertext) -> Result<Vec<Complex64>, ClientError> {
        let ring = self.plan().ring();
        let basis = ciphertext.c0().basis();
        let mut message = ciphertext.c1().clone();
        message.mul_assign(self.secret().restricted(ring, basis).get(), ring)?;
        message.add_assign(ciphertext.c0(), ring)?;
        let message = SecretPoly::new(message.into_coeff(ring));
        let coefficients = Crt::new(ring, basis).compose_centered(message.get().limbs());
        Ok(self
            .plan()
            .encoder()
            .decode(&Zeroizing::new(coefficients), ciphertext.scale()))
    }
}

/// A slot: a real number and what noise added to its imaginary part.
pub use shared::encoding::Complex64;
