//! What is run: a network as a sequence of homomorphic operations.
//!
//! Chooses packing, levels, scales and rotations for a [`crate::network::Network`] and encodes its
//! weights once. Knows plain weights and how to compute with them on ciphertexts; knows neither
//! ONNX nor HTTP.
//!
//! **Invariant:** a reply holds the logits and nothing else: of the first half of its ciphertext
//! only the coefficients that belong to logits leave here, and without the others no other
//! coefficient of the message can be decrypted. In a reply to many images every slot is a logit.

mod bulk;
mod compile;
mod precision;
mod scales;

use std::sync::Arc;

use shared::api::{ModelInfo, RotationKeySpec, SwitchingKeySpec};
use shared::ciphertext::{BulkInput, Ciphertext, Reply, SeededCiphertext};
use shared::encoding::Scale;
use shared::keys::{EvaluationKeys, SwitchingKey};
use shared::params::ParameterError;
use shared::ring::Ring;
use shared::wire::{KeyUse, WireError, read_bulk_input, read_input, write_bulk_reply, write_reply};
use thiserror::Error;

use crate::engine::{Addend, Diagonals, Engine, EvalError, MatrixPlan, Plaintext};
use bulk::Bulk;

/// Why a network can't become a circuit.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum CircuitError {
    /// More multiplications in a row than any shipped parameter set has levels for.
    #[error(
        "the network needs {needed} levels, the largest parameter set has {available}; \
         use fewer squares"
    )]
    TooDeep {
        /// Levels needed.
        needed: usize,
        /// Levels of the largest set.
        available: usize,
    },
    /// A vector that doesn't fit in one ciphertext.
    #[error("{name} has {size} values, one ciphertext of the largest parameter set holds {slots}")]
    TooWide {
        /// The layer.
        name: String,
        /// Inputs or outputs of it.
        size: usize,
        /// Room for them: slots, or twice as many for the input.
        slots: usize,
    },
    /// Logits so large that the modulus has no room for a scale.
    #[error("logits up to {bound:e} do not fit; train for smaller ones or state a smaller bound")]
    Bound {
        /// The declared bound.
        bound: f64,
    },
    /// Nothing to compute, or an order that is not linear and square in turn.
    #[error("{0}")]
    Shape(&'static str),
    /// A shipped parameter set that is not sound; a defect of this program.
    #[error(transparent)]
    Parameters(#[from] ParameterError),
    /// Weights that can't be encoded.
    #[error("{name}: {source}")]
    Weights {
        /// The layer.
        name: String,
        /// Why.
        source: EvalError,
    },
}

/// A network that is ready to run on ciphertexts.
#[derive(Debug)]
pub struct Circuit {
    info: ModelInfo,
    engine: Engine,
    hidden: Vec<Hidden>,
    last: Last,
    predicted_error: f64,
    bulk: Option<Bulk>,
}

/// A stage that ends with a rescale.
#[derive(Debug)]
struct Hidden {
    /// Whether its input is squared first.
    squared: bool,
    /// The linear layer, if there is one.
    linear: Option<(Diagonals, Addend)>,
}

/// The linear layer that ends in a reply.
#[derive(Debug)]
struct Last {
    /// Whether its input is squared first.
    squared: bool,
    /// For each part of the reply, a factor that leaves each logit in its coefficient.
    parts: Vec<Plaintext>,
    /// Biases at the reply's scale.
    bias: Vec<i64>,
}

/// One stage of a circuit; the last is at level 0 and ends in the reply, the others end in a
/// rescale.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StageOutline<'a> {
    /// Whether it starts with a square.
    pub squared: bool,
    /// Its matrix product, if it has one.
    pub matrix: Option<&'a MatrixPlan>,
}

impl Circuit {
    /// The same circuit, which takes no bulk requests.
    #[must_use]
    pub fn without_bulk(mut self) -> Self {
        self.bulk = None;
        self.info.bulk = None;
        self
    }

    /// What clients are told.
    #[must_use]
    pub fn info(&self) -> &ModelInfo {
        &self.info
    }

    /// The ring of its parameter set.
    #[must_use]
    pub fn ring(&self) -> &Arc<Ring> {
        self.engine.ring()
    }

    /// Root mean square of the logits' error, as the noise model predicts it for inputs of root
    /// mean square 0.3.
    #[must_use]
    pub fn predicted_error(&self) -> f64 {
        self.predicted_error
    }

    /// What is computed, stage by stage.
    #[must_use]
    pub fn outline(&self) -> Vec<StageOutline<'_>> {
        let hidden = self.hidden.iter().map(|stage| StageOutline {
            squared: stage.squared,
            matrix: stage.linear.as_ref().map(|(matrix, _)| matrix.plan()),
        });
        let last = StageOutline {
            squared: self.last.squared,
            matrix: None,
        };
        hidden.chain([last]).collect()
    }

    /// Reads a request's ciphertext.
    ///
    /// # Errors
    /// [`WireError`], for bytes that are no fresh ciphertext of this parameter set.
    pub fn parse_input(&self, body: &[u8]) -> Result<SeededCiphertext, WireError> {
        read_input(body, self.ring())
    }

    /// Runs the network; the bytes are the reply's body.
    ///
    /// # Errors
    /// [`EvalError::Input`] for another level or scale than the circuit takes; an error that names
    /// the key for keys that are missing, of another level or of larger digits.
    pub fn evaluate(
        &self,
        keys: &EvaluationKeys,
        input: SeededCiphertext,
    ) -> Result<Vec<u8>, EvalError> {
        Ok(write_reply(&self.run(keys, input)?, self.ring()))
    }

    /// Reads a request's many images; nothing if the circuit has no way for them.
    ///
    /// # Errors
    /// [`WireError`], for bytes that are no bulk input of this model.
    pub fn parse_bulk(&self, body: &[u8]) -> Option<Result<BulkInput, WireError>> {
        let count = self.info.bulk.as_ref()?.inputs.len();
        Some(read_bulk_input(body, count, self.ring()))
    }

    /// Runs the network on many images, on the threads of the current pool; the bytes are the
    /// reply's body. Nothing if the circuit has no way for that.
    ///
    /// # Errors
    /// [`EvalError::Input`] for another level or scale than the circuit takes.
    pub fn evaluate_bulk(&self, input: &BulkInput) -> Option<Result<Vec<u8>, EvalError>> {
        let reply = self.bulk.as_ref()?.run(&self.engine, input);
        Some(reply.map(|reply| write_bulk_reply(&reply, self.ring())))
    }

    fn run(&self, keys: &EvaluationKeys, input: SeededCiphertext) -> Result<Reply, EvalError> {
        self.check_keys(keys)?;
        let engine = &self.engine;
        let mut x = self.checked_input(input)?;
        for stage in &self.hidden {
            let product = match (&stage.linear, stage.squared) {
                (None, _) => engine.square(&x, keys)?,
                (Some((matrix, bias)), squared) => {
                    if squared {
                        x = engine.lower(&engine.square(&x, keys)?)?;
                    }
                    engine.add_plain(engine.multiply_matrix(matrix, &x, keys)?, bias)?
                }
            };
            x = engine.rescale(&product)?;
        }
        let x = if self.last.squared {
            engine.square(&x, keys)?
        } else {
            engine.lift(&x)
        };
        let output = &self.info.output;
        let mut parts = Vec::with_capacity(self.last.parts.len());
        let biases = self.last.bias.chunks(2 * output.packing.copies);
        for (factor, biases) in self.last.parts.iter().zip(biases) {
            let product = engine.mul_plain_sum(&[(&x, factor)])?;
            let log_modulus = output.log_modulus;
            let mut part = engine.truncate(&product, &output.packing, biases.len(), log_modulus);
            for (number, &bias) in part.c0.iter_mut().zip(biases) {
                let sum = number.wrapping_add(bias as u32);
                *number = sum & (u32::MAX >> (32 - log_modulus));
            }
            parts.push(part);
        }
        Ok(Reply {
            log_modulus: output.log_modulus,
            scale: Scale(output.scale),
            parts,
        })
    }

    fn checked_input(&self, input: SeededCiphertext) -> Result<Ciphertext, EvalError> {
        let input = input.expand(self.ring())?;
        let expected = &self.info.input;
        let same_scale = input.scale().agrees(Scale(expected.scale));
        if input.level() != expected.level || !same_scale {
            return Err(EvalError::Input {
                found: input.level(),
                found_scale: input.scale().0.log2(),
                expected: expected.level,
                expected_scale: expected.scale.log2(),
            });
        }
        Ok(input)
    }

    /// Refuses keys that would fail on the way before anything is computed.
    fn check_keys(&self, keys: &EvaluationKeys) -> Result<(), EvalError> {
        let specs = &self.info.keys;
        let check = |key_use, key: Option<&SwitchingKey>, needed| {
            let key = key.ok_or_else(|| EvalError::missing(key_use, keys))?;
            self.check_key(key_use, key, needed)
        };
        if let Some(needed) = specs.relinearization {
            let key_use = KeyUse::Relinearization;
            check(key_use, keys.relinearization.as_ref(), needed)?;
        }
        if let Some(needed) = specs.conjugation {
            check(KeyUse::Conjugation, keys.conjugation.as_ref(), needed)?;
        }
        for &RotationKeySpec { step, key: needed } in &specs.rotations {
            check(KeyUse::Rotation(step), keys.rotations.get(&step), needed)?;
        }
        Ok(())
    }

    fn check_key(
        &self,
        key_use: KeyUse,
        key: &SwitchingKey,
        needed: SwitchingKeySpec,
    ) -> Result<(), EvalError> {
        if !self.ring().parameters().serves(key.level(), needed.level) {
            let (found, needed) = (key.level(), needed.level);
            return Err(EvalError::KeyLevel {
                key: key_use,
                found,
                needed,
            });
        }
        if key.digit_primes() > needed.digit_primes {
            let (found, most) = (key.digit_primes(), needed.digit_primes);
            return Err(EvalError::KeyDigits {
                key: key_use,
                found,
                most,
            });
        }
        Ok(())
    }
}
