//! Sessions: what a client uploaded once and uses for many requests.
//!
//! Knows ids, ages, sizes and owners' addresses; doesn't know what it holds, nor HTTP.
//!
//! **Invariant:** the store holds at most [`SessionLimits::all`], of one owner at most
//! [`SessionLimits::each`], and gives out no session that has been idle for [`SessionLimits::idle`] or
//! is older than [`SessionLimits::life`]. An id is 128 bits from the operating system, so it can't be
//! guessed.

mod clock;
mod id;

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use thiserror::Error;

use super::address::ClientAddress;
pub use clock::{Clock, SystemClock};
pub use id::SessionId;

/// How much a [`SessionStore`] holds, and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionLimits {
    /// A session that isn't used for so long is forgotten.
    pub idle: Duration,
    /// A session of this age is forgotten, however much it is used.
    pub life: Duration,
    /// What all sessions together may hold; past it, those go that were idle longest.
    pub all: Share,
    /// What the sessions of one owner may hold; past it, no more are taken.
    pub each: Share,
}

/// How many sessions, and how many bytes in them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Share {
    /// Sessions.
    pub count: usize,
    /// Bytes.
    pub bytes: u64,
}

/// Which of a [`Share`]'s figures was reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Full {
    /// So many sessions.
    Count(usize),
    /// So many bytes.
    Bytes(u64),
}

impl fmt::Display for Full {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Count(count) => write!(f, "{count} sessions"),
            Self::Bytes(bytes) => write!(f, "{bytes} bytes of keys"),
        }
    }
}

impl Share {
    /// What keeps `more` bytes in one more session from joining what is held.
    fn full(&self, held: Share, more: Share) -> Option<Full> {
        if held.count + more.count > self.count.max(1) {
            return Some(Full::Count(self.count.max(1)));
        }
        (held.bytes + more.bytes > self.bytes).then_some(Full::Bytes(self.bytes))
    }
}

impl Default for SessionLimits {
    fn default() -> Self {
        Self {
            idle: Duration::from_secs(3600),
            life: Duration::from_secs(24 * 3600),
            all: Share {
                count: 10_000,
                bytes: 2 << 30,
            },
            each: Share {
                count: 1_000,
                bytes: 512 << 20,
            },
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
    /// The owner's share is used up.
    #[error("the owner holds its share of {limit}")]
    OwnerFull {
        /// What it may hold.
        limit: Full,
        /// Time until one of its sessions is forgotten, if none is used before.
        retry_after: Duration,
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
    /// Ids by the use that came first, the oldest first.
    births: BTreeMap<u64, SessionId>,
    owners: HashMap<ClientAddress, Share>,
    uses: u64,
    figures: SessionFigures,
}

struct Session<V> {
    value: Arc<V>,
    bytes: u64,
    owner: ClientAddress,
    born_at: Duration,
    birth_number: u64,
    used_at: Duration,
    use_number: u64,
}

impl<V> Session<V> {
    /// When it is forgotten if it isn't used before.
    fn ends_at(&self, limits: &SessionLimits) -> Duration {
        let idle = self.used_at.saturating_add(limits.idle);
        idle.min(self.born_at.saturating_add(limits.life))
    }
}

impl<V> SessionStore<V> {
    /// An empty store.
    #[must_use]
    pub fn new(limits: SessionLimits, clock: Arc<dyn Clock>) -> Self {
        let inner = Inner {
            sessions: HashMap::new(),
            order: BTreeMap::new(),
            births: BTreeMap::new(),
            owners: HashMap::new(),
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
    /// The value is larger than the whole store, its owner's share is used up, or there is no
    /// randomness. Nothing is stored or forgotten then.
    pub fn insert(
        &self,
        value: V,
        bytes: u64,
        owner: ClientAddress,
    ) -> Result<SessionId, SessionError> {
        let id = SessionId::random()?;
        self.insert_as(id, value, bytes, owner)?;
        Ok(id)
    }

    /// As [`SessionStore::insert`], under an id that somebody else made; what it named before is
    /// forgotten.
    ///
    /// # Errors
    /// As [`SessionStore::insert`].
    pub fn insert_as(
        &self,
        id: SessionId,
        value: V,
        bytes: u64,
        owner: ClientAddress,
    ) -> Result<Arc<V>, SessionError> {
        let limits = &self.limits;
        if bytes > limits.all.bytes {
            return Err(SessionError::TooLarge {
                bytes,
                limit: limits.all.bytes,
            });
        }
        let now = self.clock.now();
        let mut inner = self.lock();
        inner.forget_ended(now, limits);
        inner.forget(id);
        let own = inner.owners.get(&owner).copied().unwrap_or_default();
        let one = Share { count: 1, bytes };
        if let Some(limit) = limits.each.full(own, one) {
            let retry_after = inner.first_end(owner, limits).saturating_sub(now);
            return Err(SessionError::OwnerFull { limit, retry_after });
        }
        while limits.all.full(inner.held(), one).is_some() && inner.forget_oldest() {
            inner.figures.evicted += 1;
        }
        let use_number = inner.next_use(id);
        inner.births.insert(use_number, id);
        inner.charge(owner, one);
        let value = Arc::new(value);
        inner.sessions.insert(
            id,
            Session {
                value: Arc::clone(&value),
                bytes,
                owner,
                born_at: now,
                birth_number: use_number,
                used_at: now,
                use_number,
            },
        );
        Ok(value)
    }

    /// The session's value, if it is held; it counts as used now.
    #[must_use]
    pub fn get(&self, id: SessionId) -> Option<Arc<V>> {
        let now = self.clock.now();
        let mut inner = self.lock();
        inner.forget_ended(now, &self.limits);
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
    /// The size is larger than the whole store or past the owner's share; nothing is forgotten then.
    pub fn resize(&self, id: SessionId, bytes: u64) -> Result<bool, SessionError> {
        let limit = self.limits.all.bytes;
        if bytes > limit {
            return Err(SessionError::TooLarge { bytes, limit });
        }
        if self.get(id).is_none() {
            return Ok(false);
        }
        let now = self.clock.now();
        let mut guard = self.lock();
        let inner = &mut *guard;
        let Some((owner, before)) = inner.sessions.get(&id).map(|one| (one.owner, one.bytes))
        else {
            return Ok(false);
        };
        inner.discharge(
            owner,
            Share {
                count: 0,
                bytes: before,
            },
        );
        let grown = Share { count: 0, bytes };
        let own = inner.owners.get(&owner).copied().unwrap_or_default();
        if let Some(limit) = self.limits.each.full(own, grown) {
            inner.charge(
                owner,
                Share {
                    count: 0,
                    bytes: before,
                },
            );
            let retry_after = inner.first_end(owner, &self.limits).saturating_sub(now);
            return Err(SessionError::OwnerFull { limit, retry_after });
        }
        inner.charge(owner, grown);
        if let Some(session) = inner.sessions.get_mut(&id) {
            session.bytes = bytes;
        }
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
        inner.forget_ended(now, &self.limits);
        let session = inner.sessions.get(&id)?;
        Some(SessionState {
            expires_in: session.ends_at(&self.limits).saturating_sub(now),
            bytes: session.bytes,
        })
    }

    /// Forgets a session; says whether there was one.
    pub fn remove(&self, id: SessionId) -> bool {
        let now = self.clock.now();
        let mut inner = self.lock();
        inner.forget_ended(now, &self.limits);
        inner.forget(id)
    }

    /// Forgets what has ended and counts the rest.
    pub fn sweep(&self) -> SessionFigures {
        let now = self.clock.now();
        let mut inner = self.lock();
        inner.forget_ended(now, &self.limits);
        inner.figures
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

    fn held(&self) -> Share {
        Share {
            count: self.figures.held,
            bytes: self.figures.bytes,
        }
    }

    /// Counts what a session of `owner` holds.
    fn charge(&mut self, owner: ClientAddress, share: Share) {
        self.figures.held += share.count;
        self.figures.bytes += share.bytes;
        let own = self.owners.entry(owner).or_default();
        own.count += share.count;
        own.bytes += share.bytes;
    }

    /// Takes back what was charged.
    fn discharge(&mut self, owner: ClientAddress, share: Share) {
        self.figures.held -= share.count;
        self.figures.bytes -= share.bytes;
        if let Some(own) = self.owners.get_mut(&owner) {
            own.count -= share.count;
            own.bytes -= share.bytes;
            if own.count == 0 {
                self.owners.remove(&owner);
            }
        }
    }

    fn forget(&mut self, id: SessionId) -> bool {
        let Some(session) = self.sessions.remove(&id) else {
            return false;
        };
        self.order.remove(&session.use_number);
        self.births.remove(&session.birth_number);
        let bytes = session.bytes;
        self.discharge(session.owner, Share { count: 1, bytes });
        true
    }

    fn forget_oldest(&mut self) -> bool {
        let oldest = self.order.first_key_value().map(|(_, &id)| id);
        oldest.is_some_and(|id| self.forget(id))
    }

    /// Forgets what has been idle too long or is too old.
    fn forget_ended(&mut self, now: Duration, limits: &SessionLimits) {
        // Both queues are in the order in which their sessions end.
        let ended = |session: &Session<V>| session.ends_at(limits) <= now;
        while let Some((_, &id)) = self.order.first_key_value()
            && self.sessions.get(&id).is_some_and(ended)
            && self.forget(id)
        {
            self.figures.expired += 1;
        }
        while let Some((_, &id)) = self.births.first_key_value()
            && self.sessions.get(&id).is_some_and(ended)
            && self.forget(id)
        {
            self.figures.expired += 1;
        }
    }

    /// When the first of an owner's sessions ends.
    fn first_end(&self, owner: ClientAddress, limits: &SessionLimits) -> Duration {
        let own = self.sessions.values().filter(|one| one.owner == owner);
        let ends = own.map(|session| session.ends_at(limits));
        ends.min().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests;
