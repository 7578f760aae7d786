//! Candidates run for real.

use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use anyhow::Result;
use client::{ClientKeys, Plan, SecretSeed};
use evaluator::circuit::{Circuit, Options};
use evaluator::network::Network;
use flate2::read::GzDecoder;
use shared::idx;
use shared::image::Digit;
use shared::keys::EvaluationKeys;
use shared::params::Parameters;
use shared::wire::read_evaluation_keys;
use tests::data::mnist_directory;

use crate::candidate::Candidate;
use tests::plain::by_definition;

/// Rounds over all candidates, so that a busy moment doesn't fall on one of them.
const ROUNDS: usize = 3;

/// What a candidate really gave.
#[derive(Clone, Copy, Debug)]
pub struct Measured {
    /// The least time of a classification, in seconds.
    pub seconds: f64,
    /// Root mean square of the logits' errors.
    pub error: f64,
    /// How often the class was another than on plain numbers.
    pub disagreements: usize,
    /// Bytes of evaluation keys, up and down.
    pub traffic: [usize; 3],
}

/// Inputs, and the logits of plain arithmetic.
pub struct Samples {
    pub inputs: Vec<Vec<f64>>,
    pub logits: Vec<Vec<f64>>,
    /// What they are, for people.
    pub origin: &'static str,
}

impl Samples {
    /// MNIST test images if there are some and the network takes them, else random numbers.
    pub fn new(network: &Network, count: usize) -> Result<Self> {
        let directory = mnist_directory(&tests::root()).filter(|_| network.inputs() == 28 * 28);
        let images = directory.map(|directory| digits(&directory, count));
        let images = images.transpose()?;
        let origin = if images.is_some() {
            "MNIST test images"
        } else {
            "random inputs"
        };
        let inputs = images.unwrap_or_else(|| random(network.inputs(), count));
        let logits = inputs
            .iter()
            .map(|input| by_definition(network, input))
            .collect();
        Ok(Self {
            inputs,
            logits,
            origin,
        })
    }
}

fn digits(directory: &Path, count: usize) -> Result<Vec<Vec<f64>>> {
    let mut bytes = Vec::new();
    let file = File::open(directory.join("t10k-images-idx3-ubyte.gz"))?;
    GzDecoder::new(file).read_to_end(&mut bytes)?;
    let (images, _) = idx::parse(&bytes)?.data.as_chunks();
    Ok(images
        .iter()
        .take(count)
        .map(|image| Digit::from_mnist(image).to_input())
        .collect())
}

/// Numbers of root mean square 0.3.
fn random(inputs: usize, count: usize) -> Vec<Vec<f64>> {
    let mut state = 1u64;
    let mut number = || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        ((state >> 11) as f64 / (1u64 << 52) as f64 - 1.0) * 0.3 * 3f64.sqrt()
    };
    (0..count)
        .map(|_| (0..inputs).map(|_| number()).collect())
        .collect()
}

/// Runs all candidates on the samples, one digit at a time on one core.
pub fn measure(
    network: &Network,
    candidates: &[Candidate],
    samples: &Samples,
) -> Result<Vec<Measured>> {
    let core = rayon::ThreadPoolBuilder::new().num_threads(1).build()?;
    let mut results: Vec<Option<Measured>> = vec![None; candidates.len()];
    for _ in 0..ROUNDS {
        for (candidate, result) in candidates.iter().zip(&mut results) {
            let run = Run::new(network, candidate)?;
            let measured = core.install(|| run.classify(samples))?;
            let seconds = result.map_or(f64::MAX, |known| known.seconds.min(measured.seconds));
            *result = Some(Measured {
                seconds: seconds.min(measured.seconds),
                ..measured
            });
        }
    }
    Ok(results.into_iter().flatten().collect())
}

/// Both sides of one candidate.
struct Run {
    circuit: Circuit,
    keys: ClientKeys,
    evaluation: EvaluationKeys,
    key_bytes: usize,
}

impl Run {
    fn new(network: &Network, candidate: &Candidate) -> Result<Self> {
        let parameters = Parameters::new(candidate.set.clone())?;
        let options = Options {
            parameters: Some(parameters),
            walk: Some(candidate.walk),
            ..Options::default()
        };
        let circuit = Circuit::compile_with("candidate", network, &options)?;
        let plan = Arc::new(Plan::new(circuit.info().clone())?);
        let keys = ClientKeys::from_seed(plan, SecretSeed::from_bytes([5; 32]));
        let upload = keys
            .evaluation_keys()
            .collect::<Result<Vec<_>, _>>()?
            .concat();
        Ok(Self {
            evaluation: read_evaluation_keys(&upload, circuit.ring())?,
            key_bytes: upload.len(),
            circuit,
            keys,
        })
    }

    fn classify(&self, samples: &Samples) -> Result<Measured> {
        let (mut seconds, mut squares, mut disagreements) = (f64::MAX, 0.0, 0);
        let (mut count, mut traffic) = (0, [self.key_bytes, 0, 0]);
        for (input, want) in samples.inputs.iter().zip(&samples.logits) {
            let request = self.keys.encrypt(input)?;
            let start = Instant::now();
            let parsed = self.circuit.parse_input(&request)?;
            let reply = self.circuit.evaluate(&self.evaluation, parsed)?;
            seconds = seconds.min(start.elapsed().as_secs_f64());
            traffic = [self.key_bytes, request.len(), reply.len()];
            let logits = self.keys.decrypt(&reply)?;
            let pairs = logits.values().iter().zip(want);
            squares += pairs.map(|(got, want)| (got - want).powi(2)).sum::<f64>();
            count += want.len();
            disagreements += usize::from(Some(logits.argmax()) != largest(want));
        }
        let error = (squares / count as f64).sqrt();
        Ok(Measured {
            seconds,
            error,
            disagreements,
            traffic,
        })
    }
}

fn largest(values: &[f64]) -> Option<usize> {
    let best = values
        .iter()
        .enumerate()
        .max_by(|left, right| left.1.total_cmp(right.1));
    best.map(|(at, _)| at)
}
