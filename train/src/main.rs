//! `train`: makes the models that ship with Inkveil.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::{Args, Parser, Subcommand};
use train::augment::Augmentation;
use train::card::{Origin, card};
use train::curves::picture;
use train::curves::tensorboard::EventFile;
use train::download;
use train::export::{logit_bound, to_onnx};
use train::mnist::Mnist;
use train::training::{Epoch, Settings, train};

/// Makes the models that ship with Inkveil.
#[derive(Parser)]
#[command(version)]
struct Cli {
    #[command(subcommand)]
    model: Model,
}

#[derive(Subcommand)]
enum Model {
    /// 784-128-x²-10: the fast model, one square.
    MnistFast(Options),
}

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
    /// Where each run's event files and picture go, in a directory of the model's name.
    #[arg(long, value_name = "DIR", default_value = "target/train")]
    runs: PathBuf,
    /// Decides every random choice.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Passes over the training set.
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..))]
    epochs: u32,
    /// Images per step.
    #[arg(long, default_value_t = 256, value_parser = clap::value_parser!(u32).range(1..))]
    batch: u32,
    /// Peak of the learning rate.
    #[arg(long, default_value_t = 0.005)]
    learning_rate: f64,
    /// Share of the weights that decays per step at a learning rate of 1.
    #[arg(long, default_value_t = 0.04)]
    weight_decay: f64,
    /// Share of the target that is spread over all classes.
    #[arg(long, default_value_t = 0.05)]
    smoothing: f64,
    /// Cost of the logits' mean square.
    #[arg(long, default_value_t = 0.001)]
    logit_cost: f64,
}

fn main() -> anyhow::Result<()> {
    match Cli::parse().model {
        Model::MnistFast(options) => mnist_fast(&options),
    }
}

fn mnist_fast(options: &Options) -> anyhow::Result<()> {
    let name = "mnist-fast";
    let description = "Reads one handwritten digit, 0 to 9, from a 28×28 drawing: \
                       one hidden layer of 128 squares, trained on MNIST.";
    let settings = Settings {
        hidden: 128,
        epochs: options.epochs as usize,
        batch: options.batch as usize,
        learning_rate: options.learning_rate,
        weight_decay: options.weight_decay,
        smoothing: options.smoothing,
        logit_cost: options.logit_cost,
        averaging: 0.998,
        augmentation: Augmentation::default(),
        seed: options.seed,
    };
    let data = load(options)?;
    let run = options.runs.join(name);
    let mut events = EventFile::create(&run).with_context(|| run.display().to_string())?;
    let mut epochs = Vec::new();
    let mut unwritten = None;
    let trained = train(&data, &settings, |epoch| {
        report(epoch);
        unwritten = unwritten.take().or(events.add(epoch).err());
        epochs.push(*epoch);
    })?;
    if let Some(error) = unwritten {
        eprintln!("warning: {}: {error}", run.display());
    }

    let bound = logit_bound(trained.all.largest_logit)?;
    let file = onnx::write(&to_onnx(&trained.weights, description, bound));
    let minutes = epochs
        .last()
        .map_or(0.0, |epoch| epoch.elapsed.as_secs_f64() / 60.0);
    let command = command(options);
    let origin = Origin {
        name,
        description,
        command: &command,
        file_bytes: file.len(),
        logit_bound: bound,
        minutes,
    };
    let picture = picture::draw(&epochs)?;
    write(&run.join("curves.svg"), &picture)?;
    write(&options.out.join(format!("{name}.svg")), &picture)?;
    write(
        &options.out.join(format!("{name}.md")),
        card(&origin, &settings, &trained),
    )?;
    write(&options.out.join(format!("{name}.onnx")), &file)?;
    eprintln!(
        "{name}: {:.2} % on the test images, {:.2} % prepared; logits within ±{:.1}",
        100.0 * trained.raw.accuracy(),
        100.0 * trained.prepared.accuracy(),
        trained.all.largest_logit,
    );
    Ok(())
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

/// The command line that does the same again, wherever the data is. Products this small gain nothing
/// from candle's own threads, which spin while they wait.
fn command(options: &Options) -> String {
    let Options {
        seed,
        epochs,
        batch,
        learning_rate,
        weight_decay,
        smoothing,
        logit_cost,
        ..
    } = options;
    [
        "CANDLE_NUM_THREADS=1 cargo run --release -p train -- mnist-fast --data DIR".to_owned(),
        format!("--seed {seed} --epochs {epochs} --batch {batch} --learning-rate {learning_rate}"),
        format!("--weight-decay {weight_decay} --smoothing {smoothing} --logit-cost {logit_cost}"),
    ]
    .join(" \\\n  ")
}

fn write(path: &Path, content: impl AsRef<[u8]>) -> anyhow::Result<()> {
    let directory = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(directory).with_context(|| directory.display().to_string())?;
    fs::write(path, content).with_context(|| path.display().to_string())
}
