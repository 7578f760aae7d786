//! Activations that are no polynomials: refused, or replaced by one that was asked for.

use super::{Node, Op, OpError, Value};
use crate::import::approximate::{Approximated, errors, fit};
use crate::import::polynomial::{Coefficient, Polynomial};
use crate::import::trace::{Encrypted, Trace};
use crate::import::{Approximation, Function, Options};
use crate::network::{Activation, Chebyshev};

const fn op(name: &'static str, attributes: &'static [&'static str]) -> Op {
    Op {
        name,
        attributes,
        build,
    }
}

pub const GELU: Op = op("Gelu", &["approximate"]);
pub const RELU: Op = op("Relu", &[]);
pub const SIGMOID: Op = op("Sigmoid", &[]);
pub const SOFTPLUS: Op = op("Softplus", &[]);
pub const SWISH: Op = op("Swish", &[]);
pub const TANH: Op = op("Tanh", &[]);

/// What an operator computes.
pub fn function(op: &str) -> Option<Function> {
    Some(match op {
        "Gelu" => Function::Gelu,
        "Relu" => Function::Relu,
        "Sigmoid" => Function::Sigmoid,
        "Softplus" => Function::Softplus,
        "Swish" => Function::Silu,
        "Tanh" => Function::Tanh,
        _ => return None,
    })
}

/// What is to replace it.
pub fn wish(function: Function, options: &Options<'_>) -> Result<Approximation, OpError> {
    let mut wishes = options.approximations.iter().rev();
    let wish = wishes.find(|wish| wish.function() == function);
    wish.copied().ok_or_else(|| refuse(function))
}

fn refuse(function: Function) -> OpError {
    let (reason, instead) = match function {
        Function::Relu => (
            "it compares values, which can't be done on ciphertexts",
            "use x² (Pow 2, or Mul x·x) and train again, or import with --approximate \
             relu=chebyshev:DEGREE",
        ),
        Function::Tanh => (
            NOT_POLYNOMIAL,
            "use x² and train again, or import with --approximate tanh=chebyshev:DEGREE",
        ),
        Function::Sigmoid => (
            NOT_POLYNOMIAL,
            "use x² and train again, or import with --approximate sigmoid=chebyshev:DEGREE",
        ),
        Function::Softplus => (
            NOT_POLYNOMIAL,
            "use x² and train again, or import with --approximate softplus=chebyshev:DEGREE",
        ),
        Function::Gelu => (
            NOT_POLYNOMIAL,
            "use x² and train again, or import with --approximate gelu=chebyshev:DEGREE",
        ),
        Function::Silu => (
            NOT_POLYNOMIAL,
            "use x² and train again, or import with --approximate silu=chebyshev:DEGREE",
        ),
    };
    OpError::new(reason).instead(instead)
}

const NOT_POLYNOMIAL: &str = "it is not a polynomial, and only polynomials can be evaluated";

fn build(node: &Node<'_>, trace: &mut Trace<'_>) -> Result<Value, OpError> {
    let function = function(&node.proto.op_type).ok_or_else(|| OpError::new("it is not known"))?;
    let wish = wish(function, trace.options)?;
    let value = node.encrypted(0)?;
    let expected = trace.inputs();
    if let Some(image) = trace
        .options
        .calibration
        .iter()
        .find(|image| image.len() != expected)
    {
        return Err(OpError::new(format!(
            "calibration images have {} values, and the network takes {expected}",
            image.len()
        ))
        .instead("calibrate with images of the right size"));
    }
    let value = affine(value, trace)?;
    let values = trace.sampled(value.root, &value.unknown)?;
    let range = trace.samples.range(&values);
    let polynomial = range.and_then(|range| fit(wish, range, &values));
    let polynomial = polynomial.ok_or_else(|| {
        OpError::new("what it is given on the calibration images is beyond all numbers")
    })?;
    let (largest_error, mean_error) = errors(function, &polynomial, &values);
    trace.approximated.push(Approximated {
        node: node.name(),
        function,
        degree: wish.degree(),
        range: polynomial.range(),
        largest_error,
        mean_error,
    });
    let name = value.name_with(&node.name());
    if polynomial.degree() < 3 {
        return Ok(Value::Encrypted(Encrypted {
            name,
            polynomial: powers(&polynomial),
            ..value
        }));
    }
    let value = Encrypted { name, ..value };
    let activation = Activation::Polynomial(polynomial);
    let atom = trace.push_atom(&value, value.unknown.clone(), activation)?;
    Ok(Value::Encrypted(trace.atom(value.shape, atom)))
}

/// The value as the unknown of its own polynomial.
fn affine(value: &Encrypted, trace: &mut Trace<'_>) -> Result<Encrypted, OpError> {
    if value.polynomial.degree() != 1 {
        return trace.rooted(value);
    }
    let [offset, slope] = [0, 1].map(|power| value.polynomial.coefficient(power));
    Ok(Encrypted {
        unknown: value.unknown.then(&slope, &offset),
        polynomial: Polynomial::variable(),
        ..value.clone()
    })
}

/// A polynomial of degree 2 or less in powers.
fn powers(polynomial: &Chebyshev) -> Polynomial {
    let number = |power| polynomial.coefficients().get(power).copied().unwrap_or(0.0);
    let range = polynomial.range();
    let powers = [
        number(0) - number(2),
        number(1) / range,
        2.0 * number(2) / (range * range),
    ];
    Polynomial::new(powers.map(Coefficient::Same).to_vec())
}
