//! What each operator means, one a file.
//!
//! An operator checks its attributes and shapes and either says what it does to the image's values
//! or why it can't be evaluated. Operators that aren't here are refused by `unsupported`.

mod add;
mod broadcast;
mod constant;
mod flatten;
mod gemm;
mod identity;
mod matmul;
mod mul;
mod pow;
mod reshape;
mod unsupported;

use std::rc::Rc;

use onnx::messages::NodeProto;
use onnx::{OnnxError, Tensor};

use super::trace::{Encrypted, TooManyWeights, Trace, Value};
use super::{MAX_VALUES, MAX_WEIGHTS};
use broadcast::broadcast;

/// An operator that is understood.
pub struct Op {
    name: &'static str,
    /// The attributes it may have; a node with others means something else.
    attributes: &'static [&'static str],
    build: fn(&Node<'_>, &mut Trace) -> Result<Value, OpError>,
}

const OPS: [&Op; 9] = [
    &add::OP,
    &constant::OP,
    &flatten::OP,
    &gemm::OP,
    &identity::OP,
    &matmul::OP,
    &mul::OP,
    &pow::OP,
    &reshape::OP,
];

/// Why a node is refused.
#[derive(Debug)]
pub struct OpError {
    /// The reason.
    pub reason: String,
    /// What to use instead.
    pub instead: Option<&'static str>,
}

impl OpError {
    /// A refusal without a replacement.
    pub fn new(reason: impl Into<String>) -> Self {
        Self {
            reason: reason.into(),
            instead: None,
        }
    }

    /// The same refusal with a way out.
    pub fn instead(self, instead: &'static str) -> Self {
        Self {
            instead: Some(instead),
            ..self
        }
    }
}

impl From<OnnxError> for OpError {
    fn from(error: OnnxError) -> Self {
        Self::new(error.to_string())
    }
}

impl From<TooManyWeights> for OpError {
    fn from(TooManyWeights: TooManyWeights) -> Self {
        Self::new(format!(
            "with it, the nodes up to here have more than {MAX_WEIGHTS} weights together"
        ))
        .instead("use fewer or smaller layers")
    }
}

/// The operator of a node.
pub fn find(node: &NodeProto) -> Result<&'static Op, OpError> {
    if !matches!(node.domain.as_str(), "" | "ai.onnx") {
        return Err(OpError::new(format!(
            "its operator set '{}' is not known",
            node.domain
        )));
    }
    let op = OPS.into_iter().find(|op| op.name == node.op_type);
    op.ok_or_else(|| unsupported::refuse(&node.op_type))
}

/// How messages call a node.
pub fn node_name(node: &NodeProto) -> &str {
    match (node.name.as_str(), node.output.first()) {
        ("", Some(output)) => output,
        (name, _) => name,
    }
}

impl Op {
    /// Checks what all operators have in common, then asks this one.
    pub fn build(&self, node: &Node<'_>, trace: &mut Trace) -> Result<Value, OpError> {
        let unknown = |name: &&str| !self.attributes.contains(name);
        let mut attributes = node
            .proto
            .attribute
            .iter()
            .map(|attribute| attribute.name.as_str());
        if let Some(attribute) = attributes.find(unknown) {
            return Err(OpError::new(format!(
                "attribute '{attribute}' is not supported"
            )));
        }
        if node
            .proto
            .output
            .iter()
            .filter(|name| !name.is_empty())
            .count()
            != 1
        {
            return Err(OpError::new("it has to make exactly one value"));
        }
        (self.build)(node, trace)
    }
}

/// A node and what its inputs stand for.
pub struct Node<'a> {
    /// As in the file.
    pub proto: &'a NodeProto,
    inputs: &'a [Option<Value>],
}

impl<'a> Node<'a> {
    /// Joins the two.
    pub fn new(proto: &'a NodeProto, inputs: &'a [Option<Value>]) -> Self {
        Self { proto, inputs }
    }

    /// Its name.
    pub fn name(&self) -> String {
        node_name(self.proto).to_owned()
    }

    /// Exactly one input.
    fn one(&self) -> Result<&'a Value, OpError> {
        match self.inputs {
            [Some(value)] => Ok(value),
            _ => Err(OpError::new(format!(
                "it takes 1 input, found {}",
                self.inputs.len()
            ))),
        }
    }

    /// Exactly two inputs.
    fn two(&self) -> Result<[&'a Value; 2], OpError> {
        match self.inputs {
            [Some(left), Some(right)] => Ok([left, right]),
            _ => Err(OpError::new(format!(
                "it takes 2 inputs, found {}",
                self.inputs.len()
            ))),
        }
    }

    /// Two inputs and possibly a third one.
    fn two_or_three(&self) -> Result<([&'a Value; 2], Option<&'a Value>), OpError> {
        match self.inputs {
            [Some(left), Some(right)] => Ok(([left, right], None)),
            [Some(left), Some(right), third] => Ok(([left, right], third.as_ref())),
            _ => Err(OpError::new(format!(
                "it takes 2 or 3 inputs, found {}",
                self.inputs.len()
            ))),
        }
    }
}

/// A constant of floats.
fn floats(tensor: &Tensor) -> Result<&[f32], OpError> {
    tensor
        .floats()
        .ok_or_else(|| OpError::new("its constant has to be float"))
}

/// Number of values in a shape, if it can be counted.
pub(super) fn product(shape: &[usize]) -> Option<usize> {
    shape
        .iter()
        .try_fold(1_usize, |count, &size| count.checked_mul(size))
}

/// Number of values in a shape that may come from anywhere.
fn count(shape: &[usize]) -> Result<usize, OpError> {
    product(shape)
        .filter(|count| (1..=MAX_VALUES).contains(count))
        .ok_or_else(|| {
            OpError::new(format!(
                "shape {shape:?} is not supported; it may have 1 to {MAX_VALUES} values"
            ))
        })
}

/// Sizes of a value.
fn shape_of(value: &Value) -> &[usize] {
    match value {
        Value::Constant(tensor) => &tensor.dims,
        Value::Encrypted(encrypted) => &encrypted.shape,
        Value::Refused => &[],
    }
}

/// The same numbers in another shape, of which there must be as many.
fn with_shape(value: &Value, shape: Vec<usize>, trace: &mut Trace) -> Result<Value, OpError> {
    Ok(match value {
        Value::Constant(tensor) => {
            trace.claim(product(&shape).unwrap_or(usize::MAX))?;
            Value::Constant(Rc::new(Tensor {
                dims: shape,
                data: tensor.data.clone(),
            }))
        }
        Value::Encrypted(encrypted) => Value::Encrypted(Encrypted {
            shape,
            step: encrypted.step,
        }),
        Value::Refused => Value::Refused,
    })
}
