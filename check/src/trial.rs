//! Runs one parameter set on images, and measures.
//!
//! **Invariant:** looking between operations costs the measured times nothing: images that are
//! looked at are run once more for their time.

use std::sync::Arc;
use std::time::{Duration, Instant};

use client::{ClientError, ClientKeys, Plan, SecretSeed};
use evaluator::circuit::{Circuit, Step};
use evaluator::engine::EvalError;
use evaluator::network::Network;
use shared::keys::EvaluationKeys;
use shared::packing::OutputPacking;
use shared::wire::{WireError, read_evaluation_keys, write_reply};
use thiserror::Error;

use crate::images::Inputs;
use crate::memory;
use crate::progress::Progress;
use crate::report::{Budget, Errors, Measured, Operation};
use crate::truth::{Definition, Truth, definitions};

/// A key for measurements: it protects nothing, and the same errors come out each time.
const KEY_SEED: [u8; 32] = *b"evaluator-check: not for secrets";

/// Why a set that ought to run doesn't.
#[derive(Debug, Error)]
pub enum TrialError {
    /// On the client's side.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// On the evaluator's side.
    #[error(transparent)]
    Eval(#[from] EvalError),
    /// Between them.
    #[error(transparent)]
    Wire(#[from] WireError),
}

/// A set that is run.
pub struct Trial<'a> {
    /// The network.
    pub network: &'a Network,
    /// Whether it is the whole of its file, so that its outputs are classes.
    pub is_whole: bool,
    /// Made for the set.
    pub circuit: &'a Circuit,
    /// What is encrypted.
    pub inputs: &'a Inputs,
    /// The right values of the images that are looked at, which are the first ones.
    pub truths: &'a [Truth],
}

/// Both sides of a session.
struct Sides {
    keys: ClientKeys,
    evaluation: EvaluationKeys,
    key_bytes: usize,
    key_time: Duration,
}

impl Trial<'_> {
    /// Runs it.
    ///
    /// # Errors
    /// [`TrialError`], if the halves don't agree: a defect.
    pub fn run(&self, role: &str, progress: &mut Progress) -> Result<Measured, TrialError> {
        memory::reset();
        let sides = self.sides()?;
        progress.step(&format!("{role}, keys"));
        let steps = self.circuit.steps();
        let mut operations = vec![Sums::default(); steps.len()];
        for (at, truth) in self.truths.iter().enumerate() {
            self.look(&sides, at, (truth, &steps), &mut operations)?;
            progress.step(&format!("{role}, between operations"));
        }
        let mut clock = Clock::new(steps.len() + 1);
        let mut outputs = Outputs::default();
        for at in 0..self.inputs.images.len() {
            self.classify(&sides, at, &mut clock, &mut outputs)?;
            progress.step(&format!("{role}, images"));
        }
        let operations = self.operations(&steps, &operations, &clock, &outputs);
        let images = self.inputs.images.len() as f64;
        let share = |count: usize| count as f64 / images;
        let labelled = self.is_whole && self.inputs.labels.is_some();
        let errors = outputs.sums.errors(self.circuit.predicted_error());
        Ok(Measured {
            key_bytes: sides.key_bytes,
            upload_bytes: outputs.upload_bytes,
            download_bytes: outputs.download_bytes,
            peak_memory_bytes: memory::peak(),
            milliseconds: median(&clock.images),
            least_milliseconds: clock.images.iter().copied().fold(f64::INFINITY, f64::min),
            key_milliseconds: milliseconds(sides.key_time),
            precision_bits: precision(&errors),
            outputs: errors,
            agreement: self.is_whole.then(|| share(outputs.agreed)),
            accuracy: labelled.then(|| share(outputs.right)),
            plain_accuracy: labelled.then(|| share(outputs.plainly_right)),
            circuit_error: self
                .truths
                .iter()
                .map(|it| it.circuit_error)
                .fold(0.0, f64::max),
            operations,
        })
    }

    fn sides(&self) -> Result<Sides, TrialError> {
        let started = Instant::now();
        let plan = Arc::new(Plan::new(self.circuit.info().clone())?);
        let keys = ClientKeys::from_seed(plan, SecretSeed::from_bytes(KEY_SEED));
        let upload = keys
            .evaluation_keys()
            .collect::<Result<Vec<_>, _>>()?
            .concat();
        let key_time = started.elapsed();
        Ok(Sides {
            evaluation: read_evaluation_keys(&upload, self.circuit.ring())?,
            keys,
            key_bytes: upload.len(),
            key_time,
        })
    }

    fn encrypt(&self, sides: &Sides, at: usize) -> Result<Vec<u8>, TrialError> {
        let mut seed = KEY_SEED;
        seed[..8].copy_from_slice(&(at as u64).to_le_bytes());
        let image = &self.inputs.images[at];
        Ok(sides
            .keys
            .encrypt_from_seed(image, &SecretSeed::from_bytes(seed))?)
    }

    /// Decrypts behind each operation.
    fn look(
        &self,
        sides: &Sides,
        image: usize,
        (truth, steps): (&Truth, &[Step]),
        operations: &mut [Sums],
    ) -> Result<(), TrialError> {
        let input = self.circuit.parse_input(&self.encrypt(sides, image)?)?;
        let mut failure = None;
        self.circuit.run(&sides.evaluation, input, |at, made| {
            match sides.keys.decrypt_slots(made) {
                Ok(slots) => {
                    let found = steps[at].slots.iter().map(|&slot| slots[slot].re);
                    operations[at].add(found, &truth.operations[at]);
                }
                Err(error) => failure = Some(error),
            }
        })?;
        failure.map_or(Ok(()), |error| Err(error.into()))
    }

    fn classify(
        &self,
        sides: &Sides,
        image: usize,
        clock: &mut Clock,
        outputs: &mut Outputs,
    ) -> Result<(), TrialError> {
        let request = self.encrypt(sides, image)?;
        let input = self.circuit.parse_input(&request)?;
        let started = Instant::now();
        let mut last = started;
        let reply = self.circuit.run(&sides.evaluation, input, |at, _| {
            let now = Instant::now();
            clock.operations[at].push(milliseconds(now - last));
            last = now;
        })?;
        let ended = Instant::now();
        clock.images.push(milliseconds(ended - started));
        if let Some(of_reply) = clock.operations.last_mut() {
            of_reply.push(milliseconds(ended - last));
        }
        let reply = write_reply(&reply, self.circuit.ring());
        let found = sides.keys.decrypt(&reply)?;
        let prepare = |&value: &f64| self.network.preparation.apply(value);
        let prepared: Vec<f64> = self.inputs.images[image].iter().map(prepare).collect();
        let right = self.network.evaluate(&prepared);
        outputs.sums.add(found.values().iter().copied(), &right);
        let (class, plain_class) = (found.argmax(), argmax(&right));
        let label = self.inputs.labels.as_ref().map(|labels| labels[image]);
        outputs.agreed += usize::from(class == plain_class);
        outputs.right += usize::from(label == Some(class));
        outputs.plainly_right += usize::from(label == Some(plain_class));
        (outputs.upload_bytes, outputs.download_bytes) = (request.len(), reply.len());
        Ok(())
    }

    fn operations(
        &self,
        steps: &[Step],
        sums: &[Sums],
        clock: &Clock,
        outputs: &Outputs,
    ) -> Vec<Operation> {
        let definitions = definitions(self.network, steps);
        let operation = |(at, step): (usize, &Step)| {
            let errors = sums[at].errors(step.predicted_error);
            Operation {
                layer: step.name.clone(),
                what: step.what.clone(),
                level: step.level.0,
                log2_scale: step.scale.log2(),
                precision_bits: precision(&errors),
                budget: budget(step.modulus.log2(), step.scale, &errors),
                errors,
                milliseconds: median(&clock.operations[at]),
                rotations: Some(step.rotations),
                by_definition: definitions[at] != Definition::Within,
            }
        };
        let mut operations: Vec<_> = steps.iter().enumerate().map(operation).collect();
        let output = &self.circuit.info().output;
        let errors = outputs.sums.errors(self.circuit.predicted_error());
        let last = self.network.layers.last();
        operations.push(Operation {
            layer: last.map_or_else(String::new, |layer| layer.name.clone()),
            what: "the reply".to_owned(),
            level: 0,
            log2_scale: output.scale.log2(),
            precision_bits: precision(&errors),
            budget: budget(f64::from(output.log_modulus), output.scale, &errors),
            errors,
            milliseconds: clock.operations.last().map_or(0.0, |times| median(times)),
            rotations: matches!(output.packing, OutputPacking::Coefficients(_)).then_some(0),
            by_definition: true,
        });
        operations
    }
}

/// Milliseconds of each operation, the reply among them, and of each image.
struct Clock {
    operations: Vec<Vec<f64>>,
    images: Vec<f64>,
}

impl Clock {
    fn new(operations: usize) -> Self {
        Self {
            operations: vec![Vec::new(); operations],
            images: Vec::new(),
        }
    }
}

/// What the answers to all images add up to.
#[derive(Default)]
struct Outputs {
    sums: Sums,
    agreed: usize,
    right: usize,
    plainly_right: usize,
    upload_bytes: usize,
    download_bytes: usize,
}

/// What errors are made of.
#[derive(Clone, Copy, Default)]
struct Sums {
    count: f64,
    largest: f64,
    magnitudes: f64,
    squares: f64,
    value_squares: f64,
    largest_value: f64,
}

impl Sums {
    fn add(&mut self, found: impl Iterator<Item = f64>, right: &[f64]) {
        for (found, &right) in found.zip(right) {
            let error = (found - right).abs();
            self.count += 1.0;
            self.largest = self.largest.max(error);
            self.magnitudes += error;
            self.squares += error * error;
            self.value_squares += right * right;
            self.largest_value = self.largest_value.max(right.abs());
        }
    }

    fn errors(&self, predicted: f64) -> Errors {
        let count = self.count.max(1.0);
        Errors {
            largest: self.largest,
            mean: self.magnitudes / count,
            rms: (self.squares / count).sqrt(),
            predicted,
            values: (self.value_squares / count).sqrt(),
            largest_value: self.largest_value,
        }
    }
}

fn argmax(values: &[f64]) -> usize {
    let best = values
        .iter()
        .enumerate()
        .max_by(|(_, a), (_, b)| a.total_cmp(b));
    best.map_or(0, |(at, _)| at)
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

fn median(times: &[f64]) -> f64 {
    let mut sorted = times.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or(0.0)
}

/// Finite also where a value or its error is zero.
fn log2(value: f64) -> f64 {
    value.max(f64::MIN_POSITIVE).log2()
}

fn precision(errors: &Errors) -> f64 {
    log2(errors.values) - log2(errors.rms)
}

fn budget(modulus_bits: f64, scale: f64, errors: &Errors) -> Budget {
    Budget {
        modulus_bits,
        left_bits: modulus_bits - log2(2.0 * errors.largest_value * scale),
        noise_bits: log2(2.0 * errors.largest * scale),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_are_sums_over_all_values() {
        let mut sums = Sums::default();
        sums.add([1.0, 2.0].into_iter(), &[1.0, -1.0]);
        sums.add([0.0].into_iter(), &[4.0]);
        let errors = sums.errors(0.5);
        assert_eq!((errors.largest, errors.largest_value), (4.0, 4.0));
        assert_eq!(errors.mean, 7.0 / 3.0);
        assert_eq!(errors.rms, (25.0f64 / 3.0).sqrt());
        assert_eq!(errors.values, 6.0f64.sqrt());
    }

    #[test]
    fn bits_add_up_and_stay_finite() {
        let errors = Errors {
            largest: 0.25,
            mean: 0.0,
            rms: 0.0,
            predicted: 0.0,
            values: 1.0,
            largest_value: 2.0,
        };
        let budget = budget(20.0, 1024.0, &errors);
        assert_eq!((budget.left_bits, budget.noise_bits), (8.0, 9.0));
        assert!(precision(&errors).is_finite());
    }
}
