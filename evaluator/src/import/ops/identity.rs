//! `Identity`: another name for the same value.

use super::{Node, Op, OpError};
use crate::import::trace::{Trace, Value};

pub const OP: Op = Op {
    name: "Identity",
    attributes: &[],
    build,
};

fn build(node: &Node<'_>, _: &mut Trace) -> Result<Value, OpError> {
    node.one().cloned()
}
