//! What this device stores of secret keys, so that a reload needs no new ones.
//!
//! Knows records and how a browser keeps them; knows neither what is done with a key nor who wants
//! it stored. Only the worker opens the store.
//!
//! **Invariant:** one key for each model. Looking leaves nothing behind: the database comes to be
//! with the first key and goes with the last.

mod indexed_db;

use std::future::Future;

use bincode::{Decode, Encode};
use thiserror::Error;
use zeroize::{Zeroize, ZeroizeOnDrop};

pub use indexed_db::IndexedDb;

/// A stored secret key.
#[derive(Clone, PartialEq, Encode, Decode, Zeroize, ZeroizeOnDrop)]
pub struct Record {
    /// The key, as [`client::ClientKeys::to_file`] writes it.
    pub key: Vec<u8>,
    /// When it was made, in milliseconds since 1970.
    pub made_at: f64,
    /// The session that holds its evaluation keys.
    pub session: Option<String>,
    /// What evaluation keys those are, as JSON: the session is of no use to a model that has come to
    /// need others.
    pub evaluation_keys: String,
}

/// Where records are stored, each under its model's id.
pub trait Store {
    /// The record of a model.
    ///
    /// # Errors
    /// [`StoreError`] if it can't be read.
    fn get(&self, model: &str) -> impl Future<Output = Result<Option<Record>, StoreError>>;

    /// All records.
    ///
    /// # Errors
    /// As [`Store::get`].
    fn all(&self) -> impl Future<Output = Result<Vec<Record>, StoreError>>;

    /// Stores a record in place of the model's last.
    ///
    /// # Errors
    /// [`StoreError`] if it can't be stored.
    fn put(&self, model: &str, record: &Record) -> impl Future<Output = Result<(), StoreError>>;

    /// Deletes all records.
    ///
    /// # Errors
    /// [`StoreError`] if they are still there.
    fn clear(&self) -> impl Future<Output = Result<(), StoreError>>;
}

/// Why the store can't be used.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum StoreError {
    /// The browser lets the page store nothing.
    #[error(
        "this browser lets the page store nothing, perhaps because the window is private; the keys \
         live as long as this tab"
    )]
    Unavailable,
    /// There is no room.
    #[error("there is no room left on this device; the keys live as long as this tab")]
    Full,
    /// A record of another version, or a damaged one.
    #[error("what this device stores of the keys can't be read; forget the keys to delete it")]
    Unreadable,
    /// Anything else, in the browser's words.
    #[error("the browser could not use its storage: {0}")]
    Other(String),
}
