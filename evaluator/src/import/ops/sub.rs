//! `Sub`: a constant from values or values from a constant, or two branches.

use super::broadcast::{Operands, fold, operands};
use super::{Node, Op, OpError, Value};
use crate::import::polynomial::Coefficient;
use crate::import::trace::Trace;

pub const OP: Op = Op {
    name: "Sub",
    attributes: &[],
    build,
};

const MINUS_ONE: Coefficient = Coefficient::Same(-1.0);

fn build(node: &Node<'_>, trace: &mut Trace<'_>) -> Result<Value, OpError> {
    let name = node.name();
    Ok(Value::Encrypted(match operands(node, trace)? {
        Operands::Both(left, right) => {
            let right = trace.rescale(&right.name, &right, &MINUS_ONE, &Coefficient::ZERO)?;
            trace.sum(&name, &left, &right)?
        }
        Operands::Left(value, taken) => {
            trace.rescale(&name, &value, &Coefficient::ONE, &taken.map(|taken| -taken))?
        }
        Operands::Right(from, value) => trace.rescale(&name, &value, &MINUS_ONE, &from)?,
        Operands::Constants(left, right) => {
            return fold(&left, &right, |left, right| left - right, i64::checked_sub);
        }
    }))
}
