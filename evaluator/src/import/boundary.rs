//! What a file says about itself: its input, its output, its words.

use onnx::Model;
use onnx::messages::{DataType, ValueInfoProto};

use super::{
    ImportProblem, LOGIT_BOUND, MAX_AXES, MAX_DESCRIPTION, MAX_LOGIT_BOUND, MAX_VALUES,
    PRECISION_BITS, THRESHOLD, ops,
};
use shared::api::Preparation;

/// The graph's input.
pub struct Input {
    /// Its name.
    pub name: String,
    /// Its shape for a batch of one.
    pub shape: Vec<usize>,
}

impl Input {
    /// Number of its values.
    pub fn values(&self) -> usize {
        self.shape.iter().product()
    }
}

/// Finds the input and checks that it is one image of whatever shape.
pub fn input(model: &Model) -> Result<Input, ImportProblem> {
    let [input] = model.inputs.as_slice() else {
        return Err(ImportProblem::Inputs {
            found: names(&model.inputs),
        });
    };
    let dims = input.shape();
    let wrong = |reason| ImportProblem::InputShape {
        name: input.name.clone(),
        shape: for_people(&dims),
        reason,
    };
    if !is_float(input) {
        return Err(wrong("its type is not float"));
    }
    let shape = batch_of_one(&dims).ok_or_else(|| wrong("only the first size may be left open"))?;
    match shape.as_slice() {
        [] | [_] => return Err(wrong("it has no sizes besides the batch")),
        [1, ..] => {}
        _ => return Err(wrong("it has several images")),
    }
    if shape.len() > MAX_AXES {
        return Err(wrong("it has too many sizes"));
    }
    let count = ops::product(&shape)
        .filter(|&count| count <= MAX_VALUES)
        .ok_or_else(|| wrong("it is too large"))?;
    if count == 0 {
        return Err(wrong("it is empty"));
    }
    Ok(Input {
        name: input.name.clone(),
        shape,
    })
}

/// Name of the output.
pub fn output(model: &Model) -> Result<&str, ImportProblem> {
    match model.outputs.as_slice() {
        [output] => Ok(&output.name),
        outputs => Err(ImportProblem::Outputs {
            found: names(outputs),
        }),
    }
}

/// The largest magnitude of a logit that has to fit, if the file states it.
pub fn logit_bound(model: &Model) -> Result<Option<f64>, ImportProblem> {
    let is_bound = |bound: f64| 0.0 < bound && bound <= MAX_LOGIT_BOUND;
    property(
        model,
        LOGIT_BOUND,
        is_bound,
        "a number above 0 and at most 1000000",
    )
}

/// How many bits of the logits have to be right, if the file states it.
pub fn precision_bits(model: &Model) -> Result<Option<f64>, ImportProblem> {
    let is_precision = |bits: f64| (2.0..=20.0).contains(&bits);
    property(model, PRECISION_BITS, is_precision, "a number from 2 to 20")
}

/// What happens to an input before it is encrypted.
pub fn preparation(model: &Model) -> Result<Preparation, ImportProblem> {
    let is_threshold = |value: f64| 0.0 < value && value <= 1.0;
    let threshold = property(
        model,
        THRESHOLD,
        is_threshold,
        "a number above 0 and at most 1",
    )?;
    Ok(Preparation { threshold })
}

fn property(
    model: &Model,
    key: &'static str,
    is_sound: impl Fn(f64) -> bool,
    expected: &'static str,
) -> Result<Option<f64>, ImportProblem> {
    let Some(text) = model.metadata.get(key) else {
        return Ok(None);
    };
    let value = text.trim().parse().ok().filter(|&value| is_sound(value));
    value.map(Some).ok_or_else(|| ImportProblem::Property {
        key,
        value: text.chars().take(MAX_DESCRIPTION).collect(),
        expected,
    })
}

/// The file's own words, one line of them.
pub fn description(model: &Model) -> String {
    let line = model.description.trim().lines().next().unwrap_or_default();
    line.chars().take(MAX_DESCRIPTION).collect()
}

fn names(values: &[ValueInfoProto]) -> Vec<String> {
    values.iter().map(|value| value.name.clone()).collect()
}

fn is_float(value: &ValueInfoProto) -> bool {
    let tensor = value
        .value_type
        .as_ref()
        .and_then(|value| value.tensor_type.as_ref());
    let code = tensor.map(|tensor| tensor.elem_type);
    [DataType::Float, DataType::Double]
        .into_iter()
        .any(|float| code == Some(float.into()))
}

/// The shape with 1 for an open first size.
fn batch_of_one(dims: &[Option<usize>]) -> Option<Vec<usize>> {
    let size = |(index, &dim): (usize, &Option<usize>)| dim.or((index == 0).then_some(1));
    dims.iter().enumerate().map(size).collect()
}

fn for_people(dims: &[Option<usize>]) -> String {
    let size = |dim: &Option<usize>| dim.map_or("?".to_owned(), |size| size.to_string());
    let sizes: Vec<_> = dims.iter().map(size).collect();
    if sizes.is_empty() {
        "()".to_owned()
    } else {
        sizes.join("×")
    }
}
