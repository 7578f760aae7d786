//! From the first node to the last.

use std::collections::{HashMap, HashSet};
use std::rc::Rc;

use onnx::Model;
use onnx::messages::NodeProto;

use super::boundary::Input;
use super::ops::{self, Node, OpError};
use super::trace::{Encrypted, Trace, Value};
use super::{ImportProblem, Refusal};

/// All values of a graph.
pub struct Walked<'a> {
    /// What was done.
    pub trace: Trace,
    /// What each name stands for.
    pub values: HashMap<&'a str, Value>,
}

/// Walks the graph, gathering every refusal on the way.
pub fn walk<'a>(model: &'a Model, input: &Input) -> Result<Walked<'a>, ImportProblem> {
    let mut walk = Walk::new(model, input);
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
    trace: Trace,
    values: HashMap<&'a str, Value>,
    /// Everything that some node makes, now or later.
    made: HashSet<&'a str>,
    refusals: Vec<Refusal>,
}

impl<'a> Walk<'a> {
    fn new(model: &'a Model, input: &Input) -> Self {
        let mut values = HashMap::new();
        for (name, tensor) in &model.initializers {
            values.insert(name.as_str(), Value::Constant(Rc::new(tensor.clone())));
        }
        let image = Encrypted {
            shape: input.shape.clone(),
            step: Trace::IMAGE,
        };
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
            trace: Trace::default(),
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
        for name in node.output.iter().filter(|name| !name.is_empty()) {
            if self.values.insert(name, value.clone()).is_some() {
                let error = format!("it makes '{name}' a second time; names have to be unique");
                self.refuse(node, OpError::new(error));
            }
        }
    }

    fn evaluate(&mut self, node: &NodeProto) -> Result<Value, OpError> {
        let op = ops::find(node)?;
        let mut inputs = Vec::new();
        for name in &node.input {
            inputs.push(if name.is_empty() {
                None
            } else {
                Some(self.value(name)?)
            });
        }
        if inputs
            .iter()
            .any(|input| matches!(input, Some(Value::Refused)))
        {
            return Ok(Value::Refused);
        }
        op.build(&Node::new(node, &inputs), &mut self.trace)
    }

    fn value(&self, name: &str) -> Result<Value, OpError> {
        match self.values.get(name) {
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

    fn refuse(&mut self, node: &NodeProto, error: OpError) {
        self.refusals.push(Refusal {
            node: ops::node_name(node).to_owned(),
            op: node.op_type.clone(),
            reason: error.reason,
            instead: error.instead,
        });
    }
}
