//! Records in the browser's `IndexedDB`.
//!
//! **Invariant:** the database is open no longer than one operation, so no tab stands in the way of
//! another that deletes it.

use futures_channel::oneshot;
use js_sys::{Array, Reflect, Uint8Array};
use wasm_bindgen::{JsCast, JsValue, closure::Closure};
use web_sys::{
    DomException, Event, IdbDatabase, IdbFactory, IdbObjectStore, IdbOpenDbRequest, IdbRequest,
    IdbTransactionMode,
};
use zeroize::Zeroizing;

use super::{Record, Store, StoreError};
use crate::protocol::{from_bytes, to_bytes};

/// First word of the database's name.
const DATABASE: &str = "inkveil";
const TABLE: &str = "keys";

/// Raised with every change to [`Record`].
const VERSION: u32 = 1;

/// The store of the page's origin.
#[derive(Clone, Copy, Debug, Default)]
pub struct IndexedDb;

impl Store for IndexedDb {
    async fn get(&self, model: &str) -> Result<Option<Record>, StoreError> {
        let Some(database) = open(IfMissing::Leave).await? else {
            return Ok(None);
        };
        let request = database
            .table(IdbTransactionMode::Readonly)?
            .get(&model.into());
        let found = done(&request?).await?;
        if found.is_undefined() {
            return Ok(None);
        }
        read(&found).map(Some)
    }

    async fn all(&self) -> Result<Vec<Record>, StoreError> {
        let Some(database) = open(IfMissing::Leave).await? else {
            return Ok(Vec::new());
        };
        let request = database.table(IdbTransactionMode::Readonly)?.get_all();
        let found: Array = done(&request?).await?.unchecked_into();
        found.iter().map(|record| read(&record)).collect()
    }

    async fn put(&self, model: &str, record: &Record) -> Result<(), StoreError> {
        let Some(database) = open(IfMissing::Make).await? else {
            return Err(StoreError::Unavailable);
        };
        let bytes = to_bytes(record).map_err(|error| StoreError::Other(error.to_string()))?;
        let bytes = Uint8Array::from(Zeroizing::new(bytes).as_slice());
        let table = database.table(IdbTransactionMode::Readwrite)?;
        let _written_with_it = table.put_with_key(&bytes, &model.into())?;
        committed(&table).await
    }

    async fn clear(&self) -> Result<(), StoreError> {
        let request: IdbRequest = factory()?.delete_database(&database())?.unchecked_into();
        done(&request).await?;
        Ok(())
    }
}

/// What is to become of a database that isn't there.
#[derive(Clone, Copy, PartialEq, Eq)]
enum IfMissing {
    Leave,
    Make,
}

/// An open database, closed when dropped.
struct Database(IdbDatabase);

impl Database {
    fn table(&self, mode: IdbTransactionMode) -> Result<IdbObjectStore, StoreError> {
        let transaction = self.0.transaction_with_str_and_mode(TABLE, mode)?;
        Ok(transaction.object_store(TABLE)?)
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        self.0.close();
    }
}

/// Each page of an origin, in a directory of its own, has a database of its own: their servers are
/// others, and so are their sessions.
fn database() -> String {
    let location = Reflect::get(&js_sys::global(), &"location".into());
    let path = location.and_then(|location| Reflect::get(&location, &"pathname".into()));
    let path = path
        .ok()
        .and_then(|path| path.as_string())
        .unwrap_or_default();
    let directory = path.rsplit_once('/').map_or("", |(directory, _)| directory);
    format!("{DATABASE} {directory}/")
}

/// Pages find it in their window and workers in their scope; where it is blocked, it is missing.
fn factory() -> Result<IdbFactory, StoreError> {
    let found = Reflect::get(&js_sys::global(), &"indexedDB".into());
    let found = found.ok().and_then(|found| found.dyn_into().ok());
    found.ok_or(StoreError::Unavailable)
}

/// Opens the database; nothing if it isn't there and is not to be made.
async fn open(if_missing: IfMissing) -> Result<Option<Database>, StoreError> {
    // Opening is refused at once where storage is blocked.
    let request = factory()?
        .open_with_u32(&database(), VERSION)
        .map_err(|_| StoreError::Unavailable)?;
    let on_upgrade = {
        let request = request.clone();
        Closure::<dyn FnMut(Event)>::new(move |_| upgrade(&request, if_missing))
    };
    request.set_onupgradeneeded(Some(on_upgrade.as_ref().unchecked_ref()));
    let opened = done(&request).await;
    request.set_onupgradeneeded(None);
    match opened {
        Ok(database) => Ok(Some(Database(database.unchecked_into()))),
        Err(Refusal { name, .. }) if name == "AbortError" && if_missing == IfMissing::Leave => {
            Ok(None)
        }
        Err(refusal) => Err(refusal.into()),
    }
}

/// Makes the table of a new database, or undoes that there is one. An error aborts as well.
fn upgrade(request: &IdbOpenDbRequest, if_missing: IfMissing) {
    let database = request.result().map(IdbDatabase::from);
    let made = match (database, request.transaction()) {
        (Ok(database), _) if if_missing == IfMissing::Make => {
            database.create_object_store(TABLE).map(drop)
        }
        (_, Some(transaction)) => transaction.abort(),
        _ => Ok(()),
    };
    if let (Err(_), Some(transaction)) = (made, request.transaction()) {
        let _aborted_already = transaction.abort();
    }
}

/// Why the browser refused.
struct Refusal {
    name: String,
    message: String,
}

impl From<JsValue> for Refusal {
    fn from(error: JsValue) -> Self {
        match error.dyn_into::<DomException>() {
            Ok(error) => Self {
                name: error.name(),
                message: error.message(),
            },
            Err(_) => Self {
                name: String::new(),
                message: "it gave no reason".to_owned(),
            },
        }
    }
}

impl From<Refusal> for StoreError {
    fn from(refusal: Refusal) -> Self {
        match refusal.name.as_str() {
            "QuotaExceededError" => Self::Full,
            "SecurityError" | "InvalidStateError" => Self::Unavailable,
            "VersionError" => Self::Unreadable,
            _ => Self::Other(refusal.message),
        }
    }
}

impl From<JsValue> for StoreError {
    fn from(error: JsValue) -> Self {
        Refusal::from(error).into()
    }
}

/// Waits for a request.
async fn done(request: &IdbRequest) -> Result<JsValue, Refusal> {
    happened(|on| request.set_onsuccess(on), |on| request.set_onerror(on)).await;
    match request.error() {
        Ok(Some(error)) => Err(JsValue::from(error).into()),
        Ok(None) => Ok(request.result()?),
        Err(error) => Err(error.into()),
    }
}

/// Waits until what was written is there to stay.
async fn committed(table: &IdbObjectStore) -> Result<(), StoreError> {
    let transaction = table.transaction();
    happened(
        |on| transaction.set_oncomplete(on),
        |on| transaction.set_onabort(on),
    )
    .await;
    match transaction.error() {
        Some(error) => Err(JsValue::from(error).into()),
        None => Ok(()),
    }
}

/// Waits until one of two events has happened.
async fn happened(
    set_one: impl Fn(Option<&js_sys::Function>),
    set_other: impl Fn(Option<&js_sys::Function>),
) {
    let (sender, receiver) = oneshot::channel();
    let mut sender = Some(sender);
    let on_event = Closure::<dyn FnMut(Event)>::new(move |event: Event| {
        // A failed request would else throw an error in the whole worker.
        event.prevent_default();
        if let Some(sender) = sender.take() {
            let _nobody_waits = sender.send(());
        }
    });
    let callback = Some(on_event.as_ref().unchecked_ref());
    set_one(callback);
    set_other(callback);
    let _never_gone = receiver.await; // The sender lives as long as the closure.
    set_one(None);
    set_other(None);
}

fn read(stored: &JsValue) -> Result<Record, StoreError> {
    let bytes = stored
        .dyn_ref::<Uint8Array>()
        .ok_or(StoreError::Unreadable)?;
    from_bytes(&Zeroizing::new(bytes.to_vec())).map_err(|_| StoreError::Unreadable)
}
