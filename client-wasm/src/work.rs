//! The page's line to the work in the background.
//!
//! **Invariant:** every wish to have a drawing read gets a job of its own.

use std::cell::Cell;

use futures_channel::mpsc::{UnboundedSender, unbounded};
use yew::Callback;
use yew::platform::spawn_local;

use crate::controller::{self, Command};
use crate::protocol::JobId;
use crate::state::News;

/// Takes commands and hands them to [`controller::run`].
pub struct Work {
    commands: UnboundedSender<Command>,
    last_job: Cell<JobId>,
}

impl Work {
    /// Starts the work; `tell` hears what comes of it. Making keys begins at once.
    pub fn start(tell: Callback<News>) -> Self {
        let (commands, inbox) = unbounded();
        spawn_local(controller::run(tell, inbox));
        let work = Self {
            commands,
            last_job: Cell::default(),
        };
        work.open();
        work
    }

    /// Makes ready what isn't.
    pub fn open(&self) {
        self.command(Command::Open);
    }

    /// Has a drawing read, given as 28×28 numbers in `[0, 1]`.
    pub fn read(&self, input: Vec<f64>) -> JobId {
        let job = self.last_job.get().next();
        self.last_job.set(job);
        self.command(Command::Read(job, input));
        job
    }

    /// Drops the drawing that is being read.
    pub fn forget(&self) {
        self.command(Command::Forget);
    }

    fn command(&self, command: Command) {
        // The work ends when this is dropped, not before.
        let _nobody_works = self.commands.unbounded_send(command);
    }
}
