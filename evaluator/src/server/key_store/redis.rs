//! Messages in Redis (or Valkey), so that any evaluator can go on with what another one was given.
//!
//! Knows ids, messages and owners; doesn't know what a message says.
//!
//! **Invariant:** the same limits hold as in [`super::super::session::SessionStore`], over all
//! evaluators together: each change is one script, which Redis runs as a whole. Nothing waits longer
//! than [`REPLY`] for Redis, and a failure is an error of that one request.

use std::time::Duration;

use prometheus_client::metrics::counter::Counter;
use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use redis::{AsyncCommands, Client, RedisError, Script, ScriptInvocation};

use crate::server::address::ClientAddress;
use crate::server::problem::ApiError;
use crate::server::session::{
    Full, SessionError, SessionFigures, SessionId, SessionLimits, SessionState,
};

/// How long a connection may take to come about.
const CONNECT: Duration = Duration::from_secs(1);

/// How long a reply may take; keys are megabytes.
const REPLY: Duration = Duration::from_secs(3);

/// One kind of message in one Redis.
pub struct RedisStore {
    connection: ConnectionManager,
    space: &'static str,
    limits: SessionLimits,
    scripts: Scripts,
    errors: Counter,
}

struct Scripts {
    insert: Script,
    append: Script,
    touch: Script,
    state: Script,
    remove: Script,
    figures: Script,
}

impl Scripts {
    fn new() -> Self {
        let script = |own: &str| Script::new(&format!("{}{own}", include_str!("redis/common.lua")));
        Self {
            insert: script(include_str!("redis/insert.lua")),
            append: script(include_str!("redis/append.lua")),
            touch: script(include_str!("redis/touch.lua")),
            state: script(include_str!("redis/state.lua")),
            remove: script(include_str!("redis/remove.lua")),
            figures: script(include_str!("redis/figures.lua")),
        }
    }
}

/// What became of a part that was to be appended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Appended {
    /// It stands behind the others.
    Done,
    /// Another part came first.
    Overtaken,
    /// There is nothing to append it to.
    Gone,
}

impl RedisStore {
    /// Messages below `space`. Connects when it is first used.
    ///
    /// # Errors
    /// The address can't be one.
    pub fn new(
        address: &str,
        space: &'static str,
        limits: SessionLimits,
        errors: Counter,
    ) -> Result<Self, RedisError> {
        let config = ConnectionManagerConfig::new()
            .set_connection_timeout(Some(CONNECT))
            .set_response_timeout(Some(REPLY))
            .set_number_of_retries(1)
            .set_max_delay(Duration::from_millis(200));
        Ok(Self {
            connection: Client::open(address)?.get_connection_manager_lazy(config)?,
            space,
            limits,
            scripts: Scripts::new(),
            errors,
        })
    }

    /// Keeps a message under an id, forgetting those that were idle longest where room is needed.
    ///
    /// # Errors
    /// As [`super::super::session::SessionStore::insert`], or [`ApiError::StoreUnavailable`].
    pub async fn insert(
        &self,
        id: SessionId,
        message: &[u8],
        owner: ClientAddress,
    ) -> Result<(), ApiError> {
        self.check_size(message.len() as u64)?;
        let SessionLimits { all, each, .. } = self.limits;
        let mut call = self.call(&self.scripts.insert, id);
        call.arg(owner.ip().to_string())
            .arg(message)
            .arg(milliseconds(self.limits.idle))
            .arg(milliseconds(self.limits.life))
            .arg(all.count.max(1))
            .arg(all.bytes)
            .arg(each.count.max(1))
            .arg(each.bytes);
        let (full, wait): (u8, u64) = self.run(&call).await?;
        let limit = match full {
            0 => return Ok(()),
            1 => Full::Count(each.count.max(1)),
            _ => Full::Bytes(each.bytes),
        };
        Err(owner_full(limit, wait))
    }

    /// Puts a part behind a message that is `before` bytes long.
    ///
    /// # Errors
    /// As [`RedisStore::insert`].
    pub async fn append(
        &self,
        id: SessionId,
        before: usize,
        part: &[u8],
    ) -> Result<Appended, ApiError> {
        self.check_size((before + part.len()) as u64)?;
        let SessionLimits { all, each, .. } = self.limits;
        let mut call = self.call(&self.scripts.append, id);
        call.arg(before)
            .arg(part)
            .arg(milliseconds(self.limits.idle))
            .arg(all.bytes)
            .arg(each.bytes);
        let (outcome, wait): (u8, u64) = self.run(&call).await?;
        match outcome {
            0 => Ok(Appended::Done),
            1 => Ok(Appended::Overtaken),
            2 => Err(owner_full(Full::Bytes(each.bytes), wait)),
            _ => Ok(Appended::Gone),
        }
    }

    /// Whether an id is held; it counts as used now.
    ///
    /// # Errors
    /// [`ApiError::StoreUnavailable`].
    pub async fn touch(&self, id: SessionId) -> Result<bool, ApiError> {
        let mut call = self.call(&self.scripts.touch, id);
        call.arg(milliseconds(self.limits.idle));
        self.run(&call).await
    }

    /// The message of an id, if it is held.
    ///
    /// # Errors
    /// [`ApiError::StoreUnavailable`].
    pub async fn message(&self, id: SessionId) -> Result<Option<Vec<u8>>, ApiError> {
        let key = format!("{}:id:{id}", self.space);
        let found = self.connection.clone().hget(key, "message").await;
        found.map_err(|error| self.unavailable(&error))
    }

    /// What is known about an id; looking isn't using.
    ///
    /// # Errors
    /// [`ApiError::StoreUnavailable`].
    pub async fn state(&self, id: SessionId) -> Result<Option<SessionState>, ApiError> {
        let call = self.call(&self.scripts.state, id);
        let (left, bytes): (i64, u64) = self.run(&call).await?;
        let left = u64::try_from(left).ok();
        Ok(left.map(|left| SessionState {
            expires_in: Duration::from_millis(left),
            bytes,
        }))
    }

    /// Forgets an id; says whether it was held.
    ///
    /// # Errors
    /// [`ApiError::StoreUnavailable`].
    pub async fn remove(&self, id: SessionId) -> Result<bool, ApiError> {
        self.run(&self.call(&self.scripts.remove, id)).await
    }

    /// The figures of all evaluators together.
    ///
    /// # Errors
    /// [`ApiError::StoreUnavailable`].
    pub async fn figures(&self) -> Result<SessionFigures, ApiError> {
        let mut call = self.scripts.figures.prepare_invoke();
        call.key(self.space);
        let (held, bytes, expired, evicted) = self.run(&call).await?;
        Ok(SessionFigures {
            held,
            bytes,
            expired,
            evicted,
        })
    }

    fn call<'a>(&self, script: &'a Script, id: SessionId) -> ScriptInvocation<'a> {
        let mut call = script.prepare_invoke();
        call.key(self.space).arg(id.to_string());
        call
    }

    async fn run<T: redis::FromRedisValue>(
        &self,
        call: &ScriptInvocation<'_>,
    ) -> Result<T, ApiError> {
        let reply = call.invoke_async(&mut self.connection.clone()).await;
        reply.map_err(|error| self.unavailable(&error))
    }

    fn check_size(&self, bytes: u64) -> Result<(), SessionError> {
        let limit = self.limits.all.bytes;
        if bytes > limit {
            return Err(SessionError::TooLarge { bytes, limit });
        }
        Ok(())
    }

    fn unavailable(&self, error: &RedisError) -> ApiError {
        self.errors.inc();
        // Redis quotes no argument in its errors.
        tracing::warn!(%error, "the session store failed");
        ApiError::StoreUnavailable
    }
}

fn owner_full(limit: Full, wait: u64) -> ApiError {
    let retry_after = Duration::from_millis(wait);
    SessionError::OwnerFull { limit, retry_after }.into()
}

fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
