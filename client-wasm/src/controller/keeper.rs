//! What a person asks to be done with the secret keys.
//!
//! **Invariant:** what can't be done is told and changes nothing: the keys in use stay in use. A
//! session whose key is wiped is deleted on the server, as far as that can be reached.

use std::rc::Rc;

use thiserror::Error;
use yew::platform::spawn_local;

use super::ask::answer;
use super::keys::{self, Secret, forget};
use super::{Controller, KeyCommand, Prepared, Teller};
use crate::evaluator;
use crate::failure::Failure;
use crate::passphrase::Passphrase;
use crate::protocol::{FromWorker, KeysId, StoreWish, Task, ToWorker};
use crate::state::{Keeping, News};

/// What follows from work with the keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum After {
    /// Nothing: what was ready still is.
    Nothing,
    /// All has to be made ready for another key.
    Prepare,
    /// There are no keys, and none are made unless a person asks.
    Forgotten,
}

/// Why something can't be done with the keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
enum KeeperError {
    #[error("there are no keys yet")]
    NoKeys,
    #[error("the model that the key would be for isn't known yet; wait until it is")]
    NoModel,
}

impl From<KeeperError> for Failure {
    fn from(error: KeeperError) -> Self {
        Self::Crypto(error.to_string())
    }
}

impl Controller {
    /// Follows a command.
    pub(super) async fn keep_keys(
        &mut self,
        command: KeyCommand,
        tell: &Teller,
    ) -> Result<After, Failure> {
        let done = match command {
            KeyCommand::New => self.renew(),
            KeyCommand::Forget => self.forget_all(tell).await,
            KeyCommand::Keep(Keeping::Device) => self.store_all(tell).await,
            KeyCommand::Keep(Keeping::Tab) => self.store_none(tell).await,
            KeyCommand::Seal(passphrase) => self.seal(passphrase, tell).await,
            KeyCommand::Open { file, passphrase } => self.open(&file, passphrase).await,
        };
        match done {
            Err(Failure::Crypto(reason)) => {
                tell.tell(News::KeysRefused(reason));
                Ok(After::Nothing)
            }
            done => done,
        }
    }

    /// Wipes the key in use; the next one is made when all is made ready.
    fn renew(&mut self) -> Result<After, Failure> {
        if let Some((link, model)) = self.in_use() {
            let fresh = Prepared {
                looked: true, // What is stored is the key that is to go.
                ..Prepared::new(model.info.clone())
            };
            let old = std::mem::replace(model, fresh);
            for keys in old.names() {
                forget(link, keys)?;
            }
            close(old.sessions());
        } else {
            self.anew = true;
        }
        Ok(After::Prepare)
    }

    /// Wipes all keys. The store comes first: keys that it doesn't let go of are not called
    /// forgotten.
    async fn forget_all(&mut self, tell: &Teller) -> Result<After, Failure> {
        let mut sessions = self.empty_store().await?;
        self.keeping = Keeping::Tab;
        for model in self.shelf.iter_mut() {
            let old = std::mem::replace(model, Prepared::new(model.info.clone()));
            if let Some(link) = &self.link {
                for keys in old.names() {
                    forget(link, keys)?;
                }
            }
            sessions.extend(old.sessions());
        }
        sessions.sort();
        sessions.dedup();
        close(sessions);
        tell.tell(News::KeysForgotten);
        Ok(After::Forgotten)
    }

    async fn store_all(&mut self, tell: &Teller) -> Result<After, Failure> {
        let stored = self.try_store_all().await;
        if stored.is_err() {
            // A part of the keys in the store would be against everybody's wish.
            let _nothing_to_empty = self.empty_store().await;
            for model in self.shelf.iter_mut() {
                model.stored = false;
            }
        }
        stored?;
        self.keeping = Keeping::Device;
        tell.tell(News::Kept(Keeping::Device));
        Ok(After::Nothing)
    }

    async fn try_store_all(&mut self) -> Result<(), Failure> {
        let link = self.link.as_mut().ok_or(KeeperError::NoKeys)?;
        let mut stored = 0;
        for model in self.shelf.iter_mut() {
            if let Some(Secret { id, .. }) = model.secret {
                keys::store(link, id, model.session_id(), StoreWish::Put).await?;
                model.stored = true;
                stored += 1;
            }
        }
        if stored == 0 {
            return Err(KeeperError::NoKeys.into());
        }
        Ok(())
    }

    async fn store_none(&mut self, tell: &Teller) -> Result<After, Failure> {
        let mut sessions = self.empty_store().await?;
        self.keeping = Keeping::Tab;
        // Those of models that this tab didn't use have lost their only key.
        let mut used = Vec::new();
        for model in self.shelf.iter_mut() {
            model.stored = false;
            used.extend(model.sessions());
        }
        sessions.retain(|session| !used.contains(session));
        close(sessions);
        tell.tell(News::Kept(Keeping::Tab));
        Ok(After::Nothing)
    }

    async fn seal(&mut self, passphrase: Passphrase, tell: &Teller) -> Result<After, Failure> {
        let (link, model) = self.in_use().ok_or(KeeperError::NoKeys)?;
        let keys = model.secret.as_ref().ok_or(KeeperError::NoKeys)?.id;
        link.tell(&ToWorker::SealKeys { keys, passphrase })?;
        let sealed = answer(link, Task::Keys(keys), |message| match message {
            FromWorker::KeysSealed { keys: of, file } if of == keys => Some(file),
            _ => None,
        });
        let file: Rc<[u8]> = sealed.await?.into();
        tell.tell(News::KeysSealed(file));
        Ok(After::Nothing)
    }

    async fn open(&mut self, file: &[u8], passphrase: Passphrase) -> Result<After, Failure> {
        let id = self.next_keys();
        let (link, model) = self.in_use().ok_or(KeeperError::NoModel)?;
        let file = file.to_vec();
        let message = |model| ToWorker::OpenKeys {
            keys: id,
            model,
            passphrase,
            file,
        };
        let secret = keys::open(link, id, &model.info, message).await?;
        let fresh = Prepared {
            secret: Some(secret),
            ..Prepared::new(model.info.clone())
        };
        let old = std::mem::replace(model, fresh);
        for keys in old.names() {
            forget(link, keys)?;
        }
        close(old.sessions());
        Ok(After::Prepare)
    }

    /// Has the worker delete what is stored; returns the sessions that were stored with it.
    async fn empty_store(&mut self) -> Result<Vec<String>, Failure> {
        let link = self.listening().await?;
        link.tell(&ToWorker::EmptyStore)?;
        let emptied = answer(link, Task::Store, |message| match message {
            FromWorker::StoreEmptied { sessions } => Some(sessions),
            _ => None,
        });
        emptied.await
    }

    /// A name for the next key.
    pub(super) fn next_keys(&mut self) -> KeysId {
        self.last_keys = self.last_keys.next();
        self.last_keys
    }
}

/// Deletes sessions on the server. One that can't be reached forgets them by itself, later.
pub(super) fn close(sessions: Vec<String>) {
    for session in sessions {
        spawn_local(async move {
            let _not_reached = evaluator::close_session(&session).await;
        });
    }
}
