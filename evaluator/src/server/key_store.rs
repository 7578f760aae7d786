//! Where the evaluation keys of sessions are: in this process, or in a Redis that several evaluators
//! share.
//!
//! Knows key messages, sessions and who owns them; knows no route.
//!
//! **Invariant:** keys are checked before they are kept. With Redis, what is in this process is a copy:
//! a session that isn't in Redis any more isn't used, and one that isn't here yet is read from there.

mod redis;

use std::sync::Arc;
use std::time::Duration;

use prometheus_client::metrics::counter::Counter;
use shared::keys::EvaluationKeys;
use shared::ring::Ring;
use shared::wire::{KEYS_HEADER_LEN, KeyReader, WireError, read_evaluation_keys};

use super::address::ClientAddress;
use super::partial_keys::{PartialKeys, Progress};
use super::pool::Pool;
use super::problem::ApiError;
use super::session::{
    Clock, SessionFigures, SessionId, SessionLimits, SessionState, SessionStore, Share,
};
use redis::{Appended, RedisStore};

/// What one session holds.
pub struct SessionKeys {
    /// Fingerprint of the parameter set that the keys were made for.
    pub fingerprint: u64,
    /// The keys.
    pub keys: EvaluationKeys,
}

/// The keys of all sessions, and of uploads in parts.
pub struct KeyStore {
    held: SessionStore<SessionKeys>,
    parts: SessionStore<PartialKeys>,
    /// How long a session is held that is never used.
    unused: Duration,
    shared: Option<SharedStores>,
}

struct SharedStores {
    sessions: RedisStore,
    uploads: RedisStore,
}

/// How much keys may take.
#[derive(Clone, Copy)]
pub struct KeyLimits {
    /// Of sessions.
    pub sessions: SessionLimits,
    /// Of uploads that aren't complete.
    pub uploads: SessionLimits,
}

/// What an upload in parts has led to.
pub enum Upload {
    /// More keys have to come.
    Missing(u32),
    /// That was the last; the session is open.
    Opened(SessionId, SessionState),
}

impl KeyStore {
    /// Keys in this process.
    #[must_use]
    pub fn in_memory(limits: KeyLimits, clock: Arc<dyn Clock>) -> Self {
        Self {
            held: SessionStore::new(limits.sessions, Arc::clone(&clock)),
            parts: SessionStore::new(limits.uploads, clock),
            unused: limits.sessions.idle.min(limits.sessions.life),
            shared: None,
        }
    }

    /// Keys in the Redis at an address such as `redis://127.0.0.1:6379/0`, with copies here; `errors`
    /// counts how often it failed.
    ///
    /// # Errors
    /// The address can't be one. Whether something is there shows with the first request.
    pub fn in_redis(
        address: &str,
        limits: KeyLimits,
        clock: Arc<dyn Clock>,
        errors: &Counter,
    ) -> Result<Self, ::redis::RedisError> {
        let store = |space, limits| RedisStore::new(address, space, limits, errors.clone());
        let shared = SharedStores {
            sessions: store("inkveil:session", limits.sessions)?,
            uploads: store("inkveil:upload", limits.uploads)?,
        };
        // Shares are Redis's business; copies only give way to each other.
        let mut copies = limits;
        copies.sessions.each = Share {
            count: usize::MAX,
            bytes: u64::MAX,
        };
        Ok(Self {
            shared: Some(shared),
            ..Self::in_memory(copies, clock)
        })
    }

    /// Whether whole messages are kept, so that whoever reads one piece by piece has to collect it.
    #[must_use]
    pub fn keeps_messages(&self) -> bool {
        self.shared.is_some()
    }

    /// The sessions whose keys are in this process.
    #[must_use]
    pub fn held(&self) -> &SessionStore<SessionKeys> {
        &self.held
    }

    /// The uploads in parts that are in this process.
    #[must_use]
    pub fn parts(&self) -> &SessionStore<PartialKeys> {
        &self.parts
    }

    /// Opens a session with these keys; `message` is what they were read from, or empty if messages
    /// aren't kept.
    ///
    /// # Errors
    /// Those of [`SessionStore::insert`]; [`ApiError::StoreUnavailable`]. Nothing is kept then.
    pub async fn open(
        &self,
        keys: SessionKeys,
        message: &[u8],
        owner: ClientAddress,
    ) -> Result<(SessionId, SessionState), ApiError> {
        let mut bytes = keys.keys.byte_len() as u64;
        let id = self.held.insert(keys, bytes, owner)?;
        if let Some(shared) = &self.shared {
            if let Err(error) = shared.sessions.insert(id, message, owner).await {
                self.held.remove(id);
                return Err(error);
            }
            bytes = message.len() as u64;
        }
        let expires_in = self.unused;
        Ok((id, SessionState { expires_in, bytes }))
    }

    /// A session's keys; it counts as used now. `ring` finds the ring of a parameter set.
    ///
    /// # Errors
    /// [`ApiError::SessionGone`], [`ApiError::StoreUnavailable`]; [`ApiError::Busy`] if keys have to be
    /// read and `pool` is full.
    pub async fn keys(
        &self,
        id: SessionId,
        owner: ClientAddress,
        pool: &Pool,
        ring: impl Fn(u64) -> Option<Arc<Ring>>,
    ) -> Result<Arc<SessionKeys>, ApiError> {
        let Some(shared) = &self.shared else {
            return self.held.get(id).ok_or(ApiError::SessionGone);
        };
        if !shared.sessions.touch(id).await? {
            self.held.remove(id);
            return Err(ApiError::SessionGone);
        }
        if let Some(keys) = self.held.get(id) {
            return Ok(keys);
        }
        let message = shared.sessions.message(id).await?;
        let message = message.ok_or(ApiError::SessionGone)?;
        // The model may be another one since, or that of an evaluator with other models.
        let fingerprint = shared::wire::fingerprint(&message)?;
        let ring = ring(fingerprint).ok_or(ApiError::SessionGone)?;
        let keys = pool
            .run(move || read_evaluation_keys(&message, &ring))
            .await??;
        let bytes = keys.byte_len() as u64;
        let keys = SessionKeys { fingerprint, keys };
        Ok(self.held.insert_as(id, keys, bytes, owner)?)
    }

    /// What is known about a session; looking isn't using.
    ///
    /// # Errors
    /// [`ApiError::SessionGone`], [`ApiError::StoreUnavailable`].
    pub async fn state(&self, id: SessionId) -> Result<SessionState, ApiError> {
        let state = match &self.shared {
            Some(shared) => shared.sessions.state(id).await?,
            None => self.held.state(id),
        };
        state.ok_or(ApiError::SessionGone)
    }

    /// Forgets a session.
    ///
    /// # Errors
    /// [`ApiError::SessionGone`] if there is none, [`ApiError::StoreUnavailable`].
    pub async fn remove(&self, id: SessionId) -> Result<(), ApiError> {
        let was_here = self.held.remove(id);
        let was_held = match &self.shared {
            Some(shared) => shared.sessions.remove(id).await?,
            None => was_here,
        };
        was_held.then_some(()).ok_or(ApiError::SessionGone)
    }

    /// Begins an upload in parts; returns how many keys it has.
    ///
    /// # Errors
    /// The first thing about the header that is not as it should be, and those of [`KeyStore::open`].
    pub async fn begin(
        &self,
        header: &[u8],
        ring: Arc<Ring>,
        owner: ClientAddress,
    ) -> Result<(SessionId, u32), ApiError> {
        let (upload, missing) = PartialKeys::new(header, ring)?;
        let Some(shared) = &self.shared else {
            return Ok((self.parts.insert(upload, 0, owner)?, missing));
        };
        let id = SessionId::random()?;
        shared.uploads.insert(id, header, owner).await?;
        Ok((id, missing))
    }

    /// Whether an upload is held.
    ///
    /// # Errors
    /// [`ApiError::UploadGone`] if it isn't, [`ApiError::StoreUnavailable`].
    pub async fn check_upload(&self, id: SessionId) -> Result<(), ApiError> {
        let state = match &self.shared {
            Some(shared) => shared.uploads.state(id).await?,
            None => self.parts.state(id),
        };
        state.map(drop).ok_or(ApiError::UploadGone)
    }

    /// Reads the next keys of an upload that is held in Redis: all evaluators go on from what is
    /// there, so what came before is read again.
    async fn append_shared(
        &self,
        shared: &SharedStores,
        id: SessionId,
        part: Vec<u8>,
        owner: ClientAddress,
        pool: &Pool,
        ring: impl Fn(u64) -> Option<Arc<Ring>>,
    ) -> Result<Upload, ApiError> {
        let before = shared.uploads.message(id).await?;
        let before = before.ok_or(ApiError::UploadGone)?;
        let fingerprint = shared::wire::fingerprint(&before)?;
        let ring = ring(fingerprint).ok_or(ApiError::UploadGone)?;
        let length = before.len();
        let read = pool.run(move || read_more(before, &part, &ring)).await?;
        let (message, reader) = match read {
            Ok(read) => read,
            Err(error) => {
                shared.uploads.remove(id).await?;
                return Err(error.into());
            }
        };
        match reader {
            Read::Missing(keys) => {
                let part = message.get(length..).unwrap_or_default();
                match shared.uploads.append(id, length, part).await? {
                    Appended::Done => Ok(Upload::Missing(keys)),
                    Appended::Overtaken => Err(ApiError::overtaken()),
                    Appended::Gone => Err(ApiError::UploadGone),
                }
            }
            Read::Complete(keys) => {
                let keys = SessionKeys { fingerprint, keys };
                let (session, state) = self.open(keys, &message, owner).await?;
                shared.uploads.remove(id).await?;
                Ok(Upload::Opened(session, state))
            }
        }
    }

    /// Reads the next keys of an upload, on `pool`.
    ///
    /// # Errors
    /// The first thing about the part that is not as it should be: the upload is forgotten then.
    /// [`ApiError::UploadGone`]; [`ApiError::Busy`] while another part is read; those of
    /// [`KeyStore::open`].
    pub async fn append(
        self: &Arc<Self>,
        id: SessionId,
        part: Vec<u8>,
        owner: ClientAddress,
        pool: &Pool,
        ring: impl Fn(u64) -> Option<Arc<Ring>>,
    ) -> Result<Upload, ApiError> {
        if let Some(shared) = &self.shared {
            return self
                .append_shared(shared, id, part, owner, pool, ring)
                .await;
        }
        let store = Arc::clone(self);
        match pool.run(move || store.read_part(id, &part)).await?? {
            Progress::Missing { keys, .. } => Ok(Upload::Missing(keys)),
            Progress::Complete(keys) => {
                let (session, state) = self.open(keys, &[], owner).await?;
                Ok(Upload::Opened(session, state))
            }
        }
    }

    /// Reads a part and counts it, also if the sender is gone by now.
    fn read_part(&self, id: SessionId, part: &[u8]) -> Result<Progress, ApiError> {
        let upload = self.parts.get(id).ok_or(ApiError::UploadGone)?;
        let progress = upload.read(part);
        let held = match progress {
            Ok(Progress::Missing { bytes, .. }) => self.parts.resize(id, bytes),
            Err(ApiError::Busy { .. }) => Ok(true),
            Ok(Progress::Complete(_)) | Err(_) => {
                self.parts.remove(id);
                return progress;
            }
        };
        match held {
            Ok(true) => progress,
            Ok(false) => Err(ApiError::UploadGone),
            Err(error) => {
                self.parts.remove(id);
                Err(error.into())
            }
        }
    }

    /// Forgets what has ended in this process.
    pub fn sweep(&self) {
        self.held.sweep();
        self.parts.sweep();
    }

    /// The figures of sessions and of uploads; with Redis, those of all evaluators together.
    ///
    /// # Errors
    /// [`ApiError::StoreUnavailable`].
    pub async fn figures(&self) -> Result<[SessionFigures; 2], ApiError> {
        let here = [self.held.sweep(), self.parts.sweep()];
        match &self.shared {
            Some(shared) => Ok([
                shared.sessions.figures().await?,
                shared.uploads.figures().await?,
            ]),
            None => Ok(here),
        }
    }
}

enum Read {
    Missing(u32),
    Complete(EvaluationKeys),
}

/// Reads a message that grew by a part.
fn read_more(mut before: Vec<u8>, part: &[u8], ring: &Ring) -> Result<(Vec<u8>, Read), WireError> {
    let (header, keys) = before
        .split_at_checked(KEYS_HEADER_LEN)
        .unwrap_or((&before, &[]));
    let mut reader = KeyReader::new(header, ring)?;
    reader.feed(keys, ring)?;
    reader.read_part(part, ring)?;
    before.extend_from_slice(part);
    Ok((
        before,
        match reader.missing() {
            0 => Read::Complete(reader.into_keys(ring)?),
            keys => Read::Missing(keys),
        },
    ))
}
