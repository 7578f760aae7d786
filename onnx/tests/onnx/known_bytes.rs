//! Bytes written down by hand from the standard's `onnx.proto`, so that a wrong tag shows.

use onnx::messages::{
    AttributeProto, GraphProto, ModelProto, NodeProto, OperatorSetIdProto, StringStringEntryProto,
    TensorProto, ValueInfoProto,
};
use onnx::write;

/// One length-delimited field: tag, length, content.
fn field(number: u8, content: &[u8]) -> Vec<u8> {
    let key = number << 3 | 2;
    let length = u8::try_from(content.len()).unwrap();
    [&[key, length], content].concat()
}

#[test]
fn messages_have_the_tags_of_the_standard() {
    let node = NodeProto::new("Gemm", "n", &["x"], &["y"]).with(AttributeProto::int("t", 1));
    let model = ModelProto {
        ir_version: 8,
        producer_name: "p".into(),
        producer_version: "v".into(),
        doc_string: "d".into(),
        opset_import: vec![OperatorSetIdProto::standard(17)],
        metadata_props: vec![StringStringEntryProto::new("k", "w")],
        graph: Some(GraphProto {
            name: "g".into(),
            node: vec![node],
            initializer: vec![TensorProto::floats("x", &[1], &[1.0])],
            input: vec![ValueInfoProto::float_tensor(
                "i",
                &[onnx::messages::Dimension::Value(3)],
            )],
            output: vec![ValueInfoProto::float_tensor(
                "o",
                &[onnx::messages::Dimension::Param("b".into())],
            )],
            ..GraphProto::default()
        }),
        ..ModelProto::default()
    };

    // name = 1, i = 3 (varint), type = 20 (varint, so the key takes two bytes).
    let attribute = [field(1, b"t"), vec![3 << 3, 1], vec![0xa0, 1, 2]].concat();
    let node = [
        field(1, b"x"),
        field(2, b"y"),
        field(3, b"n"),
        field(4, b"Gemm"),
        field(5, &attribute),
    ];
    // dims = 1 (varint), data_type = 2 (varint), name = 8, raw_data = 9.
    let tensor = [
        vec![1 << 3, 1, 2 << 3, 1],
        field(8, b"x"),
        field(9, &[0, 0, 128, 63]),
    ];
    // TypeProto.tensor_type = 1 { elem_type = 1 (varint), shape = 2 { dim = 1 { .. } } }.
    let value = |name: &[u8], dim: &[u8]| {
        let tensor_type = [vec![1 << 3, 1], field(2, &field(1, dim))].concat();
        [field(1, name), field(2, &field(1, &tensor_type))].concat()
    };
    let graph = [
        field(1, &node.concat()),
        field(2, b"g"),
        field(5, &tensor.concat()),
        field(11, &value(b"i", &[1 << 3, 3])),
        field(12, &value(b"o", &field(2, b"b"))),
    ];
    let expected = [
        vec![1 << 3, 8],
        field(2, b"p"),
        field(3, b"v"),
        field(6, b"d"),
        field(7, &graph.concat()),
        field(8, &[2 << 3, 17]),
        field(14, &[field(1, b"k"), field(2, b"w")].concat()),
    ];
    assert_eq!(write(&model), expected.concat());
}

#[test]
fn unknown_fields_are_skipped() {
    let mut bytes = write(&crate::small_model());
    let known = onnx::read(&bytes).unwrap();
    // training_info = 20 and functions = 25, whose keys take two bytes.
    bytes.extend([0xa2, 1, 2, b'?', b'!', 0xca, 1, 1, 0]);
    assert_eq!(onnx::read(&bytes).unwrap(), known);
}
