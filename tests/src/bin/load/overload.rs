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

use anyhow::{Result, anyhow, ensure};
use tests::prepared::Prepared;
use tests::process;
use tests::root;
use tests::server::Server;
use tests::visitor::Visitor;

use crate::latency::{quantile, words};
use crate::material::Part;
use crate::memory::megabytes;

/// How much more comes than the limit allows.
const TIMES: usize = 4;

/// How much longer accepted requests may take.
const SLOWER: f64 = 2.0;

/// Latencies below this are the machine's and not the service's: they are compared as if they were
/// so long.
const FLOOR: Duration = Duration::from_millis(25);

/// How much memory may grow past a limit, as a share.
const GROWTH: f64 = 0.05;

/// Wrong answers that are told in full.
const TOLD: usize = 10;

/// The queue: the slowest model, so that what waits is what takes time.
mod queue {
    use super::Part;

    pub const PART: Part = Part {
        model: "lenet1",
        share: 100,
        keys: 1,
        batch: 2,
        pause: 0.0,
    };

    /// Requests that may wait or run.
    pub const PLACES: usize = 16;

    pub const FLAGS: &[&str] = &[
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
    ];
}

/// The rate: the fastest model, so that nothing else is short.
mod rate {
    use super::Part;

    pub const PART: Part = Part {
        model: "mnist-fast",
        share: 100,
        keys: 1,
        batch: 2,
        pause: 0.0,
    };

    /// Requests a second that one address may send, and how many at once.
    pub const ALLOWED: usize = 50;
    pub const BURST: usize = 50;

    pub const FLAGS: &[&str] = &[
        "--address-rate",
        "50",
        "--address-burst",
        "50",
        "--session-rate",
        "0",
    ];

    /// Clients, all at that address.
    pub const CLIENTS: usize = 20;
}

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
    println!("the queue of {} places", queue::PLACES);
    compare(&queue::PART, queue::FLAGS, 503, |base, prepared, times| {
        press(base, prepared, queue::PLACES * times, |visitor, met| {
            let start = Instant::now();
            while start.elapsed() < time {
                if met.meet(visitor) {
                    std::thread::sleep(IMPATIENT);
                }
            }
        })
    })?;
    println!("the rate of {} a second", rate::ALLOWED);
    let past = compare(&rate::PART, rate::FLAGS, 429, |base, prepared, times| {
        // A little less than is allowed, since clocks and threads aren't exact.
        let share = if times == 1 { 0.9 } else { times as f64 };
        let a_second = share * rate::ALLOWED as f64 / rate::CLIENTS as f64;
        let pause = Duration::from_secs_f64(1.0 / a_second);
        press(base, prepared, rate::CLIENTS, |visitor, met| {
            let (start, mut due) = (Instant::now(), Duration::ZERO);
            while due < time {
                std::thread::sleep(due.saturating_sub(start.elapsed()));
                met.meet(visitor);
                due += pause;
            }
        })
    })?;
    let most = rate::ALLOWED as f64 * past.took.as_secs_f64() + rate::BURST as f64;
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
}

/// Has `load` come once and [`TIMES`] times to a service with these flags, and holds one against the
/// other.
fn compare(
    part: &Part,
    flags: &[&str],
    refusal: u16,
    load: impl Fn(&str, &Prepared, usize) -> Result<Met>,
) -> Result<Past> {
    let server = Server::start_with_flags(&root().join("models"), None, None, flags)?;
    let base = server.url("");
    let prepared = part.prepare(&base)?;
    let mut before = load(&base, &prepared[0], 1)?;
    let memory_before = process::resident_at_most(server.id())? as f64;
    // What the first load took of the rate comes back.
    std::thread::sleep(Duration::from_secs(1));
    let start = Instant::now();
    let mut past = load(&base, &prepared[0], TIMES)?;
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
        past.refused.keys().eq([&refusal]),
        "refused above the limit: {:?}, not {refusal} alone",
        past.refused
    );
    ensure!(
        !past.accepted.is_empty(),
        "nothing was accepted above the limit"
    );
    ensure!(
        above <= at_limit.max(FLOOR).mul_f64(SLOWER),
        "accepted requests take {} above the limit, more than {SLOWER} times {}",
        words(above),
        words(at_limit)
    );
    ensure!(
        memory_past <= memory_before * (1.0 + GROWTH),
        "memory grew from {} to {}",
        megabytes(memory_before),
        megabytes(memory_past)
    );
    Ok(Past {
        accepted: past.accepted.len(),
        took,
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
        first.close()?.expect(204)?;
        Ok(all)
    })
}
