//! What each operator means, one a file.
//!
//! An operator checks its attributes and shapes and either says what it does to the image's values
//! or why it can't be evaluated. Operators that aren't here are refused by `unsupported`. What
//! several of them need is in `broadcast`, `layout` and `window`.

mod activation;
mod add;
mod average_pool;
mod batch_normalization;
mod broadcast;
mod cast;
mod concat;
mod constant;
mod conv;
mod div;
mod dropout;
mod flatten;
mod gather;
mod gemm;
mod global_average_pool;
mod identity;
mod layout;
mod log_softmax;
mod matmul;
mod mul;
mod neg;
mod pow;
mod reduce_mean;
mod reshape;
mod shape;
mod slice;
mod softmax;
mod squeeze;
mod sub;
mod transpose;
mod unsqueeze;
mod unsupported;
mod window;

use std::rc::Rc;

use onnx::messages::NodeProto;
use onnx::{OnnxError, Tensor, TensorData};

use super::trace::{Encrypted, LeftToClient, TooManyWeights, Trace, Value};
use super::{MAX_AXES, MAX_VALUES, MAX_WEIGHTS, Options};

/// An operator that is understood.
pub struct Op {
    name: &'static str,
    /// The attributes it may have; a node with others means something else.
    attributes: &'static [&'static str],
    build: fn(&Node<'_>, &mut Trace<'_>) -> Result<Value, OpError>,
}

const OPS: [&Op; 34] = [
    &activation::GELU,
    &activation::RELU,
    &activation::SIGMOID,
    &activation::SOFTPLUS,
    &activation::SWISH,
    &activation::TANH,
    &add::OP,
    &average_pool::OP,
    &batch_normalization::OP,
    &cast::OP,
    &concat::OP,
    &constant::OP,
    &conv::OP,
    &div::OP,
    &dropout::OP,
    &flatten::OP,
    &gather::OP,
    &gemm::OP,
    &global_average_pool::OP,
    &identity::OP,
    &log_softmax::OP,
    &matmul::OP,
    &mul::OP,
    &neg::OP,
    &pow::OP,
    &reduce_mean::OP,
    &reshape::OP,
    &shape::OP,
    &slice::OP,
    &softmax::OP,
    &squeeze::OP,
    &sub::OP,
    &transpose::OP,
    &unsqueeze::OP,
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
pub fn find(node: &NodeProto, options: &Options<'_>) -> Result<&'static Op, OpError> {
    if !matches!(node.domain.as_str(), "" | "ai.onnx") {
        return Err(OpError::new(format!(
            "its operator set '{}' is not known",
            node.domain
        )));
    }
    let op = OPS.into_iter().find(|op| op.name == node.op_type);
    if let Some(function) = activation::function(&node.op_type) {
        activation::wish(function, options)?;
    }
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
    /// Whether what it makes are the values that it is given, in their order.
    pub fn keeps_values(&self) -> bool {
        [identity::OP.name, flatten::OP.name, reshape::OP.name].contains(&self.name)
    }

    /// Checks what all operators have in common, then asks this one.
    pub fn build(&self, node: &Node<'_>, trace: &mut Trace<'_>) -> Result<Value, OpError> {
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
        let mut outputs = node.proto.output.iter().map(String::as_str);
        let (first, mut others) = (outputs.next().unwrap_or_default(), outputs);
        if first.is_empty()
            || (self.name != dropout::OP.name && others.any(|name| !name.is_empty()))
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

    /// An input that may be left out.
    fn optional(&self, index: usize) -> Option<&'a Value> {
        self.inputs.get(index).and_then(Option::as_ref)
    }

    /// An input that has to be known from the file.
    fn constant(&self, index: usize, what: &str) -> Result<&'a Tensor, OpError> {
        match self.optional(index) {
            Some(Value::Constant(tensor)) => Ok(tensor),
            Some(_) => Err(OpError::new(format!("its {what} depends on the image"))
                .instead("use constants that the file holds")),
            None => Err(OpError::new(format!("it has no {what}"))),
        }
    }

    /// An input that has to depend on the image.
    fn encrypted(&self, index: usize) -> Result<&'a Encrypted, OpError> {
        match self.optional(index) {
            Some(Value::Encrypted(value)) => Ok(value),
            Some(_) => {
                Err(OpError::new("its input is a constant").instead("export with constant folding"))
            }
            None => Err(OpError::new("it has no input")),
        }
    }

    /// A list of integers that is an attribute in older versions and an input in newer ones.
    fn ints(&self, attribute: &str, index: usize) -> Result<Option<Vec<i64>>, OpError> {
        if let Some(list) = self.proto.attribute_ints(attribute)? {
            return Ok(Some(list));
        }
        if self.optional(index).is_none() {
            return Ok(None);
        }
        let list = self.constant(index, attribute)?.ints();
        let list =
            list.ok_or_else(|| OpError::new(format!("its {attribute} have to be integers")))?;
        Ok(Some(list.to_vec()))
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
        Value::LeftToClient(last) => &last.logits.shape,
        Value::Mask | Value::Refused => &[],
    }
}

/// The same numbers in another shape, of which there must be as many.
fn with_shape(value: &Value, shape: Vec<usize>, trace: &mut Trace<'_>) -> Result<Value, OpError> {
    if shape.len() > MAX_AXES {
        return Err(OpError::new(format!("it makes more than {MAX_AXES} axes")));
    }
    Ok(match value {
        Value::Constant(tensor) => {
            trace.claim(product(&shape).unwrap_or(usize::MAX))?;
            Value::Constant(Rc::new(Tensor {
                dims: shape,
                data: tensor.data.clone(),
            }))
        }
        Value::Encrypted(encrypted) => Value::Encrypted(encrypted.with_shape(shape)),
        Value::LeftToClient(last) => Value::LeftToClient(LeftToClient {
            logits: last.logits.with_shape(shape),
            ..last.clone()
        }),
        Value::Mask => Value::Mask,
        Value::Refused => Value::Refused,
    })
}

/// An axis, which may be counted from the end.
fn axis(axis: i64, count: usize) -> Result<usize, OpError> {
    let from_start = match usize::try_from(axis) {
        Ok(axis) => Some(axis),
        Err(_) => usize::try_from(axis.unsigned_abs())
            .ok()
            .and_then(|from_end| count.checked_sub(from_end)),
    };
    from_start
        .filter(|&axis| axis < count)
        .ok_or_else(|| OpError::new(format!("axis {axis} is outside of {count} axes")))
}

/// Axes, in ascending order and each once.
fn axes(list: &[i64], count: usize) -> Result<Vec<usize>, OpError> {
    let axes = list.iter().map(|&number| axis(number, count));
    let mut axes = axes.collect::<Result<Vec<_>, _>>()?;
    axes.sort_unstable();
    axes.dedup();
    Ok(axes)
}

/// Numbers of a constant that are picked by index.
fn pick(tensor: &Tensor, indices: &[usize]) -> Option<TensorData> {
    Some(match &tensor.data {
        TensorData::Floats(values) => {
            let picked = indices.iter().map(|&index| values.get(index).copied());
            TensorData::Floats(picked.collect::<Option<_>>()?)
        }
        TensorData::Ints(values) => {
            let picked = indices.iter().map(|&index| values.get(index).copied());
            TensorData::Ints(picked.collect::<Option<_>>()?)
        }
    })
}

/// A constant.
fn constant(dims: Vec<usize>, data: TensorData) -> Value {
    Value::Constant(Rc::new(Tensor { dims, data }))
}
