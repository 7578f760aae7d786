//! The store of the sessions goes away, and comes back.

use std::time::Duration;

use anyhow::{Result, ensure};
use tests::redis::{Memory, Redis};
use tests::server::Server;
use tests::visitor::{Reply, Visitor};
use tests::wait_for;

use super::{fast, start};

/// How long an answer may take while the store doesn't answer.
const BOUND: Duration = Duration::from_secs(15);

/// An evaluator with its sessions there.
fn start_with(redis: &Redis) -> Result<Server> {
    start(&["--sessions", &redis.url()])
}

/// The store is away: whoever needs it is told so soon, and when to come back.
fn expect_unavailable(reply: &Reply) -> Result<()> {
    ensure!(reply.status == 503, "{}", reply.words());
    let problem = reply.problem()?;
    ensure!(problem.kind == "/problems/store-unavailable", "{problem:?}");
    ensure!(reply.retry_after.is_some(), "nobody said when to come back");
    ensure!(reply.took < BOUND, "the answer took {:?}", reply.took);
    Ok(())
}

/// The service can't do its work, and is alive.
fn expect_unready(visitor: &Visitor<'_>) -> Result<()> {
    wait_for("the service to be unready", || {
        let reply = visitor.get("/readyz")?;
        ensure!(matches!(reply.status, 200 | 503), "{}", reply.words());
        Ok((reply.status == 503).then_some(()))
    })?;
    visitor.get("/healthz")?.expect(200)?;
    Ok(())
}

/// What a session gets as soon as the store answers again.
fn after_outage(visitor: &Visitor<'_>) -> Result<Reply> {
    let request = &fast().requests()[0];
    let reply = wait_for("the store to be back", || {
        let reply = visitor.send(request)?;
        Ok((reply.status != 503).then_some(reply))
    })?;
    wait_for("the service to be ready", || {
        Ok((visitor.get("/readyz")?.status == 200).then_some(()))
    })?;
    Ok(reply)
}

/// Expected while Redis is down: 503, unready, alive. Afterwards everything works without a restart
/// of the evaluator, with the old sessions.
#[test]
fn a_restarted_redis_that_kept_its_data_has_all_sessions() -> Result<()> {
    let mut redis = Redis::start(Memory::Kept)?;
    let server = start_with(&redis)?;
    let mut visitor = Visitor::new(&server.url(""), fast());
    visitor.open()?.expect(201)?;
    visitor.classify(&fast().requests()[0])?;
    redis.stop()?;
    expect_unavailable(&visitor.send(&fast().requests()[0])?)?;
    expect_unavailable(&Visitor::new(&server.url(""), fast()).open()?)?;
    expect_unready(&visitor)?;
    redis.run()?;
    let reply = after_outage(&visitor)?.expect(200)?;
    fast().check(&fast().requests()[0], &reply.body)
}

/// Expected: sessions that Redis lost are gone, and keys that are uploaded again work.
#[test]
fn a_restarted_redis_that_lost_its_data_has_no_session() -> Result<()> {
    let mut redis = Redis::start(Memory::Lost)?;
    let server = start_with(&redis)?;
    let mut visitor = Visitor::new(&server.url(""), fast());
    visitor.open()?.expect(201)?;
    visitor.classify(&fast().requests()[0])?;
    redis.stop()?;
    redis.run()?;
    let gone = after_outage(&visitor)?.expect(410)?.problem()?;
    ensure!(gone.kind == "/problems/session-gone", "{gone:?}");
    visitor.open()?.expect(201)?;
    visitor.classify(&fast().requests()[0])?;
    Ok(())
}

/// Expected while Redis is paused, its connections open: an answer in bounded time all the same.
#[test]
fn a_paused_redis_holds_nobody_up() -> Result<()> {
    let redis = Redis::start(Memory::Lost)?;
    let server = start_with(&redis)?;
    let mut visitor = Visitor::new(&server.url(""), fast());
    visitor.open()?.expect(201)?;
    visitor.classify(&fast().requests()[0])?;
    redis.pause()?;
    for _ in 0..3 {
        expect_unavailable(&visitor.send(&fast().requests()[0])?)?;
    }
    expect_unavailable(&Visitor::new(&server.url(""), fast()).open()?)?;
    expect_unready(&visitor)?;
    redis.resume()?;
    let reply = after_outage(&visitor)?.expect(200)?;
    fast().check(&fast().requests()[0], &reply.body)
}
