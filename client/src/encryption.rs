//! Encryption and decryption under the secret key.

use shared::ciphertext::{Ciphertext, SeededCiphertext};
use shared::encoding::Scale;
use shared::packing::{OutputPacking, PackingError};
use shared::ring::crt::Crt;
use shared::ring::{Basis, Coeff, Ntt, Poly, Ring, uniform};
use shared::wire::{read_batch, read_reply, write_batch, write_input};
use zeroize::Zeroizing;

use crate::sampling::gaussian;
use crate::secret::SecretPoly;
use crate::{ClientError, ClientKeys, Logits, SecretSeed};

/// How far a value that is zero may be off, as a share of the largest logit.
const ZERO_TOLERANCE: f64 = 1.0 / 8.0;

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

    /// Encrypts 1 to [`shared::wire::MAX_BATCH`] inputs for one request.
    ///
    /// # Errors
    /// As [`ClientKeys::encrypt`]; [`ClientError::Wire`] for none or too many.
    pub fn encrypt_batch<'a>(
        &self,
        inputs: impl IntoIterator<Item = &'a [f64]>,
    ) -> Result<Vec<u8>, ClientError> {
        let ciphertexts = inputs.into_iter().map(|input| self.encrypt(input));
        let ciphertexts: Vec<_> = ciphertexts.collect::<Result<_, _>>()?;
        Ok(write_batch(&ciphertexts, self.plan().ring())?)
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
    pub fn encrypt_slots<T: Copy + Into<Complex64>>(
        &self,
        slots: &[T],
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
    /// that is not what the model's description promises, [`ClientError::Noise`] for another key's.
    pub fn decrypt(&self, reply: &[u8]) -> Result<Logits, ClientError> {
        let (plan, ring) = (self.plan(), self.plan().ring());
        let output = &plan.info().output;
        let reply = read_reply(reply, &output.packing, ring)?;
        let same_scale = reply.scale.agrees(Scale(output.scale));
        if reply.log_modulus != output.log_modulus || !same_scale {
            return Err(ClientError::Reply {
                found: reply.log_modulus,
                found_scale: reply.scale.0.log2(),
                expected: output.log_modulus,
                expected_scale: output.scale.log2(),
            });
        }
        let OutputPacking { classes, zeros, .. } = output.packing;
        let mut logits = Vec::with_capacity(classes + zeros);
        for part in &reply.parts {
            for (index, &c0) in part.c0.iter().enumerate() {
                let at = output.packing.coefficient(index, ring.degree());
                let number = c0.wrapping_add(self.product_coefficient(&part.c1, at));
                // Sign-extends from the modulus, without a branch.
                let unused = 32 - reply.log_modulus;
                let centred = (number << unused).cast_signed() >> unused;
                logits.push(f64::from(centred) / reply.scale.0);
            }
        }
        let tolerance = output.bound * ZERO_TOLERANCE;
        if let Some(&found) = logits[classes..].iter().find(|zero| zero.abs() > tolerance) {
            return Err(ClientError::Noise { found });
        }
        logits.truncate(classes);
        Ok(Logits::new(logits))
    }

    /// Decrypts the replies to a batch, in the order of its inputs.
    ///
    /// # Errors
    /// As [`ClientKeys::decrypt`].
    pub fn decrypt_batch(&self, replies: &[u8]) -> Result<Vec<Logits>, ClientError> {
        let replies = read_batch(replies, self.plan().ring())?;
        replies.map(|reply| self.decrypt(reply)).collect()
    }

    /// Coefficient `at` of `c1·s` modulo X^N + 1 and 2^32, from the definition: the evaluator sends
    /// so few coefficients that this is less work than a transform.
    fn product_coefficient(&self, c1: &[u32], at: usize) -> u32 {
        let secret = self.secret().coefficients();
        let (low, high) = secret.split_at((at + 1).min(secret.len()));
        let (first, rest) = c1.split_at(low.len().min(c1.len()));
        // X^(N+i) is -X^i.
        dot_reversed(first, low).wrapping_sub(dot_reversed(rest, high))
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

/// `Σ numbers[n-1-i]·secret[i]` modulo 2^32.
fn dot_reversed(numbers: &[u32], secret: &[i64]) -> u32 {
    let products = numbers.iter().rev().zip(secret);
    products.fold(0, |sum: u32, (&number, &s)| {
        sum.wrapping_add(number.wrapping_mul(s as u32))
    })
}

/// A slot: a real number and what noise added to its imaginary part.
pub use shared::encoding::Complex64;
