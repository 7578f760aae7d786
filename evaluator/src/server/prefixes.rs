//! Circuits of the first layers of models, compiled when they are first asked for.
//!
//! Knows networks and which of their circuits are there; knows no request.
//!
//! **Invariant:** at most [`MOST`] circuits are kept, those that were used last; requests for one at
//! the same time compile it once, on the arithmetic's threads.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use shared::api::LayerRange;
use shared::ring::Ring;
use tokio::sync::OnceCell;

use super::pool::Pool;
use super::problem::{ApiError, quote};
use crate::circuit::{Circuit, CircuitError};
use crate::network::Network;

/// Circuits that are kept.
pub const MOST: usize = 8;

/// Empty until its circuit is compiled; an error stays, as compiling again gives it again.
type Slot = Arc<OnceCell<Result<Arc<Circuit>, CircuitError>>>;

/// A circuit's name: model and steps.
type Name = (String, usize);

/// The networks of the models that are served, and circuits of their first layers.
pub struct Prefixes {
    networks: BTreeMap<String, Arc<Network>>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// The one that was used last stands last.
    slots: Vec<(Name, Slot)>,
    /// The rings of all circuits so far, by the fingerprint of their parameters: as many as there are
    /// parameter sets at most.
    rings: BTreeMap<u64, Arc<Ring>>,
}

impl Prefixes {
    /// Nothing compiled yet.
    pub fn new(networks: impl IntoIterator<Item = (String, Network)>) -> Self {
        let networks = networks.into_iter();
        Self {
            networks: networks
                .map(|(id, network)| (id, Arc::new(network)))
                .collect(),
            state: Mutex::default(),
        }
    }

    /// The circuit of a model's first layers; compiled on `pool` if it isn't there.
    ///
    /// # Errors
    /// [`ApiError::BadLayers`] for a range that the model doesn't have, [`ApiError::NoCircuit`] if no
    /// circuit fits it, [`ApiError::Busy`] if it would have to be compiled now and `pool` is full.
    pub async fn circuit(
        &self,
        pool: &Pool,
        id: &str,
        layers: LayerRange,
    ) -> Result<Arc<Circuit>, ApiError> {
        let network = self.networks.get(id).ok_or(ApiError::Internal)?;
        let steps = network.steps();
        if layers.start() != 0 || layers.end() > steps {
            return Err(ApiError::BadLayers {
                found: layers.to_string(),
                model: quote(id),
                steps,
            });
        }
        let slot = self.slot(id, layers);
        let compile = || async {
            let (id, network) = (id.to_owned(), Arc::clone(network));
            let job = move || compile(&id, &network, layers);
            Ok::<_, ApiError>(pool.run(job).await?.map(Arc::new))
        };
        match slot.get_or_try_init(compile).await? {
            Ok(circuit) => {
                let fingerprint = circuit.ring().parameters().fingerprint();
                let ring = || Arc::clone(circuit.ring());
                self.state().rings.entry(fingerprint).or_insert_with(ring);
                Ok(Arc::clone(circuit))
            }
            Err(error) => Err(ApiError::NoCircuit {
                layers: layers.to_string(),
                model: quote(id),
                reason: error.to_string(),
            }),
        }
    }

    /// The ring of a parameter set that a compiled circuit uses or used.
    pub fn ring(&self, fingerprint: u64) -> Option<Arc<Ring>> {
        self.state().rings.get(&fingerprint).cloned()
    }

    /// How many circuits are kept or being compiled.
    #[must_use]
    pub fn held(&self) -> usize {
        self.state().slots.len()
    }

    /// The place of a circuit, which is the last one to give way now.
    fn slot(&self, id: &str, layers: LayerRange) -> Slot {
        let slots = &mut self.state().slots;
        let is_it = |((model, end), _): &(Name, Slot)| model == id && *end == layers.end();
        let found = slots.iter().position(is_it);
        let (name, slot) = match found {
            Some(at) => slots.remove(at),
            None => ((id.to_owned(), layers.end()), Slot::default()),
        };
        slots.push((name, Arc::clone(&slot)));
        let surplus = slots.len().saturating_sub(MOST);
        slots.drain(..surplus);
        slot
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Whoever panicked did so between whole changes.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn compile(id: &str, network: &Network, layers: LayerRange) -> Result<Circuit, CircuitError> {
    let first = network.prefix(layers.end());
    let first = first.ok_or(CircuitError::Shape("the network has no such layers"))?;
    let circuit = Circuit::compile(id, &first)?;
    Ok(circuit.without_bulk().with_layers(layers))
}
