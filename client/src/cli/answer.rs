//! What decrypted logits say.
//!
//! **Invariant:** an [`Answer`] comes from logits that the model can give; those of another secret
//! key, which are noise, don't become one.

use anyhow::{Result, bail};
use client::Logits;
use shared::api::ModelInfo;

/// The likeliest class.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// Its index.
    pub class: usize,
    /// Its name.
    pub name: String,
    /// How likely the model finds it, from 0 to 1.
    pub probability: f64,
}

impl Answer {
    /// Reads the logits of a model.
    ///
    /// # Errors
    /// If a logit is larger than the model's can be.
    pub fn new(logits: &Logits, model: &ModelInfo) -> Result<Self> {
        let bound = model.output.bound;
        if let Some(logit) = logits
            .values()
            .iter()
            .find(|logit| !(-bound..=bound).contains(*logit))
        {
            bail!(
                "decrypts to noise: a logit is {logit:.1}, those of {} stay within ±{bound:.1}; \
                 this is not the secret key or not the model it was made with",
                model.id
            );
        }
        let class = logits.argmax();
        let named = model.output.classes.get(class);
        Ok(Self {
            class,
            name: named.cloned().unwrap_or_else(|| class.to_string()),
            probability: logits
                .probabilities()
                .get(class)
                .copied()
                .unwrap_or_default(),
        })
    }
}
