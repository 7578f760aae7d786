//! Files that `PyTorch` exported, where the data folder is there.

use std::path::PathBuf;

fn data() -> PathBuf {
    let beside = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared/data");
    std::env::var_os("INKVEIL_DATA").map_or(beside, PathBuf::from)
}

#[track_caller]
fn check(name: &str, operators: &[&str], weights: &str, dims: &[usize]) {
    let path = data().join("onnx").join(name);
    let Ok(bytes) = std::fs::read(&path) else {
        println!("skipped: no {}", path.display());
        return;
    };
    println!("runs: {}", path.display());
    let model = onnx::read(&bytes).unwrap();
    let found: Vec<_> = model.nodes.iter().map(|node| &*node.op_type).collect();
    assert_eq!(found, operators);
    assert_eq!(model.producer, "pytorch");
    assert_eq!(model.opset, 20);
    assert_eq!(model.inputs.len(), 1);
    assert_eq!(model.inputs[0].name, "image");
    assert_eq!(
        model.inputs[0].shape(),
        [Some(1), Some(1), Some(28), Some(28)]
    );
    assert_eq!(model.outputs[0].shape(), [Some(1), Some(10)]);
    assert_eq!(model.initializers[weights].dims, dims);
    assert!(model.initializers[weights].floats().is_some());
}

#[test]
fn dense() {
    check(
        "mlp_128_square.onnx",
        &["Reshape", "Gemm", "Mul", "Gemm"],
        "1.weight",
        &[128, 784],
    );
    check(
        "mlp_128_square.legacy.onnx",
        &["Flatten", "Gemm", "Mul", "Gemm"],
        "1.weight",
        &[128, 784],
    );
}

#[test]
fn power_as_a_constant() {
    let operators = ["Flatten", "Gemm", "Constant", "Pow", "Gemm"];
    check(
        "homomorphic_mnist_16.legacy.onnx",
        &operators,
        "1.weight",
        &[16, 784],
    );
}

#[test]
fn convolution() {
    check(
        "conv_bn.onnx",
        &["Conv", "Mul", "Reshape", "Gemm"],
        "4.weight",
        &[10, 1176],
    );
}
