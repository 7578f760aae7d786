//! Many sessions at once, mixed models, within the limits.
//!
//! Each session sends at times that are set beforehand, whether or not others are answered; its
//! latencies count from those times, so a server that stalls can't hide it. Only a session that
//! still waits for an answer sends late, and that counts too.
//!
//! **Invariant:** every answer is compared with what plain inference says, every file with the one
//! on disk, and any status but success is a failure.

use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, anyhow, ensure};
use shared::api::API_PREFIX;
use tests::digits::Noise;
use tests::prepared::Prepared;
use tests::process;
use tests::server::{agent, built_page};
use tests::visitor::Visitor;

use crate::latency::Latencies;
use crate::material::Part;
use crate::memory::{course, drift, megabytes};
use crate::service;

/// Who comes: mostly the fast model, since its keys are the smallest.
const PARTS: [Part; 4] = [
    Part {
        model: "mnist-fast",
        share: 78,
        keys: 8,
        batch: 8,
        pause: 2.0,
    },
    Part {
        model: "homomorphic-mnist",
        share: 12,
        keys: 3,
        batch: 4,
        pause: 2.0,
    },
    Part {
        model: "mnist-accurate",
        share: 6,
        keys: 2,
        batch: 4,
        pause: 4.0,
    },
    Part {
        model: "lenet1",
        share: 4,
        keys: 2,
        batch: 2,
        pause: 5.0,
    },
];

/// Limits above all that comes: every session may wait for an answer at the same time, and all of
/// them come from one address.
const FLAGS: &[&str] = &[
    "--queue",
    "256",
    "--queue-wait-ms",
    "20000",
    "--address-rate",
    "1000",
    "--address-burst",
    "1000",
    "--address-session-mib",
    "2048",
    "--uploads",
    "512",
];

/// Sessions that open at a time before the clock starts.
const DOORS: usize = 4;

/// The share of the run that warms up.
const WARM_UP: f64 = 1.0 / 4.0;

/// How often each session is closed and opened anew before the clock starts: the allocator takes more
/// from the system for the first thousand of such changes, ever less each time.
const RENEWALS: usize = 6;

/// How often memory is looked at.
const LOOK: Duration = Duration::from_millis(200);

/// How far memory may go from where it was after the warm-up.
const FLAT: f64 = 0.05;

/// Of a hundred acts so many are batches, openings of a new session, descriptions, page files; the
/// rest are single digits.
const ACTS: [(usize, Act); 4] = [
    (8, Act::Batch),
    (4, Act::Renew),
    (4, Act::Describe),
    (8, Act::File),
];

/// Failures that are told in full.
const TOLD: usize = 10;

/// How the crowd is.
#[derive(clap::Args)]
pub struct Args {
    /// Seconds that it stays.
    #[arg(long, default_value_t = 120)]
    seconds: u64,
    /// Its sessions.
    #[arg(long, default_value_t = 200)]
    sessions: usize,
    /// How much oftener each session asks than usual.
    #[arg(long, default_value_t = 1.0)]
    rate: f64,
}

#[derive(Clone, Copy, PartialEq)]
enum Act {
    Digit,
    Batch,
    Renew,
    Describe,
    File,
}

/// What all sessions share while the clock runs.
struct Run {
    start: Instant,
    warm_up: Duration,
    end: Duration,
    files: Vec<(String, Vec<u8>)>,
    rate: f64,
}

/// What came of one session's visit, or of all.
#[derive(Default)]
struct Outcome {
    latencies: Latencies,
    digits: usize,
    planned: usize,
    failures: Vec<String>,
}

impl Outcome {
    fn add(&mut self, other: Self) {
        self.latencies.extend(other.latencies);
        self.digits += other.digits;
        self.planned += other.planned;
        self.failures.extend(other.failures);
    }
}

/// Runs it and prints the report.
///
/// # Errors
/// The gates that didn't hold.
pub fn run(args: &Args) -> Result<()> {
    let page = built_page()?;
    let server = service::start(Some(&page), FLAGS)?;
    let base = server.url("");
    println!("making keys and ciphertexts");
    let prepared: Vec<Vec<Prepared>> = PARTS
        .iter()
        .map(|part| part.prepare(&base))
        .collect::<Result<_>>()?;
    let mut visitors = invite(&base, &prepared, args.sessions);
    println!("opening {} sessions", visitors.len());
    open_all(&mut visitors)?;

    let end = Duration::from_secs(args.seconds);
    let run = Run {
        start: Instant::now(),
        warm_up: end.mul_f64(WARM_UP),
        end,
        files: files(&page)?,
        rate: args.rate,
    };
    println!("{} s begin", args.seconds);
    let visit = || visit_all(visitors, &run);
    let (mut outcome, memory) = process::watch(server.id(), LOOK, visit)?;
    report(args, &run, &mut outcome, &memory)?;
    no_server_errors(&base)?;
    server.stop()
}

/// The server's own count.
fn no_server_errors(base: &str) -> Result<()> {
    let mut answer = agent().get(format!("{base}/metrics")).call()?;
    let text = answer.body_mut().read_to_string()?;
    let counted = |line: &&str| line.starts_with("inkveil_requests_total{");
    let counts: Vec<&str> = text.lines().filter(counted).collect();
    let failed = counts.iter().find(|line| line.contains("status=\"5"));
    ensure!(!counts.is_empty(), "the server counted nothing");
    ensure!(failed.is_none(), "the server counted {failed:?}");
    Ok(())
}

/// The sessions' owners, each with keys.
fn invite<'a>(
    base: &str,
    prepared: &'a [Vec<Prepared>],
    sessions: usize,
) -> Vec<(&'static Part, Visitor<'a>)> {
    let all = PARTS.iter().zip(prepared).flat_map(|(part, keys)| {
        let count = (sessions * part.share).div_ceil(100);
        let owners = keys.iter().cycle().take(count);
        owners.map(move |keys| (part, Visitor::new(base, keys)))
    });
    all.collect()
}

fn open_all(visitors: &mut [(&'static Part, Visitor<'_>)]) -> Result<()> {
    let each = visitors.len().div_ceil(DOORS);
    std::thread::scope(|scope| {
        let open = |group: &mut [(&'static Part, Visitor<'_>)]| -> Result<()> {
            for (_, visitor) in &mut *group {
                visitor.open()?.expect(201)?;
            }
            for _ in 0..RENEWALS {
                for (_, visitor) in &mut *group {
                    visitor.close()?.expect(204)?;
                    visitor.open()?.expect(201)?;
                }
            }
            Ok(())
        };
        let doors: Vec<_> = visitors
            .chunks_mut(each)
            .map(|group| scope.spawn(move || open(group)))
            .collect();
        doors
            .into_iter()
            .try_for_each(|door| door.join().map_err(|_| anyhow!("a thread panicked"))?)
    })
}

/// The page's files as they are served: the path, and the bytes on disk.
fn files(page: &Path) -> Result<Vec<(String, Vec<u8>)>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(page)? {
        let path = entry?.path();
        let name = path.file_name().and_then(|name| name.to_str());
        let packed = path
            .extension()
            .is_some_and(|ending| ending == "br" || ending == "gz");
        if let Some(name) = name.filter(|_| path.is_file() && !packed) {
            files.push((format!("/{name}"), fs::read(&path)?));
        }
    }
    ensure!(!files.is_empty(), "{} is empty", page.display());
    Ok(files)
}

fn visit_all(visitors: Vec<(&'static Part, Visitor<'_>)>, run: &Run) -> Result<Outcome> {
    let arrived = AtomicUsize::new(0);
    let arrived = &arrived;
    std::thread::scope(|scope| {
        let visits: Vec<_> = visitors
            .into_iter()
            .map(|(part, visitor)| {
                scope.spawn(move || {
                    let number = arrived.fetch_add(1, Ordering::Relaxed);
                    visit(part, visitor, run, number as u64)
                })
            })
            .collect();
        let mut all = Outcome::default();
        for visit in visits {
            all.add(visit.join().map_err(|_| anyhow!("a session panicked"))?);
        }
        Ok(all)
    })
}

/// One session's visit; the same number gives the same times and wishes.
fn visit(part: &Part, mut visitor: Visitor<'_>, run: &Run, number: u64) -> Outcome {
    let mut outcome = Outcome::default();
    let (mut times, mut wishes) = (Noise::new(number), Noise::new(!number));
    // Half the pause to one and a half of it.
    let mut pause = |scale: f64| {
        let about = 1.0 + 0.5 * times.next_number();
        Duration::from_secs_f64(scale * about * part.pause / run.rate)
    };
    let mut due = pause(0.5);
    while due < run.end {
        let (at, wait) = (due, due.saturating_sub(run.start.elapsed()));
        due += pause(1.0);
        outcome.planned += 1;
        if run.start.elapsed() >= run.end {
            // It fell so far behind that this isn't sent any more.
            continue;
        }
        std::thread::sleep(wait);
        // From -1 to 1 becomes 0 to 99.
        let mut percent = || ((wishes.next_number() + 1.0) * 50.0) as usize;
        let act = choose(percent());
        let which = percent();
        match perform(act, which, &mut visitor, &run.files) {
            Ok((what, digits)) => {
                let latency = run.start.elapsed().saturating_sub(at);
                outcome.digits += digits;
                if at > run.warm_up {
                    outcome.latencies.add(&what, latency);
                }
            }
            Err(error) => outcome.failures.push(format!("{}: {error:#}", part.model)),
        }
    }
    outcome
}

/// What a request is called in the report.
fn reading(model: &str, digits: usize) -> String {
    match digits {
        1 => format!("{model}, a digit"),
        _ => format!("{model}, a batch of {digits}"),
    }
}

fn choose(percent: usize) -> Act {
    let mut below = 0;
    for (share, act) in ACTS {
        below += share;
        if percent < below {
            return act;
        }
    }
    Act::Digit
}

/// Does one thing; says what it was and how many digits were read.
fn perform(
    act: Act,
    which: usize,
    visitor: &mut Visitor<'_>,
    files: &[(String, Vec<u8>)],
) -> Result<(String, usize)> {
    let prepared = visitor.prepared();
    let model = prepared.model();
    match act {
        Act::Digit | Act::Batch => {
            let requests = prepared.requests();
            let (batch, alone) = requests.split_last().context("nothing is prepared")?;
            let request = match act {
                Act::Batch => batch,
                _ => &alone[which % alone.len()],
            };
            visitor.classify(request)?;
            let digits = request.digits();
            Ok((reading(model, digits), digits))
        }
        Act::Renew => {
            visitor.close()?.expect(204)?;
            visitor.open()?.expect(201)?;
            Ok((format!("{model}, a session closed and one opened"), 0))
        }
        Act::Describe => {
            let route = format!("{API_PREFIX}/models/{model}");
            let reply = visitor.get(&route)?.expect(200)?;
            ensure!(!reply.body.is_empty(), "an empty description");
            Ok(("a model's description".to_owned(), 0))
        }
        Act::File => {
            let (path, bytes) = &files[which % files.len()];
            let reply = visitor.get(path)?.expect(200)?;
            ensure!(reply.body == *bytes, "{path} isn't what is on disk");
            Ok(("a file of the page".to_owned(), 0))
        }
    }
}

fn report(args: &Args, run: &Run, outcome: &mut Outcome, memory: &[(Duration, u64)]) -> Result<()> {
    let course = course(memory, run.warm_up)?;
    let drift = drift(&course);
    let (planned, failed) = (outcome.planned, outcome.failures.len());
    println!(
        "{} sessions, {} s, of which {:.0} s to warm up: {planned} requests, {} digits read, \
         {failed} failed",
        args.sessions,
        args.seconds,
        run.warm_up.as_secs_f64(),
        outcome.digits,
    );
    println!("{}", outcome.latencies.table());
    let parts: Vec<String> = course.iter().map(|&bytes| megabytes(bytes)).collect();
    println!("memory after the warm-up: {}", parts.join(", "));
    println!("drift {:.2} %", 100.0 * drift);
    for failure in outcome.failures.iter().take(TOLD) {
        println!("!!! {failure}");
    }
    ensure!(failed == 0, "{failed} of {planned} requests failed");
    ensure!(
        drift <= FLAT,
        "memory moved by {:.1} %, more than {:.0} %",
        100.0 * drift,
        100.0 * FLAT
    );
    for part in PARTS {
        ensure!(
            outcome.latencies.count(&reading(part.model, 1)) > 0,
            "no digit was read by {}",
            part.model
        );
    }
    // Clients that couldn't keep up would make it a smaller load than it says.
    let (counted, due) = (outcome.latencies.total() as f64, planned as f64);
    let least = 0.5 * due * (1.0 - WARM_UP);
    ensure!(
        counted >= least,
        "{counted} answers of {due:.0} planned after the warm-up"
    );
    Ok(())
}
