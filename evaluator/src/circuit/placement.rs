//! Chooses where the values of each layer sit in the slots, and how its matrix products walk there.
//!
//! The candidates of a layer depend on where the layers before it sit, so the search goes from the
//! image to the output and keeps the best few ways that it has found.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::CircuitError;
use super::cost::{At, Count, SECONDS_PER_KEY_BYTE};
use super::layout::{Grid, Layout, shape_of};
use crate::engine::{Automorphism, MatrixPlan, SlotContent, Walk};
use crate::network::{Activation, Layer, Network, ValueId};

/// Ways that are kept from layer to layer.
const KEPT: usize = 12;

/// Primes of Q and P, and bits of each, that costs are reckoned with before they are known.
const USUAL_PRIMES: (usize, usize) = (4, 2);
const USUAL_BITS: f64 = 27.0;

/// Baby steps that are tried, where nothing is prescribed.
const BABIES: [usize; 8] = [1, 2, 4, 8, 16, 32, 64, 128];

/// Parts of a reply up to which logits travel as coefficients.
const MOST_PARTS: usize = 8;

/// How the values of a network sit in the slots.
#[derive(Clone, Debug, PartialEq)]
pub struct Placement {
    /// Of the input.
    pub input: Arc<Layout>,
    /// Of each layer; the last has one only if the reply is in slots.
    pub layers: Vec<Arc<Layout>>,
    /// For each layer with a layout, a plan for each of its terms.
    pub plans: Vec<Vec<MatrixPlan>>,
}

/// One way so far.
#[derive(Clone, Debug)]
struct Way {
    placement: Placement,
    keys: BTreeSet<Automorphism>,
    seconds: f64,
}

struct Search<'a> {
    network: &'a Network,
    slots: usize,
    /// Prescribes the walk of every product.
    walk: Option<Walk>,
}

impl Placement {
    /// The layout of what a term reads.
    pub fn of(&self, value: ValueId) -> &Arc<Layout> {
        match value.layer() {
            None => &self.input,
            Some(layer) => &self.layers[layer],
        }
    }

    /// Searches the layouts of a network in so many slots.
    ///
    /// # Errors
    /// [`CircuitError::TooWide`], naming the layer that doesn't fit.
    pub fn search(
        network: &Network,
        slots: usize,
        walk: Option<Walk>,
    ) -> Result<Self, CircuitError> {
        let search = Search {
            network,
            slots,
            walk,
        };
        let last = network.layers.len() - 1;
        let mut ways = search.start();
        for at in 0..last {
            ways = search.extend(&ways, at)?;
        }
        if ways.is_empty() {
            return Err(search.too_wide("the input", network.inputs()));
        }
        let in_coefficients = network.layers[last].activation == Activation::Identity;
        let mut ended = Vec::new();
        if in_coefficients {
            ended.extend(ways.iter().filter_map(|way| search.in_coefficients(way)));
        }
        if ended.is_empty() {
            ended = search.extend(&ways, last)?;
        }
        let best = ended
            .into_iter()
            .min_by(|a, b| a.seconds.total_cmp(&b.seconds));
        let best = best.ok_or_else(|| search.too_wide("the output", network.classes.len()))?;
        Ok(best.placement)
    }
}

impl Search<'_> {
    fn too_wide(&self, name: &str, size: usize) -> CircuitError {
        CircuitError::TooWide {
            name: name.to_owned(),
            size,
            slots: self.slots,
        }
    }

    fn content(&self) -> SlotContent {
        self.walk.map_or(Walk::default().input, |walk| walk.input)
    }

    /// The input as it may lie whatever reads it; how it lies for the first layer alone, that layer
    /// decides.
    fn start(&self) -> Vec<Way> {
        let shape = shape_of(&self.network.input_shape);
        let flat = Layout::flat(self.network.inputs());
        let layouts = [Layout::image(shape), Some(flat)].into_iter().flatten();
        let fitting = layouts.filter(|layout| layout.period() <= self.slots);
        fitting.map(|input| self.begin(input)).collect()
    }

    fn begin(&self, input: Layout) -> Way {
        Way {
            placement: Placement {
                input: Arc::new(input),
                layers: Vec::new(),
                plans: Vec::new(),
            },
            keys: BTreeSet::new(),
            seconds: 0.0,
        }
    }

    /// Whether one layer alone, the first, reads the image, and nothing else.
    fn first_reads_alone(&self) -> bool {
        let reads = |layer: &Layer| layer.terms.iter().any(|term| term.of == ValueId::IMAGE);
        let (first, others) = match self.network.layers.split_first() {
            Some((first, others)) => (first, others),
            None => return false,
        };
        first.terms.len() == 1 && !others.iter().any(reads)
    }

    /// All ways, with each layout that a layer may have.
    fn extend(&self, ways: &[Way], at: usize) -> Result<Vec<Way>, CircuitError> {
        let layer = &self.network.layers[at];
        let mut extended = Vec::new();
        for way in ways {
            let grids = layer
                .terms
                .iter()
                .map(|term| way.placement.of(term.of).pixels());
            for output in self.outputs(layer, grids.flatten().next()) {
                let inputs: Vec<_> = layer
                    .terms
                    .iter()
                    .map(|term| (&term.matrix, &**way.placement.of(term.of)))
                    .collect();
                let output = output.moved_for(&inputs);
                extended.extend(self.with(way, at, output));
            }
        }
        if at == 0 && self.first_reads_alone() {
            let matrix = &layer.terms[0].matrix;
            for output in self.outputs(layer, None) {
                let input = Layout::repeated(matrix, &output, self.slots, self.content());
                let way = input.map(|input| self.begin(input));
                extended.extend(way.and_then(|way| self.with(&way, at, output)));
            }
        }
        if extended.is_empty() {
            return Err(self.too_wide(&layer.name, layer.values()));
        }
        extended.sort_by(|a, b| a.seconds.total_cmp(&b.seconds));
        extended.truncate(KEPT);
        Ok(extended)
    }

    /// The layouts that a layer's values may have.
    fn outputs(&self, layer: &Layer, grid: Option<Grid>) -> Vec<Layout> {
        let shape = shape_of(&layer.shape);
        let mut layouts = vec![Layout::flat(layer.values())];
        if shape[0] > 1 && shape[1] * shape[2] > 1 {
            layouts.push(Layout::blocks(shape));
        }
        if let Some(grid) = grid {
            for stride in 1..=4 {
                let gap = grid.gap * stride;
                for share in [1, gap] {
                    let layout = Layout::grid(shape, Grid { gap, ..grid }, share);
                    layouts.extend(layout.filter(|layout| !layouts.contains(layout)));
                }
            }
        }
        layouts.retain(|layout| layout.period() <= self.slots);
        layouts
    }

    fn with(&self, way: &Way, at: usize, output: Layout) -> Option<Way> {
        let layer = &self.network.layers[at];
        let mut way = way.clone();
        let mut plans = Vec::with_capacity(layer.terms.len());
        for term in &layer.terms {
            let input = Arc::clone(way.placement.of(term.of));
            let rotations = input.rotations(&term.matrix, &output)?;
            let periods = (input.period(), output.period());
            let plan =
                |walk| MatrixPlan::new(self.slots, periods, &rotations, input.content(), walk);
            let walks = match self.walk {
                Some(walk) => vec![walk],
                None => BABIES
                    .map(|babies| Walk {
                        babies,
                        ..Walk::default()
                    })
                    .to_vec(),
            };
            let priced = walks.into_iter().map(|walk| {
                let plan = plan(walk);
                let seconds = self.price(&plan, &way.keys);
                (plan, seconds)
            });
            let (plan, seconds) = priced.min_by(|a, b| a.1.total_cmp(&b.1))?;
            way.keys.extend(plan.of_input());
            way.keys.extend(plan.of_products());
            way.seconds += seconds;
            plans.push(plan);
        }
        way.placement.layers.push(Arc::new(output));
        way.placement.plans.push(plans);
        Some(way)
    }

    fn seconds(&self, count: Count) -> f64 {
        count.reference_price((2 * self.slots).ilog2())
    }

    /// Seconds of a product, and those that its new keys weigh.
    fn price(&self, plan: &MatrixPlan, keys: &BTreeSet<Automorphism>) -> f64 {
        let (q, p) = USUAL_PRIMES;
        let count = At::with(q, p).matrix(plan, |_| p);
        let needed = plan.of_input().into_iter().chain(plan.of_products());
        let new: BTreeSet<Automorphism> = needed.filter(|it| !keys.contains(it)).collect();
        let bits = USUAL_BITS * ((q + p) * q.div_ceil(p) * 2 * self.slots) as f64;
        self.seconds(count) + new.len() as f64 * bits / 8.0 * SECONDS_PER_KEY_BYTE
    }

    /// The last layer as coefficients of the reply; nothing if they would take too many parts.
    fn in_coefficients(&self, way: &Way) -> Option<Way> {
        let layer = self.network.layers.last()?;
        let mut way = way.clone();
        if layer.terms.iter().all(|term| term.of == ValueId::IMAGE)
            && way.placement.layers.is_empty()
        {
            let used = used_columns(layer);
            way = self.begin(Layout::packed(&used));
        }
        let period = layer
            .terms
            .iter()
            .map(|term| way.placement.of(term.of).period())
            .max()?;
        if period > self.slots {
            return None;
        }
        let parts = layer.values().div_ceil(2 * self.slots / period);
        if parts > MOST_PARTS {
            return None;
        }
        let (q, p) = USUAL_PRIMES;
        let at = At::with(q, p);
        let part = at.mul_plain(layer.terms.len()) + at.truncate();
        way.seconds += self.seconds(part * parts as f64);
        Some(way)
    }
}

/// The inputs that a layer reads.
fn used_columns(layer: &Layer) -> Vec<usize> {
    let rows = |term: &crate::network::Term| {
        let rows = 0..term.matrix.rows();
        let columns = rows.flat_map(|row| term.matrix.row(row).map(|(column, _)| column));
        columns.collect::<BTreeSet<_>>()
    };
    let used: BTreeSet<usize> = layer.terms.iter().flat_map(rows).collect();
    used.into_iter().collect()
}
