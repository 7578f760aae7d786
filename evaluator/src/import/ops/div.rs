//! `Div`: values by constants.

use super::broadcast::{Operands, fold, operands};
use super::{Node, Op, OpError, Value};
use crate::import::polynomial::Coefficient;
use crate::import::trace::Trace;

pub const OP: Op = Op {
    name: "Div",
    attributes: &[],
    build,
};

fn build(node: &Node<'_>, trace: &mut Trace<'_>) -> Result<Value, OpError> {
    match operands(node, trace)? {
        Operands::Left(value, divisor) => {
            let factor = divisor.map(f64::recip);
            if !factor.all(f64::is_finite) {
                return Err(OpError::new("it divides by 0"));
            }
            let scaled = trace.rescale(&node.name(), &value, &factor, &Coefficient::ZERO)?;
            Ok(Value::Encrypted(scaled))
        }
        Operands::Both(..) | Operands::Right(..) => {
            Err(OpError::new("it divides by an encrypted value")
                .instead("divide by constants, or use a polynomial"))
        }
        Operands::Constants(left, right) => {
            fold(&left, &right, |left, right| left / right, i64::checked_div)
        }
    }
}
