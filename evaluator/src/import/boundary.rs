//! What a file says about itself: its input, its output, its words.

use onnx::Model;
use onnx::messages::{DataType, ValueInfoProto};

use super::{
    DEFAULT_LOGIT_BOUND, ImportProblem, LOGIT_BOUND, MAX_DESCRIPTION, MAX_LOGIT_BOUND, MAX_VALUES,
    ops,
};

/// The graph's input.
pub struct Input {
    /// Its name.
    pub name: String,
    /// Its shape for a batch of one.
    pub shape: Vec<usize>,
    /// Rows and columns of the image.
    pub image: [usize; 2],
}

/// Finds the input and checks that it is one grey image.
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
    let count = ops::product(&shape)
        .filter(|&count| count <= MAX_VALUES)
        .ok_or_else(|| wrong("it is too large"))?;
    if count == 0 {
        return Err(wrong("it is empty"));
    }
    let image = match *shape.as_slice() {
        [] => return Err(wrong("it has no sizes")),
        [pixels] | [1, pixels] => square(pixels),
        [.., rows, columns] if rows.checked_mul(columns) == Some(count) => [rows, columns],
        _ => return Err(wrong("it has several images or channels")),
    };
    Ok(Input {
        name: input.name.clone(),
        shape,
        image,
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

/// The largest magnitude of a logit that has to fit.
pub fn logit_bound(model: &Model) -> Result<f64, ImportProblem> {
    let Some(value) = model.metadata.get(LOGIT_BOUND) else {
        return Ok(DEFAULT_LOGIT_BOUND);
    };
    let bound = value.trim().parse().ok();
    bound
        .filter(|&bound| 0.0 < bound && bound <= MAX_LOGIT_BOUND)
        .ok_or_else(|| ImportProblem::Property {
            key: LOGIT_BOUND,
            value: value.chars().take(MAX_DESCRIPTION).collect(),
            expected: "a number above 0 and at most 1000000",
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

/// A flat image is a square one where that is possible.
fn square(pixels: usize) -> [usize; 2] {
    let side = pixels.isqrt();
    if side.checked_mul(side) == Some(pixels) {
        [side, side]
    } else {
        [1, pixels]
    }
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
