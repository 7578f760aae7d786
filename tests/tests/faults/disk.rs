//! The disk that the log goes to is full.

use std::fs::File;

use anyhow::Result;
use tests::server::Server;
use tests::visitor::Visitor;

use super::{fast, shipped};

/// Expected: the lines are lost and nothing else; every request is answered.
#[test]
fn a_log_that_can_not_be_written_stops_nothing() -> Result<()> {
    let mut server = Server::start_prepared(&shipped(), None, None, &[], |command| {
        let full = || {
            File::options()
                .write(true)
                .open("/dev/full")
                .expect("Linux has it")
        };
        command.stdout(full()).stderr(full());
    })?;
    let mut visitor = Visitor::new(&server.url(""), fast());
    visitor.open()?.expect(201)?;
    for request in fast().requests() {
        visitor.classify(request)?;
    }
    visitor.get("/no-such-page")?.expect(404)?;
    visitor.close()?.expect(204)?;
    visitor.get("/readyz")?.expect(200)?;
    server.signal(nix::sys::signal::Signal::SIGTERM)?;
    let status = server.wait(tests::PATIENCE)?;
    assert!(status.success(), "it ended with {status}");
    Ok(())
}
