//! Files that must be refused, with words that help.

use onnx::messages::{AttributeProto, DataType, GraphProto, ModelProto, NodeProto, TensorProto};
use onnx::{Limits, OnnxError, read, read_with_limits, write};

use crate::small_model;

#[track_caller]
fn check(change: impl FnOnce(&mut ModelProto), expected: &str) {
    let mut model = small_model();
    change(&mut model);
    assert_eq!(read(&write(&model)).unwrap_err().to_string(), expected);
}

/// Changes the weights of the small model, two floats in dimensions [1, 2].
#[track_caller]
fn check_weights(change: impl FnOnce(&mut TensorProto), expected: &str) {
    let change = |model: &mut ModelProto| change(&mut model.graph.as_mut().unwrap().initializer[0]);
    check(change, &format!("tensor 'w': {expected}"));
}

#[test]
fn no_model() {
    assert_eq!(read(b""), Err(OnnxError::NoGraph));
    check(
        |model| model.graph = None,
        "not an ONNX model: it has no graph",
    );
    check(
        |model| model.opset_import[0].domain = "com.example".into(),
        "the model imports no version of the standard operator set; export it again",
    );
    assert!(matches!(
        read(b"\x89PNG\r\n\x1a\n"),
        Err(OnnxError::Malformed(_))
    ));
}

#[test]
fn element_types_that_are_not_read() {
    let rest = "is not supported; use float, double, int32, int64 or bool";
    // Half floats, texts, and a number that no type has.
    for code in [10, 8, 0, -1, 99] {
        let expected = format!("element type {code} {rest}");
        check_weights(|tensor| tensor.data_type = code, &expected);
    }
}

#[test]
fn data_that_does_not_fill_the_dimensions() {
    let drop_last = |tensor: &mut TensorProto| tensor.raw_data.truncate(7);
    check_weights(drop_last, "dimensions [1, 2] need 8 bytes, found 7");
    check_weights(
        |tensor| tensor.raw_data.push(0),
        "dimensions [1, 2] need 8 bytes, found 9",
    );
    check_weights(
        |tensor| tensor.dims[0] = 3,
        "dimensions [3, 2] need 24 bytes, found 8",
    );
    check_weights(
        |tensor| tensor.dims[0] = 0,
        "dimensions [0, 2] need 0 bytes, found 8",
    );
    check_weights(
        |tensor| {
            tensor.raw_data.clear();
            tensor.float_data = vec![1.0];
        },
        "dimensions [1, 2] need 2 elements, found 1",
    );
    check_weights(
        |tensor| tensor.data_type = DataType::Int64.into(),
        "dimensions [1, 2] need 16 bytes, found 8",
    );
}

#[test]
fn dimensions_that_make_no_sense() {
    check_weights(|tensor| tensor.dims[1] = -2, "dimension 1 is -2");
    check_weights(
        |tensor| tensor.dims = vec![1 << 40, 1 << 40],
        "dimensions [1099511627776, 1099511627776] are too large; at most 16777216 elements are read",
    );
    check_weights(
        |tensor| tensor.dims = vec![1 << 25],
        "dimensions [33554432] are too large; at most 16777216 elements are read",
    );
}

#[test]
fn numbers_that_are_not_finite() {
    let spoil = |value: f32| {
        move |tensor: &mut TensorProto| tensor.raw_data[4..].copy_from_slice(&value.to_le_bytes())
    };
    check_weights(spoil(f32::NAN), "element 1 is NaN; all have to be finite");
    check_weights(
        spoil(f32::NEG_INFINITY),
        "element 1 is -inf; all have to be finite",
    );
    check_weights(
        |tensor| {
            tensor.data_type = DataType::Double.into();
            tensor.raw_data = [0.0, 1e300]
                .iter()
                .flat_map(|value: &f64| value.to_le_bytes())
                .collect();
        },
        &format!("element 1 is {}; all have to be finite", 1e300_f64),
    );
}

#[test]
fn weights_in_another_file() {
    let expected = "its data is in another file; export the model with its weights inside";
    check_weights(|tensor| tensor.data_location = 1, expected);
}

#[test]
fn two_tensors_of_one_name() {
    let rename = |model: &mut ModelProto| {
        model.graph.as_mut().unwrap().initializer[1].name = "w".into();
    };
    check(rename, "the graph has two initializers named 'w'");
}

#[test]
fn bad_tensors_in_attributes() {
    let tensor = |name: &str| TensorProto {
        dims: vec![1],
        ..TensorProto::floats(name, &[], &[])
    };
    let add = |name: &'static str| {
        move |model: &mut ModelProto| {
            let constant = NodeProto::new("Constant", "two", &[], &["c"]);
            let constant = constant.with(AttributeProto::tensor("value", tensor(name)));
            model.graph.as_mut().unwrap().node.push(constant);
        }
    };
    let rest = "dimensions [1] need 1 elements, found 0";
    check(add(""), &format!("tensor 'Constant 'two'': {rest}"));
    check(add("inner"), &format!("tensor 'inner': {rest}"));
}

#[test]
fn limits_hold() {
    let bytes = write(&small_model());
    let limits = Limits {
        file_bytes: bytes.len(),
        nodes: 1,
        tensor_elements: 2,
    };
    assert!(read_with_limits(&bytes, &limits).is_ok());
    let refused = |limits| read_with_limits(&bytes, &limits).unwrap_err();
    let limit = bytes.len() - 1;
    assert_eq!(
        refused(Limits {
            file_bytes: limit,
            ..limits
        }),
        OnnxError::FileSize {
            found: bytes.len(),
            limit
        }
    );
    assert_eq!(
        refused(Limits { nodes: 0, ..limits }),
        OnnxError::Nodes { found: 1, limit: 0 }
    );
    assert_eq!(
        refused(Limits {
            tensor_elements: 1,
            ..limits
        })
        .to_string(),
        "tensor 'w': dimensions [1, 2] are too large; at most 1 elements are read"
    );
}

#[test]
fn no_cut_and_no_flipped_byte_panics() {
    let bytes = write(&small_model());
    for end in 0..bytes.len() {
        // A cut between two fields is still a message, so only that it returns is certain.
        let _ = read(&bytes[..end]);
    }
    for at in 0..bytes.len() {
        for bit in 0..8 {
            let mut bytes = bytes.clone();
            bytes[at] ^= 1 << bit;
            let _ = read(&bytes);
        }
    }
    let empty_graph = ModelProto {
        graph: Some(GraphProto::default()),
        ..small_model()
    };
    assert!(read(&write(&empty_graph)).unwrap().nodes.is_empty());
}
