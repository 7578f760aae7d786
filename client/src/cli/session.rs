//! A session: evaluation keys that a server holds for a while.
//!
//! **Invariant:** keys that the server lost go up again by themselves, once for each request;
//! the server is asked to forget them when the session is dropped.

use std::time::Duration;

use super::progress::say;
use super::server::{Classified, Server, ServerError};

/// An open session.
pub struct Session<'a> {
    server: &'a Server,
    keys: Vec<u8>,
    id: String,
    upload: Duration,
}

impl<'a> Session<'a> {
    /// Uploads the keys.
    ///
    /// # Errors
    /// [`ServerError`].
    pub fn open(server: &'a Server, keys: Vec<u8>) -> Result<Self, ServerError> {
        let (info, upload) = server.open_session(&keys)?;
        Ok(Self {
            server,
            keys,
            id: info.id,
            upload,
        })
    }

    /// How long the last upload took.
    pub fn upload(&self) -> Duration {
        self.upload
    }

    /// Bytes of the keys.
    pub fn key_bytes(&self) -> usize {
        self.keys.len()
    }

    /// Has a ciphertext or a batch classified, in a new session if the server lost this one.
    ///
    /// # Errors
    /// [`ServerError`].
    pub fn classify(&mut self, model: &str, ciphertext: &[u8]) -> Result<Classified, ServerError> {
        self.ask(|server, id| server.classify(id, model, ciphertext))
    }

    /// Has many images classified, as [`Session::classify`].
    ///
    /// # Errors
    /// [`ServerError`].
    pub fn classify_bulk(&mut self, model: &str, images: &[u8]) -> Result<Classified, ServerError> {
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
