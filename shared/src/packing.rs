//! Where a pixel and a logit sit.
//!
//! Knows indices only; knows no ring and no weights. See `docs/architecture.md` for why matrix
//! products want it so.
//!
//! **Invariant:** a packing that was built or checked covers its slots exactly: `repeat · period`
//! divides the number of slots, and every source index is below the input's size.

use num_complex::Complex64;
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// Where the client puts the input: two values to a slot.
///
/// # Shapes
/// With `t = (s / repeat) % period` and `list = sources[s % sources.len()]`, slot `s` holds input
/// `list[t]` as its real part and `list[t + period]` as its imaginary part; where the list is
/// shorter, zero.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InputPacking {
    /// Slots before the pattern repeats, if each stood once; a power of two.
    pub period: usize,
    /// Neighbouring slots that hold the same position; a power of two.
    pub repeat: usize,
    /// One list for all of these neighbours, or one for each: for each position the index into the
    /// flattened input, at most `2·period`.
    pub sources: Vec<Vec<usize>>,
}

/// Where the client finds the output: each logit is one coefficient of the message.
///
/// # Shapes
/// Value `i`, a logit or one of the zeros behind them, is in part `i / (2·copies)` of the reply. With
/// `k` the remainder, it is coefficient `k % copies` plus, for `k ≥ copies`, N/2.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutputPacking {
    /// Logits in all.
    pub classes: usize,
    /// Values behind the logits that are zero for every input: who decrypts with another key finds
    /// something else there.
    pub zeros: usize,
    /// How often the last layer's input stood in the slots; a power of two. Half as many values as
    /// a part of the reply has room for.
    pub copies: usize,
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
    /// Neighbours share one list of inputs, or have one each.
    #[error("packing has {found} lists of inputs; it takes one, or one for each of {repeat} slots")]
    Lists {
        /// Lists given.
        found: usize,
        /// Declared repetition.
        repeat: usize,
    },
    /// More values than the period has room for.
    #[error("packing names {values} values, but its period holds {room}")]
    TooManyValues {
        /// Values named.
        values: usize,
        /// Twice the declared period.
        room: usize,
    },
    /// A number of copies that the slots can't hold, or more logits than a reply may have.
    #[error(
        "output packing of {classes} logits and {zeros} zeros from {copies} copies does not fit: \
         copies are a power of two up to {slots}, and there are 1 to {slots} values"
    )]
    Output {
        /// Declared logits.
        classes: usize,
        /// Declared zeros.
        zeros: usize,
        /// Declared copies.
        copies: usize,
        /// Slots of the parameter set.
        slots: usize,
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

impl InputPacking {
    /// Checks a packing received from outside against the ring and the input's size.
    ///
    /// # Errors
    /// The first property that doesn't hold.
    pub fn check(&self, slots: usize, inputs: usize) -> Result<(), PackingError> {
        let block = self.period.checked_mul(self.repeat);
        if !block.is_some_and(|block| block > 0 && slots.is_multiple_of(block)) {
            return Err(PackingError::Tiling {
                period: self.period,
                repeat: self.repeat,
                slots,
            });
        }
        let lists = self.sources.len();
        if lists != 1 && lists != self.repeat {
            return Err(PackingError::Lists {
                found: lists,
                repeat: self.repeat,
            });
        }
        let room = 2 * self.period;
        if let Some(list) = self.sources.iter().find(|list| list.len() > room) {
            let values = list.len();
            return Err(PackingError::TooManyValues { values, room });
        }
        let mut sources = self.sources.iter().flatten();
        match sources.find(|&&index| index >= inputs) {
            Some(&index) => Err(PackingError::Source { index, inputs }),
            None => Ok(()),
        }
    }

    /// Lays an input of `inputs` values out over the slots.
    ///
    /// # Errors
    /// As [`InputPacking::check`], for this input.
    pub fn pack(&self, input: &[f64], slots: usize) -> Result<Vec<Complex64>, PackingError> {
        self.check(slots, input.len())?;
        let slot = |slot: usize| {
            let list = &self.sources[slot % self.sources.len()];
            let value = |position: usize| {
                let source = list.get(position).copied();
                source
                    .and_then(|source| input.get(source))
                    .copied()
                    .unwrap_or(0.0)
            };
            let position = (slot / self.repeat) % self.period;
            Complex64::new(value(position), value(position + self.period))
        };
        Ok((0..slots).map(slot).collect())
    }
}

impl OutputPacking {
    /// Checks a packing received from outside against the ring.
    ///
    /// # Errors
    /// [`PackingError::Output`].
    pub fn check(&self, slots: usize) -> Result<(), PackingError> {
        let copies = self.copies.is_power_of_two() && self.copies <= slots;
        let values = self.classes.checked_add(self.zeros);
        if copies && self.classes > 0 && values.is_some_and(|values| values <= slots) {
            Ok(())
        } else {
            Err(PackingError::Output {
                classes: self.classes,
                zeros: self.zeros,
                copies: self.copies,
                slots,
            })
        }
    }

    /// Values of each part of the reply.
    pub fn parts(&self) -> impl ExactSizeIterator<Item = usize> + Clone + use<> {
        let (values, room) = (self.classes + self.zeros, 2 * self.copies);
        (0..values.div_ceil(room)).map(move |part| (values - part * room).min(room))
    }

    /// The coefficient that value `index` of a part is, in a ring of this degree.
    #[must_use]
    pub fn coefficient(&self, index: usize, degree: usize) -> usize {
        index % self.copies + index / self.copies * (degree / 2)
    }
}
