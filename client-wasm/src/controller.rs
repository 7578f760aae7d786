//! The work in the background, step by step: worker, model, keys, session, and one drawing after
//! another.
//!
//! Knows the order of things and what is missing; has the worker do the secret part and
//! [`evaluator`] the public one, and tells the page about both.
//!
//! **Invariant:** of a drawing only its ciphertext is handed to [`evaluator`]. A model's secret key is
//! made once as long as it is kept, and its evaluation keys go up once for each session, while they are
//! made. What the server refused is not sent again: the next attempt starts from its list of models.

mod ask;
mod drawing;
mod keeper;
mod keys;
mod shelf;
mod upload;
mod wish;

use std::cell::Cell;
use std::pin::pin;
use std::rc::Rc;
use std::time::Duration;

use client::models;
use futures_channel::mpsc::UnboundedReceiver;
use futures_util::StreamExt;
use futures_util::future::{Either, select};
use gloo_timers::future::sleep;
use shared::api::{ModelInfo, ModelSummary};
use yew::Callback;

pub use drawing::Drawing;
use drawing::Reader;
use keeper::{After, close};
use keys::{Restored, Secret, forget};
use shelf::Shelf;
use upload::{Session, open_session};
use wish::{Task, Wish};

use crate::evaluator;
use crate::failure::Failure;
use crate::http::now;
use crate::link::Link;
use crate::passphrase::Passphrase;
use crate::protocol::{KeysId, StoreWish};
use crate::state::{ChoiceId, Keeping, Measure, News, Offer};

/// What the page wants done.
#[derive(Clone, Debug, PartialEq)]
pub enum Command {
    /// Make ready what isn't: worker, keys, session.
    Open,
    /// The same, but no keys after all were forgotten.
    Retry,
    /// Go over to another model.
    Choose(ChoiceId, String),
    /// Read a drawing.
    Read(Drawing),
    /// Drop the drawing that is being read.
    Abandon,
    /// Encrypt a drawing once more, and send it nowhere.
    EncryptAgain(Rc<[Vec<f64>]>),
    /// Do something with the secret key.
    Keys(KeyCommand),
}

/// What the page wants done with the secret key.
#[derive(Clone, Debug, PartialEq)]
pub enum KeyCommand {
    /// Make new keys in place of those in use; the old session is deleted.
    New,
    /// Wipe all keys, those that the device stores as well, and delete the sessions.
    Forget,
    /// Store the secret key, or have it live as long as the tab.
    Keep(Keeping),
    /// Write the secret key as a file.
    Seal(Passphrase),
    /// Take the secret key of a file into use.
    Open {
        /// The file.
        file: Rc<[u8]>,
        /// What it is sealed with.
        passphrase: Passphrase,
    },
}

/// Tells the page what happens for one choice of a model.
#[derive(Clone)]
pub struct Teller {
    page: Callback<(ChoiceId, News)>,
    choice: ChoiceId,
    /// When a busy server is to be asked again, by the page's clock.
    busy_until: Rc<Cell<f64>>,
}

impl Teller {
    fn tell(&self, news: News) {
        self.page.emit((self.choice, news));
    }

    fn on_busy(&self) -> impl Fn(u32) + use<> {
        let teller = self.clone();
        move |seconds| {
            teller.busy_until.set(now() + f64::from(seconds) * 1e3);
            teller.tell(News::Busy(seconds));
        }
    }

    /// Waits as long as a busy server has asked to, also if that was for an earlier request.
    async fn wait_for_server(&self) {
        let wait = self.busy_until.get() - now();
        if wait > 0.0 {
            self.tell(News::Busy((wait / 1e3).ceil() as u32));
            sleep(Duration::from_millis(wait as u64)).await;
        }
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
    let busy_until = Rc::new(Cell::new(0.0));
    while let Some(command) = commands.next().await {
        wish.heed(command, None);
        while let Some(task) = wish.task(controller.is_ready()) {
            let tell = Teller {
                page: page.clone(),
                choice: wish.choice,
                busy_until: Rc::clone(&busy_until),
            };
            let done = {
                let mut work = pin!(controller.work(task.clone(), &tell));
                loop {
                    match select(work.as_mut(), commands.next()).await {
                        Either::Left((done, _)) => break Some(done),
                        Either::Right((None, _)) => return,
                        Either::Right((Some(command), _)) => {
                            if wish.heed(command, Some(&task)) {
                                break None;
                            }
                        }
                    }
                }
            };
            let outdated = wish.choice != tell.choice;
            match done {
                None => {} // What is wanted now comes next.
                Some(Ok(after)) => wish.done(&task, after),
                Some(Err(failure)) if outdated => controller.drop_useless(&failure),
                Some(Err(failure)) => controller.recover(failure, &mut wish, &tell),
            }
            close(std::mem::take(&mut controller.orphans));
            // Of what was done for the choice before, the page heard nothing.
            wish.open |= outdated;
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
    /// How long secret keys live.
    keeping: Keeping,
    /// True if the next secret key is to be a new one, whatever is stored.
    anew: bool,
    /// Sessions whose keys are gone.
    orphans: Vec<String>,
}

/// A model, and what of its keys is there.
struct Prepared {
    info: ModelInfo,
    /// What the worker was told to call the secret key, as long as it hasn't answered.
    asked: Option<KeysId>,
    secret: Option<Secret>,
    /// True once the store was asked for a key.
    looked: bool,
    /// True while the store holds the key.
    stored: bool,
    /// The session that was stored with the key, as long as the server hasn't said that it is there.
    remembered: Option<String>,
    /// What making the evaluation keys took.
    made: Option<Measure>,
    session: Option<Session>,
}

impl Prepared {
    fn new(info: ModelInfo) -> Self {
        Self {
            info,
            asked: None,
            secret: None,
            looked: false,
            stored: false,
            remembered: None,
            made: None,
            session: None,
        }
    }

    /// All names of secret keys that the worker may hold for it.
    fn names(&self) -> impl Iterator<Item = KeysId> + use<> {
        let secret = self.secret.as_ref().map(|secret| secret.id);
        self.asked.into_iter().chain(secret)
    }

    fn session_id(&self) -> Option<String> {
        self.session.as_ref().map(|session| session.info.id.clone())
    }

    /// All sessions that the server may hold for it.
    fn sessions(&self) -> Vec<String> {
        let remembered = self.remembered.clone();
        self.session_id().into_iter().chain(remembered).collect()
    }

    /// Those that nobody has use for once this is gone: a stored key still has.
    fn orphans(&self) -> Vec<String> {
        if self.stored {
            Vec::new()
        } else {
            self.sessions()
        }
    }
}

impl Controller {
    /// True if a drawing can be read by the model in use.
    fn is_ready(&self) -> bool {
        let current = self.current.as_ref().and_then(|id| self.shelf.get(id));
        self.link.is_some() && current.is_some_and(|model| model.session.is_some())
    }

    async fn work(&mut self, task: Task, tell: &Teller) -> Result<After, Failure> {
        let done = match task {
            Task::Describe(model) => {
                self.describe(model.as_deref(), tell).await?;
                tell.tell(News::KeysForgotten);
                Ok(())
            }
            Task::Prepare(model) => self.prepare(model.as_deref(), tell).await,
            Task::Read(drawing) => self.reader(tell)?.read(&drawing).await,
            Task::EncryptAgain(inputs) => self.reader(tell)?.encrypt_again(&inputs).await,
            Task::Keys(command) => return self.keep_keys(command, tell).await,
        };
        done.map(|()| After::Nothing)
    }

    /// Makes ready what isn't.
    async fn prepare(&mut self, wanted: Option<&str>, tell: &Teller) -> Result<(), Failure> {
        self.describe(wanted, tell).await?;
        self.prepare_secret(tell).await?;
        self.prepare_session(tell).await?;
        tell.tell(News::Ready);
        Ok(())
    }

    /// Has a worker that listens, and knows the model.
    async fn describe(&mut self, wanted: Option<&str>, tell: &Teller) -> Result<(), Failure> {
        self.current = None;
        // The worker loads while the server answers.
        if self.link.is_none() {
            self.link = Some(Link::start()?);
        }
        let models = match &mut self.models {
            Some(models) => models,
            none => {
                let models = none.insert(evaluator::models(&tell.on_busy()).await?);
                let offers = models.iter().map(Offer::from).collect();
                tell.tell(News::ModelsListed(offers));
                models
            }
        };
        let id = models::choose(models, wanted)?.id.clone();
        self.current = Some(id.clone());
        if !self.shelf.touch(&id) {
            let info = evaluator::model(&id, &tell.on_busy()).await?;
            let gone = self.shelf.put(&id, Prepared::new(info));
            self.orphan(&gone);
            let link = self.listening().await?;
            for keys in gone.iter().flat_map(Prepared::names) {
                forget(link, keys)?;
            }
        }
        self.listening().await?;
        if let Some(model) = self.shelf.get(&id) {
            tell.tell(News::ModelDescribed((&model.info).into()));
        }
        Ok(())
    }

    /// Has a secret key: the one in use, a stored one or a new one.
    async fn prepare_secret(&mut self, tell: &Teller) -> Result<(), Failure> {
        let (restored, made) = [self.next_keys(), self.next_keys()].into();
        let mut keeping = self.keeping;
        let mut refused = None;
        let anew = std::mem::take(&mut self.anew);
        let (link, model) = self.in_use().ok_or(Failure::SessionLost)?;
        model.looked |= anew;
        // A key that was begun for an earlier wish can't be told from none.
        if let Some(keys) = model.asked.take() {
            forget(link, keys)?;
        }
        if model.secret.is_none() && !model.looked {
            model.asked = Some(restored);
            match keys::restore(link, restored, &model.info).await? {
                Restored::Key(secret, session) => {
                    (model.secret, model.remembered) = (Some(secret), session);
                    (model.stored, keeping) = (true, Keeping::Device);
                }
                Restored::Nothing { others: true } => keeping = Keeping::Device,
                // Another tab has forgotten all keys.
                Restored::Nothing { others: false } => keeping = Keeping::Tab,
                Restored::Refused(reason) => refused = Some(reason),
            }
            (model.asked, model.looked) = (None, true);
        }
        if model.secret.is_none() {
            tell.tell(News::KeysProgress { made: 0, pieces: 0 });
            model.asked = Some(made);
            model.secret = Some(keys::make(link, made, &model.info).await?);
            model.asked = None;
        }
        if let Some(secret) = &model.secret {
            tell.tell(News::KeysReady(secret.facts.clone()));
        }
        self.hold(keeping, tell);
        if let Some(reason) = refused {
            tell.tell(News::KeysRefused(reason));
        }
        self.store(StoreWish::Put, tell).await
    }

    /// Has a session that holds the evaluation keys: the one in use, the one that was stored with
    /// the key, or a new one.
    async fn prepare_session(&mut self, tell: &Teller) -> Result<(), Failure> {
        let (link, model) = self.in_use().ok_or(Failure::SessionLost)?;
        if let Some(made) = model.made {
            tell.tell(News::KeysMade(made));
        }
        if let Some(id) = &model.remembered {
            match evaluator::session(id, &tell.on_busy()).await {
                Ok(info) => {
                    let measure = None;
                    model.session = Some(Session { info, measure });
                }
                Err(Failure::Refused(_)) => {} // Gone, or never there.
                Err(failure) => return Err(failure),
            }
            model.remembered = None;
        }
        let is_new = model.session.is_none();
        if let (None, Some(secret)) = (&model.session, &model.secret) {
            let (made, session) = open_session(link, secret, tell).await?;
            (model.made, model.session) = (Some(made), Some(session));
        }
        if let Some(Session { info, measure }) = model.session.clone() {
            tell.tell(News::SessionOpened(info, measure));
        }
        if is_new {
            self.store(StoreWish::Update, tell).await?;
        }
        Ok(())
    }

    /// Has the key in use stored, if keys are, or what is stored of it brought up to date.
    async fn store(&mut self, wanted: StoreWish, tell: &Teller) -> Result<(), Failure> {
        if self.keeping == Keeping::Tab {
            return Ok(());
        }
        let (link, model) = self.in_use().ok_or(Failure::SessionLost)?;
        let Some(Secret { id, .. }) = model.secret else {
            return Ok(());
        };
        if model.stored && wanted == StoreWish::Put {
            return Ok(());
        }
        match keys::store(link, id, model.session_id(), wanted).await {
            Ok(stored) => {
                model.stored = stored;
                if !stored {
                    // Another tab has forgotten this key.
                    self.hold(Keeping::Tab, tell);
                }
            }
            Err(Failure::Crypto(reason)) => {
                model.stored = false;
                self.hold(Keeping::Tab, tell);
                tell.tell(News::KeysRefused(reason));
            }
            Err(failure) => return Err(failure),
        }
        Ok(())
    }

    /// Notes how long keys live from now on.
    fn hold(&mut self, keeping: Keeping, tell: &Teller) {
        self.keeping = keeping;
        // Each time: what was told for an earlier choice was not heard.
        tell.tell(News::Kept(keeping));
    }

    /// The worker and the model in use.
    fn in_use(&mut self) -> Option<(&mut Link, &mut Prepared)> {
        let model = self.shelf.get_mut(self.current.as_ref()?)?;
        Some((self.link.as_mut()?, model))
    }

    /// The worker, once it listens.
    async fn listening(&mut self) -> Result<&mut Link, Failure> {
        let link = match &mut self.link {
            Some(link) => link,
            none => none.insert(Link::start()?),
        };
        link.listening().await?;
        Ok(link)
    }

    /// What a drawing is read with.
    fn reader<'a>(&'a mut self, tell: &'a Teller) -> Result<Reader<'a>, Failure> {
        let (link, model) = self.in_use().ok_or(Failure::SessionLost)?;
        let (Some(secret), Some(session)) = (&model.secret, &model.session) else {
            return Err(Failure::SessionLost);
        };
        Ok(Reader {
            link,
            keys: secret.id,
            session: &session.info.id,
            model: &model.info.id,
            tell,
        })
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
            (model.session, model.remembered) = (None, None);
        }
    }

    /// Notes the sessions of models that are gone.
    fn orphan<'a>(&mut self, gone: impl IntoIterator<Item = &'a Prepared>) {
        self.orphans
            .extend(gone.into_iter().flat_map(Prepared::orphans));
    }

    /// Drops what can't be used again after a failure.
    fn drop_useless(&mut self, failure: &Failure) {
        match failure {
            // The secret keys went with the worker, so the evaluation keys are of no more use.
            Failure::Link(_) => {
                self.link = None;
                for model in self.shelf.iter_mut() {
                    let fresh = Prepared::new(model.info.clone());
                    let old = std::mem::replace(model, fresh);
                    self.orphans.extend(old.orphans());
                }
            }
            // The server may have other models by now, and those need other keys.
            Failure::Refused(_) | Failure::Crypto(_) | Failure::Model(_) => {
                self.models = None;
                let current = self.current.take();
                let gone = current.and_then(|id| self.shelf.remove(&id));
                self.orphan(&gone);
                if let (Some(link), Some(model)) = (&self.link, gone) {
                    for keys in model.names() {
                        // A worker that can't be told is about to be found broken.
                        let _untold = forget(link, keys);
                    }
                }
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests;
