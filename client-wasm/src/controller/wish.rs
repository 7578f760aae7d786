//! What the page wants, as far as it isn't done.
//!
//! **Invariant:** the last word counts: another model drops the drawing that was to be read by the
//! one before, and another drawing replaces the last. Work goes on unless what it is for is no longer
//! wanted; making keys and uploading them doesn't end because a drawing changes.

use super::Command;
use super::drawing::Drawing;
use crate::state::ChoiceId;

/// What is to be done next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Task {
    /// Making ready what isn't: worker, list, description, keys, session.
    Prepare,
    /// Reading the drawing.
    Read,
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
    /// True if all is to be made ready, drawing or not.
    pub open: bool,
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
    pub fn heed(&mut self, command: Command, doing: Option<Task>) -> bool {
        match command {
            Command::Open => {
                self.open = true;
                false
            }
            Command::Choose(choice, model) => {
                *self = Self {
                    choice,
                    open: true,
                    ..Self::opening(Some(model))
                };
                true
            }
            Command::Read(drawing) => {
                self.forget_drawing();
                self.drawing = Some(drawing);
                doing == Some(Task::Read)
            }
            Command::Forget => {
                self.forget_drawing();
                doing == Some(Task::Read)
            }
        }
    }

    /// What is to be done next, if all is ready for reading or isn't.
    pub fn task(&self, ready: bool) -> Option<Task> {
        match &self.drawing {
            _ if self.open => Some(Task::Prepare),
            Some(_) if !ready => Some(Task::Prepare),
            Some(_) => Some(Task::Read),
            None => None,
        }
    }

    /// A task has ended well.
    pub fn done(&mut self, task: Task) {
        match task {
            Task::Prepare => self.open = false,
            Task::Read => self.forget_drawing(),
        }
    }

    /// Nothing is tried again unless a person asks.
    pub fn give_up(&mut self) {
        self.open = false;
        self.forget_drawing();
    }

    fn forget_drawing(&mut self) {
        self.drawing = None;
        self.sessions_lost = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::JobId;

    fn drawing(job: JobId) -> Drawing {
        let input = [0.5; 4].into();
        Drawing { job, input }
    }

    #[test]
    fn a_drawing_waits_until_all_is_ready() {
        let mut wish = Wish::opening(None);
        assert_eq!(wish.task(false), None);
        assert!(!wish.heed(Command::Open, None));
        assert_eq!(wish.task(false), Some(Task::Prepare));
        let job = JobId::default();
        assert!(!wish.heed(Command::Read(drawing(job)), Some(Task::Prepare)));
        wish.done(Task::Prepare);
        assert_eq!(wish.task(true), Some(Task::Read));
        assert_eq!(
            wish.task(false),
            Some(Task::Prepare),
            "the session was lost"
        );
        wish.done(Task::Read);
        assert_eq!((wish.task(true), wish.task(false)), (None, None));
    }

    #[test]
    fn reading_ends_when_the_drawing_changes_and_preparing_does_not() {
        let job = JobId::default();
        let begun = || {
            let mut wish = Wish::opening(None);
            wish.heed(Command::Read(drawing(job)), None);
            wish.sessions_lost = 1;
            wish
        };
        for (doing, ends) in [(Task::Prepare, false), (Task::Read, true)] {
            let mut wish = begun();
            assert_eq!(wish.heed(Command::Forget, Some(doing)), ends);
            assert_eq!((wish.drawing, wish.sessions_lost), (None, 0));

            let mut wish = begun();
            let next = Command::Read(drawing(job.next()));
            assert_eq!(wish.heed(next, Some(doing)), ends);
            assert_eq!(wish.drawing, Some(drawing(job.next())));
            assert_eq!(wish.sessions_lost, 0);
        }
    }

    #[test]
    fn another_model_ends_everything_of_the_one_before() {
        for doing in [None, Some(Task::Prepare), Some(Task::Read)] {
            let mut wish = Wish::opening(Some("one".into()));
            wish.heed(Command::Read(drawing(JobId::default())), None);
            let choice = ChoiceId::default().next();
            assert!(wish.heed(Command::Choose(choice, "two".into()), doing));
            assert_eq!(wish.choice, choice);
            assert_eq!(wish.model.as_deref(), Some("two"));
            assert_eq!(wish.drawing, None);
            assert_eq!(wish.task(true), Some(Task::Prepare));
        }
    }

    #[test]
    fn a_failure_waits_for_a_person() {
        let mut wish = Wish::opening(Some("one".into()));
        wish.heed(Command::Open, None);
        wish.heed(Command::Read(drawing(JobId::default())), None);
        wish.give_up();
        assert_eq!((wish.task(true), wish.task(false)), (None, None));
        assert_eq!(wish.model.as_deref(), Some("one"), "the choice stays");
    }
}
