//! Settings that are missing or of another kind.

use onnx::OnnxError;
use onnx::messages::{AttributeProto, AttributeType, DataType, NodeProto, TensorProto};

fn node(attribute: AttributeProto) -> NodeProto {
    NodeProto::new("Conv", "first", &["x"], &["y"]).with(attribute)
}

#[test]
fn missing_attributes_are_none() {
    let node = node(AttributeProto::int("group", 1));
    assert_eq!(node.attribute_int("strides"), Ok(None));
    assert_eq!(node.attribute_float("strides"), Ok(None));
    assert_eq!(node.attribute_string("strides"), Ok(None));
    assert_eq!(node.attribute_ints("strides"), Ok(None));
    assert_eq!(node.attribute_floats("strides"), Ok(None));
    assert_eq!(node.attribute_tensor("strides"), Ok(None));
}

#[track_caller]
fn check<T: std::fmt::Debug + PartialEq>(found: Result<T, OnnxError>, expected: &str) {
    assert_eq!(
        found.unwrap_err().to_string(),
        format!("Conv 'first': attribute 'a' {expected}")
    );
}

#[test]
fn attributes_of_another_kind_are_refused_by_name() {
    let int = node(AttributeProto::int("a", 3));
    check(int.attribute_float("a"), "has to be a finite float");
    check(int.attribute_string("a"), "has to be a text");
    check(int.attribute_ints("a"), "has to be a list of integers");
    check(
        int.attribute_floats("a"),
        "has to be a list of finite floats",
    );
    check(int.attribute_tensor("a"), "has to be a tensor");
    let ints = node(AttributeProto::ints("a", &[3]));
    check(ints.attribute_int("a"), "has to be an integer");
    check(
        ints.attribute_floats("a"),
        "has to be a list of finite floats",
    );
}

#[test]
fn attributes_that_are_no_numbers_are_refused() {
    check(
        node(AttributeProto::float("a", f32::NAN)).attribute_float("a"),
        "has to be a finite float",
    );
    let floats = AttributeProto {
        name: "a".into(),
        kind: AttributeType::Floats.into(),
        floats: vec![f32::INFINITY],
        ..AttributeProto::default()
    };
    check(
        node(floats).attribute_floats("a"),
        "has to be a list of finite floats",
    );
    let text = AttributeProto {
        s: Some(vec![0xff]),
        ..AttributeProto::string("a", "")
    };
    check(node(text).attribute_string("a"), "has to be a text");
}

#[test]
fn a_bad_tensor_is_blamed_on_its_node() {
    let short = TensorProto {
        dims: vec![2],
        data_type: DataType::Float.into(),
        ..TensorProto::default()
    };
    let error = node(AttributeProto::tensor("a", short))
        .attribute_tensor("a")
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "tensor 'Conv 'first'': dimensions [2] need 2 elements, found 0"
    );
}
