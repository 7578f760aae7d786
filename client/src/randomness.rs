//! Seeds from the platform and the streams they expand to.

use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use shared::ring::Seed;
use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::ClientError;
use crate::encryption::PUBLIC_STREAM;

/// 32 secret bytes, wiped when dropped. A key or the errors of one object come from it.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct SecretSeed([u8; 32]);

impl SecretSeed {
    /// A fresh seed from the platform's generator.
    ///
    /// # Errors
    /// [`ClientError::Randomness`] when the platform has none to give.
    pub fn fresh() -> Result<Self, ClientError> {
        let mut seed = Self([0; 32]);
        getrandom::fill(&mut seed.0).map_err(|error| ClientError::Randomness(error.to_string()))?;
        Ok(seed)
    }

    /// A seed that is already known: from a key file, or fixed for known-answer tests.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The bytes, for the key file.
    pub(crate) fn bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The stream with this number.
    pub(crate) fn stream(&self, number: u64) -> SecretStream {
        let mut rng = ChaCha20Rng::from_seed(self.0);
        rng.set_stream(number);
        SecretStream(rng)
    }

    /// The seed of an object: the first 32 bytes of a stream of this one.
    pub(crate) fn derive(&self, stream: u64) -> Self {
        let mut seed = Self([0; 32]);
        self.stream(stream).rng().fill_bytes(&mut seed.0);
        seed
    }

    /// The seed of an object's uniform halves, which is published.
    pub(crate) fn public_seed(&self) -> Seed {
        *self.derive(PUBLIC_STREAM).bytes()
    }
}

/// A secret stream of random bytes.
pub(crate) struct SecretStream(ChaCha20Rng);

impl SecretStream {
    pub(crate) fn rng(&mut self) -> &mut ChaCha20Rng {
        &mut self.0
    }
}

impl Drop for SecretStream {
    fn drop(&mut self) {
        // The generator has no wipe of its own; a public seed in its place is as good.
        self.0 = ChaCha20Rng::from_seed([0; 32]);
        std::hint::black_box(&self.0);
    }
}
