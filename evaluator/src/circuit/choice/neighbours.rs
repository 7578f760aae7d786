//! What a choice is compared with, and what a given set lacks: for the tester of parameters.

use std::fmt;
use std::ops::RangeInclusive;
use std::sync::Arc;

use shared::params::Parameters;
use shared::params::security::product_bits;
use shared::ring::Level;

use super::super::parameters::{MOST_SPECIAL, SecurityLine};
use super::super::placement::Placement;
use super::super::program::Program;
use super::super::schedule::RegisterId;
use super::super::{Circuit, CircuitError};
use super::{Chooser, SLACKS, VALUE_BITS, cheapest};
use crate::network::Network;

/// How a parameter set differs from another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// Bits of the scale of values between layers, more or fewer; 0 for as many as a shipped set
    /// has, in a set made to measure.
    Bits(i32),
    /// Primes of P, more or fewer.
    Special(i32),
    /// The next larger ring.
    Ring,
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (by, one, more) = match *self {
            Self::Bits(0) => return f.write_str("made to measure"),
            Self::Ring => return f.write_str("the next ring"),
            Self::Bits(by) => (by, "bit", "bits"),
            Self::Special(by) => (by, "special prime", "special primes"),
        };
        let (count, thing) = (by.abs(), if by.abs() == 1 { one } else { more });
        let direction = if by < 0 { "less" } else { "more" };
        write!(f, "{count} {thing} {direction}")
    }
}

/// What a parameter set lacks for a network, and the first layer that would meet it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Shortage {
    /// The layer, by its number.
    pub layer: usize,
    /// What is missing there.
    pub kind: ShortageKind,
}

/// What a parameter set may lack.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum ShortageKind {
    /// Levels.
    Levels {
        /// Levels needed up to there.
        needed: usize,
        /// Levels of the set.
        available: usize,
    },
    /// Bits: the scale of a value or of the reply would be this.
    Scale(f64),
}

impl Circuit {
    /// Sets near the one that this circuit has, where there are any within the 128-bit line.
    ///
    /// # Errors
    /// As [`Circuit::compile`].
    pub fn neighbours(
        &self,
        network: &Network,
    ) -> Result<Vec<(Change, Option<Parameters>)>, CircuitError> {
        Ok(Chooser::new(network, &[])?.neighbours(&self.program))
    }

    /// The first layer for which a parameter set has too few levels or bits.
    ///
    /// # Errors
    /// As [`Circuit::compile`], if the set isn't to blame.
    pub fn shortage(
        network: &Network,
        parameters: &Parameters,
    ) -> Result<Option<Shortage>, CircuitError> {
        Chooser::new(network, &[])?.shortage(parameters)
    }
}

impl Chooser<'_> {
    /// The sets that differ in one thing from a program's, or as little as the 128-bit line allows.
    fn neighbours(&self, program: &Program) -> Vec<(Change, Option<Parameters>)> {
        let spec = program.parameters.spec();
        let (log_n, special) = (spec.log_n, spec.special.len());
        let here = &program.placement;
        let lowest = |set: &Parameters| product_bits(&[set.primes_at(Level(0))]);
        let far = |bits: &f64| {
            let made = self.nearby(log_n, *bits, here, 1..=1);
            made.map_or(u32::MAX, |made| {
                lowest(&made).abs_diff(lowest(&program.parameters))
            })
        };
        let nearest = VALUE_BITS.map(f64::from).min_by_key(far);
        let bits = nearest.unwrap_or(f64::from(*VALUE_BITS.start()));
        let with = |change| match change {
            Change::Bits(by) => self.nearby(log_n, bits + f64::from(by), here, 1..=MOST_SPECIAL),
            Change::Special(by) => {
                let special = special.checked_add_signed(by as isize);
                let special = special.filter(|&special| special > 0)?;
                self.nearby(log_n, bits, here, special..=special)
            }
            Change::Ring => {
                let slots = 2 * program.parameters.slots();
                let there = Arc::new(Placement::search(self.network, slots, None).ok()?);
                self.nearby(log_n + 1, bits, &there, 1..=MOST_SPECIAL)
            }
        };
        let changes = [
            Change::Bits(-2),
            Change::Bits(0),
            Change::Bits(2),
            Change::Special(-1),
            Change::Special(1),
            Change::Ring,
        ];
        changes.map(|change| (change, with(change))).to_vec()
    }

    /// The cheapest set with these bits and one of these numbers of special primes.
    fn nearby(
        &self,
        log_n: u32,
        bits: f64,
        placement: &Arc<Placement>,
        special: RangeInclusive<usize>,
    ) -> Option<Parameters> {
        let shapes = special.flat_map(|special| SLACKS.map(|slack| (log_n, special, slack)));
        let line = SecurityLine::Classical;
        let made = shapes.filter_map(|shape| self.with_bits(shape, bits, placement, line));
        cheapest(made).map(|program| program.parameters)
    }

    fn shortage(&self, set: &Parameters) -> Result<Option<Shortage>, CircuitError> {
        let available = usize::from(set.top().0) + 1;
        let last = self.network.layers.len() - 1;
        let schedule = &self.schedules[0];
        let (operations, depth) = (&schedule.operations, schedule.depth);
        let mut depths = operations.iter().enumerate().map(|(at, operation)| {
            let behind = schedule.register_depth(RegisterId(at + 1));
            (operation.layer, behind + 1)
        });
        let too_deep = depths.find(|&(_, needed)| needed > available);
        let too_deep = too_deep.or((depth >= available).then_some((last, depth + 1)));
        if let Some((layer, needed)) = too_deep {
            let kind = ShortageKind::Levels { needed, available };
            return Ok(Some(Shortage { layer, kind }));
        }
        let placement = Arc::new(Placement::search(self.network, set.slots(), None)?);
        let ingredients = self.ingredients(&placement);
        let operations = &ingredients.schedule.operations;
        let scales = ingredients.scales(set, &vec![0.0; operations.len() + 1]);
        let reply = scales.reply / ingredients.width() as f64;
        let layers = operations.iter().map(|operation| operation.layer);
        let layers = [0].into_iter().chain(layers).chain([last]);
        let all = layers.zip(scales.registers.iter().chain([&reply]));
        let mut too_small = all.filter(|&(_, &scale)| scale.is_nan() || scale < 1.0);
        Ok(too_small.next().map(|(layer, &scale)| Shortage {
            layer,
            kind: ShortageKind::Scale(scale),
        }))
    }
}
