//! Messages to bytes.

use prost::Message as _;

use crate::messages::ModelProto;

/// The bytes of an `.onnx` file. The same model gives the same bytes.
#[must_use]
pub fn write(model: &ModelProto) -> Vec<u8> {
    model.encode_to_vec()
}
