//! Many images at once: an image in each slot, one ciphertext for each input.
//!
//! Everything happens modulo the top level's Q. A logit is a sum of squares of integer combinations
//! of inputs, so its scale is `(input · first)² · second`, where `first` and `second` scale the
//! layers' weights before they are rounded. Only the logits have to fit: what comes before may wrap
//! around Q, as sums and products of integers don't mind.

use std::collections::BTreeSet;

use shared::api::BulkSpec;
use shared::ciphertext::{BulkInput, BulkReply};
use shared::encoding::Scale;
use shared::ring::{Basis, Level};

use super::scales::HEADROOM;
use crate::engine::{Ckks, EvalError, IntegerMap, SumsOfSquares};
use crate::network::{Activation, Layer, Matrix, Network, ValueId};

/// Standard deviation of a fresh ciphertext's error in a coefficient.
const ERROR_DEVIATION: f64 = 3.2;

/// Standard deviation of what rounding takes off: uniform on an interval of length 1.
const ROUNDING_DEVIATION: f64 = 0.29;

/// Root mean square of a pixel, less what carrying cancels; a drawing is mostly paper.
const PIXEL: f64 = 0.25;

/// Root mean square of a hidden value, less its bias, over the norm of its weights. More than a pixel's, as
/// neighbouring pixels are alike.
const HIDDEN: f64 = 0.6;

/// Most residues of a request, both halves, in the evaluator's memory: 256 MiB.
const MOST_RESIDUES: usize = 1 << 26;

/// Weights and biases at their scales must fit in `i64` with bits to spare.
const MOST_INTEGER: f64 = (1u64 << 62) as f64;

/// A network of two layers with a square between them, ready for many images.
#[derive(Debug)]
pub struct Bulk {
    spec: BulkSpec,
    sums: SumsOfSquares,
    /// Biases of the last layer at the reply's scale.
    bias: Vec<i64>,
}

/// What the scales are multiplied with.
struct Scales {
    input: f64,
    first: f64,
    second: f64,
}

impl Scales {
    fn logit(&self) -> f64 {
        (self.input * self.first).powi(2) * self.second
    }

    /// The scales with the smallest error of a logit whose product is `logit`.
    ///
    /// Errors go down as their scale goes up: `a/input` of encryption, `b/first` and `c/second` of
    /// rounding weights. Under the given product their squares add up to the least when the first
    /// two are equal and √2 times the third.
    fn plan(first: &Layer, second: &Layer, degree: usize, logit: f64) -> Self {
        let fresh = ERROR_DEVIATION * (degree as f64 / 2.0).sqrt();
        let (mut encryption, mut weights, mut squares) = (0.0, 0.0, 0.0);
        let mut columns = vec![0.0; first.values()];
        let matrix = weights_of(second);
        for (unit, weight) in (0..matrix.rows()).flat_map(|row| matrix.row(row)) {
            columns[unit] += weight * weight;
        }
        for ((unit, bias), column) in first.bias.iter().enumerate().zip(columns) {
            let row = || weights_of(first).row(unit);
            let norm: f64 = row().map(|(_, weight)| weight * weight).sum();
            let hidden = HIDDEN * HIDDEN * norm + bias * bias;
            let slope = 4.0 * column * hidden;
            encryption += slope * norm;
            weights += slope * row().len() as f64;
            squares += 3.0 * hidden * hidden;
        }
        let classes = second.values() as f64;
        let a = fresh * (encryption / classes).sqrt();
        let b = ROUNDING_DEVIATION * PIXEL * (weights / classes).sqrt();
        let c = ROUNDING_DEVIATION * squares.sqrt() * 2f64.sqrt();
        let error = ((a * b).powi(2) * c / logit).powf(0.2);
        Self {
            input: a / error,
            first: b / error,
            second: c / error,
        }
    }
}

/// The weights of a layer of one term.
fn weights_of(layer: &Layer) -> &Matrix {
    &layer.terms[0].matrix
}

/// A layer's weights and constants as integers, if they fit. A part `carried` of what rounding takes
/// off a weight is added to the row's next.
fn integers(
    layer: &Layer,
    columns: &[usize],
    (weights, carried): (f64, f64),
    constants: f64,
) -> Option<IntegerMap> {
    let integer = |value: f64| (value.abs() < MOST_INTEGER).then(|| value.round() as i64);
    let row = |row: usize| {
        let mut carry = 0.0;
        let term = |(column, weight): (usize, f64)| {
            let exact = weight * weights + carry;
            let weight = integer(exact)?;
            carry = carried * (exact - weight as f64);
            Some((columns.binary_search(&column).ok()?, weight))
        };
        let terms: Option<Vec<_>> = weights_of(layer).row(row).map(term).collect();
        let terms = terms?.into_iter().filter(|&(_, weight)| weight != 0);
        Some(terms.collect())
    };
    let rows: Option<Vec<_>> = (0..layer.values()).map(row).collect();
    let constants = layer.bias.iter().map(|bias| integer(bias * constants));
    Some(IntegerMap {
        rows: rows?,
        constants: constants.collect::<Option<_>>()?,
    })
}

impl Bulk {
    /// Plans scales for a network and rounds its weights; nothing if it isn't two layers with a
    /// square between them, or too large.
    pub fn compile(engine: &Ckks, network: &Network, bound: f64) -> Option<Self> {
        let [first, second] = &network.layers[..] else {
            return None;
        };
        let reads = |layer: &Layer, of| matches!(&layer.terms[..], [term] if term.of == of);
        let chained = reads(first, ValueId::IMAGE) && reads(second, ValueId(1));
        let activations = [&first.activation, &second.activation];
        if !chained || activations != [&Activation::Square, &Activation::Identity] {
            return None;
        }
        let ring = engine.ring();
        let level = ring.parameters().top();
        let rows = 0..first.values();
        let read = rows.flat_map(|row| weights_of(first).row(row).map(|(column, _)| column));
        let inputs: BTreeSet<usize> = read.collect();
        let inputs: Vec<usize> = inputs.into_iter().collect();
        let limbs = ring.limbs(Basis::Q(level)).len();
        let residues = inputs.len() * 2 * limbs * ring.degree();
        if inputs.is_empty() || residues > MOST_RESIDUES {
            return None;
        }
        let modulus = engine.modulus(level);
        let logit = modulus / (HEADROOM * bound);
        let scales = Scales::plan(first, second, ring.degree(), logit);
        // The division by Q adds a fraction for each prime.
        let log_modulus = 31 - limbs.ilog2();
        let reply_scale = scales.logit() / modulus * f64::from(log_modulus).exp2();
        if !(Scale(scales.input).is_usable() && Scale(reply_scale).is_usable()) {
            return None;
        }
        let hidden = scales.input * scales.first;
        // Neighbouring pixels are alike, so most of what is carried cancels.
        let first = integers(first, &inputs, (scales.first, 1.0), hidden)?;
        let units: Vec<usize> = (0..weights_of(second).columns()).collect();
        let second = integers(second, &units, (scales.second, 0.0), reply_scale)?;
        let IntegerMap { rows, constants } = second;
        let second = IntegerMap {
            rows,
            constants: Vec::new(),
        };
        let spec = BulkSpec {
            images: engine.slots(),
            inputs,
            level,
            scale: scales.input,
            reply_scale,
            log_modulus,
            bound: f64::from(log_modulus - 1).exp2() / reply_scale,
        };
        Some(Self {
            spec,
            sums: engine.sums_of_squares(&first, &second, level),
            bias: constants,
        })
    }

    /// What clients are told.
    pub fn spec(&self) -> &BulkSpec {
        &self.spec
    }

    /// The logits of all images, as long as `may_go_on` says so.
    ///
    /// # Errors
    /// [`EvalError::Input`] for another level or scale than the description says;
    /// [`EvalError::Stopped`].
    pub fn run(
        &self,
        engine: &Ckks,
        input: &BulkInput,
        may_go_on: impl Fn() -> bool + Sync,
    ) -> Result<BulkReply, EvalError> {
        let spec = &self.spec;
        let level = |c0: &shared::ring::Poly<_>| c0.basis().level();
        let found = input.c0.first().map_or(Level(0), level);
        if found != spec.level || !input.scale.agrees(Scale(spec.scale)) {
            return Err(EvalError::Input {
                found,
                found_scale: input.scale.0.log2(),
                expected: spec.level,
                expected_scale: spec.scale.log2(),
            });
        }
        let mut classes =
            engine.evaluate_slotwise(&self.sums, input, spec.log_modulus, may_go_on)?;
        for ([c0, ..], &bias) in classes.iter_mut().zip(&self.bias) {
            // The same number in all slots is a constant polynomial.
            if let Some(constant) = c0.first_mut() {
                let sum = constant.wrapping_add(bias as u32);
                *constant = sum & (u32::MAX >> (32 - spec.log_modulus));
            }
        }
        Ok(BulkReply {
            log_modulus: spec.log_modulus,
            scale: Scale(spec.reply_scale),
            classes,
        })
    }
}
