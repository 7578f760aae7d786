//! Sessions: what a client uploaded once and uses for many requests.
//!
//! Knows ids, ages and sizes; doesn't know what it holds, nor HTTP.
//!
//! **Invariant:** the store holds at most [`SessionLimits::bytes`] bytes in at most
//! [`SessionLimits::count`] sessions, and gives out none that has been idle for
//! [`SessionLimits::idle`]. An id is 128 bits from the operating system, so it can't be guessed.

mod clock;
mod id;

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use thiserror::Error;

pub use clock::{Clock, SystemClock};
pub use id::SessionId;

/// How much a [`SessionStore`] holds, and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionLimits {
    /// A session that isn't used for so long is forgotten.
    pub idle: Duration,
    /// Bytes in all sessions together.
    pub bytes: u64,
    /// Sessions in all.
    pub count: usize,
}

impl Default for SessionLimits {
    fn default() -> Self {
        Self {
            idle: Duration::from_secs(3600),
            bytes: 2 << 30,
            count: 10_000,
        }
    }
}

/// Why nothing was stored.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum SessionError {
    /// The value alone is larger than the store.
    #[error("{bytes} bytes don't fit into a store of {limit}")]
    TooLarge {
        /// Size of the value.
        bytes: u64,
        /// Size of the store.
        limit: u64,
    },
    /// The operating system gives no random numbers.
    #[error("no randomness for a session id")]
    NoRandomness,
}

/// What can be said about a session without using it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionState {
    /// Time until it is forgotten, if it isn't used before.
    pub expires_in: Duration,
    /// Bytes it is charged for.
    pub bytes: u64,
}

/// Figures since the start and of now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SessionFigures {
    /// Sessions held.
    pub held: usize,
    /// Bytes held.
    pub bytes: u64,
    /// Sessions forgotten for being idle.
    pub expired: u64,
    /// Sessions forgotten to make room.
    pub evicted: u64,
}

/// The sessions of one server.
pub struct SessionStore<V> {
    limits: SessionLimits,
    clock: Arc<dyn Clock>,
    inner: Mutex<Inner<V>>,
}

struct Inner<V> {
    sessions: HashMap<SessionId, Session<V>>,
    /// Ids by the use that came last, the longest idle first: both expiry and eviction take from
    /// the front.
    order: BTreeMap<u64, SessionId>,
    uses: u64,
    figures: SessionFigures,
}

struct Session<V> {
    value: Arc<V>,
    bytes: u64,
    used_at: Duration,
    use_number: u64,
}

impl<V> SessionStore<V> {
    /// An empty store.
    #[must_use]
    pub fn new(limits: SessionLimits, clock: Arc<dyn Clock>) -> Self {
        let inner = Inner {
            sessions: HashMap::new(),
            order: BTreeMap::new(),
            uses: 0,
            figures: SessionFigures::default(),
        };
        Self {
            limits,
            clock,
            inner: Mutex::new(inner),
        }
    }

    /// Keeps `value` under a fresh id, forgetting the sessions that were idle longest where room
    /// is needed.
    ///
    /// # Errors
    /// The value is larger than the whole store, or there is no randomness. Nothing is stored or
    /// forgotten then.
    pub fn insert(&self, value: V, bytes: u64) -> Result<SessionId, SessionError> {
        if bytes > self.limits.bytes {
            return Err(SessionError::TooLarge {
                bytes,
                limit: self.limits.bytes,
            });
        }
        let id = SessionId::random()?;
        let now = self.clock.now();
        let mut inner = self.lock();
        inner.forget_idle(now, self.limits.idle);
        let room = self.limits.bytes - bytes;
        while inner.figures.bytes > room || inner.sessions.len() >= self.limits.count.max(1) {
            if !inner.forget_oldest() {
                break;
            }
            inner.figures.evicted += 1;
        }
        let use_number = inner.next_use(id);
        inner.figures.bytes += bytes;
        inner.sessions.insert(
            id,
            Session {
                value: Arc::new(value),
                bytes,
                used_at: now,
                use_number,
            },
        );
        Ok(id)
    }

    /// The session's value, if it is held; it counts as used now.
    #[must_use]
    pub fn get(&self, id: SessionId) -> Option<Arc<V>> {
        let now = self.clock.now();
        let mut inner = self.lock();
        inner.forget_idle(now, self.limits.idle);
        let before = inner.sessions.get(&id)?.use_number;
        inner.order.remove(&before);
        let use_number = inner.next_use(id);
        let session = inner.sessions.get_mut(&id)?;
        session.use_number = use_number;
        session.used_at = now;
        Some(Arc::clone(&session.value))
    }

    /// Charges a session for another size, forgetting others that were idle longest where room is
    /// needed; it counts as used now. Says whether it is held.
    ///
    /// # Errors
    /// The size is larger than the whole store; nothing is forgotten then.
    pub fn resize(&self, id: SessionId, bytes: u64) -> Result<bool, SessionError> {
        let limit = self.limits.bytes;
        if bytes > limit {
            return Err(SessionError::TooLarge { bytes, limit });
        }
        if self.get(id).is_none() {
            return Ok(false);
        }
        let mut guard = self.lock();
        let inner = &mut *guard;
        let Some(session) = inner.sessions.get_mut(&id) else {
            return Ok(false);
        };
        inner.figures.bytes = inner.figures.bytes - session.bytes + bytes;
        session.bytes = bytes;
        while inner.figures.bytes > limit && inner.forget_oldest() {
            inner.figures.evicted += 1;
        }
        Ok(inner.sessions.contains_key(&id))
    }

    /// What is known about a session; looking isn't using.
    #[must_use]
    pub fn state(&self, id: SessionId) -> Option<SessionState> {
        let now = self.clock.now();
        let mut inner = self.lock();
        inner.forget_idle(now, self.limits.idle);
        let session = inner.sessions.get(&id)?;
        let idle = now.saturating_sub(session.used_at);
        Some(SessionState {
            expires_in: self.limits.idle.saturating_sub(idle),
            bytes: session.bytes,
        })
    }

    /// Forgets a session; says whether there was one.
    pub fn remove(&self, id: SessionId) -> bool {
        let now = self.clock.now();
        let mut inner = self.lock();
        inner.forget_idle(now, self.limits.idle);
        inner.forget(id)
    }

    /// Forgets what has been idle too long and counts the rest.
    pub fn sweep(&self) -> SessionFigures {
        let now = self.clock.now();
        let mut inner = self.lock();
        inner.forget_idle(now, self.limits.idle);
        SessionFigures {
            held: inner.sessions.len(),
            ..inner.figures
        }
    }

    /// No code that runs under the lock panics, and if it did, the store would still be usable.
    fn lock(&self) -> MutexGuard<'_, Inner<V>> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<V> Inner<V> {
    fn next_use(&mut self, id: SessionId) -> u64 {
        self.uses += 1;
        self.order.insert(self.uses, id);
        self.uses
    }

    fn forget(&mut self, id: SessionId) -> bool {
        let Some(session) = self.sessions.remove(&id) else {
            return false;
        };
        self.order.remove(&session.use_number);
        self.figures.bytes -= session.bytes;
        true
    }

    fn forget_oldest(&mut self) -> bool {
        let oldest = self.order.first_key_value().map(|(_, &id)| id);
        oldest.is_some_and(|id| self.forget(id))
    }

    fn forget_idle(&mut self, now: Duration, idle: Duration) {
        while let Some(id) = self.order.first_key_value().map(|(_, &id)| id) {
            let is_idle = |session: &Session<V>| now.saturating_sub(session.used_at) >= idle;
            if !self.sessions.get(&id).is_some_and(is_idle) || !self.forget(id) {
                return;
            }
            self.figures.expired += 1;
        }
    }
}

#[cfg(test)]
mod tests;
