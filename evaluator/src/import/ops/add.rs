//! `Add`: a constant on values, or two branches.

use super::broadcast::{Operands, fold, operands};
use super::{Node, Op, OpError, Value};
use crate::import::polynomial::Coefficient;
use crate::import::trace::Trace;

pub const OP: Op = Op {
    name: "Add",
    attributes: &[],
    build,
};

fn build(node: &Node<'_>, trace: &mut Trace<'_>) -> Result<Value, OpError> {
    let name = node.name();
    Ok(Value::Encrypted(match operands(node, trace)? {
        Operands::Both(left, right) => trace.sum(&name, &left, &right)?,
        Operands::Left(value, addend) | Operands::Right(addend, value) => {
            trace.rescale(&name, &value, &Coefficient::ONE, &addend)?
        }
        Operands::Constants(left, right) => {
            return fold(&left, &right, |left, right| left + right, i64::checked_add);
        }
    }))
}
