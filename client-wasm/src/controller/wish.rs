//! What the page wants, as far as it isn't done.
//!
//! **Invariant:** the last word counts: another model drops the drawing that was to be read by the
//! one before, and another drawing replaces the last. Work goes on unless what it is for is no longer
//! wanted; making keys and uploading them doesn't end because a drawing changes. What is to be done
//! with the keys is done in the order in which it was asked for, before anything else, and never
//! broken off. Once the keys are forgotten, none are made until a person asks.

use std::collections::VecDeque;
use std::rc::Rc;

use super::drawing::Drawing;
use super::keeper::After;
use super::{Command, KeyCommand};
use crate::state::ChoiceId;

/// What is to be done next.
#[derive(Clone, Debug, PartialEq)]
pub enum Task {
    /// Learning what the model of this id is, or the one that clients take; without keys.
    Describe(Option<String>),
    /// Making ready what isn't for that model: worker, list, description, keys, session.
    Prepare(Option<String>),
    /// Reading a drawing.
    Read(Drawing),
    /// Encrypting a drawing once more.
    EncryptAgain(Rc<[Vec<f64>]>),
    /// Doing something with the keys.
    Keys(KeyCommand),
}

/// What is wanted.
#[derive(Debug, Default)]
pub struct Wish {
    /// The choice that everything is done for.
    pub choice: ChoiceId,
    /// Id of the model; without one, the one that clients take.
    pub model: Option<String>,
    /// The drawing to be read.
    pub drawing: Option<Drawing>,
    /// The drawing to be encrypted once more.
    pub again: Option<Rc<[Vec<f64>]>>,
    /// What is to be done with the keys.
    pub keys: VecDeque<KeyCommand>,
    /// True if all is to be made ready, drawing or not.
    pub open: bool,
    /// True while there are to be no keys.
    pub forgotten: bool,
    /// How often the session was lost while this drawing was read.
    pub sessions_lost: u32,
}

impl Wish {
    /// The wish that a page opens with.
    pub fn opening(model: Option<String>) -> Self {
        Self {
            model,
            ..Self::default()
        }
    }

    /// Takes a command in. True if what is being done is no longer wanted.
    pub fn heed(&mut self, command: Command, doing: Option<&Task>) -> bool {
        let reads = matches!(doing, Some(Task::Read(_)));
        let prepares = matches!(doing, Some(Task::Prepare(_) | Task::Describe(_)));
        match command {
            Command::Open => {
                (self.open, self.forgotten) = (true, false);
                matches!(doing, Some(Task::Describe(_)))
            }
            Command::Retry => {
                self.open = true;
                false
            }
            Command::Choose(choice, model) => {
                *self = Self {
                    choice,
                    open: true,
                    forgotten: self.forgotten,
                    keys: std::mem::take(&mut self.keys),
                    ..Self::opening(Some(model))
                };
                reads || prepares
            }
            Command::Read(_) if self.forgotten => false,
            Command::Read(drawing) => {
                self.forget_drawing();
                self.drawing = Some(drawing);
                reads
            }
            Command::EncryptAgain(inputs) => {
                self.again = Some(inputs).filter(|_| !self.forgotten);
                false
            }
            Command::Keys(command) => {
                let forget = command == KeyCommand::Forget;
                self.keys.push_back(command);
                // Nothing is read or uploaded with keys that are to go.
                forget && (reads || prepares)
            }
            Command::Abandon => {
                self.forget_drawing();
                reads
            }
        }
    }

    /// What is to be done next, if all is ready for reading or isn't. What can't be done twice is
    /// told once.
    pub fn task(&mut self, ready: bool) -> Option<Task> {
        if let Some(command) = self.keys.pop_front() {
            return Some(Task::Keys(command));
        }
        if self.forgotten {
            return self.open.then(|| Task::Describe(self.model.clone()));
        }
        if self.open || (self.drawing.is_some() && !ready) {
            return Some(Task::Prepare(self.model.clone()));
        }
        if let Some(drawing) = &self.drawing {
            return Some(Task::Read(drawing.clone()));
        }
        let again = self.again.take_if(|_| ready);
        again.map(Task::EncryptAgain)
    }

    /// A task has ended well.
    pub fn done(&mut self, task: &Task, after: After) {
        match task {
            Task::Describe(_) | Task::Prepare(_) => self.open = false,
            Task::Read(_) => self.forget_drawing(),
            Task::EncryptAgain(_) | Task::Keys(_) => {}
        }
        match after {
            After::Nothing => {}
            After::Prepare => (self.open, self.forgotten) = (true, false),
            After::Forgotten => {
                self.again = None;
                self.forget_drawing();
                self.forgotten = true;
            }
        }
    }

    /// Nothing is tried again unless a person asks.
    pub fn give_up(&mut self) {
        self.open = false;
        self.again = None;
        self.forget_drawing();
    }

    fn forget_drawing(&mut self) {
        self.drawing = None;
        self.sessions_lost = 0;
    }
}

#[cfg(test)]
mod tests;
