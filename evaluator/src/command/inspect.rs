//! `evaluator inspect`: how a model would be run, or why it can't be.

use std::path::Path;

use anyhow::Result;
use evaluator::circuit::Circuit;
use evaluator::import::{Approximated, Imported};
use evaluator::network::{Activation, Network};
use evaluator::server::models;
use evaluator::settings::Replacing;
use shared::api::{KeySpec, SwitchingKeySpec};
use shared::keys::digits_at;
use shared::params::security::max_log2_qp;
use shared::ring::{Basis, Ring};

use super::{calibration_images, options};

/// Says how a model would be run.
///
/// # Errors
/// Why it can't be.
pub fn run(path: &Path, json: bool, replacing: &Replacing) -> Result<()> {
    let images = calibration_images(replacing)?;
    let options = options(replacing, &images);
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
