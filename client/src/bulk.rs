//! Many images in one request: an image in each slot, one ciphertext for each input.

use shared::api::BulkSpec;
use shared::ciphertext::BulkInput;
use shared::encoding::{Complex64, Scale};
use shared::ring::Basis;
use shared::ring::crt::Crt;
use shared::wire::{read_bulk_reply, write_bulk_input};
use zeroize::Zeroizing;

use crate::decryption::message;
use crate::encryption::mask;
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
        let prepared = images.iter().map(|image| self.prepared(image.as_ref()));
        let prepared: Vec<Zeroizing<Vec<f64>>> = prepared.collect::<Result<_, _>>()?;
        let (scale, basis) = (Scale(spec.scale), Basis::Q(spec.level));
        let (object, secret) = (SecretSeed::fresh()?, self.secret().restricted(ring, basis));
        let encrypt = |(index, &input): (u64, &usize)| {
            let slots: Zeroizing<Vec<f64>> =
                Zeroizing::new(prepared.iter().map(|image| image[input]).collect());
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
        let reply = read_bulk_reply(reply, self.plan().info().output.packing.classes(), ring)?;
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
            let parts = parts.each_ref().map(Vec::as_slice);
            let message = message(&parts, reply.log_modulus, &secret, &crt, ring)?;
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
