//! What can happen: to the page, and in the background.
//!
//! **Invariant:** news of a drawing carry its job, and all news the choice of a model they belong to,
//! so that late ones can be told.

use std::rc::Rc;

use shared::api::SessionInfo;
use shared::image::Digit;

use super::{Answer, ChoiceId, Keeping, KeyFacts, KeyTask, Measure, Model, Notice, Offer};
use crate::drawing::Pen;
use crate::failure::Failure;
use crate::protocol::JobId;

/// What can happen.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// The pen changed the drawing; no digits if it can't be prepared.
    Drawn(Vec<Digit>),
    /// Something else changed the drawing.
    Changed {
        /// Its digits; none if it can't be prepared.
        digits: Vec<Digit>,
        /// True if something is on the pad.
        inked: bool,
        /// True if there is another change to be taken back.
        undoable: bool,
        /// True if it is another drawing: an empty pad, a typed digit, a picture.
        anew: bool,
    },
    /// A pen was chosen.
    Picked(Pen),
    /// A reading was asked for that can't be done, or a picture can't be used; a failure stays to be
    /// retried.
    Declined(Notice),
    /// A reading was asked for, for the first time or again after a failure.
    Asked {
        /// Its job.
        job: JobId,
        /// What is going to be encrypted.
        digits: Vec<Digit>,
        /// How long it took to prepare.
        prepared: Measure,
        /// When, in milliseconds since 1970.
        at: f64,
    },
    /// A person wants to go on after a failure, with no drawing waiting.
    Retried,
    /// Another model was chosen.
    Chosen(ChoiceId, String),
    /// A person wants each stroke to be read at once, or not.
    Lived(bool),
    /// Something was asked of the secret key's keeper.
    KeysAsked(KeyTask),
    /// A person wants the history gone.
    HistoryCleared,
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
    /// A secret key is in use.
    KeysReady(KeyFacts),
    /// Evaluation keys are being made.
    KeysProgress {
        /// Pieces made.
        made: u32,
        /// Pieces in all.
        pieces: u32,
    },
    /// Evaluation keys are made; the time covers the secret key's as well.
    KeysMade(Measure),
    /// Keys are being uploaded.
    UploadProgress {
        /// Bytes sent.
        sent: u64,
        /// Bytes in all.
        total: u64,
    },
    /// The upload broke off, and begins again.
    UploadAgain,
    /// The server holds the keys; there is no measure if it held them before.
    SessionOpened(SessionInfo, Option<Measure>),
    /// Nothing is missing to read a drawing.
    Ready,
    /// The server has forgotten the keys.
    SessionGone,
    /// The server is busy; the page asks again after so many seconds.
    Busy(u32),
    /// A drawing is being encrypted.
    Encrypting(JobId),
    /// It is encrypted, and on its way.
    Encrypted {
        /// The drawing's job.
        job: JobId,
        /// Encoding.
        encode: Measure,
        /// Encrypting.
        encrypt: Measure,
        /// What the server gets to see.
        ciphertext: Rc<[u8]>,
    },
    /// A drawing was encrypted once more, and sent nowhere.
    EncryptedAgain(Rc<[u8]>),
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
        /// The reply, still encrypted.
        reply: Rc<[u8]>,
    },
    /// The answer is decrypted.
    Answered(JobId, Measure, Answer),
    /// The secret key lives so long from now on.
    Kept(Keeping),
    /// The secret key as a file for its owner, sealed with the passphrase.
    KeysSealed(Rc<[u8]>),
    /// All keys are wiped, here and on the server.
    KeysForgotten,
    /// What was asked of the secret key's keeper can't be done, for people; keys in use stay.
    KeysRefused(String),
    /// It can't go on.
    Failed(Failure),
}
