//! `Mul`: values by constants, or by polynomials of the same values.

use super::broadcast::{Operands, fold, operands};
use super::{Node, Op, OpError, Value};
use crate::import::polynomial::Coefficient;
use crate::import::trace::Trace;

pub const OP: Op = Op {
    name: "Mul",
    attributes: &[],
    build,
};

fn build(node: &Node<'_>, trace: &mut Trace<'_>) -> Result<Value, OpError> {
    let name = node.name();
    Ok(Value::Encrypted(match operands(node, trace)? {
        Operands::Both(left, right) => trace.product(&name, &left, &right)?,
        Operands::Left(value, factor) | Operands::Right(factor, value) => {
            trace.rescale(&name, &value, &factor, &Coefficient::ZERO)?
        }
        Operands::Constants(left, right) => {
            return fold(&left, &right, |left, right| left * right, i64::checked_mul);
        }
    }))
}
