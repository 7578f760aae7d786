//! Many images in one request: an image in each slot, one ciphertext for each input.

use shared::api::BulkSpec;
use shared::ciphertext::BulkInput;
use shared::encoding::{Complex64, Scale};
use shared::packing::PackingError;
use shared::ring::crt::Crt;
use shared::ring::{Basis, Ntt, Poly, Ring};
use shared::wire::{read_bulk_reply, write_bulk_input};
use zeroize::Zeroizing;

use crate::encryption::mask;
use crate::secret::SecretPoly;
use crate::{ClientError, ClientKeys, Logits, SecretSeed};

impl ClientKeys {
    /// Encrypts up to as many images as the model's description says; the bytes are the request's
    /// body, which is as long for one image as for all.
    ///
    /// # Shapes
    /// Each of `images`: as many values as the model's input shape has, in row-major order.
    /// # Errors
    /// [`ClientError::NoBulk`], [`ClientError::BulkImages`] for none or too many,
    /// [`ClientError::Packing`] for an image of another size, [`ClientError::Encoding`] for values
    /// that don't fit, [`ClientError::Randomness`].
    pub fn encrypt_bulk<T: AsRef<[f64]>>(&self, images: &[T]) -> Result<Vec<u8>, ClientError> {
        let (ring, spec) = (self.plan().ring(), self.bulk_spec()?);
        check_count(images.len(), spec)?;
        let expected = self.plan().info().input.shape.iter().product();
        for image in images {
            let found = image.as_ref().len();
            if found != expected {
                return Err(PackingError::InputSize { found, expected }.into());
            }
        }
        let (scale, basis) = (Scale(spec.scale), Basis::Q(spec.level));
        let (object, secret) = (SecretSeed::fresh()?, self.secret().restricted(ring, basis));
        let encrypt = |(index, &input): (u64, &usize)| {
            let slots: Zeroizing<Vec<f64>> =
                Zeroizing::new(images.iter().map(|image| image.as_ref()[input]).collect());
            let message = self.plan().encoder().encode(&slots, scale, ring, basis)?;
            mask(&object, index, message, &secret, ring)
        };
        let c0 = (0..).zip(&spec.inputs).map(encrypt);
        let input = BulkInput {
            c0: c0.collect::<Result<_, _>>()?,
            seed: object.public_seed(),
            scale,
        };
        Ok(write_bulk_input(&input, ring))
    }

    /// Decrypts the logits of the first `images` images of a request.
    ///
    /// # Errors
    /// [`ClientError::NoBulk`], [`ClientError::BulkImages`] for none or too many,
    /// [`ClientError::Wire`] for bytes that are no reply, [`ClientError::Reply`] for one that is not
    /// what the model's description promises.
    pub fn decrypt_bulk(&self, reply: &[u8], images: usize) -> Result<Vec<Logits>, ClientError> {
        let (ring, spec) = (self.plan().ring(), self.bulk_spec()?);
        check_count(images, spec)?;
        let reply = read_bulk_reply(reply, self.plan().info().output.packing.classes, ring)?;
        let same_scale = reply.scale.agrees(Scale(spec.reply_scale));
        if reply.log_modulus != spec.log_modulus || !same_scale {
            return Err(ClientError::Reply {
                found: reply.log_modulus,
                found_scale: reply.scale.0.log2(),
                expected: spec.log_modulus,
                expected_scale: spec.reply_scale.log2(),
            });
        }
        let basis = Basis::Q(spec.level);
        let (secret, crt) = (self.secret().restricted(ring, basis), Crt::new(ring, basis));
        let mut logits = vec![Vec::with_capacity(reply.classes.len()); images];
        for parts in &reply.classes {
            let message = message(parts, reply.log_modulus, &secret, &crt, ring, basis)?;
            let slots = self.plan().encoder().decode(&message, reply.scale);
            let reals = slots.iter().map(|slot: &Complex64| slot.re);
            for (logits, real) in logits.iter_mut().zip(reals) {
                logits.push(real);
            }
        }
        Ok(logits.into_iter().map(Logits::new).collect())
    }

    fn bulk_spec(&self) -> Result<&BulkSpec, ClientError> {
        let info = self.plan().info();
        info.bulk.as_ref().ok_or_else(|| ClientError::NoBulk {
            model: info.id.clone(),
        })
    }
}

fn check_count(found: usize, spec: &BulkSpec) -> Result<(), ClientError> {
    let most = spec.images;
    if (1..=most).contains(&found) {
        Ok(())
    } else {
        Err(ClientError::BulkImages { found, most })
    }
}

/// The coefficients of `c0 + c1·s + c2·s²` modulo `2^log_modulus`, centred.
///
/// Modulo Q the parts stand for centred numbers. Their products with the secret are far below Q, so
/// nothing is lost before the last reduction; where a malicious reply makes them wrap, the result is
/// another wrong one.
fn message(
    parts: &[Vec<u32>; 3],
    log_modulus: u32,
    secret: &SecretPoly,
    crt: &Crt,
    ring: &Ring,
    basis: Basis,
) -> Result<Zeroizing<Vec<f64>>, ClientError> {
    let unused = 32 - log_modulus;
    let centred = |&number: &u32| i64::from((number << unused).cast_signed() >> unused);
    let part = |part: &[u32]| -> Poly<Ntt> {
        let coefficients: Vec<i64> = part.iter().map(centred).collect();
        Poly::from_signed(&coefficients, ring, basis).into_ntt(ring)
    };
    let [c0, c1, c2] = parts;
    let mut message = part(c2);
    for lower in [c1, c0] {
        message.mul_assign(secret.get(), ring)?;
        message.add_assign(&part(lower), ring)?;
    }
    let message = SecretPoly::new(message.into_coeff(ring));
    let mut coefficients = Zeroizing::new(crt.compose_centered(message.get().limbs()));
    let modulus = 2f64.powi(log_modulus.cast_signed());
    for coefficient in coefficients.iter_mut() {
        *coefficient -= modulus * (*coefficient / modulus).round_ties_even();
    }
    Ok(coefficients)
}
