//! The evaluator's command line: serve models, look into one, or evaluate one ciphertext.

use std::fmt::Display;
use std::fs;
use std::io::{self, IsTerminal};
use std::net::SocketAddr;
use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::thread;
use std::time::Duration;

use actix_web::rt;
use actix_web::web::Data;
use anyhow::{Context, Result, bail};
use clap::{Args, Parser, Subcommand};
use evaluator::circuit::Circuit;
use evaluator::network::{Layer, Network};
use evaluator::server::page::Page;
use evaluator::server::{App, Limits, listen, models};
use shared::api::{KeySpec, SwitchingKeySpec};
use shared::keys::digits_at;
use shared::ring::{Basis, Ring};
use shared::wire;
use tracing_subscriber::EnvFilter;

/// Runs networks on encrypted images.
#[derive(Parser)]
#[command(version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Serves every model of a directory, and the page.
    Serve(Serve),
    /// Says how a model would be run, or why it can't be.
    Inspect {
        /// The ONNX file.
        model: PathBuf,
        /// Prints the description that clients get, as JSON; `inkveil` reads it.
        #[arg(long)]
        json: bool,
    },
    /// Evaluates one ciphertext from a file.
    Evaluate(Evaluate),
}

#[derive(Args)]
struct Serve {
    /// Directory of ONNX files; each one's name without its ending is the model's id.
    #[arg(long, value_name = "DIR", env = "INKVEIL_MODELS")]
    models: PathBuf,
    /// Address to listen on.
    #[arg(long, default_value = "127.0.0.1:8080", env = "INKVEIL_LISTEN")]
    listen: SocketAddr,
    /// Directory of the built page; without it, only the API is served.
    #[arg(long, value_name = "DIR", env = "INKVEIL_PAGE")]
    page: Option<PathBuf>,
    /// Threads for the arithmetic; as many as there are cores if not given.
    #[arg(long, value_name = "N", env = "INKVEIL_THREADS")]
    threads: Option<NonZero<usize>>,
    /// Largest upload of evaluation keys, in MiB.
    #[arg(
        long,
        value_name = "MIB",
        default_value = "16",
        env = "INKVEIL_KEY_BODY_MIB"
    )]
    key_body_mib: NonZero<u16>,
    /// Evaluation keys held at a time, in MiB.
    #[arg(
        long,
        value_name = "MIB",
        default_value = "2048",
        env = "INKVEIL_SESSION_MIB"
    )]
    session_mib: NonZero<u32>,
    /// Seconds after which a session that isn't used is forgotten.
    #[arg(
        long,
        value_name = "S",
        default_value = "3600",
        env = "INKVEIL_SESSION_IDLE_S"
    )]
    session_idle_s: NonZero<u32>,
    /// Take requests of thousands of images at once; their replies tell more about the weights.
    #[arg(long, env = "INKVEIL_BULK")]
    bulk: bool,
}

#[derive(Args)]
struct Evaluate {
    /// The ONNX file.
    #[arg(long, value_name = "FILE")]
    model: PathBuf,
    /// Evaluation keys, as `inkveil keygen` writes them.
    #[arg(long, value_name = "FILE")]
    keys: PathBuf,
    /// The ciphertext, as `inkveil encrypt` writes it.
    #[arg(long = "in", value_name = "FILE")]
    input: PathBuf,
    /// Where the encrypted logits go.
    #[arg(long = "out", value_name = "FILE")]
    output: PathBuf,
}

fn main() -> ExitCode {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    let colours = io::stderr().is_terminal();
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(colours)
        .with_writer(io::stderr)
        .init();
    let result = match Cli::parse().command {
        Command::Serve(arguments) => rt::System::new().block_on(serve(arguments)),
        Command::Inspect { model, json } => inspect(&model, json),
        Command::Evaluate(arguments) => evaluate(&arguments),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn serve(arguments: Serve) -> Result<()> {
    let circuits = models::load_directory(&arguments.models).map_err(|errors| all(&errors))?;
    if circuits.is_empty() {
        bail!("{} holds no .onnx file", arguments.models.display());
    }
    let offered = |circuit: Circuit| {
        if arguments.bulk {
            circuit
        } else {
            circuit.without_bulk()
        }
    };
    let circuits: Vec<Circuit> = circuits.into_iter().map(offered).collect();
    let mut app = App::new(circuits, arguments.limits())?;
    if let Some(directory) = &arguments.page {
        app = app.with_page(Page::open(directory)?);
    }
    let listening = listen(Data::new(app), arguments.listen)
        .with_context(|| format!("can't listen on {}", arguments.listen))?;
    for address in &listening.addresses {
        println!("listening on http://{address}");
    }
    listening.server.await.context("the server failed")
}

impl Serve {
    fn limits(&self) -> Limits {
        let mut limits = Limits::for_threads(self.threads.map_or_else(cores, NonZero::get));
        limits.key_body.bytes = usize::from(self.key_body_mib.get()) << 20;
        limits.sessions.bytes = u64::from(self.session_mib.get()) << 20;
        limits.sessions.idle = Duration::from_secs(u64::from(self.session_idle_s.get()));
        limits
    }
}

fn inspect(path: &Path, json: bool) -> Result<()> {
    if json {
        let circuit = models::load(path)?;
        println!("{}", serde_json::to_string_pretty(circuit.info())?);
        return Ok(());
    }
    let network = models::read_network(path)?;
    print_network(path, &network);
    print_circuit(&models::compile(path, &network)?);
    Ok(())
}

fn print_network(path: &Path, network: &Network) {
    println!("{}", path.display());
    if !network.description.is_empty() {
        println!("  {}", network.description);
    }
    let [rows, columns] = network.input_shape;
    println!("input       {rows}×{columns} grey image");
    for (number, layer) in (1..).zip(&network.layers) {
        match layer {
            Layer::Linear(linear) => {
                println!(
                    "layer {number}     {} → {}  {}",
                    linear.columns, linear.rows, linear.name
                );
            }
            Layer::Square => println!("layer {number}     x²"),
        }
    }
    println!(
        "output      {} classes, logits within ±{}",
        network.classes.len(),
        network.logit_bound
    );
}

fn print_circuit(circuit: &Circuit) {
    let info = circuit.info();
    let parameters = circuit.ring().parameters();
    let (log_n, bits) = (parameters.spec().log_n, parameters.log2_qp());
    println!(
        "parameters  {}: N = 2^{log_n}, log2(QP) = {bits}",
        parameters.spec().name
    );
    println!("levels      {}", info.input.level.0 + 1);
    println!(
        "keys        {}",
        kilobytes(keys_bytes(&info.keys, circuit.ring()))
    );
    if let Some(key) = info.keys.relinearization {
        println!("  relinearization {}", describe(key));
    }
    if let Some(key) = info.keys.conjugation {
        println!("  conjugation {}", describe(key));
    }
    for rotation in &info.keys.rotations {
        println!("  rotation by {} {}", rotation.step, describe(rotation.key));
    }
    let ring = circuit.ring();
    let upload = ring.encoded_bits(Basis::Q(info.input.level)).div_ceil(8);
    println!("upload      {} for each image", kilobytes(upload));
    let part = |logits: usize| (ring.degree() + logits) * info.output.log_modulus as usize;
    let download: usize = info.output.packing.parts().map(part).sum();
    println!("download    {} for each image", kilobytes(download / 8));
}

fn describe(key: SwitchingKeySpec) -> String {
    let SwitchingKeySpec {
        level,
        digit_primes,
    } = key;
    format!("at level {}, {digit_primes} primes a digit", level.0)
}

/// Residues of all keys as they are uploaded; headers and seeds are a few bytes more.
fn keys_bytes(keys: &KeySpec, ring: &Ring) -> usize {
    let rotations = keys.rotations.iter().map(|rotation| rotation.key);
    let bytes = |key: SwitchingKeySpec| {
        let digit = ring.encoded_bits(Basis::Qp(key.level)).div_ceil(8);
        digits_at(ring, key.level, key.digit_primes) * digit
    };
    keys.relinearization
        .into_iter()
        .chain(keys.conjugation)
        .chain(rotations)
        .map(bytes)
        .sum()
}

fn kilobytes(bytes: usize) -> String {
    format!("{:.1} kB", bytes as f64 / 1e3)
}

fn evaluate(arguments: &Evaluate) -> Result<()> {
    let circuit = models::load(&arguments.model)?;
    let keys = read(&arguments.keys)?;
    let keys = wire::read_evaluation_keys(&keys, circuit.ring()).context(name(&arguments.keys))?;
    let input = circuit
        .parse_input(&read(&arguments.input)?)
        .context(name(&arguments.input))?;
    let reply = circuit.evaluate(&keys, input)?;
    fs::write(&arguments.output, reply).with_context(|| name(&arguments.output))
}

fn read(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).with_context(|| name(path))
}

fn name(path: &Path) -> String {
    path.display().to_string()
}

fn cores() -> usize {
    thread::available_parallelism().map_or(1, NonZero::get)
}

/// Several errors as one.
fn all(errors: &[impl Display]) -> anyhow::Error {
    let lines: Vec<_> = errors.iter().map(ToString::to_string).collect();
    anyhow::anyhow!("{}", lines.join("\n"))
}
