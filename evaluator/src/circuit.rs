//! What is run: a network as a sequence of homomorphic operations.
//!
//! Chooses packing, levels, scales and rotations for a [`Network`] and encodes its weights once.
//! Knows plain weights and how to compute with them on ciphertexts; knows neither ONNX nor HTTP.
//!
//! **Invariant:** in every reply each slot holds a logit or zero: the last layer leaves its
//! outputs repeated over all slots, and rows beyond the last class are zero.

mod scales;

use std::sync::Arc;

use shared::api::{
    API_VERSION, InputSpec, KeySpec, ModelInfo, OutputSpec, RotationKeySpec, SwitchingKeySpec,
};
use shared::ciphertext::{Ciphertext, Reply, SeededCiphertext};
use shared::encoding::Scale;
use shared::keys::{EvaluationKeys, SwitchingKey};
use shared::packing::{InputPacking, OutputPacking};
use shared::params::{ParameterError, Parameters, shipped};
use shared::ring::{Level, Ring};
use shared::wire::{KeyUse, WireError, read_input, write_reply};
use thiserror::Error;

use crate::engine::{Diagonals, Engine, EvalError, MatrixPlan, Plaintext};
use crate::network::{Layer, Linear, Network};
use scales::ScalePlan;

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
        /// Slots available.
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
    steps: Vec<Step>,
}

/// One layer.
#[derive(Debug)]
enum Step {
    /// Matrix product and bias, then a rescale.
    Linear { matrix: Diagonals, bias: Plaintext },
    /// Square, then a rescale.
    Square,
}

impl Circuit {
    /// Chooses parameters and packing for a network and encodes its weights.
    ///
    /// # Errors
    /// [`CircuitError`], with what would fit.
    pub fn compile(id: &str, network: &Network) -> Result<Self, CircuitError> {
        let sets: Vec<Parameters> = shipped()
            .into_iter()
            .map(Parameters::new)
            .collect::<Result<_, _>>()?;
        let mut refusal = CircuitError::Shape("the network has no layers");
        for parameters in sets {
            match Self::compile_for(id, network, parameters) {
                Err(
                    error @ (CircuitError::TooDeep { .. }
                    | CircuitError::TooWide { .. }
                    | CircuitError::Bound { .. }),
                ) => {
                    refusal = error;
                }
                result => return result,
            }
        }
        Err(refusal)
    }

    /// As [`Circuit::compile`], for one parameter set.
    ///
    /// # Errors
    /// As [`Circuit::compile`].
    pub fn compile_for(
        id: &str,
        network: &Network,
        parameters: Parameters,
    ) -> Result<Self, CircuitError> {
        let Some(Layer::Linear(first)) = network.layers.first() else {
            return Err(CircuitError::Shape(
                "the first layer must be linear: Gemm, MatMul or Add",
            ));
        };
        let Some(Layer::Linear(last)) = network.layers.last() else {
            return Err(CircuitError::Shape(
                "the last layer must be linear: Gemm, MatMul or Add",
            ));
        };
        // Every layer ends with a rescale; the last one leaves the reply at level 0.
        let top = network.layers.len();
        let level = |depth: usize| Level(u8::try_from(depth).unwrap_or(u8::MAX));
        if top > usize::from(parameters.top().0) {
            let available = usize::from(parameters.top().0);
            return Err(CircuitError::TooDeep {
                needed: top,
                available,
            });
        }
        let engine = Engine::new(&Ring::new(parameters));
        let slots = engine.slots();
        let scales = ScalePlan::new(&engine, network);
        if scales.output().0 < 1.0 {
            return Err(CircuitError::Bound {
                bound: network.logit_bound,
            });
        }

        let sources = used_columns(first);
        let fits = |name: &str, size: usize| {
            if size.next_power_of_two() <= slots {
                Ok(size.next_power_of_two())
            } else {
                Err(CircuitError::TooWide {
                    name: name.to_owned(),
                    size,
                    slots,
                })
            }
        };
        let mut period = fits(&first.name, sources.len())?;
        let mut repeat = (slots / period).min(fits(&first.name, first.rows)?);
        let packing = InputPacking {
            period,
            repeat,
            sources: sources.clone(),
        };

        let mut columns = sources;
        let mut keys = KeySpec::default();
        let mut steps = Vec::with_capacity(network.layers.len());
        for (at, layer) in network.layers.iter().enumerate() {
            let level = level(top - at);
            match layer {
                Layer::Linear(linear) => {
                    let rows = fits(&linear.name, linear.rows)?;
                    let plan = MatrixPlan::new(slots, period, repeat, rows);
                    for step in plan.input_steps() {
                        require_rotation(&mut keys, step, fine(level));
                    }
                    for step in plan.product_steps() {
                        require_rotation(&mut keys, step, coarse(level));
                    }
                    let weights = scales.weights(at);
                    let product = Scale(scales.input(at).0 * weights.0);
                    let entry = |row: usize, position: usize| {
                        let inside = row < linear.rows && position < columns.len();
                        if inside {
                            linear.weights[row * linear.columns + columns[position]]
                        } else {
                            0.0
                        }
                    };
                    let biases = |slot: usize| linear.bias.get(slot % rows).copied().unwrap_or(0.0);
                    let biases: Vec<f64> = (0..slots).map(biases).collect();
                    let encode = || {
                        Ok(Step::Linear {
                            matrix: engine.encode_matrix(plan, entry, weights, level)?,
                            bias: engine.encode(&biases, product, level)?,
                        })
                    };
                    let failed = |source| CircuitError::Weights {
                        name: linear.name.clone(),
                        source,
                    };
                    steps.push(encode().map_err(failed)?);
                    (period, repeat) = (rows, 1);
                    columns = (0..linear.rows).collect();
                }
                Layer::Square => {
                    let key = keys.relinearization.get_or_insert(coarse(level));
                    *key = finest(*key, coarse(level));
                    steps.push(Step::Square);
                }
            }
        }
        let info = ModelInfo {
            api_version: API_VERSION,
            id: id.to_owned(),
            description: network.description.clone(),
            parameters: engine.ring().parameters().spec().clone(),
            input: InputSpec {
                shape: network.input_shape,
                packing,
                scale: scales.input(0).0,
                level: level(top),
            },
            output: OutputSpec {
                classes: network.classes.clone(),
                packing: OutputPacking {
                    period,
                    classes: last.rows,
                },
                scale: scales.output().0,
                level: Level(0),
                bound: scales.output_bound(),
            },
            keys,
        };
        Ok(Self {
            info,
            engine,
            steps,
        })
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
    /// the key for keys that are missing, of a lower level or of larger digits.
    pub fn evaluate(
        &self,
        keys: &EvaluationKeys,
        input: SeededCiphertext,
    ) -> Result<Vec<u8>, EvalError> {
        let period = self.info.output.packing.period;
        let reply = Reply::new(self.run(keys, input)?, period, self.ring());
        Ok(write_reply(&reply, self.ring()))
    }

    /// As [`Circuit::evaluate`], with all slots and before it is written out.
    ///
    /// # Errors
    /// As [`Circuit::evaluate`].
    pub fn run(
        &self,
        keys: &EvaluationKeys,
        input: SeededCiphertext,
    ) -> Result<Ciphertext, EvalError> {
        self.check_keys(keys)?;
        let mut x = self.checked_input(input)?;
        for step in &self.steps {
            x = match step {
                Step::Linear { matrix, bias } => {
                    let product = self.engine.multiply_matrix(matrix, &x, keys)?;
                    self.engine
                        .rescale(&self.engine.add_plain(&product, bias)?)?
                }
                Step::Square => self.engine.rescale(&self.engine.square(&x, keys)?)?,
            };
        }
        Ok(x)
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
        if let Some(needed) = self.info.keys.relinearization {
            let key = keys
                .relinearization
                .as_ref()
                .ok_or(EvalError::MissingRelinearizationKey)?;
            check_key(KeyUse::Relinearization, key, needed)?;
        }
        for &RotationKeySpec { step, key: needed } in &self.info.keys.rotations {
            let key = keys
                .rotations
                .get(&step)
                .ok_or_else(|| EvalError::MissingGaloisKey {
                    step,
                    uploaded: keys.rotations.keys().copied().collect(),
                })?;
            check_key(KeyUse::Rotation(step), key, needed)?;
        }
        Ok(())
    }
}

fn check_key(
    key_use: KeyUse,
    key: &SwitchingKey,
    needed: SwitchingKeySpec,
) -> Result<(), EvalError> {
    if key.level() < needed.level {
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

/// The inputs that any output depends on; the others need no slot.
fn used_columns(linear: &Linear) -> Vec<usize> {
    let used = |column: &usize| {
        linear
            .weights
            .iter()
            .skip(*column)
            .step_by(linear.columns)
            .any(|&weight| weight != 0.0)
    };
    let columns: Vec<usize> = (0..linear.columns).filter(used).collect();
    if columns.is_empty() { vec![0] } else { columns }
}

/// A key for what has the small scale of an input: its noise counts, so its digits are single
/// primes.
fn fine(level: Level) -> SwitchingKeySpec {
    SwitchingKeySpec {
        level,
        digit_primes: 1,
    }
}

/// A key for products, which a rescale is still to divide: there is room for the noise of digits
/// of two primes.
fn coarse(level: Level) -> SwitchingKeySpec {
    SwitchingKeySpec {
        level,
        digit_primes: 2,
    }
}

/// The key that serves where either of two does.
fn finest(left: SwitchingKeySpec, right: SwitchingKeySpec) -> SwitchingKeySpec {
    SwitchingKeySpec {
        level: left.level.max(right.level),
        digit_primes: left.digit_primes.min(right.digit_primes),
    }
}

/// Adds a rotation to those that need keys.
fn require_rotation(keys: &mut KeySpec, step: u32, key: SwitchingKeySpec) {
    match keys
        .rotations
        .binary_search_by_key(&step, |rotation| rotation.step)
    {
        Ok(at) => keys.rotations[at].key = finest(keys.rotations[at].key, key),
        Err(at) => keys.rotations.insert(at, RotationKeySpec { step, key }),
    }
}
