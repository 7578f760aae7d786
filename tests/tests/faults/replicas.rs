//! Two evaluators that share their sessions, behind a proxy, and one of them dies.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use anyhow::{Context as _, Result, anyhow, ensure};
use tests::nginx::Nginx;
use tests::redis::{Memory, Redis};
use tests::visitor::Visitor;
use tests::wait_for;

use super::{fast, start, through};

/// Clients, each with one request at a time.
const CLIENTS: usize = 8;

/// Answers before one evaluator is killed, and after it.
const ANSWERS: usize = 200;

/// Expected: every session goes on at the other evaluator. Nothing fails but what was in flight on
/// the dead one, at most one request of each client, and that succeeds when it is sent once more.
#[test]
fn a_killed_replica_loses_no_session() -> Result<()> {
    let redis = Redis::start(Memory::Lost)?;
    let flags = ["--sessions", &redis.url()];
    let (first, second) = (start(&flags)?, start(&flags)?);
    let nginx = Nginx::start(&[first.address(), second.address()], "/")?;
    let mut visitors: Vec<_> = (0..CLIENTS)
        .map(|_| through(&nginx))
        .collect::<Result<_>>()?;
    for visitor in &mut visitors {
        visitor.open()?.expect(201)?;
    }
    let (answers, done) = (AtomicUsize::new(0), AtomicBool::new(false));
    let client = |visitor: &Visitor<'_>| -> Result<usize> {
        let (mut turn, mut failures) = (0, 0);
        while !done.load(Ordering::Relaxed) {
            let request = &fast().requests()[turn % fast().requests().len()];
            turn += 1;
            let answered = visitor.send(request);
            let answered = answered.and_then(|reply| reply.expect(200));
            let reply = match answered {
                Ok(reply) => reply,
                Err(_) => {
                    failures += 1;
                    let again = visitor.send(request).and_then(|reply| reply.expect(200));
                    again.context("sent once more, it failed again")?
                }
            };
            fast().check(request, &reply.body)?;
            answers.fetch_add(1, Ordering::Relaxed);
        }
        Ok(failures)
    };
    let reached = |count: usize| {
        wait_for("answers", || {
            Ok((answers.load(Ordering::Relaxed) >= count).then_some(()))
        })
    };
    let failures = std::thread::scope(|scope| -> Result<Vec<usize>> {
        let client = &client;
        let clients: Vec<_> = visitors
            .iter()
            .map(|visitor| scope.spawn(move || client(visitor)))
            .collect();
        let killed = reached(ANSWERS)
            .and_then(|()| first.stop())
            .and_then(|()| reached(answers.load(Ordering::Relaxed) + ANSWERS));
        done.store(true, Ordering::Relaxed);
        let failures = clients
            .into_iter()
            .map(|client| client.join().map_err(|_| anyhow!("a client panicked"))?)
            .collect();
        killed.and(failures)
    })?;
    ensure!(
        failures.iter().all(|&failures| failures <= 1),
        "requests that failed, by client: {failures:?}"
    );
    for visitor in &visitors {
        visitor.look()?.expect(200)?;
    }
    Ok(())
}
