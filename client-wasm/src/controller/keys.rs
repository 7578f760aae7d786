//! The secret key for a model: taken from the store, or made.
//!
//! **Invariant:** the page learns a key's name and facts, never the key.

use shared::api::ModelInfo;
use shared::params::Parameters;

use super::ask::answer;
use crate::failure::Failure;
use crate::link::Link;
use crate::protocol::{FromWorker, KeysId, StoreWish, Task, ToWorker};
use crate::state::{KeyFacts, Origin, ParameterFacts};

/// A secret key that the worker holds.
#[derive(Clone, Debug, PartialEq)]
pub struct Secret {
    /// Its name.
    pub id: KeysId,
    /// What a person may know of it.
    pub facts: KeyFacts,
    /// Milliseconds that it took to come by.
    pub ms: f64,
}

/// What the store had to say.
#[derive(Clone, Debug, PartialEq)]
pub enum Restored {
    /// A key, and the session that held its evaluation keys.
    Key(Secret, Option<String>),
    /// Nothing for this model; whether there is something for others.
    Nothing {
        /// True if there is.
        others: bool,
    },
    /// It could not be looked at, for this reason.
    Refused(String),
}

/// Has the worker look for a stored key.
pub async fn restore(link: &mut Link, id: KeysId, model: &ModelInfo) -> Result<Restored, Failure> {
    let parameters = parameters(model)?;
    let model = describe(model)?;
    link.tell(&ToWorker::RestoreKeys { keys: id, model })?;
    let restored = answer(link, Task::Keys(id), |message| match message {
        FromWorker::NothingStored { keys, others } if keys == id => {
            Some(Restored::Nothing { others })
        }
        message => ready(message, id, Origin::Stored, &parameters)
            .map(|(secret, session)| Restored::Key(secret, session)),
    });
    match restored.await {
        Err(Failure::Crypto(reason)) => Ok(Restored::Refused(reason)),
        restored => restored,
    }
}

/// Has the worker make a key.
pub async fn make(link: &mut Link, id: KeysId, model: &ModelInfo) -> Result<Secret, Failure> {
    let parameters = parameters(model)?;
    let model = describe(model)?;
    link.tell(&ToWorker::MakeKeys { keys: id, model })?;
    let made = answer(link, Task::Keys(id), |message| {
        ready(message, id, Origin::Made, &parameters)
    });
    made.await.map(|(secret, _)| secret)
}

/// Has the worker take the key of a file, opened by this message, into use.
pub async fn open(
    link: &mut Link,
    id: KeysId,
    model: &ModelInfo,
    message: impl FnOnce(String) -> ToWorker,
) -> Result<Secret, Failure> {
    let parameters = parameters(model)?;
    link.tell(&message(describe(model)?))?;
    let opened = answer(link, Task::Keys(id), |message| {
        ready(message, id, Origin::Imported, &parameters)
    });
    opened.await.map(|(secret, _)| secret)
}

/// Has the worker store a key; false if the store holds another or none, where that counts.
pub async fn store(
    link: &mut Link,
    id: KeysId,
    session: Option<String>,
    wanted: StoreWish,
) -> Result<bool, Failure> {
    link.tell(&ToWorker::StoreKeys {
        keys: id,
        session,
        wanted,
    })?;
    let stored = answer(link, Task::Keys(id), |message| match message {
        FromWorker::KeysStored { keys } if keys == id => Some(true),
        FromWorker::NothingStored { keys, .. } if keys == id => Some(false),
        _ => None,
    });
    stored.await
}

/// Has the worker wipe a key.
pub fn forget(link: &Link, keys: KeysId) -> Result<(), Failure> {
    Ok(link.tell(&ToWorker::ForgetKeys { keys })?)
}

fn ready(
    message: FromWorker,
    id: KeysId,
    origin: Origin,
    parameters: &ParameterFacts,
) -> Option<(Secret, Option<String>)> {
    match message {
        FromWorker::KeysReady {
            keys,
            made_at,
            session,
            ms,
        } if keys == id => {
            let parameters = parameters.clone();
            let facts = KeyFacts {
                origin,
                made_at,
                parameters,
            };
            Some((Secret { id, facts, ms }, session))
        }
        _ => None,
    }
}

fn parameters(model: &ModelInfo) -> Result<ParameterFacts, Failure> {
    let parameters = Parameters::new(model.parameters.clone());
    let parameters = parameters.map_err(|error| Failure::Crypto(error.to_string()))?;
    Ok(ParameterFacts::from(&parameters))
}

fn describe(model: &ModelInfo) -> Result<String, Failure> {
    serde_json::to_string(model).map_err(|error| Failure::Crypto(error.to_string()))
}
