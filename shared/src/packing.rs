//! Where a pixel and a logit sit in the slots.
//!
//! Knows indices only; knows no ring and no weights. Both sides use one layout: value `i` of a
//! vector of period `P` and repetition `C` stands in every slot `s` with
//! `(s / C) mod P = i`. See `docs/architecture.md` for why matrix products want it so.
//!
//! **Invariant:** a packing that was built or checked covers its slots exactly: `repeat · period`
//! divides the number of slots, and every source index is below the input's size.

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// Where the client puts the input.
///
/// # Shapes
/// Slot `s` holds input `sources[(s / repeat) % period]`, or zero where `sources` is shorter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InputPacking {
    /// Values before the pattern repeats; a power of two.
    pub period: usize,
    /// Neighbouring slots that hold the same value; a power of two.
    pub repeat: usize,
    /// For each position of the period, the index into the flattened input.
    pub sources: Vec<usize>,
}

/// Where the client finds the output.
///
/// # Shapes
/// Slot `s` holds logit `s % period`, or zero where `s % period ≥ classes`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutputPacking {
    /// Values before the pattern repeats; a power of two.
    pub period: usize,
    /// Logits in each period.
    pub classes: usize,
}

/// Why a packing can't be used.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum PackingError {
    /// Period times repetition has to divide the slots.
    #[error("packing of period {period} × repeat {repeat} does not tile {slots} slots")]
    Tiling {
        /// Declared period.
        period: usize,
        /// Declared repetition.
        repeat: usize,
        /// Slots of the parameter set.
        slots: usize,
    },
    /// More values than the period has room for.
    #[error("packing names {values} values, but its period holds {period}")]
    TooManyValues {
        /// Values named.
        values: usize,
        /// Declared period.
        period: usize,
    },
    /// A position that reads past the input.
    #[error("packing reads input {index}, but the input has {inputs} values")]
    Source {
        /// Offending index.
        index: usize,
        /// Size of the input.
        inputs: usize,
    },
    /// The input to be packed has another size than the packing was checked for.
    #[error("input has {found} values, the model takes {expected}")]
    InputSize {
        /// Size given.
        found: usize,
        /// Size wanted.
        expected: usize,
    },
}

fn check_tiling(period: usize, repeat: usize, slots: usize) -> Result<(), PackingError> {
    let tiles = period
        .checked_mul(repeat)
        .is_some_and(|block| block > 0 && slots.is_multiple_of(block));
    if tiles {
        Ok(())
    } else {
        Err(PackingError::Tiling {
            period,
            repeat,
            slots,
        })
    }
}

impl InputPacking {
    /// Checks a packing received from outside against the ring and the input's size.
    ///
    /// # Errors
    /// The first property that doesn't hold.
    pub fn check(&self, slots: usize, inputs: usize) -> Result<(), PackingError> {
        check_tiling(self.period, self.repeat, slots)?;
        if self.sources.len() > self.period {
            return Err(PackingError::TooManyValues {
                values: self.sources.len(),
                period: self.period,
            });
        }
        match self.sources.iter().find(|&&index| index >= inputs) {
            Some(&index) => Err(PackingError::Source { index, inputs }),
            None => Ok(()),
        }
    }

    /// Lays an input of `inputs` values out over the slots.
    ///
    /// # Errors
    /// As [`InputPacking::check`], for this input.
    pub fn pack(&self, input: &[f64], slots: usize) -> Result<Vec<f64>, PackingError> {
        self.check(slots, input.len())?;
        let value = |slot: usize| {
            let position = (slot / self.repeat) % self.period;
            self.sources
                .get(position)
                .and_then(|&source| input.get(source))
                .copied()
                .unwrap_or(0.0)
        };
        Ok((0..slots).map(value).collect())
    }
}

impl OutputPacking {
    /// Checks a packing received from outside against the ring.
    ///
    /// # Errors
    /// The first property that doesn't hold.
    pub fn check(&self, slots: usize) -> Result<(), PackingError> {
        check_tiling(self.period, 1, slots)?;
        if self.classes > self.period {
            return Err(PackingError::TooManyValues {
                values: self.classes,
                period: self.period,
            });
        }
        Ok(())
    }
}
