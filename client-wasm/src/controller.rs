//! The work in the background, step by step: worker, model, keys, session, and one drawing after
//! another.
//!
//! Knows the order of things and what is missing; has the worker do the secret part and
//! [`evaluator`] the public one, and tells the page about both.
//!
//! **Invariant:** of a drawing only its ciphertext is handed to [`evaluator`]. A model's keys are made
//! once as long as they are kept, and uploaded once for each session: the first time while they are
//! made, later in one request. What the server refused is not sent again: the next attempt starts
//! from its list of models.

mod drawing;
mod keys;
mod shelf;
mod wish;

use std::pin::pin;

use client::models;
use futures_channel::mpsc::UnboundedReceiver;
use futures_util::StreamExt;
use futures_util::future::{Either, select};
use shared::api::{ModelInfo, ModelSummary};
use yew::Callback;

pub use drawing::Drawing;
use drawing::Reader;
use keys::{Made, Session, make_and_upload, upload};
use shelf::Shelf;
use wish::{Task, Wish};

use crate::evaluator;
use crate::failure::Failure;
use crate::link::Link;
use crate::protocol::{KeysId, ToWorker};
use crate::state::{ChoiceId, News, Offer};

/// What the page wants done.
#[derive(Clone, Debug, PartialEq)]
pub enum Command {
    /// Make ready what isn't: worker, keys, session.
    Open,
    /// Go over to another model.
    Choose(ChoiceId, String),
    /// Read a drawing.
    Read(Drawing),
    /// Drop the drawing that is being read.
    Forget,
}

/// Tells the page what happens for one choice of a model.
#[derive(Clone)]
pub struct Teller {
    page: Callback<(ChoiceId, News)>,
    choice: ChoiceId,
}

impl Teller {
    fn tell(&self, news: News) {
        self.page.emit((self.choice, news));
    }

    fn on_busy(&self) -> impl Fn(u32) + Clone + use<> {
        let teller = self.clone();
        move |seconds| teller.tell(News::Busy(seconds))
    }
}

/// Follows the page's commands until it closes; `model` is the one to begin with, if there is a
/// wish.
pub async fn run(
    page: Callback<(ChoiceId, News)>,
    model: Option<String>,
    mut commands: UnboundedReceiver<Command>,
) {
    let mut controller = Controller::default();
    let mut wish = Wish::opening(model);
    while let Some(command) = commands.next().await {
        wish.heed(command, None);
        while let Some(task) = wish.task(controller.is_ready()) {
            let (page, choice) = (page.clone(), wish.choice);
            let tell = Teller { page, choice };
            let (model, drawing) = (wish.model.clone(), wish.drawing.clone());
            let done = {
                let mut work = pin!(controller.work(task, model, drawing, &tell));
                loop {
                    match select(work.as_mut(), commands.next()).await {
                        Either::Left((done, _)) => break Some(done),
                        Either::Right((None, _)) => return,
                        Either::Right((Some(command), _)) => {
                            if wish.heed(command, Some(task)) {
                                break None;
                            }
                        }
                    }
                }
            };
            match done {
                None => {} // What is wanted now comes next.
                Some(Ok(())) => wish.done(task),
                Some(Err(failure)) => controller.recover(failure, &mut wish, &tell),
            }
        }
    }
}

#[derive(Default)]
struct Controller {
    /// The worker; it holds the secret keys.
    link: Option<Link>,
    /// The server's list.
    models: Option<Vec<ModelSummary>>,
    /// The models that were used last.
    shelf: Shelf<Prepared>,
    /// Id of the model in use.
    current: Option<String>,
    /// The last name that keys were given.
    last_keys: KeysId,
}

/// A model, and what of its keys is there.
struct Prepared {
    info: ModelInfo,
    /// What the worker calls the secret key, finished or not.
    secret: Option<KeysId>,
    /// The evaluation keys that belong to it.
    made: Option<Made>,
    session: Option<Session>,
}

impl Prepared {
    fn new(info: ModelInfo) -> Self {
        Self {
            info,
            secret: None,
            made: None,
            session: None,
        }
    }
}

impl Controller {
    /// True if a drawing can be read by the model in use.
    fn is_ready(&self) -> bool {
        let current = self.current.as_ref().and_then(|id| self.shelf.get(id));
        self.link.is_some() && current.is_some_and(|model| model.session.is_some())
    }

    async fn work(
        &mut self,
        task: Task,
        model: Option<String>,
        drawing: Option<Drawing>,
        tell: &Teller,
    ) -> Result<(), Failure> {
        match (task, drawing) {
            (Task::Read, Some(drawing)) => self.read(&drawing, tell).await,
            _ => self.prepare(model.as_deref(), tell).await,
        }
    }

    /// Makes ready what isn't.
    async fn prepare(&mut self, wanted: Option<&str>, tell: &Teller) -> Result<(), Failure> {
        self.current = None;
        // The worker loads while the server answers.
        let link = match &mut self.link {
            Some(link) => link,
            none => none.insert(Link::start()?),
        };
        let models = match &mut self.models {
            Some(models) => models,
            none => {
                let models = none.insert(evaluator::models(tell.on_busy()).await?);
                let offers = models.iter().map(Offer::from).collect();
                tell.tell(News::ModelsListed(offers));
                models
            }
        };
        let id = models::choose(models, wanted)?.id.clone();
        self.current = Some(id.clone());
        if !self.shelf.touch(&id) {
            let info = evaluator::model(&id, tell.on_busy()).await?;
            for gone in self.shelf.put(&id, Prepared::new(info)) {
                forget(link, gone.secret)?;
            }
        }
        let Some(model) = self.shelf.get_mut(&id) else {
            return Err(Failure::SessionLost); // It was put there a moment ago.
        };
        tell.tell(News::ModelDescribed((&model.info).into()));
        let made = match &mut model.made {
            Some(made) => {
                tell.tell(News::KeysMade(made.measure));
                made
            }
            none => {
                // Keys that were begun for an earlier wish are of no use without their upload.
                forget(link, model.secret.take())?;
                self.last_keys = self.last_keys.next();
                model.secret = Some(self.last_keys);
                let work = make_and_upload(link, self.last_keys, &model.info, tell);
                let (made, session) = work.await;
                let made = none.insert(made?);
                model.session = session?;
                made
            }
        };
        let session = match &mut model.session {
            Some(session) => session,
            none => none.insert(upload(&made.keys, tell).await?),
        };
        let Session { info, measure } = session.clone();
        tell.tell(News::SessionOpened(info, measure));
        tell.tell(News::Ready);
        Ok(())
    }

    async fn read(&mut self, drawing: &Drawing, tell: &Teller) -> Result<(), Failure> {
        let model = self.current.as_ref().and_then(|id| self.shelf.get(id));
        let (Some(link), Some(model)) = (&mut self.link, model) else {
            return Err(Failure::SessionLost);
        };
        let (Some(keys), Some(session)) = (model.secret, &model.session) else {
            return Err(Failure::SessionLost);
        };
        let reader = Reader {
            link,
            keys,
            session: &session.info.id,
            model: &model.info.id,
            tell,
        };
        reader.read(drawing).await
    }

    /// Goes on after a failure where that can help, or tells of it.
    fn recover(&mut self, failure: Failure, wish: &mut Wish, tell: &Teller) {
        if evaluator::is_session_gone(&failure) {
            self.lose_session();
            wish.sessions_lost += 1;
            if wish.drawing.is_some() && wish.sessions_lost == 1 {
                tell.tell(News::SessionGone);
                return;
            }
            tell.tell(News::Failed(Failure::SessionLost));
        } else {
            self.drop_useless(&failure);
            tell.tell(News::Failed(failure));
        }
        wish.give_up();
    }

    fn lose_session(&mut self) {
        let current = self.current.as_ref();
        if let Some(model) = current.and_then(|id| self.shelf.get_mut(id)) {
            model.session = None;
        }
    }

    /// Drops what can't be used again after a failure.
    fn drop_useless(&mut self, failure: &Failure) {
        match failure {
            // The secret keys went with the worker, so the evaluation keys are of no more use.
            Failure::Link(_) => {
                self.link = None;
                for model in self.shelf.iter_mut() {
                    *model = Prepared::new(model.info.clone());
                }
            }
            // The server may have other models by now, and those need other keys.
            Failure::Refused(_) | Failure::Crypto(_) | Failure::Model(_) => {
                self.models = None;
                let current = self.current.take();
                let gone = current.and_then(|id| self.shelf.remove(&id));
                if let (Some(link), Some(model)) = (&self.link, gone) {
                    // A worker that can't be told is about to be found broken.
                    let _untold = forget(link, model.secret);
                }
            }
            _ => {}
        }
    }
}

/// Has the worker wipe a secret key.
fn forget(link: &Link, secret: Option<KeysId>) -> Result<(), Failure> {
    match secret {
        Some(keys) => Ok(link.tell(&ToWorker::ForgetKeys { keys })?),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests;
