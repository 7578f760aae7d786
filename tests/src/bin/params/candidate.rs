//! One way to run the network: a parameter set and a walk, with what is predicted of them.

use evaluator::circuit::{Circuit, Count, Options};
use evaluator::engine::{SlotContent, Walk};
use evaluator::network::Network;
use shared::api::SwitchingKeySpec;
use shared::keys::digits_at;
use shared::params::security::max_log2_qp;
use shared::params::{ParameterSpec, Parameters};
use shared::ring::Basis;

/// A parameter set and a walk that a circuit was compiled for.
#[derive(Clone, Debug)]
pub struct Candidate {
    pub set: ParameterSpec,
    pub walk: Walk,
    /// Root mean square of a logit's error.
    pub error: f64,
    /// Seconds for a classification.
    pub seconds: f64,
    /// Bytes of evaluation keys, up and down.
    pub traffic: [usize; 3],
    /// log2 of Q·P, rounded up.
    pub bits: u32,
    /// Whether that is within the quantum line.
    pub quantum: bool,
}

impl Candidate {
    /// Compiles for a set and walk; nothing if they don't fit the network or aren't secure.
    pub fn new(network: &Network, set: &ParameterSpec, walk: Walk, prices: Count) -> Option<Self> {
        let parameters = Parameters::new(set.clone()).ok()?;
        let bits = parameters.log2_qp();
        let line = max_log2_qp(set.log_n)?;
        let options = Options {
            parameters: Some(parameters),
            walk: Some(walk),
            ..Options::default()
        };
        let circuit = Circuit::compile_with("candidate", network, &options).ok()?;
        Some(Self {
            set: set.clone(),
            walk,
            error: circuit.predicted_error(),
            seconds: circuit.count().price(prices),
            traffic: traffic(&circuit),
            bits,
            quantum: bits <= line.quantum,
        })
    }

    pub fn keys(&self) -> usize {
        self.traffic[0]
    }

    /// Whether it is the same set and walk.
    pub fn is(&self, set: &ParameterSpec, walk: Walk) -> bool {
        self.set == *set && self.walk == walk
    }

    /// Whether nothing that is compared is worse than in `other`, and something is better.
    pub fn beats(&self, other: &Self) -> bool {
        let figures = |it: &Self| [it.seconds, it.keys() as f64, it.error];
        let pairs = || figures(self).into_iter().zip(figures(other));
        pairs().all(|(left, right)| left <= right) && pairs().any(|(left, right)| left < right)
    }
}

/// Baby steps, terms of a stage and values in a slot.
pub fn walk_label(walk: Walk) -> String {
    let values = match walk.input {
        SlotContent::Real => 1,
        SlotContent::Pair => 2,
    };
    format!("{} · {} · {values}", walk.babies, 1 << walk.stage_bits)
}

/// Bytes without headers: keys, up, down.
fn traffic(circuit: &Circuit) -> [usize; 3] {
    let (info, ring) = (circuit.info(), circuit.ring());
    let bytes = |basis| ring.encoded_bits(basis).div_ceil(8);
    let key = |key: SwitchingKeySpec| {
        digits_at(ring, key.level, key.digit_primes) * bytes(Basis::Qp(key.level))
    };
    let single = info
        .keys
        .relinearization
        .into_iter()
        .chain(info.keys.conjugation);
    let rotations = info.keys.rotations.iter().map(|rotation| rotation.key);
    let parts = info.output.packing.parts(ring.degree()).len();
    let down = parts * ring.degree() * info.output.log_modulus as usize / 8;
    [
        single.chain(rotations).map(key).sum(),
        bytes(Basis::Q(info.input.level)),
        down,
    ]
}
