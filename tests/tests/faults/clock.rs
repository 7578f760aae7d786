//! Somebody sets the machine's clock.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use shared::api::SessionInfo;
use tests::clock::Clock;
use tests::server::{Server, agent};
use tests::visitor::Visitor;
use tests::wait_for;

use super::{fast, shipped};

const DAY: i64 = 86_400;

/// How long a session may be idle here.
const IDLE: Duration = Duration::from_secs(15);

fn start(clock: &Clock) -> Result<Server> {
    let idle = IDLE.as_secs().to_string();
    let flags = ["--session-idle-s", &idle];
    Server::start_prepared(&shipped(), None, None, &flags, |command| {
        clock.apply(command);
    })
}

/// The day of the month that the server believes it is.
fn day(server: &Server) -> Result<String> {
    let answer = agent().get(server.url("/healthz")).call()?;
    let date = answer.headers().get("date").context("no date")?.to_str()?;
    let day = date.split(' ').nth(1).context("no day")?;
    Ok(day.to_owned())
}

/// Sets the clock and waits until the server has seen it.
fn set(server: &Server, clock: &Clock, ahead: i64) -> Result<()> {
    let before = day(server)?;
    clock.set(ahead)?;
    wait_for("the server to see another day", || {
        Ok((day(server)? != before).then_some(()))
    })
}

/// Expected: a jump by a day loses no session, forwards or backwards, and changes nothing of what is
/// said of its end.
#[test]
fn a_clock_that_jumps_loses_no_session() -> Result<()> {
    let clock = Clock::new()?;
    let server = start(&clock)?;
    let mut visitor = Visitor::new(&server.url(""), fast());
    visitor.open()?.expect(201)?;
    for ahead in [DAY, 0, -DAY, 0] {
        set(&server, &clock, ahead)?;
        visitor.classify(&fast().requests()[0])?;
        let seen: SessionInfo = serde_json::from_slice(&visitor.look()?.expect(200)?.body)?;
        let left = Duration::from_secs(seen.expires_in_s);
        ensure!(
            left <= IDLE && left + Duration::from_secs(5) >= IDLE,
            "with the clock {ahead} s ahead, a session just used ends in {left:?}, not {IDLE:?}"
        );
    }
    Ok(())
}

/// Expected: a session ends when it was idle for its time, also if the clock was set back meanwhile.
#[test]
fn a_clock_set_back_makes_no_session_immortal() -> Result<()> {
    let clock = Clock::new()?;
    let server = start(&clock)?;
    let mut visitor = Visitor::new(&server.url(""), fast());
    visitor.open()?.expect(201)?;
    let used = Instant::now();
    set(&server, &clock, -DAY)?;
    std::thread::sleep((IDLE + Duration::from_secs(1)).saturating_sub(used.elapsed()));
    let gone = visitor
        .send(&fast().requests()[0])?
        .expect(410)?
        .problem()?;
    ensure!(gone.kind == "/problems/session-gone", "{gone:?}");
    Ok(())
}
