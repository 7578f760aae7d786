//! The service is told to stop while it has work.

use std::net::TcpStream;
use std::time::Duration;

use anyhow::{Result, anyhow, ensure};
use nix::sys::signal::Signal;
use tests::visitor::Visitor;
use tests::wait_for;

use super::{metric, slow, start};

/// Requests in flight.
const CLIENTS: usize = 6;

/// What the service gives itself, `--shutdown-s`, and as much again for a busy machine.
const BOUND: Duration = Duration::from_secs(20);

/// Expected: what was being worked on is answered rightly, nobody new is let in, and the program
/// ends well within its time.
#[test]
fn sigterm_lets_work_in_flight_finish() -> Result<()> {
    let mut server = start(&[])?;
    let mut visitors: Vec<_> = (0..CLIENTS)
        .map(|_| Visitor::new(&server.url(""), slow()))
        .collect();
    for visitor in &mut visitors {
        visitor.open()?.expect(201)?;
    }
    // A batch takes a quarter of a second of one core.
    let batch = slow().requests().last().expect("one is prepared");
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
    ensure!(status.success(), "it ended with {status}:\n{}", server.log()?);
    Ok(())
}
