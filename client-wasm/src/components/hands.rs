//! What a person does, as actions on the state and commands for the work in the background.
//!
//! **Invariant:** whatever changes the drawing ends the reading of what it was before.

use std::cell::RefCell;
use std::rc::Rc;

use shared::image::Digit;
use yew::UseReducerHandle;

use super::keys::task;
use super::pad::Change;
use crate::controller::KeyCommand;
use crate::drawing::{Drawing, Pen};
use crate::http::now;
use crate::pictures::Given;
use crate::raster::{self, RasterError};
use crate::shortcuts::Shortcut;
use crate::state::{Action, Measure, News, Notice, Phase, Reading, State};
use crate::work::Work;
use crate::{address, export, save, text};

/// The state of the moment, and what a person's doing reaches.
#[derive(Clone)]
pub struct Hands {
    /// What is known.
    pub state: UseReducerHandle<State>,
    /// The work in the background.
    pub work: Rc<Work>,
    /// What is on the pad.
    pub drawing: Rc<RefCell<Drawing>>,
}

impl Hands {
    /// The pen changed the drawing, or finished a stroke.
    pub fn drew(&self, change: Change) {
        match change {
            Change::Drawing => {
                self.abandon();
                self.state.dispatch(Action::Drawn(self.digits()));
            }
            Change::Finished => self.read_if_live(),
        }
    }

    /// *Undo*.
    pub fn undo(&self) {
        if self.drawing.borrow_mut().undo() {
            self.changed(false);
        }
    }

    /// *Clear*.
    pub fn clear(&self) {
        self.drawing.borrow_mut().clear();
        self.changed(true);
    }

    /// A pen was chosen.
    pub fn pick(&self, pen: Pen) {
        self.state.dispatch(Action::Picked(pen));
    }

    /// A picture was given, or could not be read.
    pub fn put(&self, picture: Given) {
        match picture {
            Ok(picture) => {
                self.drawing.borrow_mut().put_picture(picture);
                self.changed(true);
            }
            Err(problem) => {
                let notice = Notice::Picture(problem);
                self.state.dispatch(Action::Declined(notice));
            }
        }
    }

    /// A key was pressed.
    pub fn press(&self, shortcut: Shortcut) {
        match shortcut {
            Shortcut::Undo => self.undo(),
            Shortcut::Clear => self.clear(),
            Shortcut::Classify => self.classify(),
            Shortcut::ToggleLive => self.set_live(!self.state.live.is_on()),
            Shortcut::Type(digit) => {
                self.drawing.borrow_mut().type_digit(digit);
                self.changed(true);
            }
            Shortcut::TypeMore(digit) => {
                self.drawing.borrow_mut().type_more(digit);
                self.changed(false);
            }
        }
    }

    /// *Classify*.
    pub fn classify(&self) {
        if self.state.accepts_drawings() {
            self.read();
        }
    }

    /// *Live* was switched.
    pub fn set_live(&self, on: bool) {
        self.state.dispatch(Action::Lived(on));
        let unread = self.state.inked && self.state.reading == Reading::Idle;
        if on && unread && self.state.can_read() {
            self.read();
        }
    }

    /// Another model. What was being read or is read already is read by that one, too.
    pub fn choose(&self, id: String) {
        let failed = matches!(self.state.phase, Phase::Failed(_));
        if !failed && self.state.chosen() == Some(&id) {
            return;
        }
        // The choice ends every reading.
        let asked = self.state.reading != Reading::Idle;
        address::set_model(&id);
        let choice = self.work.choose(id.clone());
        self.state.dispatch(Action::Chosen(choice, id));
        if asked {
            self.read();
        }
    }

    /// *Try again*, or the network is back. A drawing that was to be read is read then.
    pub fn retry(&self) {
        let live = self.state.live.is_on() && self.state.inked;
        let unread = match self.state.reading {
            Reading::Failed | Reading::Working => true,
            Reading::Idle => live,
            Reading::Done => false,
        };
        self.state.dispatch(Action::Retried);
        self.work.retry();
        if unread {
            self.read();
        }
    }

    /// Something is to be done with the secret key.
    pub fn keys(&self, command: KeyCommand) {
        let forgotten = self.state.phase == Phase::NoKeys;
        if forgotten && command == KeyCommand::New {
            self.state.dispatch(Action::Retried);
            self.work.open();
            return;
        }
        self.state.dispatch(Action::KeysAsked(task(&command)));
        self.work.keys(command);
    }

    /// What was to be done with the secret key can't be, for this reason.
    pub fn refuse_key_work(&self, reason: &'static str) {
        let refused = News::KeysRefused(reason.into());
        let action = Action::News(self.state.choice, refused);
        self.state.dispatch(action);
    }

    /// *Encrypt it again*.
    pub fn encrypt_again(&self) {
        let digits = self.state.digits.iter();
        self.work
            .encrypt_again(digits.map(Digit::to_input).collect());
    }

    /// True if there is something to encrypt, and a key for it.
    pub fn can_encrypt(&self) -> bool {
        self.state.keys.is_some() && !self.state.digits.is_empty()
    }

    /// *Clear the list*.
    pub fn clear_history(&self) {
        self.state.dispatch(Action::HistoryCleared);
    }

    /// *Save all figures*.
    pub fn export(&self) {
        // Figures are numbers and short names, which always have a JSON.
        if let Ok(json) = export::to_json(&self.state, js_sys::Date::now()) {
            save::save(text::FIGURES_FILE, "application/json", json.as_bytes());
        }
    }

    fn abandon(&self) {
        if self.state.job.is_some() {
            self.work.abandon();
        }
    }

    fn digits(&self) -> Vec<Digit> {
        raster::digits(&self.drawing.borrow()).unwrap_or_default()
    }

    /// Something other than the pen changed the drawing, perhaps into another one.
    fn changed(&self, anew: bool) {
        self.abandon();
        let (inked, undoable) = {
            let drawing = self.drawing.borrow();
            (!drawing.is_empty(), drawing.can_undo())
        };
        self.state.dispatch(Action::Changed {
            digits: self.digits(),
            inked,
            undoable,
            anew,
        });
        if inked {
            self.read_if_live();
        }
    }

    fn read_if_live(&self) {
        if self.state.live.is_on() && self.state.can_read() {
            self.read();
        }
    }

    /// Prepares the drawing and has it read, or says why not.
    fn read(&self) {
        let start = now();
        let prepared = raster::digits(&self.drawing.borrow());
        let action = match prepared {
            Ok(digits) => Action::Asked {
                prepared: Measure::time(now() - start),
                job: self.work.read(digits.iter().map(Digit::to_input).collect()),
                digits,
                at: js_sys::Date::now(),
            },
            Err(error) => Action::Declined(notice(&error)),
        };
        self.state.dispatch(action);
    }
}

fn notice(error: &RasterError) -> Notice {
    match error {
        RasterError::Empty | RasterError::Image(_) => Notice::NothingDrawn,
        RasterError::TooLittle => Notice::TooLittle,
        RasterError::TooMany { found } => Notice::TooMany(*found),
    }
}
