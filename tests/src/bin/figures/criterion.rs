//! What the criterion benchmarks measure, read from the files that criterion writes.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use tempfile::TempDir;
use tests::root;

use crate::Effort;
use crate::report::{Figure, Section};
use crate::sample::Sample;

/// One benchmark.
struct Bench {
    group: String,
    function: String,
    value: Option<String>,
    times: Sample,
}

/// Runs every benchmark of the package and returns the sections of stages and of kernels.
///
/// # Errors
/// If one fails, or criterion left files that can't be read.
pub fn run(effort: &Effort) -> Result<Vec<Section>> {
    let home = TempDir::new()?;
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command
        .args(["bench", "--package", "tests", "--bench", "*", "--"])
        .args(effort.criterion)
        .env("CRITERION_HOME", home.path())
        .current_dir(root());
    ensure!(
        command.status()?.success(),
        "the criterion benchmarks failed"
    );
    let mut benches = Vec::new();
    collect(home.path(), &mut benches)?;
    ensure!(!benches.is_empty(), "criterion measured nothing");
    benches
        .sort_by(|a, b| (&a.group, &a.function, &a.value).cmp(&(&b.group, &b.function, &b.value)));
    let (kernels, stages) = benches
        .into_iter()
        .partition(|bench: &Bench| bench.group == "kernel");
    Ok(vec![stage_section(stages), kernel_section(&kernels)])
}

/// Benchmarks below a directory; each has a directory `new` with its last run.
fn collect(directory: &Path, benches: &mut Vec<Bench>) -> Result<()> {
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        if !path.is_dir() {
            continue;
        }
        if path.ends_with("new") {
            benches.push(read(&path).with_context(|| path.display().to_string())?);
        } else {
            collect(&path, benches)?;
        }
    }
    Ok(())
}

fn read(directory: &Path) -> Result<Bench> {
    let file = |name: &str| -> Result<Value> {
        Ok(serde_json::from_slice(&fs::read(directory.join(name))?)?)
    };
    let (names, sample) = (file("benchmark.json")?, file("sample.json")?);
    let text = |key: &str| names[key].as_str().map(str::to_owned);
    let numbers = |key: &str| -> Result<Vec<f64>> {
        let list = sample[key].as_array().context("no list of numbers")?;
        let numbers = list
            .iter()
            .map(|number| number.as_f64().context("no number"));
        numbers.collect()
    };
    let (iterations, nanoseconds) = (numbers("iters")?, numbers("times")?);
    let times = nanoseconds.iter().zip(iterations);
    let times = times.map(|(time, count)| time / count / 1e6).collect();
    Ok(Bench {
        group: text("group_id").context("no group")?,
        function: text("function_id").context("no function")?,
        value: text("value_str"),
        times: Sample::new(times)?,
    })
}

fn stage_section(benches: Vec<Bench>) -> Section {
    let mut section = Section::new(
        "Stages and operations",
        "By criterion; on all cores where the name doesn't say otherwise.",
    );
    for bench in benches {
        let name = format!("{}: {}", bench.group, bench.function.replace('_', " "));
        section.add(name, Figure::Time(bench.times));
    }
    section
}

/// A column for each kernel, a row for each operation and size.
fn kernel_section(benches: &[Bench]) -> Section {
    let split = |bench: &Bench| -> (String, String) {
        let (operation, kernel) = bench
            .function
            .rsplit_once('/')
            .unwrap_or((&bench.function, ""));
        let size = bench.value.as_deref().unwrap_or_default();
        (format!("{operation}, {size}"), kernel.to_owned())
    };
    let mut columns: Vec<String> = Vec::new();
    let mut names: Vec<String> = Vec::new();
    for (name, kernel) in benches.iter().map(split) {
        if !columns.contains(&kernel) {
            columns.push(kernel);
        }
        if !names.contains(&name) {
            names.push(name);
        }
    }
    columns.sort();
    names.sort();
    let mut section = Section::with_columns(
        "Kernels",
        "By criterion; one polynomial of one prime, named by degree and bits.",
        columns.clone(),
    );
    for name in names {
        let figure = |column: &String| {
            let wanted = (name.clone(), column.clone());
            let found = benches.iter().find(|&bench| split(bench) == wanted);
            found.map_or_else(
                || Figure::Missing("not on this machine".to_owned()),
                |bench| Figure::Time(bench.times.clone()),
            )
        };
        let figures = columns.iter().map(figure).collect();
        section.add_row(name.replace('_', " "), figures);
    }
    section
}
