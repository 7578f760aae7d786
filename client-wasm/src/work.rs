//! The page's line to the work in the background.
//!
//! **Invariant:** every wish to have a drawing read gets a job of its own, and every choice of a model
//! a number of its own.

use std::cell::Cell;

use futures_channel::mpsc::{UnboundedSender, unbounded};
use yew::Callback;
use yew::platform::spawn_local;

use crate::controller::{self, Command, Drawing, KeyCommand};
use crate::protocol::JobId;
use crate::state::{ChoiceId, News};

/// Takes commands and hands them to [`controller::run`].
pub struct Work {
    commands: UnboundedSender<Command>,
    last_job: Cell<JobId>,
    last_choice: Cell<ChoiceId>,
}

impl Work {
    /// Starts the work with a model, if one is wanted; `tell` hears what comes of it. Making keys
    /// begins at once.
    pub fn start(tell: Callback<(ChoiceId, News)>, model: Option<String>) -> Self {
        let (commands, inbox) = unbounded();
        spawn_local(controller::run(tell, model, inbox));
        let work = Self {
            commands,
            last_job: Cell::default(),
            last_choice: Cell::default(),
        };
        work.open();
        work
    }

    /// Makes ready what isn't.
    pub fn open(&self) {
        self.command(Command::Open);
    }

    /// Makes ready what isn't, but no keys after all were forgotten.
    pub fn retry(&self) {
        self.command(Command::Retry);
    }

    /// Goes over to another model, and drops the drawing that is being read.
    pub fn choose(&self, model: String) -> ChoiceId {
        let choice = self.last_choice.get().next();
        self.last_choice.set(choice);
        self.command(Command::Choose(choice, model));
        choice
    }

    /// Has a drawing read, given as 28×28 numbers in `[0, 1]` for each digit.
    pub fn read(&self, inputs: Vec<Vec<f64>>) -> JobId {
        let job = self.last_job.get().next();
        self.last_job.set(job);
        let inputs = inputs.into();
        self.command(Command::Read(Drawing { job, inputs }));
        job
    }

    /// Drops the drawing that is being read.
    pub fn abandon(&self) {
        self.command(Command::Abandon);
    }

    /// Encrypts a drawing once more, and sends it nowhere.
    pub fn encrypt_again(&self, inputs: Vec<Vec<f64>>) {
        self.command(Command::EncryptAgain(inputs.into()));
    }

    /// Does something with the secret key.
    pub fn keys(&self, command: KeyCommand) {
        self.command(Command::Keys(command));
    }

    fn command(&self, command: Command) {
        // The work ends when this is dropped, not before.
        let _nobody_works = self.commands.unbounded_send(command);
    }
}
