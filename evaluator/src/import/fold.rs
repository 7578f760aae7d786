//! From what was written down to layers: those that the output needs, in order.

use std::collections::BTreeMap;

use super::graph::Walked;
use super::ops::OpError;
use super::trace::{RootId, Trace, Value, without_batch};
use super::{ImportProblem, Refusal};
use crate::network::{Activation, Layer, Matrix, Term, ValueId};

/// What becomes of a graph.
pub struct Folded {
    pub layers: Vec<Layer>,
    /// How many logits there are.
    pub classes: usize,
    /// What the file would do to them.
    pub left_to_client: Option<String>,
}

/// The layers that lead to the output.
pub fn layers(walked: &mut Walked<'_>, output: &str) -> Result<Folded, ImportProblem> {
    let wrong = |reason: String| ImportProblem::Output {
        name: output.to_owned(),
        reason,
    };
    let (value, left_to_client) = match walked.values.get(output) {
        Some(Value::Encrypted(value)) => (value.clone(), None),
        Some(Value::LeftToClient(last)) => (last.logits.clone(), Some(last.op.clone())),
        Some(_) => return Err(wrong("does not depend on the image".to_owned())),
        None => return Err(wrong("is not made by any node".to_owned())),
    };
    if value.shape.iter().filter(|&&size| size != 1).count() > 1 {
        return Err(wrong(format!("has shape {:?}", value.shape)));
    }
    if value.is_image() {
        return Err(wrong("is the image itself".to_owned()));
    }
    let trace = &mut walked.trace;
    let last = trace
        .rooted(&value)
        .map_err(|error| refusal(&value.name, error))?;
    let mut layers = Vec::new();
    let places = needed(trace, last.root);
    for value in places.keys() {
        let Some(atom) = value.layer().and_then(|index| trace.atoms.get(index)) else {
            continue;
        };
        let rescaled = (&atom.before.slope, &atom.before.offset);
        let Some(root) = trace.root(atom.root) else {
            continue;
        };
        let count = root.bias.len();
        let (slopes, offsets) = (rescaled.0.to_vec(count), rescaled.1.to_vec(count));
        let biases = root.bias.iter().zip(&slopes).zip(&offsets);
        layers.push(Layer {
            name: atom.name.clone(),
            shape: atom.shape.clone(),
            terms: terms(&root.terms, &places, |matrix| {
                matrix.clone().scale_rows(&slopes)
            }),
            bias: biases
                .map(|((bias, slope), offset)| slope * bias + offset)
                .collect(),
            activation: atom.activation.clone(),
        });
    }
    let root = trace.root(last.root);
    let (terms_, bias) = root.map_or_else(Default::default, |root| {
        (
            terms(&root.terms, &places, Matrix::clone),
            root.bias.clone(),
        )
    });
    let classes = bias.len();
    layers.push(Layer {
        name: if value.name.is_empty() {
            output.to_owned()
        } else {
            value.name.clone()
        },
        shape: without_batch(&value.shape),
        terms: terms_,
        bias,
        activation: Activation::Identity,
    });
    layers.iter().try_for_each(check)?;
    Ok(Folded {
        layers,
        classes,
        left_to_client,
    })
}

/// The image and the atoms that `root` needs, each with its place among the layers' values.
fn needed(trace: &Trace<'_>, root: RootId) -> BTreeMap<ValueId, ValueId> {
    let mut found = BTreeMap::from([(ValueId::IMAGE, ValueId::IMAGE)]);
    let mut open = vec![root];
    while let Some(root) = open.pop() {
        for (&value, _) in trace.root(root).iter().flat_map(|root| &root.terms) {
            let is_new = found.insert(value, value).is_none();
            let atom = value.layer().and_then(|index| trace.atoms.get(index));
            open.extend(atom.filter(|_| is_new).map(|atom| atom.root));
        }
    }
    for (index, place) in found.values_mut().enumerate() {
        *place = ValueId(index);
    }
    found
}

fn terms(
    maps: &BTreeMap<ValueId, Matrix>,
    places: &BTreeMap<ValueId, ValueId>,
    matrix: impl Fn(&Matrix) -> Matrix,
) -> Vec<Term> {
    let term = |(of, map): (&ValueId, &Matrix)| {
        Some(Term {
            of: *places.get(of)?,
            matrix: matrix(map),
        })
    };
    maps.iter().filter_map(term).collect()
}

fn check(layer: &Layer) -> Result<(), ImportProblem> {
    let is_finite = |matrix: &Matrix| {
        (0..matrix.rows()).all(|row| matrix.row(row).all(|(_, weight)| weight.is_finite()))
    };
    let polynomial = match &layer.activation {
        Activation::Identity | Activation::Square => &[],
        Activation::Polynomial(polynomial) => polynomial.coefficients(),
    };
    let numbers = layer.bias.iter().chain(polynomial);
    if layer.terms.iter().all(|term| is_finite(&term.matrix))
        && numbers.copied().all(f64::is_finite)
    {
        return Ok(());
    }
    let error = OpError::new("its weights, merged with those before, are beyond all numbers");
    Err(refusal(&layer.name, error))
}

fn refusal(name: &str, error: OpError) -> ImportProblem {
    ImportProblem::Nodes(vec![Refusal {
        node: name.to_owned(),
        op: "Layer".to_owned(),
        reason: error.reason,
        instead: error.instead,
    }])
}
