//! The models that are served at a time.
//!
//! Knows circuits by name and their rings; knows no session and no request.
//!
//! **Invariant:** it never changes: a reload puts another one in its place, and whoever works with this
//! one goes on with it.

use std::collections::BTreeMap;
use std::sync::Arc;

use shared::ring::Ring;
use thiserror::Error;

use super::prefixes::Prefixes;
use crate::circuit::Circuit;
use crate::network::Network;

/// There is nothing to serve.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("there is no model to serve")]
pub struct NoModel;

/// Models by their ids.
pub struct Catalogue {
    models: BTreeMap<String, Arc<Circuit>>,
    /// What the first layers of the models compute, if that may be asked for.
    prefixes: Option<Prefixes>,
    /// The rings of the models by the fingerprint of their parameters.
    rings: BTreeMap<u64, Arc<Ring>>,
}

impl Catalogue {
    /// A catalogue of these models.
    ///
    /// # Errors
    /// There is none.
    pub fn new(models: impl IntoIterator<Item = impl Into<Arc<Circuit>>>) -> Result<Self, NoModel> {
        let with_id = |circuit: Arc<Circuit>| (circuit.info().id.clone(), circuit);
        let models = models.into_iter().map(Into::into);
        let models: BTreeMap<_, _> = models.map(with_id).collect();
        if models.is_empty() {
            return Err(NoModel);
        }
        let rings = models.values().map(|circuit| {
            let ring = circuit.ring();
            (ring.parameters().fingerprint(), Arc::clone(ring))
        });
        Ok(Self {
            rings: rings.collect(),
            models,
            prefixes: None,
        })
    }

    /// The same models, whose first layers may be asked for by these networks.
    #[must_use]
    pub fn with_layer_ranges(self, networks: impl IntoIterator<Item = (String, Network)>) -> Self {
        Self {
            prefixes: Some(Prefixes::new(networks)),
            ..self
        }
    }

    /// The models in the order of their ids.
    #[must_use]
    pub fn models(&self) -> &BTreeMap<String, Arc<Circuit>> {
        &self.models
    }

    /// The circuits of first layers, if they may be asked for.
    #[must_use]
    pub fn prefixes(&self) -> Option<&Prefixes> {
        self.prefixes.as_ref()
    }

    /// The ring of a parameter set that is served.
    #[must_use]
    pub fn ring(&self, fingerprint: u64) -> Option<Arc<Ring>> {
        let of_prefixes = || self.prefixes.as_ref()?.ring(fingerprint);
        self.rings.get(&fingerprint).cloned().or_else(of_prefixes)
    }

    /// The parameter sets of the models, for messages.
    #[must_use]
    pub fn parameter_sets(&self) -> Vec<String> {
        let name = |(fingerprint, ring): (&u64, &Arc<Ring>)| {
            format!("{} ({fingerprint:016x})", ring.parameters().spec().name)
        };
        self.rings.iter().map(name).collect()
    }
}
