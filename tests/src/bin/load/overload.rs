//! The service at its limits, and at four times as much.
//!
//! The queue is met in a closed loop: as many clients as there are places, each of which sends when
//! its last request was answered, then four times as many, and those that are refused come back
//! much sooner than they are asked to. The rate is met in an open loop: requests at times that are
//! set beforehand, nine tenths of what is allowed, then four times as many as are allowed.
//!
//! **Invariant:** past a limit there are answers and refusals with its own status and nothing else,
//! each refusal says when to come back, and what is accepted takes at most twice as long as before.

use std::collections::BTreeMap;
use std::sync::Barrier;
use std::time::{Duration, Instant};

use anyhow::{Result, anyhow, bail, ensure};
use tests::prepared::Prepared;
use tests::process;
use tests::visitor::{Visitor, describe};

use crate::latency::{quantile, words};
use crate::memory::megabytes;
use crate::service;

/// How much more comes than the limit allows.
const TIMES: usize = 4;

/// How much longer accepted requests may take.
const SLOWER: f64 = 2.0;

/// Comparisons until one has to hold: a machine that stalls spoils one now and then, a service that
/// doesn't keep its word each.
const COMPARISONS: usize = 3;

/// Latencies below this are the machine's and not the service's: they are compared as if they were
/// so long.
const FLOOR: Duration = Duration::from_millis(25);

/// Memory that each client may take past a limit, in bytes: its connection, and a request that is
/// read before it is refused.
const EACH_TAKES: f64 = 512.0 * 1024.0;

/// Wrong answers that are told in full.
const TOLD: usize = 10;

/// A limit, and who comes up against it.
struct Limit {
    model: &'static str,
    flags: &'static [&'static str],
    /// The status of a refusal.
    refusal: u16,
    /// Clients at most.
    clients: usize,
}

/// Requests that may wait or run.
const PLACES: usize = 16;

/// The queue: the slowest model, so that what waits is what takes time.
const QUEUE: Limit = Limit {
    model: "lenet1",
    flags: &[
        "--threads",
        "1",
        "--queue",
        "16",
        // No request is refused for waiting, however slow the machine is.
        "--queue-wait-ms",
        "60000",
        "--address-rate",
        "0",
        "--session-rate",
        "0",
    ],
    refusal: 503,
    clients: PLACES * TIMES,
};

/// Requests a second that one address may send, and how many at once.
const ALLOWED: usize = 50;
const BURST: usize = 50;

/// The rate: the fastest model, so that nothing else is short.
const RATE: Limit = Limit {
    model: "mnist-fast",
    flags: &[
        "--address-rate",
        "50",
        "--address-burst",
        "50",
        "--session-rate",
        "0",
    ],
    refusal: 429,
    clients: 20,
};

/// How long a refused client waits; it is asked for a second.
const IMPATIENT: Duration = Duration::from_millis(200);

/// How long it is tried.
#[derive(clap::Args)]
pub struct Args {
    /// Seconds at each limit, and again above it.
    #[arg(long, default_value_t = 8)]
    seconds: u64,
}

/// What clients met with.
#[derive(Default)]
struct Met {
    accepted: Vec<Duration>,
    refused: BTreeMap<u16, usize>,
    wrong: Vec<String>,
}

impl Met {
    fn add(&mut self, other: Self) {
        self.accepted.extend(other.accepted);
        for (status, count) in other.refused {
            *self.refused.entry(status).or_default() += count;
        }
        self.wrong.extend(other.wrong);
    }

    /// Sends a request; says whether it was refused.
    fn meet(&mut self, visitor: &Visitor<'_>) -> bool {
        let prepared = visitor.prepared();
        let request = &prepared.requests()[0];
        let reply = match visitor.send(request) {
            Ok(reply) => reply,
            Err(error) => {
                self.wrong.push(format!("{error:#}"));
                return false;
            }
        };
        match (reply.status, &reply.retry_after) {
            (200, _) => match prepared.check(request, &reply.body) {
                Ok(()) => self.accepted.push(reply.took),
                Err(error) => self.wrong.push(format!("{error:#}")),
            },
            (429 | 503, Some(_)) => {
                *self.refused.entry(reply.status).or_default() += 1;
                return true;
            }
            _ => self.wrong.push(reply.words()),
        }
        false
    }
}

/// Runs it and prints the report.
///
/// # Errors
/// The gates that didn't hold.
pub fn run(args: &Args) -> Result<()> {
    let time = Duration::from_secs(args.seconds);
    println!("the queue of {PLACES} places");
    compare(&QUEUE, |base, prepared, times| {
        press(base, prepared, PLACES * times, |visitor, met| {
            let start = Instant::now();
            while start.elapsed() < time {
                if met.meet(visitor) {
                    std::thread::sleep(IMPATIENT);
                }
            }
        })
    })?;
    println!("the rate of {ALLOWED} a second");
    let past = compare(&RATE, |base, prepared, times| {
        // A little less than is allowed, since clocks and threads aren't exact.
        let share = if times == 1 { 0.9 } else { times as f64 };
        let a_second = share * ALLOWED as f64 / RATE.clients as f64;
        let pause = Duration::from_secs_f64(1.0 / a_second);
        press(base, prepared, RATE.clients, |visitor, met| {
            let (start, mut due) = (Instant::now(), Duration::ZERO);
            while due < time {
                std::thread::sleep(due.saturating_sub(start.elapsed()));
                met.meet(visitor);
                due += pause;
            }
        })
    })?;
    let most = ALLOWED as f64 * past.took.as_secs_f64() + BURST as f64;
    ensure!(
        past.accepted as f64 <= most,
        "{} were accepted, more than {most:.0}",
        past.accepted
    );
    Ok(())
}

/// What came of four times the limit.
struct Past {
    accepted: usize,
    took: Duration,
    /// How many times longer accepted requests took than at the limit.
    slower: f64,
}

/// Compares until accepted requests are as quick as they have to be.
fn compare(limit: &Limit, load: impl Fn(&str, &Prepared, usize) -> Result<Met>) -> Result<Past> {
    let mut found = Vec::new();
    for _ in 0..COMPARISONS {
        let past = compare_once(limit, &load)?;
        if past.slower <= SLOWER {
            return Ok(past);
        }
        found.push(format!("{:.1}", past.slower));
    }
    bail!(
        "accepted requests take {} times as long above the limit, more than {SLOWER}",
        found.join(", ")
    )
}

/// Has `load` come once and [`TIMES`] times to a service with this limit, and holds one against the
/// other.
fn compare_once(
    limit: &Limit,
    load: impl Fn(&str, &Prepared, usize) -> Result<Met>,
) -> Result<Past> {
    let server = service::start(None, limit.flags)?;
    let base = server.url("");
    let prepared = Prepared::new(describe(&base, limit.model)?, &[1], 1)?;
    let mut before = load(&base, &prepared, 1)?;
    let memory_before = process::resident_at_most(server.id())? as f64;
    let start = Instant::now();
    let mut past = load(&base, &prepared, TIMES)?;
    let took = start.elapsed();
    let memory_past = process::resident_at_most(server.id())? as f64;
    server.stop()?;

    let [at_limit, above] =
        [("at the limit", &mut before), ("above", &mut past)].map(|(name, met)| {
            let [half, most] = [0.5, 0.99].map(|share| quantile(&mut met.accepted, share));
            println!(
                "{name}: {} accepted, refused {:?}; accepted p50 {}, p99 {}",
                met.accepted.len(),
                met.refused,
                words(half),
                words(most)
            );
            most
        });
    println!(
        "most memory {} at the limit, {} above",
        megabytes(memory_before),
        megabytes(memory_past)
    );
    let wrong: Vec<_> = before.wrong.iter().chain(&past.wrong).collect();
    for wrong in wrong.iter().take(TOLD) {
        println!("!!! {wrong}");
    }
    ensure!(
        wrong.is_empty(),
        "{} answers were neither right nor a refusal",
        wrong.len()
    );
    ensure!(
        before.refused.is_empty(),
        "{:?} were refused at the limit",
        before.refused
    );
    ensure!(
        past.refused.keys().eq([&limit.refusal]),
        "refused above the limit: {:?}, not {} alone",
        past.refused,
        limit.refusal
    );
    ensure!(
        !past.accepted.is_empty(),
        "nothing was accepted above the limit"
    );
    ensure!(
        memory_past <= memory_before + limit.clients as f64 * EACH_TAKES,
        "memory grew from {} to {}",
        megabytes(memory_before),
        megabytes(memory_past)
    );
    Ok(Past {
        accepted: past.accepted.len(),
        took,
        slower: above.max(FLOOR).div_duration_f64(at_limit.max(FLOOR)),
    })
}

/// So many clients at once, each over a connection of its own. They share a session, so that more of
/// them take no more memory.
fn press(
    base: &str,
    prepared: &Prepared,
    clients: usize,
    work: impl Fn(&Visitor<'_>, &mut Met) + Sync,
) -> Result<Met> {
    let mut first = Visitor::new(base, prepared);
    first.open()?.expect(201)?;
    let visitors: Vec<_> = (0..clients).map(|_| first.at(base)).collect();
    let (barrier, work) = (Barrier::new(clients), &work);
    std::thread::scope(|scope| {
        let pressing: Vec<_> = visitors
            .iter()
            .map(|visitor| {
                scope.spawn(|| {
                    let mut met = Met::default();
                    barrier.wait();
                    work(visitor, &mut met);
                    met
                })
            })
            .collect();
        let mut all = Met::default();
        for one in pressing {
            all.add(one.join().map_err(|_| anyhow!("a client panicked"))?);
        }
        // What the load took of the rate comes back.
        std::thread::sleep(Duration::from_secs(1));
        first.close()?.expect(204)?;
        Ok(all)
    })
}
