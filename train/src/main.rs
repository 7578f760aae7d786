//! `train`: makes the models that ship with Inkveil.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::{Args, Parser};
use train::card::{Origin, Run, card};
use train::curves::picture;
use train::curves::tensorboard::EventFile;
use train::download;
use train::export::{logit_bound, to_onnx};
use train::mnist::Mnist;
use train::models::Model;
use train::statistics::Statistics;
use train::training::{Epoch, Settings, Trained, train};

/// Makes the models that ship with Inkveil.
#[derive(Parser)]
#[command(version)]
struct Cli {
    /// Which model.
    #[arg(value_enum)]
    model: Model,
    #[command(flatten)]
    options: Options,
}

/// Settings that aren't given are the model's own.
#[derive(Args)]
struct Options {
    /// Directory with MNIST's four gzipped IDX files; downloaded into --cache if not given.
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Where downloaded files are kept.
    #[arg(long, value_name = "DIR", default_value = "target/mnist")]
    cache: PathBuf,
    /// Where the ONNX file, its card and the picture of its curves go.
    #[arg(long, value_name = "DIR", default_value = "models")]
    out: PathBuf,
    /// Where each run's event files and picture go, in a directory of the model's name and the seed.
    #[arg(long, value_name = "DIR", default_value = "target/train")]
    logs: PathBuf,
    /// How many seeds to train, from --seed on. The files are the first one's; the card tells how
    /// all of them do.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    runs: u32,
    /// Decides every random choice.
    #[arg(long)]
    seed: Option<u64>,
    /// Passes over the training set.
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..))]
    epochs: Option<u32>,
    /// Images per step.
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..))]
    batch: Option<u32>,
    /// Peak of the learning rate.
    #[arg(long)]
    learning_rate: Option<f64>,
    /// Share of the weights that decays per step at a learning rate of 1.
    #[arg(long)]
    weight_decay: Option<f64>,
    /// Share of the target that is spread over all classes.
    #[arg(long)]
    smoothing: Option<f64>,
    /// Cost of the logits' mean square.
    #[arg(long)]
    logit_cost: Option<f64>,
}

impl Options {
    fn settings(&self, model: Model) -> Settings {
        let own = model.settings();
        Settings {
            seed: self.seed.unwrap_or(own.seed),
            epochs: self.epochs.map_or(own.epochs, |epochs| epochs as usize),
            batch: self.batch.map_or(own.batch, |batch| batch as usize),
            learning_rate: self.learning_rate.unwrap_or(own.learning_rate),
            weight_decay: self.weight_decay.unwrap_or(own.weight_decay),
            smoothing: self.smoothing.unwrap_or(own.smoothing),
            logit_cost: self.logit_cost.unwrap_or(own.logit_cost),
            ..own
        }
    }
}

/// What is kept of the first run.
struct Shipped {
    trained: Trained,
    file_bytes: usize,
    logit_bound: u32,
    minutes: f64,
}

fn main() -> anyhow::Result<()> {
    let Cli { model, options } = Cli::parse();
    let data = load(&options)?;
    let settings = options.settings(model);
    let (trained, epochs) = run(model, &options, &settings, &data)?;
    let shipped = ship(model, &options, trained, &epochs)?;

    let mut runs = Vec::new();
    for seed in (settings.seed..).take(options.runs as usize) {
        let other;
        let trained = if seed == settings.seed {
            &shipped.trained
        } else {
            let settings = Settings {
                seed,
                ..settings.clone()
            };
            other = run(model, &options, &settings, &data)?.0;
            &other
        };
        runs.push(Run {
            seed,
            raw: trained.raw.clone(),
            prepared: trained.prepared.clone(),
        });
        // Written after each run, so that a run that is cut short leaves a card that is true.
        write_card(model, &options, &settings, &shipped, &runs)?;
    }
    if runs.len() > 1 {
        let figures: Vec<_> = runs.iter().map(|run| 100.0 * run.raw.accuracy()).collect();
        let statistics = Statistics::of(&figures);
        eprintln!(
            "{} seeds: mean {:.3} % on the test images, variance {:.5}, standard deviation {:.3}",
            runs.len(),
            statistics.mean,
            statistics.variance,
            statistics.deviation(),
        );
    }
    Ok(())
}

/// Trains one seed.
fn run(
    model: Model,
    options: &Options,
    settings: &Settings,
    data: &Mnist,
) -> anyhow::Result<(Trained, Vec<Epoch>)> {
    let log = options
        .logs
        .join(model.name())
        .join(format!("seed-{}", settings.seed));
    let mut events = EventFile::create(&log).with_context(|| log.display().to_string())?;
    let mut epochs = Vec::new();
    let mut unwritten = None;
    let trained = train(data, &model.architecture(), settings, |epoch| {
        report(epoch);
        unwritten = unwritten.take().or(events.add(epoch).err());
        epochs.push(*epoch);
    })?;
    if let Some(error) = unwritten {
        eprintln!("warning: {}: {error}", log.display());
    }
    write(&log.join("curves.svg"), picture::draw(&epochs)?)?;
    eprintln!(
        "{}, seed {}: {:.2} % on the test images, {:.2} % prepared; logits within ±{:.1}",
        model.name(),
        settings.seed,
        100.0 * trained.raw.accuracy(),
        100.0 * trained.prepared.accuracy(),
        trained.all.largest_logit,
    );
    Ok((trained, epochs))
}

/// Writes the ONNX file and the picture.
fn ship(
    model: Model,
    options: &Options,
    trained: Trained,
    epochs: &[Epoch],
) -> anyhow::Result<Shipped> {
    let logit_bound = logit_bound(trained.all.largest_logit)?;
    let file = onnx::write(&to_onnx(&trained.weights, model.description(), logit_bound));
    let path = |extension: &str| options.out.join(format!("{}.{extension}", model.name()));
    write(&path("svg"), picture::draw(epochs)?)?;
    write(&path("onnx"), &file)?;
    let last = epochs.last();
    Ok(Shipped {
        trained,
        file_bytes: file.len(),
        logit_bound,
        minutes: last.map_or(0.0, |epoch| epoch.elapsed.as_secs_f64() / 60.0),
    })
}

fn write_card(
    model: Model,
    options: &Options,
    settings: &Settings,
    shipped: &Shipped,
    runs: &[Run],
) -> anyhow::Result<()> {
    let command = command(model, settings, runs.len());
    let origin = Origin {
        name: model.name(),
        description: model.description(),
        command: &command,
        file_bytes: shipped.file_bytes,
        logit_bound: shipped.logit_bound,
        minutes: shipped.minutes,
    };
    write(
        &options.out.join(format!("{}.md", model.name())),
        card(&origin, settings, &shipped.trained, runs),
    )
}

fn load(options: &Options) -> anyhow::Result<Mnist> {
    let directory = if let Some(directory) = &options.data {
        directory
    } else {
        eprintln!("MNIST goes to {}", options.cache.display());
        download::fetch(&options.cache)?;
        &options.cache
    };
    Ok(Mnist::load(directory)?)
}

fn report(epoch: &Epoch) {
    let left = epoch.elapsed.as_secs_f64() * (epoch.of - epoch.number) as f64 / epoch.number as f64;
    eprintln!(
        "epoch {:3}/{}  loss {:.4}  training {:.2} %  test {:.2} %  prepared {:.2} %  \
         {}:{:02} left",
        epoch.number,
        epoch.of,
        epoch.train_loss,
        100.0 * epoch.train_accuracy,
        100.0 * epoch.test_accuracy,
        100.0 * epoch.prepared_accuracy,
        left as u64 / 60,
        left as u64 % 60,
    );
}

/// The command line that does the same again, wherever the data is.
fn command(model: Model, settings: &Settings, runs: usize) -> String {
    let Settings {
        seed,
        epochs,
        batch,
        learning_rate,
        weight_decay,
        smoothing,
        logit_cost,
        ..
    } = settings;
    let seeds = match runs {
        1 => format!("--seed {seed}"),
        _ => format!("--runs {runs} --seed {seed}"),
    };
    [
        format!("cargo xtask train {} --data DIR", model.name()),
        format!("{seeds} --epochs {epochs} --batch {batch} --learning-rate {learning_rate}"),
        format!("--weight-decay {weight_decay} --smoothing {smoothing} --logit-cost {logit_cost}"),
    ]
    .join(" \\\n  ")
}

fn write(path: &Path, content: impl AsRef<[u8]>) -> anyhow::Result<()> {
    let directory = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(directory).with_context(|| directory.display().to_string())?;
    fs::write(path, content).with_context(|| path.display().to_string())
}
