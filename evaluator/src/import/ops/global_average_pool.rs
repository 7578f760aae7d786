//! `GlobalAveragePool`: the mean of each channel.

use super::reduce_mean::mean;
use super::{Node, Op, OpError, Value};
use crate::import::trace::Trace;

pub const OP: Op = Op {
    name: "GlobalAveragePool",
    attributes: &[],
    build,
};

fn build(node: &Node<'_>, trace: &mut Trace<'_>) -> Result<Value, OpError> {
    let value = node.encrypted(0)?;
    let reduced: Vec<_> = (2..value.shape.len()).collect();
    if reduced.is_empty() {
        return Err(OpError::new(format!("it is given shape {:?}", value.shape))
            .instead("give it 1×channels×rows×columns"));
    }
    mean(node, value, &reduced, true, trace)
}
