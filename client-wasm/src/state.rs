//! What the page knows, and how that changes.
//!
//! Knows what a person may see; knows neither browser nor network, nor ciphertexts. Everything
//! that happens reaches it as an [`Action`], and `reduce` is the only place where the
//! state changes.
//!
//! **Invariant:** what is shown belongs to the drawing on the pad and to the model that was chosen
//! last: news of another job or of an earlier choice change nothing.

mod model;
mod timings;

use std::rc::Rc;

use shared::api::{Preparation, SessionInfo};
use shared::image::Digit;
use yew::Reducible;

pub use model::{ChoiceId, Model, Offer};
pub use timings::{Measure, Place, Stage, Timings};

use crate::failure::Failure;
use crate::protocol::JobId;

/// What the page is doing.
#[derive(Clone, Debug, PartialEq)]
pub enum Phase {
    /// Starting the worker and asking the server for its model.
    Loading,
    /// Making keys; so many pieces of so many are done.
    Keys {
        /// Pieces made.
        made: u32,
        /// Pieces in all; 0 while unknown.
        pieces: u32,
    },
    /// Uploading evaluation keys.
    Uploading {
        /// Bytes sent.
        sent: u64,
        /// Bytes in all.
        total: u64,
    },
    /// Waiting for a drawing.
    Ready,
    /// Encrypting a drawing.
    Encrypting,
    /// Waiting for the server to compute.
    Evaluating,
    /// Waiting for a person to try again.
    Failed(Failure),
}

/// What is known about the drawing on the pad.
#[derive(Clone, Debug, PartialEq)]
pub enum Reading {
    /// Nobody asked.
    Idle,
    /// Asked, not answered.
    Working,
    /// Answered.
    Done(Answer),
    /// Not to be answered until a person tries again.
    Failed,
}

/// A decrypted answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// Id of the model that gave it.
    pub model: String,
    /// The likeliest class.
    pub class: usize,
    /// One for each class; they add up to one.
    pub probabilities: Vec<f64>,
}

impl Answer {
    /// How sure the model is of the likeliest class.
    pub fn confidence(&self) -> f64 {
        self.probabilities.get(self.class).copied().unwrap_or(0.0)
    }
}

/// Something worth a quiet word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Notice {
    /// There is nothing on the pad to be read.
    NothingDrawn,
    /// The browser doesn't let the page read its canvas.
    Unreadable,
    /// The server had forgotten the keys; they go up again.
    KeysAgain,
    /// The server is busy; the page asks again after so many seconds.
    Busy(u32),
}

/// What the page knows.
#[derive(Clone, Debug, PartialEq)]
pub struct State {
    /// What the page is doing.
    pub phase: Phase,
    /// What is known about the drawing.
    pub reading: Reading,
    /// True while something is drawn on the pad.
    pub inked: bool,
    /// The drawing as it is or would be encrypted; nothing if it can't be prepared.
    pub digit: Option<Digit>,
    /// The job that has yet to be answered.
    pub job: Option<JobId>,
    /// Something worth a quiet word.
    pub notice: Option<Notice>,
    /// How long everything took.
    pub timings: Timings,
    /// The choice of a model that holds.
    pub choice: ChoiceId,
    /// The model that a person asked for, by its id.
    pub wanted: Option<String>,
    /// The models on the server's list.
    pub offers: Vec<Offer>,
    /// The model in use.
    pub model: Option<Model>,
    /// The session that holds the evaluation keys.
    pub session: Option<SessionInfo>,
}

impl Default for State {
    fn default() -> Self {
        Self {
            phase: Phase::Loading,
            reading: Reading::Idle,
            inked: false,
            digit: None,
            job: None,
            notice: None,
            timings: Timings::default(),
            choice: ChoiceId::default(),
            wanted: None,
            offers: Vec::new(),
            model: None,
            session: None,
        }
    }
}

/// What can happen.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// The drawing changed; nothing if it can't be prepared.
    Drawn(Option<Digit>),
    /// The pad was cleared.
    Cleared,
    /// A reading was asked for that can't be done; a failure stays to be retried.
    Declined(Notice),
    /// A reading was asked for, for the first time or again after a failure.
    Asked {
        /// Its job.
        job: JobId,
        /// What is going to be encrypted.
        digit: Digit,
        /// How long it took to prepare.
        prepared: Measure,
    },
    /// A person wants to go on after a failure, with no drawing waiting.
    Retried,
    /// Another model was chosen.
    Chosen(ChoiceId, String),
    /// The work for a choice went on.
    News(ChoiceId, News),
}

/// What the work in the background has to tell.
#[derive(Clone, Debug, PartialEq)]
pub enum News {
    /// The server listed its models.
    ModelsListed(Vec<Offer>),
    /// The server described the model.
    ModelDescribed(Model),
    /// Keys are being made.
    KeysProgress {
        /// Pieces made.
        made: u32,
        /// Pieces in all.
        pieces: u32,
    },
    /// Keys are made.
    KeysMade(Measure),
    /// Keys are being uploaded.
    UploadProgress {
        /// Bytes sent.
        sent: u64,
        /// Bytes in all.
        total: u64,
    },
    /// The server holds the keys.
    SessionOpened(SessionInfo, Measure),
    /// Nothing is missing to read a drawing.
    Ready,
    /// The server has forgotten the keys.
    SessionGone,
    /// The server is busy; the page asks again after so many seconds.
    Busy(u32),
    /// A drawing is being encrypted.
    Encrypting(JobId),
    /// It is encrypted, and on its way.
    Encrypted(JobId, Measure),
    /// The encrypted answer is here.
    Evaluated {
        /// The drawing's job.
        job: JobId,
        /// The way there.
        upload: Measure,
        /// The server's work.
        evaluate: Measure,
        /// The way back.
        download: Measure,
    },
    /// The answer is decrypted.
    Answered(JobId, Measure, Answer),
    /// It can't go on.
    Failed(Failure),
}

impl Reducible for State {
    type Action = Action;

    fn reduce(self: Rc<Self>, action: Action) -> Rc<Self> {
        let mut state = Rc::unwrap_or_clone(self);
        state.apply(action);
        state.into()
    }
}

impl State {
    /// What is known when the page opens: perhaps its address names a model.
    pub fn opened(wanted: Option<String>) -> Self {
        Self {
            wanted,
            ..Self::default()
        }
    }

    /// Id of the model that was asked for, or else of the one in use.
    pub fn chosen(&self) -> Option<&str> {
        let model = || self.model.as_ref().map(|model| &model.id);
        self.wanted.as_ref().or_else(model).map(String::as_str)
    }

    /// What happens to the drawing before it is encrypted.
    pub fn preparation(&self) -> Preparation {
        let model = self.model.as_ref();
        model.map(|model| model.preparation).unwrap_or_default()
    }

    /// True while a press on *Classify* starts a reading at once or as soon as the keys are up.
    pub fn accepts_drawings(&self) -> bool {
        !matches!(self.phase, Phase::Failed(_)) && self.job.is_none()
    }

    fn apply(&mut self, action: Action) {
        match action {
            Action::Drawn(digit) => {
                self.forget_reading();
                self.inked = true;
                self.digit = digit;
            }
            Action::Cleared => {
                self.forget_reading();
                self.inked = false;
                self.digit = None;
                self.timings.clear_job();
            }
            Action::Declined(notice) => self.notice = Some(notice),
            Action::Asked {
                job,
                digit,
                prepared,
            } => {
                self.go_on();
                self.digit = Some(digit);
                self.job = Some(job);
                self.reading = Reading::Working;
                self.timings.clear_job();
                self.timings.set(Stage::Prepare, prepared);
            }
            Action::Retried => self.go_on(),
            Action::Chosen(choice, id) => self.begin_again(choice, id),
            Action::News(choice, news) if self.choice == choice => self.learn(news),
            Action::News(..) => {} // Of a model that is no longer wanted.
        }
    }

    fn learn(&mut self, news: News) {
        match news {
            News::ModelsListed(offers) => self.offers = offers,
            News::ModelDescribed(model) => self.model = Some(model),
            News::KeysProgress { made, pieces } => self.phase = Phase::Keys { made, pieces },
            News::KeysMade(measure) => self.timings.set(Stage::Keys, measure),
            // The upload begins before the last key is made.
            News::UploadProgress { .. } if self.makes_keys() => {}
            News::UploadProgress { sent, total } => self.phase = Phase::Uploading { sent, total },
            News::SessionOpened(session, measure) => {
                self.session = Some(session);
                self.timings.set(Stage::KeyUpload, measure);
                self.notice = None;
            }
            News::Ready => self.phase = Phase::Ready,
            News::SessionGone => {
                self.session = None;
                self.notice = Some(Notice::KeysAgain);
            }
            News::Busy(seconds) => self.notice = Some(Notice::Busy(seconds)),
            News::Encrypting(job) if self.job == Some(job) => self.phase = Phase::Encrypting,
            News::Encrypted(job, measure) if self.job == Some(job) => {
                self.timings.set(Stage::Encrypt, measure);
                self.phase = Phase::Evaluating;
            }
            News::Evaluated {
                job,
                upload,
                evaluate,
                download,
            } if self.job == Some(job) => {
                self.notice = None;
                self.timings.set(Stage::Upload, upload);
                self.timings.set(Stage::Evaluate, evaluate);
                self.timings.set(Stage::Download, download);
            }
            News::Answered(job, measure, answer) if self.job == Some(job) => {
                self.timings.set(Stage::Decrypt, measure);
                self.reading = Reading::Done(answer);
                self.job = None;
                self.phase = Phase::Ready;
            }
            News::Failed(failure) => {
                self.notice = None;
                self.phase = Phase::Failed(failure);
                if self.job.is_some() {
                    self.reading = Reading::Failed;
                }
            }
            // Late news of a drawing that is no longer on the pad.
            News::Encrypting(_)
            | News::Encrypted(..)
            | News::Evaluated { .. }
            | News::Answered(..) => {}
        }
    }

    fn makes_keys(&self) -> bool {
        matches!(self.phase, Phase::Keys { made, pieces } if made < pieces || pieces == 0)
    }

    /// Another model means another key, another session and another answer; the drawing stays.
    fn begin_again(&mut self, choice: ChoiceId, id: String) {
        let before = std::mem::take(self);
        *self = Self {
            choice,
            inked: before.inked,
            digit: before.digit,
            offers: before.offers,
            ..Self::opened(Some(id))
        };
    }

    /// The work has begun again where it had failed.
    fn go_on(&mut self) {
        self.notice = None;
        if matches!(self.phase, Phase::Failed(_)) {
            self.phase = Phase::Loading;
        }
    }

    /// The drawing is another one now: what was known about the last one doesn't hold.
    fn forget_reading(&mut self) {
        self.notice = None;
        self.reading = Reading::Idle;
        self.job = None;
        if matches!(self.phase, Phase::Encrypting | Phase::Evaluating) {
            self.phase = Phase::Ready;
        }
    }
}

#[cfg(test)]
mod tests;
