//! The evaluator's command line: serve models, look into one, or evaluate one ciphertext.

use std::env::{self, consts};
use std::ffi::OsString;
use std::fmt::Display;
use std::fs;
use std::io::{self, IsTerminal};
use std::net::SocketAddr;
use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::process::{self, ExitCode};
use std::thread;
use std::time::Duration;

use actix_web::rt;
use actix_web::web::Data;
use anyhow::{Context, Result, bail};
use clap::{Args, Parser, Subcommand};
use evaluator::circuit::Circuit;
use evaluator::import::{Approximated, Approximation, Imported, Options, calibration};
use evaluator::network::{Activation, Network};
use evaluator::server::page::Page;
use evaluator::server::{App, Limits, listen, models};
use shared::api::{KeySpec, SwitchingKeySpec};
use shared::keys::digits_at;
use shared::params::security::max_log2_qp;
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
        #[command(flatten)]
        replacing: Replacing,
    },
    /// Evaluates one ciphertext from a file.
    Evaluate(Evaluate),
    /// Runs a model encrypted and plain side by side and writes a report.
    ///
    /// That takes a secret key, and nothing in this program decrypts: it starts `evaluator-check`,
    /// which lies beside it.
    #[command(disable_help_flag = true)]
    Check {
        /// As `evaluator-check` takes them; `--help` lists them.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<OsString>,
    },
}

/// What to do with activations that are no polynomials.
#[derive(Args)]
struct Replacing {
    /// Replaces an activation by polynomials, such as relu=chebyshev:7; may be given for each of
    /// relu, tanh, sigmoid, softplus, gelu and silu.
    #[arg(long, value_name = "OP=chebyshev:DEGREE")]
    approximate: Vec<Approximation>,
    /// Images that show which values activations are given: an IDX file, or a directory with one.
    #[arg(long, value_name = "FILE|DIR")]
    calibrate: Option<PathBuf>,
}

impl Replacing {
    /// The calibration images.
    fn images(&self) -> Result<Vec<Vec<f64>>> {
        let images = self.calibrate.as_deref().map(calibration::read);
        Ok(images.transpose()?.unwrap_or_default())
    }

    fn options<'a>(&'a self, images: &'a [Vec<f64>]) -> Options<'a> {
        Options {
            approximations: &self.approximate,
            calibration: images,
        }
    }
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
    /// Also return what the first layers of a model compute, to whoever asks; that tells nearly all of
    /// their weights.
    #[arg(long, env = "INKVEIL_ALLOW_LAYER_RANGES")]
    allow_layer_ranges: bool,
    #[command(flatten)]
    replacing: Replacing,
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
    #[command(flatten)]
    replacing: Replacing,
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
        Command::Inspect {
            model,
            json,
            replacing,
        } => inspect(&model, json, &replacing),
        Command::Evaluate(arguments) => evaluate(&arguments),
        Command::Check { arguments } => match check(&arguments) {
            Ok(code) => return code,
            Err(error) => Err(error),
        },
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
    let images = arguments.replacing.images()?;
    let options = arguments.replacing.options(&images);
    let circuits =
        models::load_directory(&arguments.models, &options).map_err(|errors| all(&errors))?;
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
    let ids: Vec<String> = circuits.iter().map(|one| one.info().id.clone()).collect();
    let mut app = App::new(circuits, arguments.limits())?;
    if arguments.allow_layer_ranges {
        let network = |id: String| {
            let file = arguments.models.join(format!("{id}.onnx"));
            let imported = models::read_network_with(&file, &options)?;
            Ok((id, imported.network))
        };
        let networks: Result<Vec<_>> = ids.into_iter().map(network).collect();
        app = app.with_layer_ranges(networks?);
    }
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

fn inspect(path: &Path, json: bool, replacing: &Replacing) -> Result<()> {
    let images = replacing.images()?;
    let options = replacing.options(&images);
    if json {
        let circuit = models::load_with(path, &options)?;
        println!("{}", serde_json::to_string_pretty(circuit.info())?);
        return Ok(());
    }
    let Imported {
        network,
        approximated,
    } = models::read_network_with(path, &options)?;
    print_network(path, &network);
    approximated.iter().for_each(print_approximated);
    print_circuit(&models::compile(path, &network)?);
    Ok(())
}

fn print_network(path: &Path, network: &Network) {
    println!("{}", path.display());
    if !network.description.is_empty() {
        println!("  {}", network.description);
    }
    let sizes = |sizes: &[usize]| {
        let sizes: Vec<String> = sizes.iter().map(usize::to_string).collect();
        sizes.join("×")
    };
    println!("input       {}", sizes(&network.input_shape));
    for (number, layer) in network.layers.iter().enumerate() {
        let (first, second) = (2 * number, 2 * number + 1);
        let (steps, activation) = match &layer.activation {
            Activation::Identity => (format!("step {first}"), String::new()),
            Activation::Square => (format!("steps {first}, {second}"), ", x²".to_owned()),
            Activation::Polynomial(polynomial) => (
                format!("steps {first}, {second}"),
                format!(", polynomial of degree {}", polynomial.degree()),
            ),
        };
        let shape = sizes(&layer.shape);
        println!("{steps:<11} {shape}{activation}  {}", layer.name);
    }
    println!("output      {} classes", network.classes.len());
    if let Some(op) = &network.left_to_client {
        println!("to client   {op}, which the circuit leaves out");
    }
}

fn print_approximated(said: &Approximated) {
    println!(
        "replaced    {} '{}' by a polynomial of degree {} within ±{:.3}: off by {:.2e} at most, \
         {:.2e} on average",
        said.function.name(),
        said.node,
        said.degree,
        said.range,
        said.largest_error,
        said.mean_error
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
    if let Some(line) = max_log2_qp(log_n) {
        println!(
            "security    128 bits up to log2(QP) = {} classical, quantum {}",
            line.classical, line.quantum
        );
    }
    println!("levels      {}", info.input.level.0 + 1);
    for step in circuit.steps() {
        println!("  level {}: {}", step.worked_at.0, step.what);
    }
    println!(
        "error       {:.2e} root mean square, as predicted; below {:.2e}",
        circuit.predicted_error(),
        circuit.error_bound()
    );
    let seconds = circuit.count().reference_price(log_n);
    println!(
        "time        {:.1} ms for each image on one core, about",
        1e3 * seconds
    );
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
    let download: usize = info
        .output
        .packing
        .parts(ring.degree())
        .into_iter()
        .map(part)
        .sum();
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
    let images = arguments.replacing.images()?;
    let circuit = models::load_with(&arguments.model, &arguments.replacing.options(&images))?;
    let keys = read(&arguments.keys)?;
    let keys = wire::read_evaluation_keys(&keys, circuit.ring()).context(name(&arguments.keys))?;
    let input = circuit
        .parse_input(&read(&arguments.input)?)
        .context(name(&arguments.input))?;
    let reply = circuit.evaluate(&keys, input)?;
    fs::write(&arguments.output, reply).with_context(|| name(&arguments.output))
}

/// Hands over to the program that may decrypt.
fn check(arguments: &[OsString]) -> Result<ExitCode> {
    let name = format!("evaluator-check{}", consts::EXE_SUFFIX);
    let program = env::current_exe()?.with_file_name(name);
    if !program.is_file() {
        bail!(
            "{} is not there; `cargo build --release --package check` builds it beside a built \
             evaluator, `cargo install --path check` installs it",
            program.display()
        );
    }
    let status = process::Command::new(&program).args(arguments).status();
    let status = status.with_context(|| self::name(&program))?;
    // Without a code it was ended by a signal.
    let code = status.code().and_then(|code| u8::try_from(code).ok());
    Ok(code.map_or(ExitCode::FAILURE, ExitCode::from))
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
