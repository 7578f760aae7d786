//! Chooses a parameter set: the cheapest within the 128-bit line whose outputs will be precise
//! enough.

mod neighbours;

pub use neighbours::{Change, Shortage, ShortageKind};

use std::sync::Arc;

use shared::params::{Parameters, shipped};

use super::CircuitError;
use super::cost::SECONDS_PER_KEY_BYTE;
use super::parameters::{MOST_SPECIAL, SecurityLine, Wish};
use super::placement::Placement;
use super::program::{Ingredients, Program};
use super::schedule::Schedule;
use super::statistics::Statistics;
use crate::engine::Walk;
use crate::network::Network;

/// Ring degrees that sets are made for, as log2.
const DEGREES: std::ops::RangeInclusive<u32> = 12..=15;

/// log2 of the scales of values between layers that are tried.
const VALUE_BITS: std::ops::RangeInclusive<u32> = 14..=40;

/// Bits that a level may lack if it then takes one prime less.
const SLACKS: [f64; 3] = [0.0, 3.0, 6.0];

/// How many scales are tried from the least one that is precise enough.
const MORE_BITS: usize = 4;

/// Bits of the outputs that have to be right, where the network doesn't say: few inputs have two
/// classes so near each other that an error this small changes their order.
pub const PRECISION_BITS: f64 = 9.0;

/// log2 of the largest output that a modulus is made for.
const MOST_LOG_OUTPUT: f64 = 64.0;

/// A network on its way to a program.
pub struct Chooser<'a> {
    network: &'a Network,
    /// For outputs in coefficients, and in slots.
    schedules: [Schedule; 2],
    statistics: Statistics,
}

impl<'a> Chooser<'a> {
    /// # Errors
    /// [`CircuitError::Shape`] for a network without layers or values.
    pub fn new(network: &'a Network, samples: &[Vec<f64>]) -> Result<Self, CircuitError> {
        if network.layers.is_empty() {
            return Err(CircuitError::Shape("the network has no layers"));
        }
        let statistics = Statistics::new(network, samples);
        if !(statistics.bound.is_finite() && statistics.bound > 0.0) {
            return Err(CircuitError::Shape(
                "the network's outputs are not finite numbers",
            ));
        }
        if statistics.bound.log2() > MOST_LOG_OUTPUT {
            return Err(CircuitError::Bound {
                bound: statistics.bound,
            });
        }
        Ok(Self {
            network,
            schedules: [true, false].map(|it| Schedule::new(network, it)),
            statistics,
        })
    }

    /// Size of an output on the samples, root mean square.
    fn output_rms(&self) -> f64 {
        let seen = self.statistics.values.last().copied().unwrap_or(0.0).sqrt();
        if seen > 0.0 {
            seen
        } else {
            self.statistics.bound
        }
    }

    /// Bits of the outputs that have to be right.
    fn precision_bits(&self) -> f64 {
        self.network.precision_bits.unwrap_or(PRECISION_BITS)
    }

    /// The largest error of an output, root mean square.
    fn tolerance(&self) -> f64 {
        self.output_rms() * (-self.precision_bits()).exp2()
    }

    fn ingredients<'b>(&'b self, placement: &'b Arc<Placement>) -> Ingredients<'b> {
        let in_slots = placement.layers.len() == self.network.layers.len();
        Ingredients {
            network: self.network,
            schedule: &self.schedules[usize::from(in_slots)],
            statistics: &self.statistics,
            placement,
            tolerance: self.tolerance(),
        }
    }

    /// The program for a given parameter set.
    ///
    /// # Errors
    /// What doesn't fit.
    pub fn for_set(&self, set: &Parameters, walk: Option<Walk>) -> Result<Program, CircuitError> {
        let placement = Arc::new(Placement::search(self.network, set.slots(), walk)?);
        self.ingredients(&placement).program(set)
    }

    /// The cheapest program that is precise enough.
    ///
    /// # Errors
    /// Why the largest set that could be made doesn't fit.
    pub fn choose(&self) -> Result<Program, CircuitError> {
        for set in shipped() {
            let program = self.for_set(&Parameters::new(set)?, None);
            match program {
                Ok(program) if program.predicted_error <= self.tolerance() => {
                    return Ok(program);
                }
                _ => {}
            }
        }
        let mut refusal = None;
        for log_n in DEGREES {
            let placement = match Placement::search(self.network, 1 << (log_n - 1), None) {
                Ok(placement) => Arc::new(placement),
                Err(error) => {
                    refusal = Some(error);
                    continue;
                }
            };
            for line in [SecurityLine::Quantum, SecurityLine::Classical] {
                if let Some(program) = self.made(log_n, &placement, line) {
                    return Ok(program);
                }
            }
            refusal = Some(CircuitError::NoSet {
                levels: self.schedules[0].depth + 1,
                bits: self.precision_bits(),
                log_n,
            });
        }
        Err(refusal.unwrap_or(CircuitError::Shape("no ring is large enough")))
    }

    /// The cheapest set in one ring: with the least bits that are enough, or a few more, which may
    /// suit the primes better.
    fn made(&self, log_n: u32, placement: &Arc<Placement>, line: SecurityLine) -> Option<Program> {
        let tolerance = self.tolerance();
        let precise = |bits: u32| {
            let shapes =
                (1..=MOST_SPECIAL).flat_map(|special| SLACKS.map(|slack| (special, slack)));
            let programs = shapes.filter_map(|(special, slack)| {
                let shape = (log_n, special, slack);
                let program = self.with_bits(shape, f64::from(bits), placement, line)?;
                (program.predicted_error <= tolerance).then_some(program)
            });
            programs.collect::<Vec<_>>()
        };
        let mut tried = VALUE_BITS.map(precise).skip_while(Vec::is_empty);
        let programs = tried.by_ref().take(MORE_BITS).flatten();
        cheapest(programs)
    }

    fn with_bits(
        &self,
        (log_n, special, slack): (u32, usize, f64),
        bits: f64,
        placement: &Arc<Placement>,
        line: SecurityLine,
    ) -> Option<Program> {
        let ingredients = self.ingredients(placement);
        let wish = Wish {
            schedule: ingredients.schedule,
            log_n,
            bits,
            special,
            slack,
            log_output: (self.statistics.bound / ingredients.width() as f64).log2(),
            line,
        };
        ingredients.program(&wish.grant()?).ok()
    }
}

/// The program that costs least, keys included.
fn cheapest(programs: impl Iterator<Item = Program>) -> Option<Program> {
    let cost = |program: &Program| {
        let seconds = program
            .count()
            .reference_price(program.parameters.spec().log_n);
        seconds + program.key_bytes() as f64 * SECONDS_PER_KEY_BYTE
    };
    programs.min_by(|a, b| cost(a).total_cmp(&cost(b)))
}
