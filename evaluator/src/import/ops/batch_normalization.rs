//! `BatchNormalization` with fixed statistics: a factor and an addend for each channel.

use super::{Node, Op, OpError, Value, floats};
use crate::import::polynomial::Coefficient;
use crate::import::trace::Trace;

pub const OP: Op = Op {
    name: "BatchNormalization",
    attributes: &["epsilon", "momentum", "spatial", "training_mode"],
    build,
};

fn build(node: &Node<'_>, trace: &mut Trace<'_>) -> Result<Value, OpError> {
    let value = node.encrypted(0)?;
    let proto = node.proto;
    if proto.attribute_int("training_mode")?.unwrap_or(0) != 0
        || proto.attribute_int("spatial")?.unwrap_or(1) != 1
    {
        return Err(OpError::new("it computes statistics of its input")
            .instead("export in evaluation mode"));
    }
    let epsilon = f64::from(proto.attribute_float("epsilon")?.unwrap_or(1e-5));
    let [_, channels, ..] = *value.shape.as_slice() else {
        return Err(OpError::new(format!("it is given shape {:?}", value.shape)));
    };
    let list = |index, what| {
        let numbers = floats(node.constant(index, what)?)?;
        if numbers.len() == channels {
            Ok(numbers.iter().copied().map(f64::from))
        } else {
            let found = numbers.len();
            Err(OpError::new(format!(
                "its {what} has {found} numbers for {channels} channels"
            )))
        }
    };
    let (scale, bias) = (list(1, "scale")?, list(2, "bias")?);
    let (mean, variance) = (list(3, "mean")?, list(4, "variance")?);
    trace.claim(value.count().saturating_mul(2))?;
    let each = value.count().checked_div(channels).unwrap_or(0);
    let (mut factors, mut addends) = (Vec::new(), Vec::new());
    for ((scale, bias), (mean, variance)) in scale.zip(bias).zip(mean.zip(variance)) {
        let deviation = (variance + epsilon).sqrt();
        if deviation.is_nan() || deviation <= 0.0 {
            return Err(OpError::new("its variance is not above 0"));
        }
        let factor = scale / deviation;
        factors.extend(std::iter::repeat_n(factor, each));
        addends.extend(std::iter::repeat_n(bias - factor * mean, each));
    }
    let (factor, addend) = (Coefficient::each(factors), Coefficient::each(addends));
    let scaled = trace.rescale(&node.name(), value, &factor, &addend)?;
    Ok(Value::Encrypted(scaled))
}
