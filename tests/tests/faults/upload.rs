//! Clients that go away in the middle of an upload.

use std::io::Write;
use std::net::{Shutdown, TcpStream};

use anyhow::{Context as _, Result, ensure};
use shared::api::{API_PREFIX, OCTET_STREAM};
use tests::process;
use tests::server::{Server, agent};
use tests::visitor::Visitor;
use tests::wait_for;

use super::{fast, metric, start};

/// Places for uploads of one address.
const PLACES: usize = 16;

/// Rounds of as many cut uploads, and how many of them it takes until the allocator has what it
/// wants.
const ROUNDS: usize = 12;
const FIRST: usize = 6;

/// Memory that may stay behind the rounds after that: less than the bodies of one.
const LEFT: u64 = 6 << 20;

/// Begins to upload keys and stops in the middle.
fn begin(server: &Server) -> Result<TcpStream> {
    let keys = fast().upload();
    let mut stream = TcpStream::connect(server.address())?;
    write!(
        stream,
        "POST {API_PREFIX}/sessions HTTP/1.1\r\nHost: {}\r\nContent-Type: {OCTET_STREAM}\r\n\
         Content-Length: {}\r\n\r\n",
        server.address(),
        keys.len()
    )?;
    stream.write_all(&keys[..keys.len() / 2])?;
    Ok(stream)
}

/// The status of an upload without keys, which stores nothing: 503 while all places are taken.
fn probe(server: &Server) -> Result<(u16, bool)> {
    let route = format!("{API_PREFIX}/sessions");
    let request = agent()
        .post(server.url(&route))
        .header("content-type", OCTET_STREAM);
    let reply = request.send_empty()?;
    let says_when = reply.headers().contains_key("retry-after");
    Ok((reply.status().as_u16(), says_when))
}

/// Expected: while it lasts each takes one of the places, and one more is asked to come back; once
/// they are cut all places are free, nothing is stored, and no memory stays behind.
#[test]
fn an_upload_that_breaks_off_leaves_nothing() -> Result<()> {
    let server = start(&[])?;
    let mut first = None;
    for round in 1..=ROUNDS {
        let begun = (0..PLACES)
            .map(|_| begin(&server))
            .collect::<Result<Vec<_>>>()?;
        let says_when = wait_for("all places to be taken", || {
            let (status, says_when) = probe(&server)?;
            Ok((status == 503).then_some(says_when))
        })?;
        ensure!(says_when, "nobody said when to come back");
        for (number, stream) in begun.into_iter().enumerate() {
            // Some say that nothing more comes and wait, others are just gone.
            if number % 2 == 0 {
                stream.shutdown(Shutdown::Write)?;
            }
        }
        wait_for("the places to be free", || {
            Ok((probe(&server)?.0 == 400).then_some(()))
        })?;
        for name in ["inkveil_sessions", "inkveil_session_keys_bytes"] {
            let held = metric(&server, name)?;
            ensure!(held == 0.0, "{name} is {held}");
        }
        if round == FIRST {
            first = Some(process::resident(server.id())?);
        }
    }
    let (first, last) = (first.context("no round")?, process::resident(server.id())?);
    ensure!(
        last <= first + LEFT,
        "memory grew from {first} to {last} bytes"
    );
    let mut visitor = Visitor::new(&server.url(""), fast());
    visitor.open()?.expect(201)?;
    visitor.classify(&fast().requests()[0])?;
    Ok(())
}
