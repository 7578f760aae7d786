//! The secret key of one person.

use std::sync::Arc;

use shared::ring::{Basis, Domain, Level, Ntt, Poly, Ring};
use shared::wire::{MessageKind, WireError, read_header, write_header};
use zeroize::{Zeroize, Zeroizing};

use crate::evaluation_keys::EvaluationKeyPieces;
use crate::sampling::ternary;
use crate::{ClientError, Plan, SecretSeed};

/// Stream of the master seed that the ternary secret comes from; those above it are the seeds of
/// the evaluation keys.
const SECRET_STREAM: u64 = 0;

/// A polynomial that is wiped when dropped.
pub(crate) struct SecretPoly<D: Domain = Ntt>(Poly<D>);

impl<D: Domain> SecretPoly<D> {
    pub(crate) fn new(poly: Poly<D>) -> Self {
        Self(poly)
    }

    pub(crate) fn get(&self) -> &Poly<D> {
        &self.0
    }
}

/// The ternary secret: by its coefficients, and modulo all primes in the NTT domain.
pub(crate) struct Secret {
    coefficients: Zeroizing<Vec<i64>>,
    /// For each level its polynomial modulo Q·P.
    levels: Vec<SecretPoly>,
}

impl Secret {
    fn new(coefficients: Zeroizing<Vec<i64>>, ring: &Ring) -> Self {
        let level = |level| {
            let basis = Basis::Qp(Level(level));
            SecretPoly(Poly::from_signed(&coefficients, ring, basis).into_ntt(ring))
        };
        let levels = (0..=ring.parameters().top().0).map(level).collect();
        Self {
            coefficients,
            levels,
        }
    }

    /// The coefficients, each -1, 0 or 1.
    pub(crate) fn coefficients(&self) -> &[i64] {
        &self.coefficients
    }

    /// The polynomial modulo the primes of a basis.
    pub(crate) fn restricted(&self, ring: &Ring, basis: Basis) -> SecretPoly {
        let mut poly = Poly::zero(ring, basis);
        let level = &self.levels[usize::from(basis.level().0)];
        for (to, from) in poly.limbs_mut().zip(level.0.limbs()) {
            to.copy_from_slice(from);
        }
        SecretPoly(poly)
    }
}

impl<D: Domain> Drop for SecretPoly<D> {
    fn drop(&mut self) {
        self.0.residues_mut().zeroize();
    }
}

/// The secret key for one model's parameters, and all that is done with it.
pub struct ClientKeys {
    plan: Arc<Plan>,
    seed: SecretSeed,
    secret: Secret,
}

impl std::fmt::Debug for ClientKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ClientKeys")
            .field("plan", &self.plan.info().id)
            .finish_non_exhaustive()
    }
}

impl ClientKeys {
    /// A new secret key from the platform's random generator.
    ///
    /// # Errors
    /// [`ClientError::Randomness`].
    pub fn generate(plan: Arc<Plan>) -> Result<Self, ClientError> {
        Ok(Self::from_seed(plan, SecretSeed::fresh()?))
    }

    /// The secret key that a master seed stands for: uniform ternary.
    #[must_use]
    pub fn from_seed(plan: Arc<Plan>, seed: SecretSeed) -> Self {
        let ring = plan.ring();
        let coefficients = ternary(&mut seed.stream(SECRET_STREAM), ring.degree());
        let secret = Secret::new(coefficients, ring);
        Self { plan, seed, secret }
    }

    /// The key that [`ClientKeys::to_file`] wrote.
    ///
    /// # Errors
    /// [`ClientError::Wire`] if the bytes are not a key for this plan's parameter set.
    pub fn from_file(plan: Arc<Plan>, bytes: &[u8]) -> Result<Self, ClientError> {
        let body = read_header(bytes, MessageKind::SecretKey, plan.ring())?;
        let seed = <[u8; 32]>::try_from(body).map_err(|_| match body.len() {
            found @ ..32 => WireError::Truncated {
                what: "the secret key".to_owned(),
                needed: 32,
                found,
            },
            longer => WireError::Trailing { count: longer - 32 },
        })?;
        Ok(Self::from_seed(plan, SecretSeed::from_bytes(seed)))
    }

    /// The key as a file: the header and the master seed. Whoever has it can decrypt.
    #[must_use]
    pub fn to_file(&self) -> Zeroizing<Vec<u8>> {
        let mut bytes = write_header(MessageKind::SecretKey, self.plan.ring());
        bytes.reserve_exact(self.seed.bytes().len());
        bytes.extend_from_slice(self.seed.bytes());
        Zeroizing::new(bytes)
    }

    /// What this key was made for.
    #[must_use]
    pub fn plan(&self) -> &Arc<Plan> {
        &self.plan
    }

    /// The evaluation keys, made one by one; their bytes in a row are the upload.
    #[must_use]
    pub fn evaluation_keys(&self) -> EvaluationKeyPieces<'_> {
        EvaluationKeyPieces::new(self)
    }

    pub(crate) fn seed(&self) -> &SecretSeed {
        &self.seed
    }

    pub(crate) fn secret(&self) -> &Secret {
        &self.secret
    }
}
