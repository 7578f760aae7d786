//! The proxy in front of the service is reloaded, or goes away and comes back.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow, ensure};
use tests::nginx::Nginx;
use tests::visitor::Visitor;

use super::{fast, start, through};

const CLIENTS: usize = 6;
const RELOADS: usize = 5;

/// Time between two reloads.
const PAUSE: Duration = Duration::from_millis(400);

/// Expected: no request is answered with an error. A connection that the proxy closes while a
/// request is on its way to it costs that request, once for each reload at most, and it succeeds
/// when it is sent once more.
#[test]
fn a_reloaded_proxy_refuses_nobody() -> Result<()> {
    let server = start(&[])?;
    let nginx = Nginx::start(&[server.address()], "/digits/")?;
    let mut visitors: Vec<_> = (0..CLIENTS)
        .map(|_| through(&nginx))
        .collect::<Result<_>>()?;
    for visitor in &mut visitors {
        visitor.open()?.expect(201)?;
    }
    let done = AtomicBool::new(false);
    let client = |visitor: &Visitor<'_>| -> Result<(usize, usize)> {
        let (mut answers, mut cut) = (0, 0);
        while !done.load(Ordering::Relaxed) {
            let request = &fast().requests()[0];
            let reply = match visitor.send(request) {
                Ok(reply) => reply,
                Err(_) => {
                    cut += 1;
                    visitor.send(request).context("sent once more")?
                }
            };
            fast().check(request, &reply.expect(200)?.body)?;
            answers += 1;
        }
        Ok((answers, cut))
    };
    std::thread::scope(|scope| -> Result<()> {
        let client = &client;
        let clients: Vec<_> = visitors
            .iter()
            .map(|visitor| scope.spawn(move || client(visitor)))
            .collect();
        let mut reloaded = Ok(());
        for _ in 0..RELOADS {
            std::thread::sleep(PAUSE);
            reloaded = reloaded.and_then(|()| nginx.reload());
        }
        std::thread::sleep(PAUSE);
        done.store(true, Ordering::Relaxed);
        for client in clients {
            let (answers, cut) = client.join().map_err(|_| anyhow!("a client panicked"))??;
            ensure!(answers > 0, "a client had no answer");
            ensure!(
                cut <= RELOADS,
                "{cut} requests were cut by {RELOADS} reloads"
            );
        }
        reloaded
    })
}

/// Expected: while the proxy is away nobody is answered; afterwards the sessions are what they were.
#[test]
fn a_restarted_proxy_finds_all_sessions() -> Result<()> {
    let server = start(&[])?;
    let mut nginx = Nginx::start(&[server.address()], "/digits/")?;
    let mut visitor = through(&nginx)?;
    visitor.open()?.expect(201)?;
    visitor.classify(&fast().requests()[0])?;
    nginx.stop()?;
    let unanswered = visitor.send(&fast().requests()[0]);
    ensure!(unanswered.is_err(), "a proxy that isn't there answered");
    nginx.start_again()?;
    for request in fast().requests() {
        visitor.classify(request)?;
    }
    Ok(())
}
