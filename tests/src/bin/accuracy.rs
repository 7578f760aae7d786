//! Classifies MNIST test images encrypted, with client and evaluator in one process, and says how
//! well and how fast.
//!
//! The truth is MNIST's labels and tract's plain logits of the same file. Each thread runs its own
//! digits on one core, so the evaluator's time is that of one core.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, anyhow, ensure};
use clap::Parser;
use client::{ClientKeys, Plan};
use evaluator::circuit::Circuit;
use evaluator::server::models;
use shared::image::Digit;
use shared::keys::EvaluationKeys;
use shared::wire::read_evaluation_keys;
use tests::data::{missing, mnist_directory};
use tests::machine;
use tests::plain::PlainModel;
use train::mnist::LabelledImages;

/// Classifies MNIST test images encrypted and compares with plain inference.
#[derive(Parser)]
struct Args {
    /// The ONNX file.
    #[arg(long, default_value = "models/mnist-fast.onnx")]
    model: PathBuf,
    /// Directory with the MNIST test files; searched for if not given.
    #[arg(long)]
    data: Option<PathBuf>,
    /// How many of the 10,000 images.
    #[arg(long, default_value_t = 10_000)]
    images: usize,
    /// Fails below this accuracy, in percent.
    #[arg(long, default_value_t = 0.0)]
    at_least: f64,
    /// Fails if the encrypted class is the plain one less often than this, in percent.
    #[arg(long, default_value_t = 0.0)]
    agree_at_least: f64,
    /// Writes the result into the model's card.
    #[arg(long)]
    card: Option<PathBuf>,
}

/// What one digit gave.
struct Outcome {
    label: usize,
    encrypted: usize,
    plain: usize,
    largest_error: f64,
    squared_error: f64,
    largest_logit: f64,
    evaluation: Duration,
}

/// Everything that stays the same from digit to digit.
struct Setting {
    circuit: Circuit,
    plain: PlainModel,
    keys: ClientKeys,
    evaluation: EvaluationKeys,
}

/// Bytes that travel.
struct Traffic {
    keys: usize,
    up: usize,
    down: usize,
}

fn main() -> Result<()> {
    let args = Args::parse();
    let directory = args
        .data
        .or_else(|| mnist_directory(&tests::root()))
        .with_context(missing)?;
    let mut images = LabelledImages::load_test(&directory)?;
    images.images.truncate(args.images);
    images.labels.truncate(args.images);
    ensure!(!images.images.is_empty(), "no image to classify");

    let circuit = models::load(&args.model)?;
    let plain = PlainModel::load(&args.model, &circuit.info().input.shape)?;
    let plan = Arc::new(Plan::new(circuit.info().clone())?);
    let keys = ClientKeys::generate(plan)?;
    let upload = keys
        .evaluation_keys()
        .collect::<Result<Vec<_>, _>>()?
        .concat();
    let evaluation = read_evaluation_keys(&upload, circuit.ring())?;
    let setting = Setting {
        circuit,
        plain,
        keys,
        evaluation,
    };

    let start = Instant::now();
    let (mut outcomes, up, down) = classify_all(&setting, &images)?;
    let wall = start.elapsed();
    let traffic = Traffic {
        keys: upload.len(),
        up,
        down,
    };
    let report = report(&setting, &mut outcomes, &traffic);
    println!("{report}");
    println!("{} images in {:.0} s", outcomes.len(), wall.as_secs_f64());
    let right = |outcome: &&Outcome| outcome.encrypted == outcome.label;
    let right = outcomes.iter().filter(right).count();
    let accuracy = 100.0 * right as f64 / outcomes.len() as f64;
    if let Some(card) = &args.card {
        let row = format!(
            "| encrypted | {right} of {} | {accuracy:.2} % |",
            outcomes.len()
        );
        write_card(card, &row, &report)?;
    }
    let agreement = percent(&outcomes, |outcome| outcome.encrypted == outcome.plain);
    ensure!(
        agreement >= args.agree_at_least,
        "agreement {agreement:.2} % is below {} %",
        args.agree_at_least
    );
    ensure!(
        accuracy >= args.at_least,
        "accuracy {accuracy:.2} % is below {} %",
        args.at_least
    );
    Ok(())
}

/// Classifies on all cores, one digit per core at a time.
fn classify_all(
    setting: &Setting,
    images: &LabelledImages,
) -> Result<(Vec<Outcome>, usize, usize)> {
    let next = AtomicUsize::new(0);
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let worker = || -> Result<(Vec<Outcome>, usize, usize)> {
        // A pool of one thread: the digit's own parallelism stays on this core.
        let core = rayon::ThreadPoolBuilder::new().num_threads(1).build()?;
        let (mut outcomes, mut up, mut down) = (Vec::new(), 0, 0);
        loop {
            let at = next.fetch_add(1, Ordering::Relaxed);
            let (Some(image), Some(&label)) = (images.images.get(at), images.labels.get(at)) else {
                break;
            };
            let digit = Digit::from_mnist(image);
            let (outcome, sent, received) = classify(setting, &digit, label, &core)?;
            outcomes.push(outcome);
            (up, down) = (up.max(sent), down.max(received));
            if outcomes.len().is_multiple_of(500) {
                eprintln!("{} of {}", at + 1, images.images.len());
            }
        }
        Ok((outcomes, up, down))
    };
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(worker)).collect();
        let mut all = (Vec::with_capacity(images.images.len()), 0, 0);
        for worker in workers {
            let (outcomes, up, down) =
                worker.join().map_err(|_| anyhow!("a worker panicked"))??;
            all.0.extend(outcomes);
            all = (all.0, all.1.max(up), all.2.max(down));
        }
        Ok(all)
    })
}

fn classify(
    setting: &Setting,
    digit: &Digit,
    label: u8,
    core: &rayon::ThreadPool,
) -> Result<(Outcome, usize, usize)> {
    let Setting {
        circuit,
        plain,
        keys,
        evaluation,
    } = setting;
    let request = keys.encrypt(&digit.to_input())?;
    let start = Instant::now();
    let reply = core.install(|| -> Result<Vec<u8>> {
        Ok(circuit.evaluate(evaluation, circuit.parse_input(&request)?)?)
    })?;
    let elapsed = start.elapsed();
    let logits = keys.decrypt(&reply)?;
    let preparation = circuit.info().input.preparation;
    let prepared = digit
        .pixels()
        .iter()
        .map(|&pixel| preparation.apply(pixel.into()) as f32);
    let truth = plain.logits(&prepared.collect::<Vec<_>>())?;
    let errors = || {
        logits
            .values()
            .iter()
            .zip(&truth)
            .map(|(got, want)| (got - want).abs())
    };
    let outcome = Outcome {
        label: usize::from(label),
        encrypted: logits.argmax(),
        plain: truth
            .iter()
            .enumerate()
            .max_by(|a, b| a.1.total_cmp(b.1))
            .map_or(0, |(at, _)| at),
        largest_error: errors().fold(0.0, f64::max),
        squared_error: errors().map(|error| error * error).sum::<f64>() / truth.len() as f64,
        largest_logit: truth.iter().map(|logit| logit.abs()).fold(0.0, f64::max),
        evaluation: elapsed,
    };
    Ok((outcome, request.len(), reply.len()))
}

fn percent(outcomes: &[Outcome], holds: impl Fn(&Outcome) -> bool) -> f64 {
    100.0 * outcomes.iter().filter(|outcome| holds(outcome)).count() as f64 / outcomes.len() as f64
}

/// The result as the rows of a table.
fn report(setting: &Setting, outcomes: &mut [Outcome], traffic: &Traffic) -> String {
    outcomes.sort_by_key(|outcome| outcome.evaluation);
    let at = |share: f64| {
        let last = outcomes.len() - 1;
        outcomes[(last as f64 * share).round() as usize]
            .evaluation
            .as_secs_f64()
            * 1e3
    };
    let largest_error = outcomes
        .iter()
        .map(|outcome| outcome.largest_error)
        .fold(0.0, f64::max);
    let largest_logit = outcomes
        .iter()
        .map(|outcome| outcome.largest_logit)
        .fold(0.0, f64::max);
    let mean_square = outcomes
        .iter()
        .map(|outcome| outcome.squared_error)
        .sum::<f64>()
        / outcomes.len() as f64;
    let bits = (largest_logit / mean_square.sqrt()).log2();
    let right = percent(outcomes, |outcome| outcome.encrypted == outcome.label);
    let plain = percent(outcomes, |outcome| outcome.plain == outcome.label);
    let agree = percent(outcomes, |outcome| outcome.encrypted == outcome.plain);
    let parameters = setting.circuit.ring().parameters();
    let log_n = parameters.spec().log_n;
    let expected = 1e3 * setting.circuit.count().reference_price(log_n);
    let rows = [
        ("images", outcomes.len().to_string()),
        ("accuracy encrypted", format!("{right:.2} %")),
        ("accuracy plain (tract)", format!("{plain:.2} %")),
        (
            "encrypted argmax equals plain argmax",
            format!("{agree:.2} %"),
        ),
        ("largest logit error", format!("{largest_error:.4}")),
        (
            "precision",
            format!("{bits:.1} bits (largest logit {largest_logit:.1} over mean error)"),
        ),
        (
            "evaluator's time per digit, one core",
            format!(
                "median {:.2} ms, 99th percentile {:.2} ms; the cost model says {:.2} ms",
                at(0.5),
                at(0.99),
                expected
            ),
        ),
        (
            "parameter set",
            format!(
                "{}: N = 2^{}, log2(QP) = {}",
                parameters.spec().name,
                parameters.spec().log_n,
                parameters.log2_qp()
            ),
        ),
        (
            "evaluation keys, upload once",
            format!("{} bytes", traffic.keys),
        ),
        ("upload per digit", format!("{} bytes", traffic.up)),
        ("download per digit", format!("{} bytes", traffic.down)),
        ("machine", machine::describe()),
    ];
    let table = rows
        .map(|(name, value)| format!("| {name} | {value} |\n"))
        .concat();
    format!("| | |\n|---|---|\n{table}")
}

/// Replaces the card's section on the encrypted run, and its row in the table of accuracies.
fn write_card(card: &Path, row: &str, report: &str) -> Result<()> {
    const TITLE: &str = "## Encrypted\n";
    let text = fs::read_to_string(card).with_context(|| card.display().to_string())?;
    let missing = || format!("{} has no section {TITLE:?}", card.display());
    let start = text.find(TITLE).with_context(missing)? + TITLE.len();
    let end = text[start..]
        .find("\n## ")
        .map_or(text.len(), |end| start + end);
    let section = format!("Measured by `cargo xtask accuracy`.\n\n{report}");
    let text = format!("{}{section}{}", &text[..start], &text[end..]);
    let replaced = |line| {
        if str::starts_with(line, "| encrypted |") {
            row
        } else {
            line
        }
    };
    let lines: Vec<&str> = text.lines().map(replaced).collect();
    fs::write(card, lines.join("\n") + "\n")?;
    Ok(())
}
