//! Networks that others trained and exported, on ciphertexts: against the same files in tract.
//!
//! The files lie with MNIST (see [`tests::data`]); where there are none, the tests say so and pass.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use client::{ClientKeys, Plan, SecretSeed};
use evaluator::circuit::{Circuit, Options};
use evaluator::import::{self, import, import_with};
use evaluator::network::Network;
use rayon::prelude::*;
use shared::image::Digit;
use shared::keys::EvaluationKeys;
use shared::wire::read_evaluation_keys;
use tests::data::{missing, mnist_directory};
use tests::plain::PlainModel;
use train::mnist::LabelledImages;

/// Test images that each network classifies.
const IMAGES: usize = 500;

/// The networks, each in the forms of both of PyTorch's exporters.
fn files(name: &str) -> Option<[PathBuf; 2]> {
    let directory = mnist_directory(&tests::root())?.parent()?.join("onnx");
    let files = ["onnx", "legacy.onnx"].map(|ending| directory.join(format!("{name}.{ending}")));
    files.iter().all(|file| file.is_file()).then_some(files)
}

fn images(count: usize) -> Option<Vec<Vec<f32>>> {
    let images = LabelledImages::load_test(&mnist_directory(&tests::root())?)
        .ok()?
        .images;
    let pixels = |image| Digit::from_mnist(image).pixels().to_vec();
    Some(images.iter().take(count).map(pixels).collect())
}

fn bytes(file: &Path) -> Vec<u8> {
    fs::read(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}

struct Client {
    circuit: Circuit,
    keys: ClientKeys,
    evaluation: EvaluationKeys,
}

impl Client {
    fn new(network: &Network, samples: &[Vec<f64>]) -> Self {
        let options = Options {
            samples,
            ..Options::default()
        };
        let circuit = Circuit::compile_with("trained", network, &options).expect("compiles");
        let plan = Arc::new(Plan::new(circuit.info().clone()).expect("a sound description"));
        let keys = ClientKeys::from_seed(plan, SecretSeed::from_bytes([4; 32]));
        let upload = keys.evaluation_keys().collect::<Result<Vec<_>, _>>();
        let upload = upload.expect("keys").concat();
        let evaluation = read_evaluation_keys(&upload, circuit.ring()).expect("what was written");
        Self {
            circuit,
            keys,
            evaluation,
        }
    }

    /// Logits of an image, whose ciphertext is the same in each run.
    fn logits(&self, number: usize, pixels: &[f32]) -> Vec<f64> {
        let input: Vec<f64> = pixels.iter().copied().map(f64::from).collect();
        let mut seed = [0; 32];
        seed[..8].copy_from_slice(&(number as u64).to_le_bytes());
        let request = self
            .keys
            .encrypt_from_seed(&input, &SecretSeed::from_bytes(seed));
        let request = request.expect("784 pixels");
        let request = self
            .circuit
            .parse_input(&request)
            .expect("what was written");
        let reply = self
            .circuit
            .evaluate(&self.evaluation, request)
            .expect("runs");
        self.keys
            .decrypt(&reply)
            .expect("a reply")
            .values()
            .to_vec()
    }
}

fn argmax(values: &[f64]) -> usize {
    let largest = values.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1));
    largest.map_or(0, |(at, _)| at)
}

/// Both forms of a file are the same network, whose logits on ciphertexts are tract's.
#[track_caller]
fn check(name: &str) {
    let (Some(files), Some(images)) = (files(name), images(IMAGES)) else {
        println!("{name}: {}", missing());
        return;
    };
    let [network, legacy] = files
        .each_ref()
        .map(|file| import(name, &bytes(file)).expect("runs"));
    let [plain, other] = [&network, &legacy].map(|network| network.evaluate(&vec![0.5; 784]));
    let same = plain.iter().zip(&other).all(|(a, b)| (a - b).abs() < 1e-3);
    assert!(same, "{name}: {plain:?} and {other:?}");
    let truth = PlainModel::load(&files[0], &[1, 28, 28]).expect("tract reads the file");
    let client = Client::new(&network, &[]);
    let bound = client.circuit.error_bound();
    let outcome = |(number, pixels): (usize, &Vec<f32>)| {
        let want = truth.logits(pixels).expect("runs");
        let got = client.logits(number, pixels);
        let errors = got.iter().zip(&want).map(|(a, b)| (a - b).abs());
        (errors.fold(0.0, f64::max), argmax(&got) != argmax(&want))
    };
    let outcomes: Vec<(f64, bool)> = images.par_iter().enumerate().map(outcome).collect();
    let largest = outcomes.iter().map(|(error, _)| *error).fold(0.0, f64::max);
    let different = outcomes.iter().filter(|(_, different)| *different).count();
    println!("{name}: errors to {largest:.4}, bound {bound:.4}, {different} of {IMAGES} different");
    assert!(
        largest <= bound,
        "{name}: an error of {largest}, the bound is {bound}"
    );
    assert!(different < 2, "{name}: {different} classes differ");
}

#[test]
fn mlp_128_square() {
    check("mlp_128_square");
}

#[test]
fn homomorphic_mnist_16() {
    check("homomorphic_mnist_16");
}

#[test]
fn lenet1_square() {
    check("lenet1_square");
}

#[test]
fn cryptonets() {
    check("cryptonets");
}

#[test]
fn pycrcnn_small() {
    check("pycrcnn_small");
}

#[test]
fn conv_bn() {
    check("conv_bn");
}

/// A network that can't run as it is runs with a polynomial: as that polynomial says, within the
/// bound, and mostly as the original.
#[track_caller]
fn check_approximated(name: &str, approximation: &str, most_different: usize) {
    const IMAGES: usize = 60;
    let (Some([file, _]), Some(images)) = (files(name), images(2 * IMAGES)) else {
        println!("{name}: {}", missing());
        return;
    };
    import(name, &bytes(&file)).expect_err("no polynomial");
    let calibration: Vec<Vec<f64>> = images[IMAGES..]
        .iter()
        .map(|pixels| pixels.iter().copied().map(f64::from).collect())
        .collect();
    let options = import::Options {
        approximations: &[approximation.parse().expect("an approximation")],
        calibration: &calibration,
    };
    let network = import_with(name, &bytes(&file), &options)
        .expect("runs")
        .network;
    let truth = PlainModel::load(&file, &[1, 28, 28]).expect("tract reads the file");
    let client = Client::new(&network, &calibration);
    let bound = client.circuit.error_bound();
    let different = images[..IMAGES]
        .par_iter()
        .enumerate()
        .filter(|(number, pixels)| {
            let input: Vec<f64> = pixels.iter().copied().map(f64::from).collect();
            let (got, want) = (client.logits(*number, pixels), network.evaluate(&input));
            for (got, want) in got.iter().zip(&want) {
                let off = (got - want).abs();
                assert!(off <= bound, "{name}: {got}, not {want} ± {bound}");
            }
            argmax(&got) != argmax(&truth.logits(pixels).expect("runs"))
        });
    let different = different.count();
    println!("{name}: {different} of {IMAGES} not as the original");
    assert!(
        different <= most_different,
        "{name}: {different} of {IMAGES} differ"
    );
}

#[test]
fn lenet1_tanh_as_a_polynomial() {
    check_approximated("lenet1_tanh", "tanh=chebyshev:7", 3);
}

#[test]
fn tfe_512_relu_as_a_polynomial() {
    check_approximated("tfe_512_relu", "relu=chebyshev:4", 4);
}
