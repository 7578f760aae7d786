//! What is written down while the graph is walked.
//!
//! A value that depends on the image is a shape and a step; a step is what is done to the values
//! of an earlier step, which are counted in row-major order whatever their shape. So operators
//! that change the shape alone make no step, and the same step is the same value.

use std::rc::Rc;

use onnx::Tensor;

use super::MAX_WEIGHTS;
use crate::network::Linear;

/// What a name in the graph stands for.
#[derive(Clone)]
pub enum Value {
    /// Known from the file.
    Constant(Rc<Tensor>),
    /// Depends on the image.
    Encrypted(Encrypted),
    /// Made by a node that was refused.
    Refused,
}

/// A value that depends on the image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Encrypted {
    /// Its sizes; their product is the number of values of its step.
    pub shape: Vec<usize>,
    /// Where it comes from.
    pub step: StepId,
}

/// A step of a [`Trace`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StepId(usize);

/// What a step does.
pub enum Action {
    /// Matrix product and bias.
    Linear(Linear),
    /// Adds a constant to each value.
    Bias(Bias),
    /// Squares each value.
    Square,
}

/// Constants that a node adds.
pub struct Bias {
    /// The node.
    pub name: String,
    /// One for each value.
    pub values: Vec<f64>,
}

/// More than [`MAX_WEIGHTS`] numbers, all nodes together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooManyWeights;

struct Step {
    of: StepId,
    action: Action,
}

/// The steps of a graph. Step 0 is the image; each other one continues an earlier one.
#[derive(Default)]
pub struct Trace {
    steps: Vec<Step>,
    claimed: usize,
}

impl Trace {
    /// The image itself.
    pub const IMAGE: StepId = StepId(0);

    /// Takes `count` numbers out of what all nodes together may copy from the file's constants:
    /// any number of nodes may use the same one. To be asked before copying.
    pub fn claim(&mut self, count: usize) -> Result<(), TooManyWeights> {
        self.claimed = self
            .claimed
            .checked_add(count)
            .filter(|&claimed| claimed <= MAX_WEIGHTS)
            .ok_or(TooManyWeights)?;
        Ok(())
    }

    /// Continues `of`.
    pub fn push(&mut self, of: StepId, action: Action) -> StepId {
        self.steps.push(Step { of, action });
        StepId(self.steps.len())
    }

    /// The actions that lead from the image to `last`.
    pub fn into_path(self, last: StepId) -> Vec<Action> {
        let mut steps = self.steps;
        let mut path = Vec::new();
        let mut at = last;
        while let Some(index) = at.0.checked_sub(1) {
            // Every step continues an earlier one, so what lies behind is not needed any more.
            steps.truncate(at.0);
            let Some(Step { of, action }) = steps.pop() else {
                break;
            };
            debug_assert!(of.0 <= index);
            path.push(action);
            at = of;
        }
        path.reverse();
        path
    }
}
