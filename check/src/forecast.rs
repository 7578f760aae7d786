//! Says before a parameter set runs whether it would end in garbage, and at which layer.
//!
//! Levels and scales are known without any input; how large values become is seen on plain numbers,
//! and how large their errors become is what the noise model predicts.

use evaluator::circuit::{Circuit, CircuitError, Shortage, ShortageKind, Step};
use evaluator::network::Network;
use shared::params::Parameters;

use crate::report::Refusal;
use crate::truth::Truth;

/// The largest predicted error of a value, as a share of the values, both root mean square: with
/// more than that fewer than two bits of a value are left.
pub const LARGEST_SHARE: f64 = 0.25;

/// Why a set has no circuit: in place of the compiler's error the layer that meets it, if there is
/// one.
#[must_use]
pub fn without_circuit(
    network: &Network,
    parameters: Option<&Parameters>,
    error: &CircuitError,
) -> Refusal {
    let shortage = parameters.and_then(|set| Circuit::shortage(network, set).ok().flatten());
    let Some(Shortage { layer, kind }) = shortage else {
        return Refusal {
            layer: None,
            reason: error.to_string(),
        };
    };
    let reason = match kind {
        ShortageKind::Levels { needed, available } => format!(
            "{needed} levels are needed up to here, the parameter set has {available}; add levels"
        ),
        ShortageKind::Scale(scale) => format!(
            "values would be encoded at a scale of 2^{:.1}, which leaves nothing of them; use \
             larger primes",
            scale.log2()
        ),
    };
    Refusal {
        layer: network.layers.get(layer).map(|layer| layer.name.clone()),
        reason,
    }
}

/// Why a circuit would end in garbage on inputs like these; nothing if it wouldn't.
#[must_use]
pub fn of_circuit(circuit: &Circuit, network: &Network, truths: &[Truth]) -> Option<Refusal> {
    let steps = circuit.steps();
    let refusal = |layer: &str, reason| {
        Some(Refusal {
            layer: Some(layer.to_owned()),
            reason,
        })
    };
    for (at, step) in steps.iter().enumerate() {
        let values = || truths.iter().flat_map(move |truth| &truth.operations[at]);
        if let Some(reason) = at_step(step, largest(values()), rms(values())) {
            return refusal(&step.name, reason);
        }
    }
    let last = network.layers.last().map_or("", |layer| &layer.name);
    let outputs = || truths.iter().flat_map(|truth| &truth.outputs);
    let (largest, bound) = (largest(outputs()), circuit.info().output.bound);
    if largest > bound {
        let reason = format!(
            "outputs up to {largest:.3} would wrap around the reply's modulus, which holds \
             {bound:.3}"
        );
        return refusal(last, reason);
    }
    let reason = drowned(circuit.predicted_error(), rms(outputs()));
    reason.and_then(|reason| refusal(last, reason))
}

fn at_step(step: &Step, largest: f64, rms: f64) -> Option<String> {
    let room = step.modulus / (2.0 * step.scale);
    if largest >= room {
        return Some(format!(
            "values up to {largest:.3} would wrap around the modulus of level {}, which holds \
             {room:.3} at their scale; give that level more bits",
            step.level.0
        ));
    }
    drowned(step.predicted_error, rms)
}

fn drowned(error: f64, rms: f64) -> Option<String> {
    let sound = error <= LARGEST_SHARE * rms;
    (!sound).then(|| {
        format!(
            "noise would drown the values: an error of {error:.3e} is predicted for values of \
             {rms:.3e}, both root mean square; use larger primes"
        )
    })
}

fn largest<'a>(values: impl Iterator<Item = &'a f64>) -> f64 {
    values.fold(0.0, |most, value| most.max(value.abs()))
}

fn rms<'a>(values: impl Iterator<Item = &'a f64>) -> f64 {
    let (sum, count) = values.fold((0.0, 0.0), |(sum, count), value| {
        (sum + value * value, count + 1.0)
    });
    if count > 0.0 {
        f64::sqrt(sum / count)
    } else {
        0.0
    }
}
