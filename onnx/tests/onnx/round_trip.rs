//! What is written is read again.

use onnx::messages::{
    AttributeProto, AttributeType, DataType, ModelProto, NodeProto, TensorProto, ValueInfoProto,
};
use onnx::{Limits, Tensor, TensorData, read, write};

use crate::small_model;

#[test]
fn a_model_keeps_everything() {
    let model = read(&write(&small_model())).unwrap();
    assert_eq!(model.producer, "a test");
    assert_eq!(model.description, "One neuron.");
    assert_eq!(model.opset, 17);
    assert_eq!(model.name, "graph");
    assert_eq!(model.metadata["key"], "value");
    assert_eq!(model.inputs.len(), 1);
    assert_eq!(model.inputs[0].shape(), [None, Some(2)]);
    assert_eq!(model.outputs[0].shape(), [None, Some(1)]);
    assert_eq!(model.nodes[0].input, ["x", "w", "b"]);
    assert_eq!(model.nodes[0].attribute_int("transB"), Ok(Some(1)));
    assert_eq!(model.initializers["w"].dims, [1, 2]);
    assert_eq!(model.initializers["w"].floats(), Some(&[0.5, -2.0][..]));
    assert_eq!(model.initializers["b"].floats(), Some(&[3.0][..]));
}

#[test]
fn the_same_model_gives_the_same_bytes() {
    assert_eq!(write(&small_model()), write(&small_model()));
}

#[test]
fn initializers_listed_as_inputs_are_no_inputs() {
    let mut proto = small_model();
    let graph = proto.graph.as_mut().unwrap();
    graph.input.push(ValueInfoProto::float_tensor("w", &[]));
    let model = read(&write(&proto)).unwrap();
    let names: Vec<_> = model.inputs.iter().map(|input| &*input.name).collect();
    assert_eq!(names, ["x"]);
}

#[test]
fn the_standard_operators_have_two_names() {
    let mut proto = small_model();
    proto.opset_import[0].domain = "ai.onnx".into();
    assert_eq!(read(&write(&proto)).unwrap().opset, 17);
}

#[track_caller]
fn check_tensor(proto: &TensorProto, dims: &[usize], data: TensorData) {
    let expected = Tensor {
        dims: dims.to_vec(),
        data,
    };
    assert_eq!(expected.len(), dims.iter().product());
    assert_eq!(expected.is_empty(), dims.contains(&0));
    assert_eq!(Tensor::from_proto(proto, &Limits::default()), Ok(expected));
}

fn tensor(kind: DataType, dims: &[i64]) -> TensorProto {
    TensorProto {
        data_type: kind.into(),
        dims: dims.to_vec(),
        ..TensorProto::default()
    }
}

#[test]
fn tensors_are_read_from_every_field() {
    let floats = |values: &[f32]| TensorData::Floats(values.to_vec());
    let ints = |values: &[i64]| TensorData::Ints(values.to_vec());
    let raw = |bytes: &[u8], base: TensorProto| TensorProto {
        raw_data: bytes.to_vec(),
        ..base
    };

    let base = tensor(DataType::Float, &[2]);
    check_tensor(
        &TensorProto {
            float_data: vec![1.0, -0.5],
            ..base.clone()
        },
        &[2],
        floats(&[1.0, -0.5]),
    );
    check_tensor(
        &raw(&[0, 0, 128, 63, 0, 0, 0, 191], base),
        &[2],
        floats(&[1.0, -0.5]),
    );

    let base = tensor(DataType::Double, &[1, 1]);
    check_tensor(
        &TensorProto {
            double_data: vec![0.25],
            ..base.clone()
        },
        &[1, 1],
        floats(&[0.25]),
    );
    check_tensor(
        &raw(&0.25_f64.to_le_bytes(), base),
        &[1, 1],
        floats(&[0.25]),
    );

    let base = tensor(DataType::Int64, &[]);
    check_tensor(
        &TensorProto {
            int64_data: vec![-7],
            ..base.clone()
        },
        &[],
        ints(&[-7]),
    );
    check_tensor(&raw(&(-7_i64).to_le_bytes(), base), &[], ints(&[-7]));

    let base = tensor(DataType::Int32, &[2, 1]);
    check_tensor(
        &TensorProto {
            int32_data: vec![1, -1],
            ..base.clone()
        },
        &[2, 1],
        ints(&[1, -1]),
    );
    check_tensor(
        &raw(&[1, 0, 0, 0, 255, 255, 255, 255], base),
        &[2, 1],
        ints(&[1, -1]),
    );

    let base = tensor(DataType::Bool, &[2]);
    check_tensor(
        &TensorProto {
            int32_data: vec![1, 0],
            ..base.clone()
        },
        &[2],
        ints(&[1, 0]),
    );
    check_tensor(&raw(&[0, 1], base), &[2], ints(&[0, 1]));

    check_tensor(&tensor(DataType::Float, &[0, 3]), &[0, 3], floats(&[]));
    check_tensor(&TensorProto::floats("", &[1], &[4.0]), &[1], floats(&[4.0]));
    check_tensor(&TensorProto::ints("", &[2], &[4, 5]), &[2], ints(&[4, 5]));
}

#[test]
fn attributes_survive() {
    let node = NodeProto::new("Any", "", &[], &["out"])
        .with(AttributeProto::int("int", 0))
        .with(AttributeProto::float("float", 0.0))
        .with(AttributeProto::string("string", ""))
        .with(AttributeProto::ints("ints", &[1, 0]))
        .with(AttributeProto::tensor(
            "tensor",
            TensorProto::ints("", &[], &[2]),
        ))
        .with(AttributeProto {
            name: "floats".into(),
            kind: AttributeType::Floats.into(),
            floats: vec![0.5, 0.0],
            ..AttributeProto::default()
        });
    let mut proto: ModelProto = small_model();
    proto.graph.as_mut().unwrap().node.push(node);
    let model = read(&write(&proto)).unwrap();
    let node = &model.nodes[1];
    assert_eq!(node.label(), "Any 'out'");
    assert_eq!(node.attribute_int("int"), Ok(Some(0)));
    assert_eq!(node.attribute_float("float"), Ok(Some(0.0)));
    assert_eq!(node.attribute_string("string"), Ok(Some(String::new())));
    assert_eq!(node.attribute_ints("ints"), Ok(Some(vec![1, 0])));
    assert_eq!(node.attribute_floats("floats"), Ok(Some(vec![0.5, 0.0])));
    let tensor = node.attribute_tensor("tensor").unwrap().unwrap();
    assert_eq!((tensor.dims.len(), tensor.ints()), (0, Some(&[2][..])));
    assert_eq!(tensor.floats(), None);
}
