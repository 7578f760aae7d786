//! Evaluators that share their sessions: what one was given, each goes on with, and limits hold over
//! all of them together.

use std::thread::sleep;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use shared::api::{OCTET_STREAM, SessionInfo, UploadInfo};
use shared::wire::KEYS_HEADER_LEN;
use tests::redis::{Memory, Redis};
use tests::server::{Server, agent};
use tests::visitor::{Reply, Visitor};

use super::{fast, metric, start};

/// Two evaluators on one Redis.
struct Pair {
    redis: Redis,
    servers: [Server; 2],
}

impl Pair {
    fn start(flags: &[&str]) -> Result<Self> {
        let redis = Redis::start(Memory::Lost)?;
        let url = redis.url();
        let flags = [&["--sessions", url.as_str()], flags].concat();
        let servers = [start(&flags)?, start(&flags)?];
        Ok(Self { redis, servers })
    }

    /// A client with an open session, which the first evaluator opened.
    fn visitor(&self) -> Result<Visitor<'static>> {
        let mut visitor = Visitor::new(&self.servers[0].url(""), fast());
        visitor.open()?.expect(201)?;
        Ok(visitor)
    }

    /// What the evaluator of this number says to a session's digit.
    fn ask(&self, number: usize, visitor: &Visitor<'static>) -> Result<Reply> {
        let base = self.servers[number].url("");
        visitor.at(&base).send(&fast().requests()[0])
    }

    /// Both evaluators answer rightly.
    fn expect_right(&self, visitor: &Visitor<'static>) -> Result<()> {
        for number in [0, 1, 0] {
            let reply = self.ask(number, visitor)?.expect(200)?;
            fast().check(&fast().requests()[0], &reply.body)?;
        }
        Ok(())
    }

    /// Neither evaluator has the session, a copy in its memory included.
    fn expect_gone(&self, visitor: &Visitor<'static>) -> Result<()> {
        for number in [0, 1] {
            let problem = self.ask(number, visitor)?.expect(410)?.problem()?;
            ensure!(problem.kind == "/problems/session-gone", "{problem:?}");
        }
        Ok(())
    }

    fn held(&self) -> Result<f64> {
        let held = [0, 1].map(|number| metric(&self.servers[number], "inkveil_sessions"));
        let [first, second] = held;
        let (first, second) = (first?, second?);
        ensure!(first == second, "they count {first} and {second}");
        Ok(first)
    }
}

#[test]
fn a_session_is_everywhere_and_forgotten_everywhere() -> Result<()> {
    let pair = Pair::start(&[])?;
    let mut visitor = pair.visitor()?;
    pair.expect_right(&visitor)?;
    ensure!(pair.held()? == 1.0);
    let bytes = metric(&pair.servers[1], "inkveil_session_keys_bytes")?;
    ensure!(bytes == fast().upload().len() as f64, "{bytes}");
    let mut elsewhere = visitor.at(&pair.servers[1].url(""));
    elsewhere.close()?.expect(204)?;
    pair.expect_gone(&visitor)?;
    ensure!(pair.held()? == 0.0);
    visitor.open()?.expect(201)?;
    pair.expect_right(&visitor)
}

#[test]
fn parts_of_an_upload_may_go_anywhere() -> Result<()> {
    let pair = Pair::start(&[])?;
    let post = |number: usize, route: &str, body: &[u8]| {
        let url = pair.servers[number].url(route);
        let request = agent().post(url).header("content-type", OCTET_STREAM);
        request.send(body).with_context(|| route.to_owned())
    };
    let (header, keys) = fast().upload().split_at(KEYS_HEADER_LEN);
    let mut reply = post(0, "/api/v1/uploads", header)?;
    ensure!(reply.status() == 201, "{}", reply.status());
    let upload: UploadInfo = reply.body_mut().read_json()?;
    let route = format!("/api/v1/uploads/{}", upload.id);

    // A part that ends within a key ends its upload, wherever it went.
    let mut reply = post(1, &route, &keys[..100])?;
    let words = reply.body_mut().read_to_string()?;
    ensure!(
        reply.status() == 400 && words.contains("truncated"),
        "{words}"
    );
    ensure!(post(0, &route, &keys[..100])?.status() == 410);

    let mut reply = post(0, "/api/v1/uploads", header)?;
    let upload: UploadInfo = reply.body_mut().read_json()?;
    let route = format!("/api/v1/uploads/{}", upload.id);
    let mut rest = keys;
    for (number, missing) in (0..upload.missing_keys).rev().enumerate() {
        let part = key_at_front(rest, upload.missing_keys, missing)?;
        let (part, others) = rest.split_at(part);
        let mut reply = post(number % 2, &route, part)?;
        if missing > 0 {
            ensure!(
                reply.status() == 200,
                "{}",
                reply.body_mut().read_to_string()?
            );
            let info: UploadInfo = reply.body_mut().read_json()?;
            ensure!(info.missing_keys == missing, "{info:?}");
        } else {
            ensure!(
                reply.status() == 201,
                "{}",
                reply.body_mut().read_to_string()?
            );
            let _: SessionInfo = reply.body_mut().read_json()?;
        }
        rest = others;
    }
    ensure!(pair.held()? == 1.0);
    ensure!(metric(&pair.servers[0], "inkveil_uploads")? == 0.0);
    ensure!(metric(&pair.servers[0], "inkveil_upload_bytes")? == 0.0);
    Ok(())
}

/// Bytes of the key at the front, from the sizes in `docs/wire-format.md`: the relinearization key,
/// then the conjugation key and ten rotation keys, some of which have two digits.
fn key_at_front(keys: &[u8], count: u32, missing: u32) -> Result<usize> {
    const FIELDS: usize = 39;
    let bits = if missing + 1 == count {
        22 + 22 + 25 + 24
    } else {
        29 + 28 + 25 + 24
    };
    let digit_primes = keys.get(6).context("no key is left")?;
    let digits = 2 / usize::from(*digit_primes);
    Ok(FIELDS + digits * 4096 * bits / 8)
}

#[test]
fn one_address_has_one_share_of_all_evaluators() -> Result<()> {
    let pair = Pair::start(&["--address-sessions", "2"])?;
    let first = pair.visitor()?;
    let mut second = Visitor::new(&pair.servers[1].url(""), fast());
    second.open()?.expect(201)?;
    for server in &pair.servers {
        let reply = Visitor::new(&server.url(""), fast()).open()?.expect(429)?;
        let problem = reply.problem()?;
        ensure!(problem.kind == "/problems/too-many-sessions", "{problem:?}");
        ensure!(problem.detail.contains("2 sessions"), "{problem:?}");
        ensure!(reply.retry_after.is_some(), "nobody said when to come back");
    }
    pair.expect_right(&first)?;
    second.close()?.expect(204)?;
    pair.visitor()?;
    Ok(())
}

#[test]
fn the_session_idle_longest_makes_room() -> Result<()> {
    let pair = Pair::start(&["--session-count", "2"])?;
    let [first, second] = [pair.visitor()?, pair.visitor()?];
    pair.expect_right(&first)?;
    let third = pair.visitor()?;
    pair.expect_gone(&second)?;
    pair.expect_right(&first)?;
    pair.expect_right(&third)?;
    ensure!(pair.held()? == 2.0);
    ensure!(metric(&pair.servers[0], "inkveil_sessions_evicted_total")? == 1.0);
    Ok(())
}

#[test]
fn bytes_make_room_too() -> Result<()> {
    // Two uploads of 808 kB fit, three don't.
    let pair = Pair::start(&["--session-mib", "2"])?;
    let first = pair.visitor()?;
    let second = pair.visitor()?;
    let third = pair.visitor()?;
    pair.expect_gone(&first)?;
    pair.expect_right(&second)?;
    pair.expect_right(&third)
}

#[test]
fn sessions_end_when_they_are_idle_or_old() -> Result<()> {
    let idle = Pair::start(&["--session-idle-s", "8"])?;
    let visitor = idle.visitor()?;
    for _ in 0..3 {
        sleep(Duration::from_secs(3));
        idle.ask(1, &visitor)?.expect(200)?;
    }
    sleep(Duration::from_secs(9));
    idle.expect_gone(&visitor)?;
    ensure!(idle.held()? == 0.0);
    ensure!(metric(&idle.servers[0], "inkveil_sessions_expired_total")? == 1.0);

    let old = Pair::start(&["--session-ttl-s", "8"])?;
    let visitor = old.visitor()?;
    old.expect_right(&visitor)?;
    let ends = (0..40).any(|_| {
        sleep(Duration::from_millis(500));
        old.ask(1, &visitor).is_ok_and(|reply| reply.status == 410)
    });
    ensure!(ends, "used all the time, it lives on");
    old.expect_gone(&visitor)
}

/// Nothing that Redis holds is anything but what was sent, and its bookkeeping ends with it.
#[test]
fn an_empty_store_holds_nothing() -> Result<()> {
    let pair = Pair::start(&[])?;
    let mut visitor = pair.visitor()?;
    pair.expect_right(&visitor)?;
    visitor.close()?.expect(204)?;
    let left = pair
        .redis
        .ask("EXISTS inkveil:session:uses inkveil:session:ends inkveil:session:bytes")?;
    ensure!(left == ":0", "{left}");
    Ok(())
}
