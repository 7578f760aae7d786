//! One digit on one core with each kernel, and independent digits on all cores.
//!
//! **Invariant:** what is compared was measured in turns, so that a slower minute of the machine
//! meets both sides.

use std::hint::black_box;
use std::process::Command;
use std::sync::Barrier;
use std::time::Instant;

use anyhow::{Context, Result, anyhow, ensure};
use shared::ring::backend::{KERNEL_VARIABLE, available, kernel};

use crate::Effort;
use crate::report::{Figure, Section};
use crate::sample::{Sample, timed};
use crate::setting::{Setting, one_core};

/// The program's command that [`print_digits`] answers.
pub const COMMAND: &str = "digits";

/// Times of one digit with the kernel in force, and the section of all kernels.
///
/// # Errors
/// If a digit can't be evaluated.
pub fn one_digit(effort: &Effort) -> Result<(Sample, Section)> {
    // The fastest first; the scalar kernel is the measure of the others.
    let mut names: Vec<&str> = available().iter().map(|kernel| kernel.name()).collect();
    names.sort_by_key(|&name| (name != kernel().name(), name == "scalar"));
    let mut all = vec![Vec::new(); names.len()];
    let mut ratios = vec![Vec::new(); names.len()];
    for round in 1..=effort.rounds {
        eprintln!(
            "one digit with each kernel, round {round} of {}",
            effort.rounds
        );
        let times: Vec<Vec<f64>> = names
            .iter()
            .map(|name| child(name, effort.digits))
            .collect::<Result<_>>()?;
        let medians: Vec<f64> = times
            .iter()
            .map(|times| Ok(Sample::new(times.clone())?.median()))
            .collect::<Result<_>>()?;
        let scalar = names
            .iter()
            .position(|&name| name == "scalar")
            .context("there is no scalar kernel")?;
        for (at, times) in times.into_iter().enumerate() {
            all[at].extend(times);
            ratios[at].push(medians[scalar] / medians[at]);
        }
    }
    let mut section = Section::with_columns(
        "One digit inside the evaluator, one core",
        format!(
            "From the request's bytes to the reply's: parsing, evaluation, serialising. \
             `{}` is what this machine chooses; {KERNEL_VARIABLE} forces the others. Each kernel \
             in processes of its own, in turns.",
            kernel().name()
        ),
        vec!["time".to_owned(), "times as fast as scalar".to_owned()],
    );
    let mut own = None;
    for ((name, times), ratios) in names.iter().zip(all).zip(ratios) {
        let times = Sample::new(times)?;
        own.get_or_insert_with(|| times.clone());
        let figures = vec![Figure::Time(times), Figure::Ratio(Sample::new(ratios)?)];
        section.add_row(*name, figures);
    }
    Ok((own.context("there is no kernel")?, section))
}

/// Times of digits in a process of its own, which this kernel is forced on.
fn child(kernel: &str, digits: usize) -> Result<Vec<f64>> {
    let output = Command::new(std::env::current_exe()?)
        .args([COMMAND, &digits.to_string()])
        .env(KERNEL_VARIABLE, kernel)
        .output()?;
    ensure!(
        output.status.success(),
        "{kernel}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    serde_json::from_slice(&output.stdout).with_context(|| format!("from the {kernel} process"))
}

/// Evaluates digits on one core and prints the milliseconds of each, as JSON.
///
/// # Errors
/// If a digit can't be evaluated.
pub fn print_digits(count: usize) -> Result<()> {
    let setting = Setting::new()?;
    setting.check()?;
    let core = one_core()?;
    let times: Vec<f64> = (0..count)
        .map(|_| Ok(core.install(|| timed(|| setting.classify()))?.1))
        .collect::<Result<_>>()?;
    println!("{}", serde_json::to_string(&times)?);
    Ok(())
}

/// How many times as many independent digits all cores do as one.
///
/// # Errors
/// If a digit can't be evaluated.
pub fn throughput(effort: &Effort) -> Result<Section> {
    let setting = Setting::new()?;
    let cores = std::thread::available_parallelism()?.get();
    let digit = || setting.classify().map(drop);
    let (mut alone, mut together) = (Vec::new(), Vec::new());
    let (mut ratios, mut controls) = (Vec::new(), Vec::new());
    for round in 1..=effort.rounds {
        eprintln!("throughput, round {round} of {}", effort.rounds);
        let one = per_task(digit, 1, effort.digits)?;
        let all = per_task(digit, cores, effort.digits)?;
        alone.push(one);
        together.push(all);
        ratios.push(one / all);
        controls.push(
            per_task(count_up, 1, effort.digits)? / per_task(count_up, cores, effort.digits)?,
        );
    }
    let mut section = Section::new(
        "Throughput",
        "Independent digits, each on one core; time per digit is wall time over all digits. The \
         last row is what this machine gave, at the same time, to a loop that shares nothing: \
         where it is less than the number of cores, others were at work.",
    );
    section.add("one core, per digit", Figure::Time(Sample::new(alone)?));
    section.add(
        format!("{cores} cores, per digit"),
        Figure::Time(Sample::new(together)?),
    );
    section.add(
        format!("digits per second, {cores} cores to one"),
        Figure::Ratio(Sample::new(ratios)?),
    );
    section.add(
        "the same for a loop that shares nothing",
        Figure::Ratio(Sample::new(controls)?),
    );
    Ok(section)
}

/// Some milliseconds of arithmetic in registers.
#[expect(clippy::unnecessary_wraps, reason = "a task may fail")]
fn count_up() -> Result<()> {
    let turns = 0..4_000_000_u64;
    black_box(turns.fold(1, |value: u64, turn| black_box(value ^ turn)));
    Ok(())
}

/// Wall milliseconds per task when `cores` threads do `tasks` each.
fn per_task(task: impl Fn() -> Result<()> + Sync, cores: usize, tasks: usize) -> Result<f64> {
    let start = Barrier::new(cores + 1);
    let worker = || -> Result<()> {
        let core = one_core();
        start.wait();
        core?.install(|| (0..tasks).try_for_each(|_| task()))
    };
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..cores).map(|_| scope.spawn(worker)).collect();
        start.wait();
        let began = Instant::now();
        for worker in workers {
            worker.join().map_err(|_| anyhow!("a worker panicked"))??;
        }
        Ok(began.elapsed().as_secs_f64() * 1e3 / (cores * tasks) as f64)
    })
}
