//! `Identity`: another name for the same value.

use super::{Node, Op, OpError, Value};
use crate::import::trace::Trace;

pub const OP: Op = Op {
    name: "Identity",
    attributes: &[],
    build,
};

fn build(node: &Node<'_>, _: &mut Trace<'_>) -> Result<Value, OpError> {
    node.one().cloned()
}
