//! The service is told to stop while it has work.

use std::net::TcpStream;
use std::time::{Duration, Instant};

use anyhow::{Result, anyhow, ensure};
use nix::sys::signal::Signal;
use tests::visitor::Visitor;
use tests::wait_for;

use super::{fast, metric, prepare, start};

/// Requests in flight.
const CLIENTS: usize = 4;

/// Digits in each, for the model that takes longest, so that all of them are seen in flight before
/// the first is done.
const DIGITS: usize = 32;

/// What the service gives itself, long enough for a busy machine; on an idle one it ends within a
/// second.
const SHUTDOWN: Duration = Duration::from_secs(30);

/// When it has to be gone.
const BOUND: Duration = Duration::from_secs(35);

/// How long it goes on after it was told to stop, where that is wanted.
const DRAIN: Duration = Duration::from_secs(10);

/// Expected: what was being worked on is answered rightly, nobody new is let in, and the program
/// ends well within its time.
#[test]
fn sigterm_lets_work_in_flight_finish() -> Result<()> {
    let shutdown = SHUTDOWN.as_secs().to_string();
    let mut server = start(&["--shutdown-s", &shutdown, "--queue-wait-ms", "60000"])?;
    let slow = prepare("lenet1", &[DIGITS])?;
    let mut visitors: Vec<_> = (0..CLIENTS)
        .map(|_| Visitor::new(&server.url(""), &slow))
        .collect();
    for visitor in &mut visitors {
        visitor.open()?.expect(201)?;
    }
    let batch = &slow.requests()[0];
    std::thread::scope(|scope| -> Result<()> {
        let waiting: Vec<_> = visitors
            .iter()
            .map(|visitor| scope.spawn(|| visitor.classify(batch)))
            .collect();
        wait_for("all of them to be in flight", || {
            Ok((metric(&server, "inkveil_jobs")? == CLIENTS as f64).then_some(()))
        })?;
        server.signal(Signal::SIGTERM)?;
        wait_for("the door to close", || {
            Ok(TcpStream::connect(server.address()).err().map(drop))
        })?;
        for answer in waiting {
            answer.join().map_err(|_| anyhow!("a client panicked"))??;
        }
        Ok(())
    })?;
    let status = server.wait(BOUND)?;
    ensure!(
        status.success(),
        "it ended with {status}:\n{}",
        server.log()?
    );
    Ok(())
}

/// Expected with `--drain-s`: at first the service only says that it isn't ready, so that proxies turn
/// away, and serves whoever comes all the same; then it ends.
#[test]
fn a_draining_service_is_unready_and_serves() -> Result<()> {
    let mut server = start(&["--drain-s", &DRAIN.as_secs().to_string()])?;
    let mut visitor = Visitor::new(&server.url(""), fast());
    visitor.open()?.expect(201)?;
    let start = Instant::now();
    server.signal(Signal::SIGTERM)?;
    wait_for("the service to be unready", || {
        let reply = visitor.get("/readyz")?;
        ensure!(matches!(reply.status, 200 | 503), "{}", reply.words());
        Ok((reply.status == 503).then_some(()))
    })?;
    visitor.get("/healthz")?.expect(200)?;
    for request in fast().requests() {
        // Over a new connection, too.
        visitor.at(&server.url("")).classify(request)?;
    }
    ensure!(
        start.elapsed() < DRAIN,
        "the machine is too busy to see a service drain"
    );
    wait_for("the door to close", || {
        Ok(TcpStream::connect(server.address()).err().map(drop))
    })?;
    ensure!(
        start.elapsed() >= DRAIN,
        "it closed after {:?}",
        start.elapsed()
    );
    let status = server.wait(BOUND)?;
    ensure!(
        status.success(),
        "it ended with {status}:\n{}",
        server.log()?
    );
    Ok(())
}
