//! Connections that send nothing, or a byte now and then: half-open ones and slowloris.

use std::fs;
use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use shared::api::{API_PREFIX, OCTET_STREAM};
use tests::process;
use tests::server::Server;
use tests::visitor::Visitor;
use tests::wait_for;

use super::{fast, shipped, start};

/// Connections of each kind.
const EACH: usize = 100;

/// How often a slow client sends a byte.
const BEAT: Duration = Duration::from_millis(500);

/// How long it takes at most until a connection is closed that never got as far as a request, one
/// whose body doesn't come, and one that doesn't take its reply: 10, 15 and 30 seconds, and as much
/// again for a busy machine.
const HEAD: Duration = Duration::from_secs(20);
const BODY: Duration = Duration::from_secs(30);
const REPLY: Duration = Duration::from_secs(60);

/// Connections that don't take their replies.
const UNREAD: usize = 8;

/// A file that is larger than what the system takes in for somebody.
const LARGE: &str = "large.txt";
const LARGE_BYTES: usize = 16 << 20;

/// Memory that a connection may take.
const EACH_TAKES: u64 = 64 << 10;

/// Threads that may come besides, for whatever reason but connections.
const THREADS: usize = 4;

/// How long another client may have to wait.
const SERVED: Duration = Duration::from_secs(10);

/// What a slow client does.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    /// Nothing.
    Silent,
    /// Sends the head of a request byte by byte.
    SlowHead,
    /// Sends a whole head, then the body byte by byte.
    SlowBody,
    /// Asks once, and then never again: it may stay, and costs little.
    Idle,
}

const KINDS: [Kind; 4] = [Kind::Silent, Kind::SlowHead, Kind::SlowBody, Kind::Idle];

struct Slow {
    kind: Kind,
    stream: TcpStream,
    closed: bool,
}

impl Slow {
    fn connect(server: &Server, kind: Kind, session: &str) -> Result<Self> {
        let mut stream = TcpStream::connect(server.address())?;
        match kind {
            Kind::Silent => {}
            Kind::SlowHead => {
                stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: slow\r\nX-Slow: ")?;
            }
            Kind::SlowBody => write!(
                stream,
                "POST {API_PREFIX}/sessions/{session}/classify?model={} HTTP/1.1\r\nHost: slow\r\n\
                 Content-Type: {OCTET_STREAM}\r\nContent-Length: {}\r\n\r\n",
                fast().model(),
                fast().requests()[0].body().len()
            )?,
            Kind::Idle => stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: slow\r\n\r\n")?,
        }
        stream.set_nonblocking(true)?;
        Ok(Self {
            kind,
            stream,
            closed: false,
        })
    }

    /// Sends a byte where it is of that kind, and sees whether the connection was closed.
    fn beat(&mut self) -> Result<()> {
        if matches!(self.kind, Kind::SlowHead | Kind::SlowBody) && self.stream.write(b"x").is_err()
        {
            self.closed = true;
            return Ok(());
        }
        let mut buffer = [0; 4096];
        loop {
            match self.stream.read(&mut buffer) {
                Ok(0) => self.closed = true,
                Ok(_) => continue,
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(_) => self.closed = true,
            }
            return Ok(());
        }
    }
}

/// So many looks in a row have to find the same sockets.
const LOOKS: usize = 4;

/// The server's sockets once those are closed that asked whether it is ready.
fn settled(server: &Server) -> Result<usize> {
    let (mut last, mut looks) = (0, 0);
    wait_for("the server's sockets to stay", || {
        let now = process::sockets(server.id())?;
        looks = if now == last { looks + 1 } else { 1 };
        last = now;
        std::thread::sleep(BEAT);
        Ok((looks == LOOKS).then_some(now))
    })
}

/// Asks for a file and doesn't take it.
fn leave_unread(server: &Server) -> Result<TcpStream> {
    let mut stream = TcpStream::connect(server.address())?;
    write!(stream, "GET /{LARGE} HTTP/1.1\r\nHost: slow\r\n\r\n")?;
    let mut start = [0; 12];
    stream.read_exact(&mut start)?;
    ensure!(
        &start == b"HTTP/1.1 200",
        "{}",
        String::from_utf8_lossy(&start)
    );
    Ok(stream)
}

/// Expected: a connection whose client doesn't take what it asked for is closed, and the reply isn't
/// kept in memory for it.
#[test]
fn replies_that_nobody_takes_are_dropped() -> Result<()> {
    let page = tempfile::tempdir()?;
    fs::write(
        page.path().join("index.html"),
        "<!doctype html><title>page</title>",
    )?;
    fs::write(page.path().join(LARGE), vec![b'x'; LARGE_BYTES])?;
    let server = Server::start_with(&shipped(), Some(page.path()), None)?;
    let memory = process::resident(server.id())?;
    let sockets = settled(&server)?;
    let start = Instant::now();
    let unread = (0..UNREAD)
        .map(|_| leave_unread(&server))
        .collect::<Result<Vec<_>>>()?;
    let held = process::sockets(server.id())?;
    ensure!(held >= sockets + UNREAD, "they were closed at once: {held}");
    wait_for("the server to let go of the sockets", || {
        let held = process::resident(server.id())?;
        ensure!(
            held < memory + (UNREAD * LARGE_BYTES / 4) as u64,
            "memory went from {memory} to {held} bytes"
        );
        Ok((process::sockets(server.id())? <= sockets + 1).then_some(()))
    })?;
    ensure!(start.elapsed() < REPLY, "it took {:?}", start.elapsed());
    drop(unread);
    Ok(())
}

/// Expected: others are served, no thread and little memory is taken, and each connection is closed
/// in its time.
#[test]
fn slow_connections_are_closed_and_bother_nobody() -> Result<()> {
    let server = start(&[])?;
    let mut visitor = Visitor::new(&server.url(""), fast());
    visitor.open()?.expect(201)?;
    visitor.classify(&fast().requests()[0])?;
    let session = visitor.session()?.to_owned();
    let threads = process::threads(server.id())?;
    let memory = process::resident(server.id())?;
    let sockets = settled(&server)?;

    let start = Instant::now();
    let mut connections = Vec::new();
    for kind in KINDS {
        for _ in 0..EACH {
            connections.push(Slow::connect(&server, kind, &session)?);
        }
    }
    let (mut most_memory, mut most_threads) = (memory, threads);
    let stalls = |slow: &Slow| slow.kind != Kind::Idle && !slow.closed;
    while connections.iter().any(stalls) {
        for slow in connections.iter_mut().filter(|slow| !slow.closed) {
            slow.beat()?;
            let limit = if slow.kind == Kind::SlowBody {
                BODY
            } else {
                HEAD
            };
            ensure!(
                slow.closed || slow.kind == Kind::Idle || start.elapsed() < limit,
                "a connection of the kind {:?} is still open after {limit:?}",
                slow.kind
            );
        }
        let reply = visitor.classify(&fast().requests()[0])?;
        ensure!(
            reply.took < SERVED,
            "another client waited {:?}",
            reply.took
        );
        most_memory = most_memory.max(process::resident(server.id())?);
        most_threads = most_threads.max(process::threads(server.id())?);
        std::thread::sleep(BEAT);
    }
    ensure!(
        most_threads <= threads + THREADS,
        "{most_threads} threads, {threads} before"
    );
    let allowed = memory + connections.len() as u64 * EACH_TAKES;
    ensure!(
        most_memory <= allowed,
        "memory went from {memory} to {most_memory} bytes"
    );
    drop(connections);
    // The other client may have opened a connection anew.
    wait_for("the server to let go of the sockets", || {
        Ok((process::sockets(server.id())? <= sockets + 1).then_some(()))
    })
}
