//! `evaluator-check`: runs a network encrypted and plain side by side and writes a report.
//!
//! `evaluator check` starts it: the evaluator itself links nothing that decrypts.

use std::fs;
use std::io::{IsTerminal, Write, stdout};
use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use check::report::Report;
use check::{Options, Progress, check, page};
use clap::Parser;
use evaluator::import::Approximation;
use shared::params::ParameterSpec;
use tempfile::NamedTempFile;

/// The longest file of parameters.
const MOST_PARAMETER_BYTES: u64 = 1 << 20;

/// Runs a network encrypted and plain side by side and writes report.json and report.html.
///
/// Without --params, the automatic choice is compared with its neighbours. A set that would run out
/// of levels or drown in noise is refused before anything of it runs.
#[derive(Parser)]
#[command(name = "evaluator check", version)]
struct Cli {
    /// The ONNX file.
    model: PathBuf,
    /// Images: an IDX file (packed or not), a .f32 file, a PNG or JPEG, or a directory of those.
    #[arg(long, value_name = "FILE|DIR")]
    images: PathBuf,
    /// Labels, an IDX file; those beside MNIST's images are found without it.
    #[arg(long, value_name = "FILE")]
    labels: Option<PathBuf>,
    /// The only parameter set to try, as JSON; see docs/check.md.
    #[arg(long, value_name = "FILE")]
    params: Option<PathBuf>,
    /// The first steps only, such as 0..3: each layer is a step, and each activation.
    #[arg(long, value_name = "RANGE", value_parser = steps)]
    layers: Option<usize>,
    /// Most images.
    #[arg(long, value_name = "N", default_value = "200")]
    count: NonZero<usize>,
    /// Most images that are looked at behind each operation.
    #[arg(long, value_name = "N", default_value = "20")]
    watched: NonZero<usize>,
    /// Replaces an activation by polynomials, such as relu=chebyshev:7, as `evaluator serve` does.
    #[arg(long, value_name = "OP=chebyshev:DEGREE")]
    approximate: Vec<Approximation>,
    /// Images that show which values activations are given.
    #[arg(long, value_name = "FILE|DIR")]
    calibrate: Option<PathBuf>,
    /// Directory for the report; made if it isn't there.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
}

fn main() -> ExitCode {
    match run(&Cli::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Cli) -> Result<()> {
    let out = &arguments.out;
    if out.exists() && !out.is_dir() {
        bail!("{}: is no directory", out.display());
    }
    let parameters = arguments
        .params
        .as_deref()
        .map(read_parameters)
        .transpose()?;
    let options = Options {
        model: arguments.model.clone(),
        approximations: arguments.approximate.clone(),
        calibrate: arguments.calibrate.clone(),
        images: arguments.images.clone(),
        labels: arguments.labels.clone(),
        parameters,
        steps: arguments.layers,
        count: arguments.count.get(),
        watched: arguments.watched.get(),
    };
    let report = check(&options, &mut Progress::new(false))?;
    write(&report, out)?;
    tell(&report, out)
}

/// The end of a range that starts at 0.
fn steps(range: &str) -> Result<usize, String> {
    let wrong = || format!("'{range}' is no range that starts at 0, such as 0..3");
    let end = range.strip_prefix("0..").ok_or_else(wrong)?;
    end.parse().ok().filter(|&end| end > 0).ok_or_else(wrong)
}

fn read_parameters(path: &Path) -> Result<ParameterSpec> {
    let name = || path.display().to_string();
    let length = fs::metadata(path).with_context(name)?.len();
    if length > MOST_PARAMETER_BYTES {
        bail!("{}: is longer than {MOST_PARAMETER_BYTES} bytes", name());
    }
    let text = fs::read_to_string(path).with_context(name)?;
    serde_json::from_str(&text).with_context(|| {
        format!(
            "{}: is no parameter set; `evaluator inspect --json` prints one as \"parameters\"",
            name()
        )
    })
}

/// Writes both files, each whole or not at all.
fn write(report: &Report, out: &Path) -> Result<()> {
    fs::create_dir_all(out).with_context(|| out.display().to_string())?;
    let mut json = serde_json::to_string_pretty(report)?;
    json.push('\n');
    let files = [("report.json", json), ("report.html", page::draw(report))];
    let stage = |(name, text): (&str, String)| {
        let path = out.join(name);
        let mut file = create(out)?;
        file.write_all(text.as_bytes())?;
        file.as_file().sync_all()?;
        Ok::<_, std::io::Error>((file, path))
    };
    let staged: Vec<_> = files.into_iter().map(stage).collect::<Result<_, _>>()?;
    for (file, path) in staged {
        let name = path.display().to_string();
        file.persist(path)
            .with_context(|| format!("{name}: can't be written"))?;
    }
    Ok(())
}

/// A file that, unlike a temporary one, everyone may read whom the process's mask lets.
fn create(directory: &Path) -> std::io::Result<NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(".report-");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        builder.permissions(fs::Permissions::from_mode(0o666));
    }
    builder.tempfile_in(directory)
}

/// A line for each set on standard output.
fn tell(report: &Report, out: &Path) -> Result<()> {
    let mut output = stdout().lock();
    for set in &report.sets {
        let name = set.parameters.as_ref().map_or("-", |set| &set.spec.name);
        let (role, mark) = (&set.role, if set.chosen { '*' } else { ' ' });
        write!(output, "{mark} {role:<24} {name:<16} ")?;
        match (&set.measured, &set.refusal) {
            (Some(it), _) => writeln!(
                output,
                "{:9.2} ms  {:5.1} bits  {:9.1} kB of keys",
                it.milliseconds,
                it.precision_bits,
                it.key_bytes as f64 / 1e3
            )?,
            (None, Some(refusal)) => writeln!(output, "not run: {}", refusal.reason)?,
            (None, None) => writeln!(output)?,
        }
    }
    if output.is_terminal() {
        writeln!(output, "{}", out.join("report.html").display())?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_arguments_are_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn ranges_start_at_the_image() {
        assert_eq!(steps("0..3"), Ok(3));
        for wrong in ["1..3", "0..0", "0..", "3", "0..x", "..3"] {
            assert!(steps(wrong).is_err(), "{wrong}");
        }
    }
}
