//! Searches parameters for a model: prime chains, special primes, digits and walks through the
//! matrix products.
//!
//! Every candidate is compiled, which predicts its error and says which keys it needs; its time is
//! predicted from counted operations. Those that no other beats in everything are run for real.

mod candidate;
mod chains;
mod cost;
mod measure;
mod report;

use std::fs;
use std::path::PathBuf;

use anyhow::{Context as _, Result};
use clap::Parser;
use evaluator::engine::{SlotContent, Walk};
use evaluator::server::models;
use rayon::prelude::*;
use shared::params::ParameterSpec;

use candidate::Candidate;
use cost::prices;
use measure::{Samples, measure};
use report::{Report, Row};

/// Sets that walks are tried with.
const SETS_WALKED: usize = 16;

/// Searches parameters for a model and measures the best.
#[derive(Parser)]
struct Args {
    /// The ONNX file.
    #[arg(default_value = "models/mnist-fast.onnx")]
    model: PathBuf,
    /// Largest predicted error of a logit; twice that of the shipped set if not given.
    #[arg(long)]
    error: Option<f64>,
    /// How many candidates are measured, besides all walks of the shipped set.
    #[arg(long, default_value_t = 32)]
    measure: usize,
    /// How many inputs each is measured with.
    #[arg(long, default_value_t = 200)]
    inputs: usize,
    /// Writes the document here.
    #[arg(long)]
    out: Option<PathBuf>,
}

fn main() -> Result<()> {
    let args = Args::parse();
    let network = models::read_network(&args.model)?;
    let shipped = models::load(&args.model)?;
    let prices = prices(shipped.ring());
    let set = shipped.ring().parameters().spec();
    let compile = |(set, walk): (&ParameterSpec, Walk)| Candidate::new(&network, set, walk, prices);
    let baseline = compile((set, Walk::default())).context("the shipped set doesn't fit")?;
    let limit = args.error.unwrap_or(2.0 * baseline.error);

    let stages = usize::from(shipped.info().input.level.0) + 1;
    let chains = chains::chains(set.log_n, stages);
    let usual = chains
        .par_iter()
        .map(|set| (set, Walk::default()))
        .filter_map(compile);
    let usual: Vec<Candidate> = usual.collect();
    let precise: Vec<Candidate> = usual
        .iter()
        .filter(|it| it.error <= limit)
        .cloned()
        .collect();
    let mut sets = spread(front(&precise), SETS_WALKED);
    sets.extend(spread(front(&within_quantum(&precise)), SETS_WALKED / 2));
    sets.push(baseline);
    let walked: Vec<(&ParameterSpec, Walk)> = sets
        .iter()
        .flat_map(|it| walks().map(move |walk| (&it.set, walk)))
        .collect();
    let mut all: Vec<Candidate> = walked.par_iter().copied().filter_map(compile).collect();
    all.retain(|it| it.error <= limit);
    // Walks that go past the matrix's size are the same.
    all.dedup_by(|left, right| left.set == right.set && left.seconds == right.seconds);

    let mut chosen: Vec<Candidate> = walks().filter_map(|walk| compile((set, walk))).collect();
    chosen.dedup_by(|left, right| left.seconds == right.seconds);
    chosen.extend(to_measure(&all, set, args.measure));
    let samples = Samples::new(&network, args.inputs)?;
    let measured = measure(&network, &chosen, &samples)?;
    let mut rows: Vec<Row> = chosen.into_iter().zip(measured).map(Row::from).collect();
    rows.sort_by(|left, right| left.measured.seconds.total_cmp(&right.measured.seconds));
    let report = Report {
        model: args.model.display().to_string(),
        shipped: set,
        tried: [chains.len(), usual.len(), precise.len(), all.len()],
        limit,
        samples: &samples,
        rows: &rows,
    };
    let text = report.to_markdown();
    println!("{text}");
    if let Some(out) = &args.out {
        fs::write(out, text).with_context(|| out.display().to_string())?;
    }
    Ok(())
}

/// All walks that are tried.
fn walks() -> impl Iterator<Item = Walk> {
    let inputs = [SlotContent::Pair, SlotContent::Real];
    let babies = [1, 2, 4, 8, 16];
    inputs.into_iter().flat_map(move |input| {
        babies.into_iter().flat_map(move |babies| {
            (1..=3).map(move |stage_bits| Walk {
                babies,
                stage_bits,
                input,
            })
        })
    })
}

/// Those that no other beats, the fastest first.
fn front(candidates: &[Candidate]) -> Vec<Candidate> {
    let unbeaten = |it: &&Candidate| !candidates.iter().any(|other| other.beats(it));
    let mut front: Vec<Candidate> = candidates.iter().filter(unbeaten).cloned().collect();
    front.sort_by(|left, right| left.seconds.total_cmp(&right.seconds));
    front
}

fn within_quantum(candidates: &[Candidate]) -> Vec<Candidate> {
    candidates.iter().filter(|it| it.quantum).cloned().collect()
}

/// At most this many, evenly spread.
fn spread(candidates: Vec<Candidate>, most: usize) -> Vec<Candidate> {
    let step = candidates.len().div_ceil(most.max(1)).max(1);
    candidates.into_iter().step_by(step).collect()
}

/// The fastest for each budget of keys and some that no other beats, without those of one set.
fn to_measure(all: &[Candidate], without: &ParameterSpec, most: usize) -> Vec<Candidate> {
    let others: Vec<Candidate> = all
        .iter()
        .filter(|it| it.set != *without)
        .cloned()
        .collect();
    let mut chosen: Vec<Candidate> = Vec::new();
    let mut add = |candidates: Vec<Candidate>| {
        for it in candidates {
            if chosen.iter().all(|known| !known.is(&it.set, it.walk)) {
                chosen.push(it);
            }
        }
    };
    for quantum in [false, true] {
        for budget in report::KEY_BUDGETS {
            let fits = |it: &&Candidate| it.keys() <= budget && (it.quantum || !quantum);
            let mut fitting: Vec<Candidate> = others.iter().filter(fits).cloned().collect();
            fitting.sort_by(|left, right| left.seconds.total_cmp(&right.seconds));
            fitting.truncate(most / 8);
            add(fitting);
        }
    }
    add(spread(front(&others), most / 3));
    chosen.truncate(most);
    chosen
}
