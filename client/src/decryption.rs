//! Decryption under the secret key.
//!
//! Replies are modulo a power of two. Of logits in coefficients there are so few that each is a sum
//! of products; a message in slots takes all coefficients, and then a product of polynomials modulo
//! primes is less work.
//!
//! **Invariant:** nothing branches on a secret or on what was decrypted.

use shared::ciphertext::{Ciphertext, Reply};
use shared::encoding::{Complex64, Scale};
use shared::packing::{CoefficientPacking, OutputPacking, SlotPacking};
use shared::ring::crt::Crt;
use shared::ring::{Basis, Level, Ntt, Poly, Ring};
use shared::wire::{read_batch, read_reply};
use zeroize::Zeroizing;

use crate::secret::SecretPoly;
use crate::{ClientError, ClientKeys, Logits};

/// How far a value that is zero may be off, as a share of the largest logit.
const ZERO_TOLERANCE: f64 = 1.0 / 8.0;

impl ClientKeys {
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
        match &output.packing {
            OutputPacking::Coefficients(packing) => self.decrypt_coefficients(&reply, *packing),
            OutputPacking::Slots(packing) => self.decrypt_in_slots(&reply, packing),
        }
    }

    fn decrypt_coefficients(
        &self,
        reply: &Reply,
        packing: CoefficientPacking,
    ) -> Result<Logits, ClientError> {
        let degree = self.plan().ring().degree();
        let CoefficientPacking { classes, zeros, .. } = packing;
        let mut logits = Vec::with_capacity(classes + zeros);
        for part in &reply.parts {
            for (index, &c0) in part.c0.iter().enumerate() {
                let at = packing.coefficient(index, degree);
                let number = c0.wrapping_add(self.product_coefficient(&part.c1, at));
                logits.push(f64::from(signed(number, reply.log_modulus)) / reply.scale.0);
            }
        }
        let tolerance = self.plan().info().output.bound * ZERO_TOLERANCE;
        if let Some(&found) = logits[classes..].iter().find(|zero| zero.abs() > tolerance) {
            return Err(ClientError::Noise { found });
        }
        logits.truncate(classes);
        Ok(Logits::new(logits))
    }

    /// Each part stands for a message whole, so its product with the secret is one of polynomials.
    fn decrypt_in_slots(
        &self,
        reply: &Reply,
        packing: &SlotPacking,
    ) -> Result<Logits, ClientError> {
        let (plan, ring) = (self.plan(), self.plan().ring());
        let basis = product_basis(ring, reply.log_modulus)?;
        let (secret, crt) = (self.secret().restricted(ring, basis), Crt::new(ring, basis));
        let mut slots = Vec::new();
        for part in &reply.parts {
            let parts = [&part.c0[..], &part.c1];
            let message = message(&parts, reply.log_modulus, &secret, &crt, ring)?;
            slots.append(&mut plan.encoder().decode(&message, reply.scale));
        }
        let value = |&slot: &usize| slots.get(slot).map_or(0.0, |value| value.re);
        Ok(Logits::new(packing.slots.iter().map(value).collect()))
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

/// A number modulo `2^log_modulus`, between minus and plus half of that: sign-extended, without a
/// branch.
fn signed(number: u32, log_modulus: u32) -> i32 {
    let unused = 32 - log_modulus;
    (number << unused).cast_signed() >> unused
}

/// `Σ numbers[n-1-i]·secret[i]` modulo 2^32.
fn dot_reversed(numbers: &[u32], secret: &[i64]) -> u32 {
    let products = numbers.iter().rev().zip(secret);
    products.fold(0, |sum: u32, (&number, &s)| {
        sum.wrapping_add(number.wrapping_mul(s as u32))
    })
}

/// A basis whose modulus has room for every coefficient of `c0 + c1·s`, with numbers modulo
/// `2^log_modulus` and the ternary secret: the lowest one.
fn product_basis(ring: &Ring, log_modulus: u32) -> Result<Basis, ClientError> {
    // At most N + 1 numbers of log_modulus - 1 bits each, on both sides of zero.
    let needed = log_modulus + ring.parameters().spec().log_n + 1;
    let bits = |basis| -> u32 {
        let moduli = ring.moduli_of(basis);
        moduli.map(|modulus| modulus.prime().ilog2()).sum()
    };
    let mut bases = (0..=ring.parameters().top().0).map(|level| Basis::Qp(Level(level)));
    let found = bases.find(|&basis| needed <= bits(basis));
    found.ok_or(ClientError::ReplyTooWide { needed })
}

/// The coefficients of `parts[0] + parts[1]·s + parts[2]·s² + …` modulo `2^log_modulus`, centred.
///
/// Modulo the primes of the secret's basis the parts stand for centred numbers. Where their products
/// with the secret are below its modulus, nothing is lost before the last reduction; where a
/// malicious reply makes them wrap, the result is another wrong one.
pub(crate) fn message(
    parts: &[&[u32]],
    log_modulus: u32,
    secret: &SecretPoly,
    crt: &Crt,
    ring: &Ring,
) -> Result<Zeroizing<Vec<f64>>, ClientError> {
    let basis = secret.get().basis();
    let part = |part: &[u32]| -> Poly<Ntt> {
        let numbers = part.iter().map(|&number| signed(number, log_modulus));
        let coefficients: Vec<i64> = numbers.map(i64::from).collect();
        Poly::from_signed(&coefficients, ring, basis).into_ntt(ring)
    };
    // Horner's way: from the highest power of the secret down.
    let mut parts = parts.iter().rev();
    let mut message = part(parts.next().copied().unwrap_or_default());
    for lower in parts {
        message.mul_assign(secret.get(), ring)?;
        message.add_assign(&part(lower), ring)?;
    }
    let message = SecretPoly::new(message.into_coeff(ring));
    let mut coefficients = Zeroizing::new(crt.compose_centered(message.get().limbs()));
    let modulus = f64::from(log_modulus).exp2();
    for coefficient in coefficients.iter_mut() {
        *coefficient -= modulus * (*coefficient / modulus).round_ties_even();
    }
    Ok(coefficients)
}

#[cfg(test)]
mod tests;
