//! What the page knows, and how that changes.
//!
//! Knows what a person may see; knows neither browser nor network, nor ciphertexts. Everything
//! that happens reaches it as an [`Action`], and `reduce` is the only place where the
//! state changes.
//!
//! **Invariant:** what is shown belongs to the drawing on the pad and to the model that was chosen
//! last: news of another job or of an earlier choice change nothing.

mod answer;
mod event;
mod history;
mod keys;
mod live;
mod model;
mod timings;

use std::rc::Rc;

use shared::api::{Preparation, SessionInfo};
use shared::image::Digit;
use yew::Reducible;

pub use answer::{Answer, DigitAnswer};
pub use event::{Action, News};
pub use history::{Entry, History};
pub use keys::{Keeping, KeyFacts, KeyTask, KeyWork, Origin, ParameterFacts};
pub use live::Live;
pub use model::{ChoiceId, Model, Offer};
pub use timings::{Measure, Place, Stage, Timings};

use crate::drawing::Pen;
use crate::failure::Failure;
use crate::pictures::PictureError;
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
    /// The keys are forgotten, and new ones only made when a person asks.
    NoKeys,
    /// Encrypting a drawing.
    Encrypting,
    /// Waiting for the server to compute.
    Evaluating,
    /// Waiting for a person to try again.
    Failed(Failure),
}

/// How far the drawing on the pad has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reading {
    /// Nobody asked.
    Idle,
    /// Asked, not answered.
    Working,
    /// Answered.
    Done,
    /// Not to be answered until a person tries again.
    Failed,
}

/// What a server gets to see.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Ciphertexts {
    /// How many digits the last drawing had that was sent.
    pub digits: usize,
    /// The last encryption of a drawing, sent or not.
    pub latest: Option<Rc<[u8]>>,
    /// The one before, of the same drawing or another.
    pub earlier: Option<Rc<[u8]>>,
    /// The last reply.
    pub reply: Option<Rc<[u8]>>,
}

impl Ciphertexts {
    fn add(&mut self, ciphertext: Rc<[u8]>) {
        self.earlier = self.latest.replace(ciphertext);
    }
}

/// Something worth a quiet word.
#[derive(Clone, Debug, PartialEq)]
pub enum Notice {
    /// There is nothing on the pad to be read.
    NothingDrawn,
    /// There is too little on the pad to be a digit.
    TooLittle,
    /// There are more digits on the pad than one request takes.
    TooMany(usize),
    /// A picture that was handed over can't be used.
    Picture(PictureError),
    /// The server had forgotten the keys; they go up again.
    KeysAgain,
    /// The upload of keys broke off; it begins again.
    UploadAgain,
    /// The server is busy; the page asks again after so many seconds.
    Busy(u32),
    /// Answers come slowly here, so the page no longer reads every stroke at once.
    TooSlowForLive,
}

/// What the page knows.
#[derive(Clone, Debug, PartialEq)]
pub struct State {
    /// What the page is doing.
    pub phase: Phase,
    /// How far the drawing has come.
    pub reading: Reading,
    /// The last answer; of an earlier state of the drawing unless the reading is done.
    pub answer: Option<Answer>,
    /// True while something is drawn on the pad.
    pub inked: bool,
    /// True if the last change of the drawing can be taken back.
    pub undoable: bool,
    /// Another number whenever the drawing was changed by anything but a pen.
    pub revision: u32,
    /// What strokes are drawn with.
    pub pen: Pen,
    /// The digits of the drawing as they are or would be encrypted, from left to right.
    pub digits: Vec<Digit>,
    /// The job that has yet to be answered.
    pub job: Option<JobId>,
    /// Whether each finished stroke is read at once.
    pub live: Live,
    /// Something worth a quiet word.
    pub notice: Option<Notice>,
    /// How long everything took.
    pub timings: Timings,
    /// What was read before.
    pub history: History,
    /// What the server saw.
    pub ciphertexts: Ciphertexts,
    /// The choice of a model that holds.
    pub choice: ChoiceId,
    /// The model that a person asked for, by its id.
    pub wanted: Option<String>,
    /// The models on the server's list.
    pub offers: Vec<Offer>,
    /// The model in use.
    pub model: Option<Model>,
    /// The keys in use.
    pub keys: Option<KeyFacts>,
    /// How long the secret key lives.
    pub keeping: Keeping,
    /// What is being done with the secret key, and what came of the last try.
    pub key_work: KeyWork,
    /// The session that holds the evaluation keys.
    pub session: Option<SessionInfo>,
}

impl Default for State {
    fn default() -> Self {
        Self {
            phase: Phase::Loading,
            reading: Reading::Idle,
            answer: None,
            inked: false,
            undoable: false,
            revision: 0,
            pen: Pen::default(),
            digits: Vec::new(),
            job: None,
            live: Live::default(),
            notice: None,
            timings: Timings::default(),
            history: History::default(),
            ciphertexts: Ciphertexts::default(),
            choice: ChoiceId::default(),
            wanted: None,
            offers: Vec::new(),
            model: None,
            keys: None,
            keeping: Keeping::default(),
            key_work: KeyWork::default(),
            session: None,
        }
    }
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

    /// Name of a class; its number where no model names any.
    fn class_name(&self, class: usize) -> String {
        let named = self.model.as_ref().map(|model| model.class_name(class));
        named.unwrap_or_else(|| class.to_string())
    }

    /// True while a press on *Classify* starts a reading at once or as soon as the keys are up.
    pub fn accepts_drawings(&self) -> bool {
        self.can_read() && self.reading != Reading::Working
    }

    /// False while a person has to do something first: after a failure, or without keys.
    pub fn can_read(&self) -> bool {
        !matches!(self.phase, Phase::Failed(_) | Phase::NoKeys)
    }

    /// An answer as it is shown: the names of the likeliest classes in a row.
    pub fn number(&self, answer: &Answer) -> String {
        let classes = answer.digits.iter().map(DigitAnswer::class);
        classes.map(|class| self.class_name(class)).collect()
    }

    fn apply(&mut self, action: Action) {
        match action {
            Action::Drawn(digits) => {
                self.draw(digits);
                self.inked = true;
                self.undoable = true;
            }
            Action::Changed {
                digits,
                inked,
                undoable,
                anew,
            } => {
                self.draw(digits);
                self.inked = inked;
                self.undoable = undoable;
                self.revision = self.revision.wrapping_add(1);
                if anew || !inked {
                    self.answer = None;
                    self.timings.clear_job();
                    self.history.next_drawing();
                }
            }
            Action::Picked(pen) => self.pen = pen,
            Action::Declined(notice) => self.notice = Some(notice),
            Action::Asked {
                job,
                digits,
                prepared,
                at,
            } => {
                self.go_on();
                self.digits = digits;
                self.job = Some(job);
                self.reading = Reading::Working;
                self.history.ask(at);
                self.timings.clear_job();
                self.timings.set(Stage::Prepare, prepared);
            }
            Action::Retried => self.go_on(),
            Action::Chosen(choice, id) => self.begin_again(choice, id),
            Action::Lived(on) => {
                self.live = Live::Chosen(on);
                self.notice = None;
            }
            Action::KeysAsked(task) => self.key_work = KeyWork::Doing(task),
            Action::HistoryCleared => self.history.clear(),
            Action::News(choice, news) if self.choice == choice => self.learn(news),
            Action::News(..) => {} // Of a model that is no longer wanted.
        }
    }

    fn learn(&mut self, news: News) {
        match news {
            News::ModelsListed(offers) => self.offers = offers,
            News::ModelDescribed(model) => self.model = Some(model),
            News::Ready => self.phase = Phase::Ready,
            News::Busy(seconds) => self.notice = Some(Notice::Busy(seconds)),
            News::Failed(failure) => self.fail(failure),
            News::KeysReady(_)
            | News::KeysProgress { .. }
            | News::KeysMade(_)
            | News::UploadProgress { .. }
            | News::UploadAgain
            | News::SessionOpened(..)
            | News::SessionGone
            | News::Kept(_)
            | News::KeysSealed(_)
            | News::KeysForgotten
            | News::KeysRefused(_) => self.learn_of_keys(news),
            News::Encrypting(_)
            | News::Encrypted { .. }
            | News::EncryptedAgain(_)
            | News::Evaluated { .. }
            | News::Answered(..) => self.learn_of_drawing(news),
        }
    }

    fn learn_of_keys(&mut self, news: News) {
        match news {
            News::KeysReady(facts) => {
                self.keys = Some(facts);
                self.key_work = KeyWork::Idle;
            }
            News::KeysProgress { made, pieces } => self.phase = Phase::Keys { made, pieces },
            News::KeysMade(measure) => self.timings.set(Stage::Keys, measure),
            // The upload begins before the last key is made.
            News::UploadProgress { .. } if self.makes_keys() => {}
            News::UploadProgress { sent, total } => self.phase = Phase::Uploading { sent, total },
            News::UploadAgain => self.notice = Some(Notice::UploadAgain),
            News::SessionOpened(session, measure) => {
                self.session = Some(session);
                if let Some(measure) = measure {
                    self.timings.set(Stage::KeyUpload, measure);
                }
                self.notice = None;
            }
            News::SessionGone => {
                self.session = None;
                self.notice = Some(Notice::KeysAgain);
            }
            News::Kept(keeping) => {
                self.keeping = keeping;
                self.key_work = KeyWork::Idle;
            }
            News::KeysSealed(_) => self.key_work = KeyWork::Idle,
            News::KeysForgotten => self.lose_keys(),
            News::KeysRefused(reason) => self.key_work = KeyWork::Refused(reason),
            _ => {}
        }
    }

    /// News of a drawing that is no longer on the pad come too late.
    fn learn_of_drawing(&mut self, news: News) {
        match news {
            News::Encrypting(job) if self.job == Some(job) => self.phase = Phase::Encrypting,
            News::Encrypted {
                job,
                encode,
                encrypt,
                ciphertext,
            } if self.job == Some(job) => {
                self.timings.set(Stage::Encode, encode);
                self.timings.set(Stage::Encrypt, encrypt);
                self.ciphertexts.add(ciphertext);
                self.ciphertexts.digits = self.digits.len();
                self.phase = Phase::Evaluating;
            }
            News::EncryptedAgain(ciphertext) => self.ciphertexts.add(ciphertext),
            News::Evaluated {
                job,
                upload,
                evaluate,
                download,
                reply,
            } if self.job == Some(job) => {
                self.notice = None;
                self.timings.set(Stage::Upload, upload);
                self.timings.set(Stage::Evaluate, evaluate);
                self.timings.set(Stage::Download, download);
                self.ciphertexts.reply = Some(reply);
                self.note_round_trip(upload.ms + evaluate.ms + download.ms);
            }
            News::Answered(job, measure, answer) if self.job == Some(job) => {
                self.timings.set(Stage::Decrypt, measure);
                self.record(answer.clone());
                self.answer = Some(answer);
                self.reading = Reading::Done;
                self.job = None;
                self.phase = Phase::Ready;
            }
            _ => {}
        }
    }

    fn makes_keys(&self) -> bool {
        matches!(self.phase, Phase::Keys { made, pieces } if made < pieces || pieces == 0)
    }

    fn record(&mut self, answer: Answer) {
        let number = self.number(&answer);
        self.history.answer(Entry {
            drawing: 0,
            at: 0.0,
            digits: self.digits.clone(),
            preparation: self.preparation(),
            answer,
            number,
            timings: self.timings.clone(),
        });
    }

    /// Where answers come too slowly to be called live, the button has its say again.
    fn note_round_trip(&mut self, ms: f64) {
        let before = self.live;
        self.live = before.after(ms);
        if before.is_on() && !self.live.is_on() {
            self.notice = Some(Notice::TooSlowForLive);
        }
    }

    fn fail(&mut self, failure: Failure) {
        self.notice = None;
        self.key_work = KeyWork::Idle;
        self.phase = Phase::Failed(failure);
        if self.job.is_some() {
            self.reading = Reading::Failed;
        }
    }

    /// What the lost keys opened is still shown; nothing more can be read.
    fn lose_keys(&mut self) {
        self.job = None;
        if self.reading != Reading::Done {
            self.reading = Reading::Idle;
        }
        self.notice = None;
        self.keys = None;
        self.keeping = Keeping::Tab;
        self.key_work = KeyWork::Idle;
        self.session = None;
        self.timings = Timings::default();
        self.phase = Phase::NoKeys;
    }

    /// Another model means another key, another session and another answer; the drawing stays, and so
    /// does what a person chose.
    fn begin_again(&mut self, choice: ChoiceId, id: String) {
        let before = std::mem::take(self);
        *self = Self {
            choice,
            inked: before.inked,
            undoable: before.undoable,
            revision: before.revision,
            pen: before.pen,
            digits: before.digits,
            live: before.live,
            history: before.history,
            keeping: before.keeping,
            offers: before.offers,
            ..Self::opened(Some(id))
        };
    }

    /// The work has begun again where it had failed, or keys are made where there were none.
    fn go_on(&mut self) {
        self.notice = None;
        if matches!(self.phase, Phase::Failed(_) | Phase::NoKeys) {
            self.phase = Phase::Loading;
        }
    }

    /// The drawing is another one now: what was known about the last one doesn't hold. While every
    /// stroke is read at once, the last answer stays in sight until the next.
    fn draw(&mut self, digits: Vec<Digit>) {
        self.digits = digits;
        self.notice = None;
        self.reading = Reading::Idle;
        self.job = None;
        if !self.live.is_on() {
            self.answer = None;
        }
        if matches!(self.phase, Phase::Encrypting | Phase::Evaluating) {
            self.phase = Phase::Ready;
        }
    }
}

#[cfg(test)]
mod tests;
