//! The secret key as a file that only a passphrase opens.
//!
//! Argon2id makes a key of the passphrase, XChaCha20-Poly1305 seals the master seed with it, and
//! everything before the sealed part is authenticated with it. `docs/wire-format.md` has the layout.
//!
//! Knows the file's bytes; knows neither where they are kept nor who asks for the passphrase.
//!
//! **Invariant:** without the passphrase a file gives away which model the key is for and when it
//! was made, and nothing else. A file from outside costs at most [`MOST_MEMORY_KIB`] of memory and
//! [`MOST_WORK_KIB`] of work, and what it says in clear is believed only once it has been opened.

use std::sync::Arc;

use argon2::{Algorithm, Argon2, Params, Version};
use chacha20poly1305::aead::{AeadInOut, KeyInit};
use chacha20poly1305::{Tag, XChaCha20Poly1305, XNonce};
use shared::wire::{MessageKind, WireError, read_foreign_header, write_header};
use thiserror::Error;
use zeroize::Zeroizing;

use crate::{ClientError, ClientKeys, Plan, SecretSeed};

/// Fewest characters of a passphrase that a new file is sealed with.
pub const LEAST_PASSPHRASE: usize = 10;

/// Most memory, in KiB, that a file may ask for.
pub const MOST_MEMORY_KIB: u32 = 256 << 10;

/// Most memory times passes, in KiB, that a file may ask for.
pub const MOST_WORK_KIB: u64 = 1 << 20;

/// Longest name of a model, in bytes.
const MOST_NAME: usize = u8::MAX as usize;

const SALT_LEN: usize = 16;
const NONCE_LEN: usize = 24;
const SEED_LEN: usize = 32;
const TAG_LEN: usize = 16;

/// What guessing a passphrase costs: Argon2id's parameters, for one lane.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cost {
    /// Memory in KiB.
    pub memory_kib: u32,
    /// Passes over it.
    pub passes: u32,
}

impl Cost {
    /// What new files are sealed with: more than twice the memory of OWASP's least (19 MiB and two
    /// passes), and a fraction of a second in a browser.
    pub const NEW: Self = Self {
        memory_kib: 48 << 10,
        passes: 3,
    };

    /// Argon2id's own parameters, where they are ones that this program spends.
    fn params(self) -> Result<Params, SealedError> {
        let work = u64::from(self.memory_kib) * u64::from(self.passes);
        let refused = SealedError::Cost { found: self };
        if self.memory_kib > MOST_MEMORY_KIB || work > MOST_WORK_KIB {
            return Err(refused);
        }
        Params::new(self.memory_kib, self.passes, 1, Some(32)).map_err(|_| refused)
    }
}

/// Why a key file can't be written or opened.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum SealedError {
    /// Bytes of another origin, or another message of Inkveil.
    #[error("this is no key file of Inkveil")]
    NotAKeyFile,
    /// A key that anybody can use.
    #[error("the key file is not sealed; `inkveil keygen --seal` makes one that is")]
    Unsealed,
    /// Written by another version.
    #[error(
        "the key file has format version {found}, and version {expected} is read here; it needs \
         another version of Inkveil"
    )]
    Version {
        /// Version in the file.
        found: u16,
        /// Version that is read here.
        expected: u16,
    },
    /// Bytes are missing, too many, or no text.
    #[error("the key file is damaged: {what}")]
    Damaged {
        /// What is wrong.
        what: &'static str,
    },
    /// Opening it would take too much.
    #[error(
        "the key file asks for {} KiB of memory and {} passes to be opened; at most {} KiB, and {} \
         KiB times passes, are spent",
        found.memory_kib, found.passes, MOST_MEMORY_KIB, MOST_WORK_KIB
    )]
    Cost {
        /// What it asks for.
        found: Cost,
    },
    /// For another model.
    #[error("the key file is for the model {found}, not for {expected}; choose {found} first")]
    Model {
        /// Model in the file.
        found: String,
        /// Model in use.
        expected: String,
    },
    /// For the model of this name, but made for other parameters.
    #[error(
        "the key file was made for other parameters ({found:016x}) of the model {model} than it has \
         here ({expected:016x}); a new key is needed"
    )]
    ParameterSet {
        /// The model.
        model: String,
        /// Fingerprint in the file.
        found: u64,
        /// Fingerprint of the set in use.
        expected: u64,
    },
    /// It does not open.
    #[error("the passphrase is wrong, or the key file is damaged")]
    Locked,
    /// Too short to withstand guessing.
    #[error("the passphrase has {found} characters; at least {LEAST_PASSPHRASE} are needed")]
    ShortPassphrase {
        /// Characters that it has.
        found: usize,
    },
    /// A model that can't be named in a file.
    #[error("the model's name has {found} bytes; a key file has room for {MOST_NAME}")]
    LongName {
        /// Bytes that it has.
        found: usize,
    },
    /// The platform gave no random bytes.
    #[error(transparent)]
    Randomness(#[from] ClientError),
}

/// Whether bytes look like a sealed key, to tell it from one that isn't.
#[must_use]
pub fn is_sealed(bytes: &[u8]) -> bool {
    read_foreign_header(bytes, MessageKind::SealedSecretKey).is_ok()
}

/// A key file that has been read and not opened.
#[derive(Clone, Debug, PartialEq)]
pub struct SealedKey<'a> {
    /// The model that it says it is for.
    pub model: &'a str,
    /// When it says the key was made, in milliseconds since 1970.
    pub made_at: u64,
    /// What opening it takes.
    pub cost: Cost,
    fingerprint: u64,
    salt: [u8; SALT_LEN],
    nonce: [u8; NONCE_LEN],
    /// All that is authenticated and in clear.
    clear: &'a [u8],
    seed: [u8; SEED_LEN],
    tag: [u8; TAG_LEN],
}

impl<'a> SealedKey<'a> {
    /// Reads what a file says in clear.
    ///
    /// # Errors
    /// The first thing about the bytes that is not as it should be.
    pub fn read(bytes: &'a [u8]) -> Result<Self, SealedError> {
        let (fingerprint, body) = read_foreign_header(bytes, MessageKind::SealedSecretKey)
            .map_err(|error| refuse_header(&error))?;
        let mut rest = body;
        let made_at = u64::from_le_bytes(take(&mut rest)?);
        let cost = Cost {
            memory_kib: u32::from_le_bytes(take(&mut rest)?),
            passes: u32::from_le_bytes(take(&mut rest)?),
        };
        cost.params()?;
        let (salt, nonce) = (take(&mut rest)?, take(&mut rest)?);
        let [length] = take(&mut rest)?;
        let (name, sealed) = rest.split_at_checked(length.into()).ok_or(CUT)?;
        let model = std::str::from_utf8(name).map_err(|_| SealedError::Damaged {
            what: "the model's name is no text",
        })?;
        rest = sealed;
        let (seed, tag) = (take(&mut rest)?, take(&mut rest)?);
        if !rest.is_empty() {
            let what = "it goes on after its end";
            return Err(SealedError::Damaged { what });
        }
        let clear = bytes.get(..bytes.len() - SEED_LEN - TAG_LEN).ok_or(CUT)?;
        Ok(Self {
            model,
            made_at,
            cost,
            fingerprint,
            salt,
            nonce,
            clear,
            seed,
            tag,
        })
    }

    /// Opens the key for a model's plan. It takes the time and memory of [`SealedKey::cost`].
    ///
    /// # Errors
    /// [`SealedError::Model`] or [`SealedError::ParameterSet`] if it is for another plan,
    /// [`SealedError::Locked`] if the passphrase doesn't open it.
    pub fn open(&self, plan: Arc<Plan>, passphrase: &str) -> Result<ClientKeys, SealedError> {
        let expected = &plan.info().id;
        if self.model != expected {
            return Err(SealedError::Model {
                found: self.model.to_owned(),
                expected: expected.clone(),
            });
        }
        let expected = plan.ring().parameters().fingerprint();
        if self.fingerprint != expected {
            return Err(SealedError::ParameterSet {
                model: self.model.to_owned(),
                found: self.fingerprint,
                expected,
            });
        }
        let cipher = cipher(passphrase, self.cost, &self.salt)?;
        let mut seed = Zeroizing::new(self.seed);
        cipher
            .decrypt_inout_detached(
                &XNonce::from(self.nonce),
                self.clear,
                seed.as_mut_slice().into(),
                &Tag::from(self.tag),
            )
            .map_err(|_| SealedError::Locked)?;
        let seed = SecretSeed::from_bytes(*seed);
        Ok(ClientKeys::from_seed(plan, seed))
    }
}

impl ClientKeys {
    /// The key as a file that only the passphrase opens; `made_at` is when the key was made, in
    /// milliseconds since 1970. It takes the time and memory of [`Cost::NEW`].
    ///
    /// # Errors
    /// [`SealedError::ShortPassphrase`], [`SealedError::LongName`] for a model that a file can't
    /// name, [`SealedError::Randomness`].
    pub fn seal(&self, passphrase: &str, made_at: u64) -> Result<Vec<u8>, SealedError> {
        let found = passphrase.chars().count();
        if found < LEAST_PASSPHRASE {
            return Err(SealedError::ShortPassphrase { found });
        }
        self.seal_with(passphrase, made_at, Cost::NEW, random()?, random()?)
    }

    fn seal_with(
        &self,
        passphrase: &str,
        made_at: u64,
        cost: Cost,
        salt: [u8; SALT_LEN],
        nonce: [u8; NONCE_LEN],
    ) -> Result<Vec<u8>, SealedError> {
        let name = self.plan().info().id.as_bytes();
        let found = name.len();
        let length = u8::try_from(found).map_err(|_| SealedError::LongName { found })?;
        let mut file = write_header(MessageKind::SealedSecretKey, self.plan().ring());
        file.extend(made_at.to_le_bytes());
        file.extend(cost.memory_kib.to_le_bytes());
        file.extend(cost.passes.to_le_bytes());
        file.extend(salt);
        file.extend(nonce);
        file.push(length);
        file.extend(name);
        let cipher = cipher(passphrase, cost, &salt)?;
        let mut seed = Zeroizing::new(*self.seed().bytes());
        let tag = cipher
            .encrypt_inout_detached(&XNonce::from(nonce), &file, seed.as_mut_slice().into())
            .map_err(|_| SealedError::Locked)?;
        file.extend(seed.as_slice()); // Sealed by now.
        file.extend(tag);
        Ok(file)
    }
}

/// A file that ends too early.
const CUT: SealedError = SealedError::Damaged {
    what: "its end is missing",
};

/// The next bytes of a file.
fn take<const N: usize>(rest: &mut &[u8]) -> Result<[u8; N], SealedError> {
    let (taken, left) = rest.split_first_chunk().ok_or(CUT)?;
    *rest = left;
    Ok(*taken)
}

fn refuse_header(error: &WireError) -> SealedError {
    match *error {
        WireError::Kind { found, .. } if found == MessageKind::SecretKey as u8 => {
            SealedError::Unsealed
        }
        WireError::Version { found, expected } => SealedError::Version { found, expected },
        WireError::Fields { .. } => SealedError::Damaged {
            what: "its header can't be read",
        },
        _ => SealedError::NotAKeyFile,
    }
}

/// The cipher under the key that a passphrase gives.
fn cipher(
    passphrase: &str,
    cost: Cost,
    salt: &[u8; SALT_LEN],
) -> Result<XChaCha20Poly1305, SealedError> {
    let refused = |_| SealedError::Cost { found: cost };
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, cost.params()?);
    let mut key = Zeroizing::new([0; 32]);
    argon2
        .hash_password_into(passphrase.as_bytes(), salt, key.as_mut_slice())
        .map_err(refused)?;
    Ok(XChaCha20Poly1305::new(&(*key).into()))
}

fn random<const N: usize>() -> Result<[u8; N], ClientError> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|error| ClientError::Randomness(error.to_string()))?;
    Ok(bytes)
}

#[cfg(test)]
mod tests;
