//! What the clients bring: keys and ciphertexts of every model.

use anyhow::Result;
use tests::prepared::Prepared;
use tests::visitor::describe;

/// How a model takes part in a run.
#[derive(Clone, Copy)]
pub struct Part {
    /// The model's id.
    pub model: &'static str,
    /// Sessions in a hundred.
    pub share: usize,
    /// Keys that the sessions use by turns: each upload is a session of its own, also of the same
    /// keys, and making keys takes longer than all the rest.
    pub keys: usize,
    /// Digits in a batch.
    pub batch: usize,
    /// Seconds between two requests of a session.
    pub pause: f64,
}

/// Ciphertexts of a digit alone for each key; there is one batch, too.
const ALONE: usize = 5;

impl Part {
    /// Makes the keys and the requests; the last request is a batch.
    ///
    /// # Errors
    /// If the service at `base` doesn't have the model, or what the client says.
    pub fn prepare(&self, base: &str) -> Result<Vec<Prepared>> {
        let info = describe(base, self.model)?;
        let sizes: Vec<usize> = [1; ALONE].into_iter().chain([self.batch]).collect();
        let prepare = |seed| Prepared::new(info.clone(), &sizes, seed);
        (0..self.keys as u64).map(prepare).collect()
    }
}
