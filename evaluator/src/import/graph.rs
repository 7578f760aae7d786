//! From the first node to the last.

use std::collections::{HashMap, HashSet};
use std::rc::Rc;

use onnx::Model;
use onnx::messages::NodeProto;

use super::boundary::Input;
use super::ops::{self, Node, OpError};
use super::samples::Samples;
use super::trace::{LeftToClient, Trace, Value};
use super::{ImportProblem, Options, Refusal};

/// All values of a graph.
pub struct Walked<'a> {
    /// What was done.
    pub trace: Trace<'a>,
    /// What each name stands for.
    pub values: HashMap<&'a str, Value>,
}

/// Walks the graph, gathering every refusal on the way.
pub fn walk<'a>(
    model: &'a Model,
    input: &Input,
    samples: Samples,
    options: &'a Options<'a>,
) -> Result<Walked<'a>, ImportProblem> {
    let mut walk = Walk::new(model, input, samples, options);
    for node in &model.nodes {
        walk.visit(node);
    }
    if walk.refusals.is_empty() {
        Ok(Walked {
            trace: walk.trace,
            values: walk.values,
        })
    } else {
        Err(ImportProblem::Nodes(walk.refusals))
    }
}

struct Walk<'a> {
    trace: Trace<'a>,
    values: HashMap<&'a str, Value>,
    /// Everything that some node makes, now or later.
    made: HashSet<&'a str>,
    refusals: Vec<Refusal>,
}

impl<'a> Walk<'a> {
    fn new(model: &'a Model, input: &Input, samples: Samples, options: &'a Options<'a>) -> Self {
        let mut values = HashMap::new();
        for (name, tensor) in &model.initializers {
            values.insert(name.as_str(), Value::Constant(Rc::new(tensor.clone())));
        }
        let (trace, image) = Trace::new(options, samples, &input.shape);
        for given in model.inputs.iter().filter(|given| given.name == input.name) {
            values.insert(&given.name, Value::Encrypted(image.clone()));
        }
        let made = model
            .nodes
            .iter()
            .flat_map(|node| &node.output)
            .map(String::as_str)
            .collect();
        Self {
            trace,
            values,
            made,
            refusals: Vec::new(),
        }
    }

    fn visit(&mut self, node: &'a NodeProto) {
        let value = match self.evaluate(node) {
            Ok(value) => value,
            Err(error) => {
                self.refuse(node, error);
                Value::Refused
            }
        };
        for (index, name) in node.output.iter().enumerate() {
            if name.is_empty() {
                continue;
            }
            let value = if index == 0 {
                value.clone()
            } else {
                Value::Mask
            };
            if self.values.insert(name, value).is_some() {
                let error = format!("it makes '{name}' a second time; names have to be unique");
                self.refuse(node, OpError::new(error));
            }
        }
    }

    fn evaluate(&mut self, node: &NodeProto) -> Result<Value, OpError> {
        let op = ops::find(node, self.trace.options)?;
        let mut inputs = Vec::new();
        for name in &node.input {
            inputs.push(if name.is_empty() {
                None
            } else {
                Some(self.value(name)?)
            });
        }
        for input in inputs.iter().flatten() {
            match input {
                Value::Refused => return Ok(Value::Refused),
                Value::LeftToClient(last) if !op.keeps_values() => {
                    self.refuse_in_between(last);
                    return Ok(Value::Refused);
                }
                _ => {}
            }
        }
        op.build(&Node::new(node, &inputs), &mut self.trace)
    }

    fn value(&self, name: &str) -> Result<Value, OpError> {
        match self.values.get(name) {
            Some(Value::Mask) => Err(OpError::new(format!(
                "it reads '{name}', a second output that means nothing outside of training"
            ))),
            Some(value) => Ok(value.clone()),
            None if self.made.contains(name) => Err(OpError::new(format!(
                "it reads '{name}', which only this or a later node makes; the graph has a cycle \
                 or is not sorted"
            ))),
            None => Err(OpError::new(format!(
                "it reads '{name}', which nothing makes"
            ))),
        }
    }

    /// Something reads what only the client could compute.
    fn refuse_in_between(&mut self, last: &LeftToClient) {
        let refusal = Refusal {
            node: last.node.clone(),
            op: last.op.clone(),
            reason: "it is not a polynomial, and only the client could compute it, as the last \
                     node"
                .to_owned(),
            instead: Some("leave it out"),
        };
        if !self.refusals.contains(&refusal) {
            self.refusals.push(refusal);
        }
    }

    fn refuse(&mut self, node: &NodeProto, error: OpError) {
        self.refusals.push(Refusal {
            node: ops::node_name(node).to_owned(),
            op: node.op_type.clone(),
            reason: error.reason,
            instead: error.instead,
        });
    }
}
