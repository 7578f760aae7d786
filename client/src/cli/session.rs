//! A session: evaluation keys that a server holds for a while.
//!
//! **Invariant:** keys that the server lost go up again by themselves, once for each request;
//! the server is asked to forget them when the session is dropped.

use std::time::{Duration, Instant};

use anyhow::Result;
use client::ClientKeys;
use shared::api::ModelInfo;

use super::progress::{self, say};
use super::report::Keys;
use super::server::{Classified, Server, ServerError};

/// An open session.
pub struct Session<'a> {
    server: &'a Server,
    keys: Vec<u8>,
    count: usize,
    make: Duration,
    id: String,
    upload: Duration,
}

impl<'a> Session<'a> {
    /// Makes the evaluation keys and uploads them.
    ///
    /// # Errors
    /// If they can't be made, or as [`ServerError`].
    pub fn open(server: &'a Server, client: &ClientKeys) -> Result<Self> {
        let start = Instant::now();
        let (mut keys, pieces) = (Vec::new(), client.evaluation_keys());
        let count = pieces.len() - 1;
        for (made, piece) in pieces.enumerate() {
            keys.append(&mut piece?);
            progress::step("keys made", made, count);
        }
        let make = start.elapsed();
        let (info, upload) = server.open_session(&keys)?;
        Ok(Self {
            server,
            keys,
            count,
            make,
            id: info.id,
            upload,
        })
    }

    /// What the keys took.
    pub fn figures(&self) -> Keys {
        Keys {
            count: self.count,
            bytes: self.keys.len(),
            make: self.make,
            upload: self.upload,
        }
    }

    /// Has a ciphertext or a batch classified, in a new session if the server lost this one.
    ///
    /// # Errors
    /// [`ServerError`].
    pub fn classify(
        &mut self,
        model: &ModelInfo,
        ciphertext: &[u8],
    ) -> Result<Classified, ServerError> {
        self.ask(|server, id| server.classify(id, model, ciphertext))
    }

    /// Has many images classified, as [`Session::classify`].
    ///
    /// # Errors
    /// [`ServerError`].
    pub fn classify_bulk(
        &mut self,
        model: &ModelInfo,
        images: &[u8],
    ) -> Result<Classified, ServerError> {
        self.ask(|server, id| server.classify_bulk(id, model, images))
    }

    fn ask(
        &mut self,
        question: impl Fn(&Server, &str) -> Result<Classified, ServerError>,
    ) -> Result<Classified, ServerError> {
        match question(self.server, &self.id) {
            Err(error) if error.is_session_gone() => {
                say("the server no longer has the keys; uploading them again");
                let (info, upload) = self.server.open_session(&self.keys)?;
                (self.id, self.upload) = (info.id, upload);
                question(self.server, &self.id)
            }
            result => result,
        }
    }
}

impl Drop for Session<'_> {
    fn drop(&mut self) {
        // A server that can't be told forgets the keys by itself.
        let _ = self.server.close_session(&self.id);
    }
}
