//! ONNX files that become networks: every operator, merging, and polynomials in place of activations.
#![no_main]

use std::sync::LazyLock;

use evaluator::import::{Approximation, Function, Imported, Options, import_with};
use fuzz::onnx_files;
use libfuzzer_sys::fuzz_target;

/// Most values of an image here. A small file can ask for much work on a large image, within the
/// importer's own limits, and then little else would be tried.
const MOST_VALUES: usize = 64;

/// Degree of what takes an activation's place.
const DEGREE: usize = 4;

static APPROXIMATIONS: LazyLock<Vec<Approximation>> = LazyLock::new(|| {
    let approximation = |function: Function| {
        let option = format!("{}=chebyshev:{DEGREE}", function.name());
        option.parse().ok()
    };
    Function::ALL
        .into_iter()
        .filter_map(approximation)
        .collect()
});

fuzz_target!(init: fuzz::seeds(onnx_files::all), |file: &[u8]| run(file));

fn run(file: &[u8]) {
    let Ok(model) = onnx::read(file) else {
        return;
    };
    let values = |sizes: Vec<Option<usize>>| {
        let sizes = sizes.into_iter().flatten();
        sizes.fold(1, usize::saturating_mul)
    };
    let mut sizes = model.inputs.iter().map(|input| values(input.shape()));
    if sizes.any(|values| values > MOST_VALUES) {
        return;
    }
    let calibration = [vec![0.0, 0.25, 0.5, 1.0], vec![1.0; 8]];
    let options = Options {
        approximations: &APPROXIMATIONS,
        calibration: &calibration,
    };
    for options in [Options::default(), options] {
        match import_with("fuzz.onnx", file, &options) {
            Ok(imported) => check(&imported),
            Err(error) => assert!(error.to_string().starts_with("fuzz.onnx: ")),
        }
    }
}

/// What came out is a network of finite numbers.
fn check(imported: &Imported) {
    let network = &imported.network;
    assert!(!network.classes.is_empty());
    for layer in &network.layers {
        assert_eq!(layer.bias.len(), layer.shape.iter().product::<usize>());
        let finite = layer.bias.iter().all(|value| value.is_finite());
        assert!(finite, "{}: {:?}", layer.name, layer.bias);
    }
}
