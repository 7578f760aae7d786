//! Networks that PyTorch trained and exported, where the project's data directory is there.
//!
//! The directory is `shared/data/onnx` beside the repository, or what `INKVEIL_DATA` names with
//! `onnx` below it. Without it the tests say so and pass.

use std::env;
use std::fs;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use evaluator::import::{Approximation, Options, import, import_with};
use evaluator::network::Activation;

use super::plain::{Tract, check_against_tract, check_image, check_invariants};

fn directory() -> Option<PathBuf> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data");
    let data = env::var_os("INKVEIL_DATA").map_or(beside, PathBuf::from);
    Some(data.join("onnx")).filter(|onnx| onnx.is_dir())
}

/// The first test images, from 0 to 1; none where the data isn't there.
fn images(count: usize) -> Vec<Vec<f32>> {
    read_images("t10k", count)
}

fn read_images(set: &str, count: usize) -> Vec<Vec<f32>> {
    let Some(directory) = directory() else {
        return Vec::new();
    };
    let file = format!("../mnist/{set}-images-idx3-ubyte.gz");
    let packed = fs::File::open(directory.join(file));
    let mut bytes = Vec::new();
    let mut unpacked = flate2::read::GzDecoder::new(packed.expect("MNIST is there"));
    unpacked.read_to_end(&mut bytes).expect("unpacks");
    let array = shared::idx::parse(&bytes).expect("is an IDX file");
    let pixel = |&pixel: &u8| f32::from(pixel) / 255.0;
    let images = array.data.chunks(28 * 28).take(count);
    images
        .map(|image| image.iter().map(pixel).collect())
        .collect()
}

/// Both exporters' files of a network.
fn files(name: &str) -> Vec<(String, Vec<u8>)> {
    let Some(directory) = directory() else {
        // Not `eprintln`, which is kept back for tests that pass.
        let skipped = "SKIPPED: no directory with trained networks; set INKVEIL_DATA to test";
        writeln!(io::stderr(), "{skipped} {name}").expect("stderr is open");
        return Vec::new();
    };
    let file = |ending: &str| {
        let file = format!("{name}{ending}");
        let bytes =
            fs::read(directory.join(&file)).unwrap_or_else(|error| panic!("{file}: {error}"));
        (file, bytes)
    };
    vec![file(".onnx"), file(".legacy.onnx")]
}

/// The layers' shapes; all but the last have a square.
#[track_caller]
fn check_accepted(name: &str, shapes: &[&[usize]]) {
    for (file, bytes) in files(name) {
        let network = check_against_tract(&bytes, &[1, 1, 28, 28]);
        assert_eq!(network.input_shape, [1, 28, 28]);
        assert_eq!(network.classes.len(), 10);
        let found: Vec<_> = network.layers.iter().map(|layer| &*layer.shape).collect();
        assert_eq!(found, shapes, "{file}");
        let hidden = network.layers.split_last().expect("has layers").1;
        assert!(
            hidden
                .iter()
                .all(|layer| layer.activation == Activation::Square)
        );
        let truth = Tract::new(&bytes, &[1, 1, 28, 28]).expect("tract reads the file");
        for image in images(20) {
            check_image(&network, &truth, &image);
        }
    }
}

#[track_caller]
fn check_refused(name: &str, expected: &[&str]) {
    for (file, bytes) in files(name) {
        let message = import(&file, &bytes)
            .map(drop)
            .expect_err("has to be refused")
            .to_string();
        assert!(message.starts_with(&format!("{file}: ")), "{message}");
        for expected in expected {
            assert!(
                message.contains(expected),
                "{message:?} does not say {expected:?}"
            );
        }
    }
}

#[test]
fn mlp_128_square() {
    check_accepted("mlp_128_square", &[&[128], &[10]]);
}

#[test]
fn homomorphic_mnist_16() {
    check_accepted("homomorphic_mnist_16", &[&[16], &[10]]);
}

#[test]
fn lenet1_square() {
    check_accepted("lenet1_square", &[&[4, 24, 24], &[12, 8, 8], &[10]]);
}

#[test]
fn cryptonets() {
    check_accepted("cryptonets", &[&[5, 13, 13], &[100], &[10]]);
}

#[test]
fn pycrcnn_small() {
    check_accepted("pycrcnn_small", &[&[8, 22, 22], &[10]]);
}

#[test]
fn conv_bn() {
    check_accepted("conv_bn", &[&[6, 14, 14], &[10]]);
}

#[test]
fn activations_that_are_no_polynomials_are_refused() {
    check_refused(
        "lenet1_tanh",
        &[
            "Tanh '",
            "only polynomials can be evaluated",
            "--approximate tanh=chebyshev:DEGREE",
        ],
    );
    check_refused(
        "tfe_512_relu",
        &[
            "Relu '",
            "it compares values",
            "--approximate relu=chebyshev:DEGREE",
        ],
    );
}

fn argmax<T: PartialOrd + Copy>(values: &[T]) -> Option<usize> {
    let better = |best: usize, at: usize| if values[at] > values[best] { at } else { best };
    (0..values.len()).reduce(better)
}

/// Replaces the activation, calibrated on training images, by each of these; and counts on test
/// images how often the answer stays the same.
#[track_caller]
fn check_approximated(name: &str, wishes: &[(&str, f64)]) {
    let calibration: Vec<Vec<f64>> = read_images("train", 500)
        .into_iter()
        .map(|image| image.into_iter().map(f64::from).collect())
        .collect();
    let images = images(500);
    for (file, bytes) in files(name) {
        let truth = Tract::new(&bytes, &[1, 1, 28, 28]).expect("tract reads the file");
        let answer = |image: &Vec<f32>| argmax(&truth.run(image).expect("tract runs the file"));
        let answers: Vec<_> = images.iter().map(answer).collect();
        for &(wish, agreement) in wishes {
            let wish: Approximation = wish.parse().expect("is one");
            let options = Options {
                approximations: &[wish],
                calibration: &calibration,
            };
            let imported = import_with(&file, &bytes, &options);
            let imported = imported.unwrap_or_else(|error| panic!("{error}"));
            let [said] = &*imported.approximated else {
                panic!("{:?}", imported.approximated);
            };
            let network = &imported.network;
            check_invariants(network);
            let is_same = |(image, answer): &(&Vec<f32>, &Option<usize>)| {
                let input: Vec<f64> = image.iter().copied().map(f64::from).collect();
                argmax(&network.evaluate(&input)) == **answer
            };
            let same = images.iter().zip(&answers).filter(is_same).count();
            let share = same as f64 / images.len() as f64;
            println!("{file}: {share} of the answers; {said:?}");
            assert!(share >= agreement, "{file} {wish:?}: {share}");
            assert_eq!(
                (said.function, said.degree),
                (wish.function(), wish.degree())
            );
            assert!(0.0 < said.mean_error && said.mean_error < said.largest_error);
            assert!(said.largest_error < said.range, "{said:?}");
            let [hidden, last] = &*network.layers else {
                panic!("{} layers", network.layers.len());
            };
            assert!(hidden.name.contains(&said.node) && !last.name.contains(&said.node));
            let activation = &hidden.activation;
            assert_eq!(*activation == Activation::Square, wish.degree() == 2);
        }
    }
}

#[test]
fn tanh_becomes_a_polynomial() {
    let wishes = [("tanh=chebyshev:3", 0.95), ("tanh=chebyshev:7", 0.98)];
    check_approximated("lenet1_tanh", &wishes);
}

#[test]
fn relu_becomes_a_polynomial() {
    let wishes = [("relu=chebyshev:2", 0.87), ("relu=chebyshev:7", 0.98)];
    check_approximated("tfe_512_relu", &wishes);
}
