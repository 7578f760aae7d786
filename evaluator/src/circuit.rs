//! What is run: a network as a sequence of homomorphic operations.
//!
//! Chooses packing, levels, scales and rotations for a [`crate::network::Network`] and encodes its
//! weights once. Knows plain weights and how to compute with them on ciphertexts; knows neither
//! ONNX nor HTTP.
//!
//! A [`Circuit`] runs on any [`Engine`]: on ciphertexts, or on plain numbers.
//!
//! **Invariant:** a reply holds the outputs and nothing else: of the first half of its ciphertext
//! only the coefficients that belong to logits leave here, and without the others no other
//! coefficient of the message can be decrypted. In a reply in slots, and in one to many images, every
//! slot is an output or zero.

mod bulk;
mod choice;
mod cost;
mod encode;
mod layout;
mod parameters;
mod placement;
mod precision;
mod program;
mod run;
mod scales;
mod schedule;
mod statistics;

pub use choice::{Change, PRECISION_BITS, Shortage, ShortageKind};
pub use cost::Count;
pub use program::Step;

use std::fmt;
use std::sync::Arc;

use shared::api::{
    API_VERSION, InputSpec, LayerRange, ModelInfo, OutputSpec, RotationKeySpec, SwitchingKeySpec,
};
use shared::ciphertext::{BulkInput, Ciphertext, Reply, SeededCiphertext};
use shared::encoding::Scale;
use shared::keys::{EvaluationKeys, SwitchingKey};
use shared::params::{ParameterError, Parameters};
use shared::ring::Ring;
use shared::wire::{KeyUse, WireError, read_bulk_input, read_input, write_bulk_reply, write_reply};
use thiserror::Error;

use crate::engine::{Ckks, Engine, EvalError, Plain, PlainVector, Walk};
use crate::network::Network;
use bulk::Bulk;
use choice::Chooser;
use encode::{Encoded, EncodedReply, Encoder};
use program::Program;

/// Why a network can't become a circuit.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum CircuitError {
    /// More multiplications in a row than a given parameter set has levels for.
    #[error("the network needs {needed} levels, the parameter set has {available}")]
    TooDeep {
        /// Levels needed.
        needed: usize,
        /// Levels of the set.
        available: usize,
    },
    /// More multiplications in a row, or more precision, than any secure modulus has room for.
    #[error(
        "the network needs {levels} levels and {bits} bits of its outputs, more than a secure \
         modulus has room for up to N = 2^{log_n}; use fewer squares or polynomials of lower degree, \
         or state fewer inkveil.precision_bits"
    )]
    NoSet {
        /// Levels needed.
        levels: usize,
        /// Bits of the outputs that have to be right.
        bits: f64,
        /// log2 of the largest ring degree that was tried.
        log_n: u32,
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
    /// Nothing to compute.
    #[error("{0}")]
    Shape(&'static str),
    /// Levels with primes of their own, where a value skips one.
    #[error(
        "parameter set {set}: what is at level {from} is needed at level {to}, whose primes are not \
         the first of level {from}; use levels that share primes"
    )]
    Chain {
        /// The set.
        set: String,
        /// Level of a value or key.
        from: u8,
        /// Where it is needed.
        to: u8,
    },
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

/// How a circuit is made.
#[derive(Clone, Debug, Default)]
pub struct Options<'a> {
    /// Inputs that show how large values become; made-up ones, if there are none.
    pub samples: &'a [Vec<f64>],
    /// The parameter set, instead of the cheapest that is precise enough.
    pub parameters: Option<Parameters>,
    /// How all matrix products are walked through, for a given parameter set.
    pub walk: Option<Walk>,
}

/// A network that is ready to run on an engine.
pub struct Circuit<E: Engine = Ckks> {
    info: ModelInfo,
    engine: E,
    program: Program,
    operations: Vec<Encoded<E>>,
    reply: EncodedReply<E>,
    layer_names: Vec<String>,
    /// For each register, the operation that reads it last.
    last_uses: Vec<usize>,
    bulk: Option<Bulk>,
}

impl<E: Engine> fmt::Debug for Circuit<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Circuit")
            .field("id", &self.info.id)
            .finish_non_exhaustive()
    }
}

impl Circuit {
    /// Chooses parameters and packing for a network and encodes its weights.
    ///
    /// # Errors
    /// [`CircuitError`], with what would fit.
    pub fn compile(id: &str, network: &Network) -> Result<Self, CircuitError> {
        Self::compile_with(id, network, &Options::default())
    }

    /// As [`Circuit::compile`], with choices made already.
    ///
    /// # Errors
    /// As [`Circuit::compile`].
    pub fn compile_with(
        id: &str,
        network: &Network,
        options: &Options<'_>,
    ) -> Result<Self, CircuitError> {
        let chooser = Chooser::new(network, options.samples)?;
        let program = match &options.parameters {
            Some(set) => chooser.for_set(set, options.walk)?,
            None => chooser.choose()?,
        };
        let engine = Ckks::new(&Ring::new(program.parameters.clone()));
        let mut circuit = Self::encode(id, network, program, engine)?;
        circuit.bulk = Bulk::compile(&circuit.engine, network, circuit.program.bound);
        circuit.info.bulk = circuit.bulk.as_ref().map(|bulk| bulk.spec().clone());
        Ok(circuit)
    }

    /// The same circuit on plain numbers.
    ///
    /// # Errors
    /// As [`Circuit::compile`].
    pub fn plain(&self, network: &Network) -> Result<Circuit<Plain>, CircuitError> {
        let engine = Plain::new(self.program.parameters.clone());
        Circuit::encode(&self.info.id, network, self.program.clone(), engine)
    }

    /// The same circuit, which takes no bulk requests.
    #[must_use]
    pub fn without_bulk(mut self) -> Self {
        self.bulk = None;
        self.info.bulk = None;
        self
    }

    /// The same circuit as that of these layers of its model's network.
    #[must_use]
    pub fn with_layers(mut self, layers: LayerRange) -> Self {
        self.info.layers = Some(layers);
        self
    }

    /// The ring of its parameter set.
    #[must_use]
    pub fn ring(&self) -> &Arc<Ring> {
        self.engine.ring()
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
        Ok(write_reply(&self.run(keys, input, |_, _| {})?, self.ring()))
    }

    /// As [`Circuit::evaluate`], as long as `may_go_on` says so; it is asked after each operation.
    ///
    /// # Errors
    /// As [`Circuit::evaluate`]; [`EvalError::Stopped`].
    pub fn evaluate_while(
        &self,
        keys: &EvaluationKeys,
        input: SeededCiphertext,
        may_go_on: impl Fn() -> bool,
    ) -> Result<Vec<u8>, EvalError> {
        let of = self.operations.len();
        let reply = self.checked_run(keys, input, |at, _| {
            let done = at + 1;
            may_go_on()
                .then_some(())
                .ok_or(EvalError::Stopped { done, of })
        })?;
        Ok(write_reply(&reply, self.ring()))
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
        self.evaluate_bulk_while(input, || true)
    }

    /// As [`Circuit::evaluate_bulk`], as long as `may_go_on` says so; it is asked many times on every
    /// thread.
    ///
    /// # Errors
    /// As [`Circuit::evaluate_bulk`]; [`EvalError::Stopped`].
    pub fn evaluate_bulk_while(
        &self,
        input: &BulkInput,
        may_go_on: impl Fn() -> bool + Sync,
    ) -> Option<Result<Vec<u8>, EvalError>> {
        let reply = self.bulk.as_ref()?.run(&self.engine, input, may_go_on);
        Some(reply.map(|reply| write_bulk_reply(&reply, self.ring())))
    }

    /// As [`Circuit::evaluate`]; `watch` is shown what each operation makes, by its number.
    ///
    /// # Errors
    /// As [`Circuit::evaluate`].
    pub fn run(
        &self,
        keys: &EvaluationKeys,
        input: SeededCiphertext,
        mut watch: impl FnMut(usize, &Ciphertext),
    ) -> Result<Reply, EvalError> {
        self.checked_run(keys, input, |at, made| {
            watch(at, made);
            Ok(())
        })
    }

    fn checked_run(
        &self,
        keys: &EvaluationKeys,
        input: SeededCiphertext,
        watch: impl FnMut(usize, &Ciphertext) -> Result<(), EvalError>,
    ) -> Result<Reply, EvalError> {
        self.check_keys(keys)?;
        let input = self.checked_input(input)?;
        let parts = self.execute(keys, input, watch)?;
        Ok(Reply {
            log_modulus: self.program.log_modulus,
            scale: Scale(self.program.output_scale()),
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

impl Circuit<Plain> {
    /// The outputs for a plain input; `watch` is shown what each operation makes, by its number.
    ///
    /// # Errors
    /// [`EvalError`], if levels, scales or keys don't fit: a defect of the program.
    pub fn outputs(
        &self,
        input: &[f64],
        mut watch: impl FnMut(usize, &PlainVector),
    ) -> Result<Vec<f64>, EvalError> {
        let spec = &self.info.input;
        let prepared: Vec<f64> = input.iter().map(|&x| spec.preparation.apply(x)).collect();
        let slots = spec
            .packing
            .pack(&prepared, self.program.parameters.slots())?;
        let input = self.engine.vector(slots, spec.level, Scale(spec.scale));
        let parts = self.execute(&self.info.keys, input, |at, made| {
            watch(at, made);
            Ok(())
        })?;
        Ok(self.program.plain_outputs(&parts, self.engine.encoder()))
    }
}

impl<E: Engine> Circuit<E> {
    /// Encodes a network's weights for a program.
    fn encode(
        id: &str,
        network: &Network,
        program: Program,
        engine: E,
    ) -> Result<Self, CircuitError> {
        let encoder = Encoder {
            engine: &engine,
            network,
            program: &program,
        };
        let (operations, reply) = (encoder.operations()?, encoder.reply()?);
        let output_scale = program.output_scale();
        let info = ModelInfo {
            api_version: API_VERSION,
            id: id.to_owned(),
            layers: None,
            description: network.description.clone(),
            parameters: program.parameters.spec().clone(),
            input: InputSpec {
                shape: network.input_shape.clone(),
                preparation: network.preparation,
                packing: program.placement.input.packing(),
                scale: program.scales.registers[0],
                level: program.schedule.level(0),
            },
            output: OutputSpec {
                classes: network.classes.clone(),
                packing: program.output_packing(),
                scale: output_scale,
                log_modulus: program.log_modulus,
                bound: f64::from(program.log_modulus - 1).exp2() / output_scale,
            },
            keys: program.keys.clone(),
            bulk: None,
        };
        Ok(Self {
            info,
            engine,
            layer_names: network
                .layers
                .iter()
                .map(|layer| layer.name.clone())
                .collect(),
            last_uses: program.schedule.last_uses(),
            program,
            operations,
            reply,
            bulk: None,
        })
    }

    /// What clients are told.
    #[must_use]
    pub fn info(&self) -> &ModelInfo {
        &self.info
    }

    /// Root mean square of the outputs' error, as the noise model predicts it.
    #[must_use]
    pub fn predicted_error(&self) -> f64 {
        self.program.predicted_error
    }

    /// What the error of an output stays below: 24 times the predicted root mean square. Of thousands
    /// of errors the largest is four times it; the rest is room for values that are larger, or more
    /// alike, than those it was predicted from.
    #[must_use]
    pub fn error_bound(&self) -> f64 {
        24.0 * self.program.predicted_error
    }

    /// What each operation makes, in the order in which [`Circuit::run`] shows it.
    #[must_use]
    pub fn steps(&self) -> Vec<Step> {
        self.program.steps(&self.info.id, &self.layer_names)
    }

    /// The operations of one input, counted on the residues of one prime.
    #[must_use]
    pub fn count(&self) -> Count {
        self.program.count()
    }
}
