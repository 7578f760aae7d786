//! A schedule with everything chosen: parameter set, places, scales, keys. It has no weights yet.
//!
//! **Invariant:** every key that an operation takes is among [`Program::keys`], at a level that
//! serves where it is used.

mod keys;
mod steps;

pub use steps::Step;

use std::sync::Arc;

use shared::api::KeySpec;
use shared::encoding::{Encoder, Scale};
use shared::packing::{CoefficientPacking, OutputPacking, SlotPacking};
use shared::params::Parameters;
use shared::ring::Level;

use super::CircuitError;
use super::layout::Layout;
use super::placement::Placement;
use super::precision::{Precision, State};
use super::scales::{HEADROOM, Planner, Scales};
use super::schedule::{Kind, Output, RegisterId, Schedule};
use super::statistics::Statistics;
use crate::engine::NoiseModel;
use crate::network::Network;

/// Values that are zero in every reply, as far as there is room: six random ones would all be near
/// zero less often than once in a hundred thousand times.
const ZEROS: usize = 6;

/// How far a scale is moved at a time, as log2, and how often all of them are tried.
const SHIFT: f64 = 0.5;
const ROUNDS: usize = 8;

/// What an error has to fall to for another round.
const SMALL_GAIN: f64 = 0.98;

/// log2 of the least modulus of a reply: rounding to it leaves ten bits of the logits.
const LEAST_LOG_REPLY: u32 = 15;

/// A network's operations for one parameter set.
#[derive(Clone, Debug)]
pub struct Program {
    pub parameters: Parameters,
    pub schedule: Schedule,
    pub placement: Arc<Placement>,
    pub scales: Scales,
    pub keys: KeySpec,
    pub reply: Reply,
    /// log2 of the reply's modulus.
    pub log_modulus: u32,
    /// Largest magnitude that an output has to fit.
    pub bound: f64,
    /// What is expected of each register.
    pub states: Vec<State>,
    /// Root mean square of an output's error, as predicted.
    pub predicted_error: f64,
}

/// How the outputs leave.
#[derive(Clone, Debug, PartialEq)]
pub enum Reply {
    /// Logits as coefficients.
    Coefficients(CoefficientReply),
    /// Values in slots.
    Slots(SlotReply),
}

/// Logits as coefficients of products with what the last layer reads.
#[derive(Clone, Debug, PartialEq)]
pub struct CoefficientReply {
    /// What its terms read; those marked are squared first.
    pub terms: Vec<(RegisterId, bool)>,
    /// The longest period among them: a logit is a mean of this many products.
    pub width: usize,
    pub packing: CoefficientPacking,
}

/// Where values in slots come from.
#[derive(Clone, Debug, PartialEq)]
pub enum SlotReply {
    /// The last layer's matrix products.
    Layer(Vec<RegisterId>),
    /// A register, squared first if marked.
    Register(RegisterId, bool),
}

/// What a program is made of.
pub struct Ingredients<'a> {
    pub network: &'a Network,
    pub schedule: &'a Schedule,
    pub statistics: &'a Statistics,
    pub placement: &'a Arc<Placement>,
    /// Largest error of an output that is wanted, root mean square.
    pub tolerance: f64,
}

impl Ingredients<'_> {
    /// The width of the mean that makes a logit, or 1.
    pub fn width(&self) -> usize {
        match self.reply(usize::MAX / 4) {
            Reply::Coefficients(reply) => reply.width,
            Reply::Slots(_) => 1,
        }
    }

    fn reply(&self, slots: usize) -> Reply {
        let layer = self.network.layers.last();
        let in_slots = self.placement.layers.len() == self.network.layers.len();
        match (&self.schedule.output, layer) {
            (&Output::Register(register, squared), _) => {
                Reply::Slots(SlotReply::Register(register, squared))
            }
            (Output::Layer(terms), _) if in_slots => {
                Reply::Slots(SlotReply::Layer(terms.iter().map(|&(of, _)| of).collect()))
            }
            (Output::Layer(terms), layer) => {
                let read = layer.into_iter().flat_map(|layer| &layer.terms);
                let width = read.map(|term| self.placement.of(term.of).period()).max();
                let width = width.unwrap_or(1);
                let classes = self.network.classes.len();
                let copies = (slots / width).max(1);
                // As far as the last part has room; one for their own would not pay.
                let room = classes.next_multiple_of(2 * copies) - classes;
                Reply::Coefficients(CoefficientReply {
                    terms: terms.clone(),
                    width,
                    packing: CoefficientPacking {
                        classes,
                        zeros: ZEROS.min(room),
                        copies,
                    },
                })
            }
        }
    }

    /// The program for a parameter set.
    ///
    /// # Errors
    /// [`CircuitError::TooDeep`], [`CircuitError::Bound`], or [`CircuitError::Chain`] if the levels'
    /// primes don't allow what the schedule wants.
    pub fn program(&self, parameters: &Parameters) -> Result<Program, CircuitError> {
        let available = usize::from(parameters.top().0) + 1;
        let needed = self.schedule.depth + 1;
        if needed > available {
            return Err(CircuitError::TooDeep { needed, available });
        }
        let mut shifts = vec![0.0; self.schedule.operations.len() + 1];
        let mut best = self.with_scales(parameters, &shifts)?;
        for _ in 0..ROUNDS {
            let before = best.predicted_error;
            for register in self.movable() {
                for step in [SHIFT, -SHIFT] {
                    shifts[register] += step;
                    match self.with_scales(parameters, &shifts) {
                        Ok(program) if program.predicted_error < best.predicted_error => {
                            best = program;
                            break;
                        }
                        _ => shifts[register] -= step,
                    }
                }
            }
            if best.predicted_error > SMALL_GAIN * before {
                break;
            }
        }
        Ok(best)
    }

    /// Registers whose scale is free: the input, and what matrix products make.
    fn movable(&self) -> Vec<usize> {
        let operations = self.schedule.operations.iter().enumerate();
        let linear = operations.filter(|(_, it)| matches!(it.kind, Kind::Linear { .. }));
        let made = linear.map(|(at, _)| at + 1);
        [0].into_iter().chain(made).collect()
    }

    /// The scales for a parameter set, each moved by a few bits.
    pub fn scales(&self, parameters: &Parameters, shifts: &[f64]) -> Scales {
        let planner = Planner {
            schedule: self.schedule,
            statistics: self.statistics,
            placement: self.placement,
            model: NoiseModel::new(parameters),
            width: self.width() as f64,
            rows: match self.reply(parameters.slots()) {
                Reply::Coefficients(reply) => {
                    let packing = &reply.packing;
                    Some(packing.classes.min(2 * packing.copies) as f64)
                }
                Reply::Slots(_) => None,
            },
            shifts,
        };
        planner.plan()
    }

    fn with_scales(
        &self,
        parameters: &Parameters,
        shifts: &[f64],
    ) -> Result<Program, CircuitError> {
        let scales = self.scales(parameters, shifts);
        let bound = self.statistics.bound;
        let usable = |scale: &f64| (1.0..=2f64.powi(200)).contains(scale);
        let output = NoiseModel::new(parameters).modulus(Level(0)) / (HEADROOM * bound);
        if output < 1.0 || !scales.registers.iter().chain([&scales.reply]).all(usable) {
            return Err(CircuitError::Bound { bound });
        }
        let mut program = Program {
            parameters: parameters.clone(),
            schedule: self.schedule.clone(),
            placement: Arc::clone(self.placement),
            scales,
            keys: KeySpec::default(),
            reply: self.reply(parameters.slots()),
            log_modulus: 0,
            bound,
            states: Vec::new(),
            predicted_error: 0.0,
        };
        program.check_levels()?;
        program.require_keys()?;
        program.log_modulus = program.reply_modulus(self.tolerance);
        let precision = Precision {
            statistics: self.statistics,
            program: &program,
        };
        let states = precision.registers();
        let predicted_error = precision.output_error(&states);
        (program.states, program.predicted_error) = (states, predicted_error);
        Ok(program)
    }
}

impl Program {
    /// The layout of a register.
    pub fn register_layout(&self, register: RegisterId) -> &Layout {
        match register.0.checked_sub(1) {
            None => &self.placement.input,
            Some(at) => &self.placement.layers[self.schedule.operations[at].layer],
        }
    }

    /// The layer that a register is a part of; the first for the input.
    pub fn layer_of(&self, register: RegisterId) -> usize {
        let made_by = register.0.checked_sub(1);
        made_by.map_or(0, |at| self.schedule.operations[at].layer)
    }

    /// The level of a register.
    pub fn register_level(&self, register: RegisterId) -> Level {
        self.schedule.level(self.schedule.register_depth(register))
    }

    /// What an output is multiplied by in the reply.
    pub fn output_scale(&self) -> f64 {
        let modulus = NoiseModel::new(&self.parameters).modulus(Level(0));
        let width = match &self.reply {
            Reply::Coefficients(reply) => reply.width as f64,
            Reply::Slots(_) => 1.0,
        };
        self.scales.reply / width / modulus * f64::from(self.log_modulus).exp2()
    }

    /// Where clients find the outputs.
    pub fn output_packing(&self) -> OutputPacking {
        match &self.reply {
            Reply::Coefficients(reply) => OutputPacking::Coefficients(reply.packing),
            Reply::Slots(reply) => {
                let layout = match reply {
                    SlotReply::Layer(_) => self.placement.layers.last().map(|layout| &**layout),
                    SlotReply::Register(register, _) => Some(self.register_layout(*register)),
                };
                OutputPacking::Slots(SlotPacking {
                    slots: layout.map_or_else(Vec::new, Layout::slots),
                })
            }
        }
    }

    /// The outputs in the coefficients that a plain circuit replies with.
    pub fn plain_outputs(&self, parts: &[Vec<f64>], encoder: &Encoder) -> Vec<f64> {
        match &self.reply {
            Reply::Coefficients(reply) => {
                let logits = parts.iter().flatten().take(reply.packing.classes);
                logits
                    .map(|coefficient| coefficient * reply.width as f64)
                    .collect()
            }
            Reply::Slots(_) => {
                let message = parts.first().map_or(&[][..], Vec::as_slice);
                let slots = encoder.decode(message, Scale(1.0));
                let OutputPacking::Slots(packing) = self.output_packing() else {
                    return Vec::new();
                };
                packing.slots.iter().map(|&slot| slots[slot].re).collect()
            }
        }
    }

    /// The least modulus of a reply whose rounding is well below what is tolerated, as far as the
    /// primes that it is made of allow ([`crate::engine::Engine::truncate`]).
    fn reply_modulus(&self, tolerance: f64) -> u32 {
        let rounding = NoiseModel::new(&self.parameters).rounding();
        let rounding = match self.reply {
            Reply::Coefficients(_) => rounding.times((self.parameters.degree() as f64).recip()),
            Reply::Slots(_) => rounding.times(0.5),
        };
        let bits = rounding.rms() * HEADROOM * self.bound / (tolerance / 2.0);
        let primes =
            self.parameters.primes_at(Level(0)).len() + self.parameters.spec().special.len();
        let most = u32::BITS - primes.next_power_of_two().ilog2();
        (bits.log2().ceil().max(0.0) as u32).clamp(LEAST_LOG_REPLY, most)
    }

    /// An operand from a higher level has to have the lower level's primes.
    fn check_levels(&self) -> Result<(), CircuitError> {
        for operation in &self.schedule.operations {
            let level = self.schedule.level(operation.depth);
            for register in operation.kind.operands() {
                self.check_serves(self.register_level(register), level)?;
            }
        }
        let (Output::Layer(terms), level) = (&self.schedule.output, Level(0)) else {
            return Ok(());
        };
        let mut registers = terms
            .iter()
            .map(|&(register, _)| self.register_level(register));
        registers.try_for_each(|from| self.check_serves(from, level))
    }

    fn check_serves(&self, from: Level, to: Level) -> Result<(), CircuitError> {
        if self.parameters.serves(from, to) {
            Ok(())
        } else {
            Err(CircuitError::Chain {
                set: self.parameters.spec().name.clone(),
                from: from.0,
                to: to.0,
            })
        }
    }
}
