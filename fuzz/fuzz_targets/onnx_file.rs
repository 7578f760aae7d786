//! ONNX files, as they are read.
#![no_main]

use fuzz::onnx_files;
use libfuzzer_sys::fuzz_target;
use onnx::{Limits, Model, TensorData, read_with_limits};

const LIMITS: Limits = Limits {
    file_bytes: 1 << 16,
    nodes: 64,
    tensor_elements: 1 << 10,
};

fuzz_target!(init: fuzz::seeds(onnx_files::all), |file: &[u8]| run(file));

fn run(file: &[u8]) {
    let _ = onnx::read(file);
    let Ok(model) = read_with_limits(file, &LIMITS) else {
        return;
    };
    assert!(file.len() <= LIMITS.file_bytes && model.nodes.len() <= LIMITS.nodes);
    check_tensors(&model);
}

/// Every tensor is what its sizes say.
fn check_tensors(model: &Model) {
    for (name, tensor) in &model.initializers {
        // Any size may be zero.
        let count = tensor
            .dims
            .iter()
            .fold(1, |count: usize, &size| count.saturating_mul(size));
        let (found, finite) = match &tensor.data {
            TensorData::Floats(values) => {
                (values.len(), values.iter().all(|value| value.is_finite()))
            }
            TensorData::Ints(values) => (values.len(), true),
        };
        assert_eq!(found, count, "{name}");
        assert!(count <= LIMITS.tensor_elements && finite, "{name}");
    }
}
