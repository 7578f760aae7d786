//! Many digits, one after another, against one server: its memory has to stay where it was after
//! the first of them.
//!
//! **Invariant:** every answer is compared with what plain inference says.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Result, anyhow, ensure};
use tests::process;
use tests::visitor::Visitor;

use crate::material::Part;
use crate::memory::megabytes;
use crate::service;

const PART: Part = Part {
    model: "mnist-fast",
    share: 100,
    keys: CLIENTS,
    batch: 2,
    pause: 0.0,
};

/// No limit of requests a second: the clients don't rest.
const FLAGS: [&str; 4] = ["--address-rate", "0", "--session-rate", "0"];

/// Clients, each with one request at a time.
const CLIENTS: usize = 4;

/// Digits after which memory is remembered.
const FIRST: usize = 1000;

/// How much more memory there may be at the end.
const GROWTH: f64 = 0.02;

/// How often memory is looked at before a figure is taken, and how long apart: the middle one
/// counts.
const LOOKS: usize = 5;
const APART: Duration = Duration::from_millis(100);

/// How long it lasts.
#[derive(clap::Args)]
pub struct Args {
    /// Digits in all.
    #[arg(long, default_value_t = 10_000)]
    digits: usize,
}

/// Runs it and prints the report.
///
/// # Errors
/// If memory grew, or a digit was misread.
pub fn run(args: &Args) -> Result<()> {
    ensure!(args.digits > FIRST, "fewer than {FIRST} digits");
    let server = service::start(None, &FLAGS)?;
    let base = server.url("");
    let prepared = PART.prepare(&base)?;
    let mut visitors: Vec<_> = prepared
        .iter()
        .map(|keys| Visitor::new(&base, keys))
        .collect();
    for visitor in &mut visitors {
        visitor.open()?.expect(201)?;
    }
    let start = Instant::now();
    classify(&visitors, FIRST)?;
    let first = settled(server.id())?;
    classify(&visitors, args.digits - FIRST)?;
    let last = settled(server.id())?;
    let growth = last / first - 1.0;
    println!(
        "{} digits in {:.0} s; memory {} after the first {FIRST}, {} at the end: {:+.2} %",
        args.digits,
        start.elapsed().as_secs_f64(),
        megabytes(first),
        megabytes(last),
        100.0 * growth
    );
    ensure!(
        growth <= GROWTH,
        "memory grew by {:.2} %, more than {:.0} %",
        100.0 * growth,
        100.0 * GROWTH
    );
    server.stop()
}

fn classify(visitors: &[Visitor<'_>], digits: usize) -> Result<()> {
    let next = AtomicUsize::new(0);
    let client = |visitor: &Visitor<'_>| -> Result<()> {
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= digits {
                return Ok(());
            }
            let requests = visitor.prepared().requests();
            // The last one is a batch.
            visitor.classify(&requests[number % (requests.len() - 1)])?;
        }
    };
    std::thread::scope(|scope| {
        let client = &client;
        let clients: Vec<_> = visitors
            .iter()
            .map(|visitor| scope.spawn(move || client(visitor)))
            .collect();
        clients
            .into_iter()
            .try_for_each(|one| one.join().map_err(|_| anyhow!("a client panicked"))?)
    })
}

/// Memory once nothing is in flight.
fn settled(process: u32) -> Result<f64> {
    let look = |_| {
        std::thread::sleep(APART);
        process::resident(process)
    };
    let mut looks = (0..LOOKS).map(look).collect::<Result<Vec<_>>>()?;
    looks.sort_unstable();
    Ok(looks[LOOKS / 2] as f64)
}
