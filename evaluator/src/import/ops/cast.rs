//! `Cast`: numbers of another type, which makes no difference to values.

use onnx::TensorData;
use onnx::messages::DataType;

use super::{Node, Op, OpError, Value, constant};
use crate::import::trace::Trace;

pub const OP: Op = Op {
    name: "Cast",
    attributes: &["saturate", "to"],
    build,
};

fn build(node: &Node<'_>, trace: &mut Trace<'_>) -> Result<Value, OpError> {
    let to = node
        .proto
        .attribute_int("to")?
        .and_then(|to| i32::try_from(to).ok());
    let to = to.and_then(|to| DataType::try_from(to).ok());
    let is_float = match to {
        Some(DataType::Float | DataType::Double) => true,
        Some(DataType::Int32 | DataType::Int64) => false,
        Some(DataType::Bool | DataType::Undefined) | None => {
            return Err(OpError::new("its type is not supported").instead("cast to float or int64"));
        }
    };
    match node.one()? {
        Value::Encrypted(value) if is_float => Ok(Value::Encrypted(value.clone())),
        Value::Constant(tensor) => {
            trace.claim(tensor.len())?;
            let data = match (&tensor.data, is_float) {
                (TensorData::Ints(values), true) => {
                    TensorData::Floats(values.iter().map(|&value| value as f32).collect())
                }
                (TensorData::Floats(values), false) => {
                    TensorData::Ints(values.iter().map(|&value| value as i64).collect())
                }
                (data, _) => data.clone(),
            };
            Ok(constant(tensor.dims.clone(), data))
        }
        _ => Err(OpError::new("it rounds an encrypted value").instead("leave it out")),
    }
}
