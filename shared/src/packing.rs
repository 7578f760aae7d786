//! Where a pixel and a logit sit.
//!
//! Knows indices only; knows no ring and no weights. See `docs/architecture.md` for why matrix
//! products want it so.
//!
//! **Invariant:** a packing that was checked fits its ring: its period divides the number of slots,
//! every source index is below the input's size, and every output is in a coefficient or slot that
//! the ring has.

use num_complex::Complex64;
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// Where the client puts the input: up to two values to a slot.
///
/// # Shapes
/// With `t = s % period`, slot `s` holds input `real[t]` as its real part and input `imaginary[t]` as
/// its imaginary part; zero where there is none. The period is the length of `real`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct InputPacking {
    /// Indices into the flattened input.
    pub real: Vec<Option<usize>>,
    /// The same for the imaginary parts, or empty if all are zero.
    pub imaginary: Vec<Option<usize>>,
}

/// Where the client finds the output.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum OutputPacking {
    /// Each logit is one coefficient of the message.
    Coefficients(CoefficientPacking),
    /// Each value is in slots of the message, whose coefficients travel all.
    Slots(SlotPacking),
}

/// Logits in coefficients.
///
/// # Shapes
/// Value `i`, a logit or one of the zeros behind them, is in part `i / (2·copies)` of the reply. With
/// `k` the remainder, it is coefficient `k % copies` plus, for `k ≥ copies`, N/2.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CoefficientPacking {
    /// Logits in all.
    pub classes: usize,
    /// Values behind the logits that are zero for every input: who decrypts with another key finds
    /// something else there.
    pub zeros: usize,
    /// How often the last layer's input stood in the slots; a power of two. Half as many values as
    /// a part of the reply has room for.
    pub copies: usize,
}

/// Values in slots.
///
/// # Shapes
/// Value `i` is in slot `slots[i]`. There is one part, with all coefficients.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SlotPacking {
    /// A slot for each value.
    pub slots: Vec<usize>,
}

/// Why a packing can't be used.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum PackingError {
    /// The period has to divide the slots.
    #[error("an input packing of period {period} does not tile {slots} slots")]
    Tiling {
        /// Declared period.
        period: usize,
        /// Slots of the parameter set.
        slots: usize,
    },
    /// Real and imaginary parts have one period.
    #[error(
        "an input packing has {found} imaginary parts; it takes none, or {period} as real ones"
    )]
    Imaginary {
        /// Imaginary parts given.
        found: usize,
        /// Real parts given.
        period: usize,
    },
    /// A number of copies that the slots can't hold, or more logits than a reply may have.
    #[error(
        "output packing of {classes} logits and {zeros} zeros from {copies} copies does not fit: \
         copies are a power of two up to {slots}, and there are 1 to {slots} values"
    )]
    Coefficients {
        /// Declared logits.
        classes: usize,
        /// Declared zeros.
        zeros: usize,
        /// Declared copies.
        copies: usize,
        /// Slots of the parameter set.
        slots: usize,
    },
    /// No values, or one in a slot that isn't there.
    #[error("output packing of {values} values in slots up to {last} does not fit {slots} slots")]
    Slots {
        /// Values declared.
        values: usize,
        /// Last slot named.
        last: usize,
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
    /// Slots before the pattern repeats.
    #[must_use]
    pub fn period(&self) -> usize {
        self.real.len()
    }

    /// Checks a packing received from outside against the ring and the input's size.
    ///
    /// # Errors
    /// The first property that doesn't hold.
    pub fn check(&self, slots: usize, inputs: usize) -> Result<(), PackingError> {
        let period = self.period();
        if period == 0 || !slots.is_multiple_of(period) {
            return Err(PackingError::Tiling { period, slots });
        }
        let found = self.imaginary.len();
        if found != 0 && found != period {
            return Err(PackingError::Imaginary { found, period });
        }
        let mut sources = self.real.iter().chain(&self.imaginary).flatten();
        match sources.find(|&&index| index >= inputs) {
            Some(&index) => Err(PackingError::Source { index, inputs }),
            None => Ok(()),
        }
    }

    /// Lays an input out over the slots.
    ///
    /// # Errors
    /// As [`InputPacking::check`], for this input.
    pub fn pack(&self, input: &[f64], slots: usize) -> Result<Vec<Complex64>, PackingError> {
        self.check(slots, input.len())?;
        let value = |sources: &[Option<usize>], at: usize| {
            let source = sources.get(at).copied().flatten();
            source
                .and_then(|index| input.get(index))
                .copied()
                .unwrap_or(0.0)
        };
        let slot = |slot: usize| {
            let at = slot % self.period();
            Complex64::new(value(&self.real, at), value(&self.imaginary, at))
        };
        Ok((0..slots).map(slot).collect())
    }
}

impl OutputPacking {
    /// Checks a packing received from outside against the ring.
    ///
    /// # Errors
    /// [`PackingError::Coefficients`], [`PackingError::Slots`].
    pub fn check(&self, slots: usize) -> Result<(), PackingError> {
        match self {
            Self::Coefficients(packing) => packing.check(slots),
            Self::Slots(packing) => packing.check(slots),
        }
    }

    /// Number of logits.
    #[must_use]
    pub fn classes(&self) -> usize {
        match self {
            Self::Coefficients(packing) => packing.classes,
            Self::Slots(packing) => packing.slots.len(),
        }
    }

    /// Coefficients of the first half in each part of the reply, in a ring of this degree.
    #[must_use]
    pub fn parts(&self, degree: usize) -> Vec<usize> {
        match self {
            Self::Coefficients(packing) => packing.parts().collect(),
            Self::Slots(_) => vec![degree],
        }
    }
}

impl CoefficientPacking {
    fn check(&self, slots: usize) -> Result<(), PackingError> {
        let copies = self.copies.is_power_of_two() && self.copies <= slots;
        let values = self.classes.checked_add(self.zeros);
        if copies && self.classes > 0 && values.is_some_and(|values| values <= slots) {
            Ok(())
        } else {
            Err(PackingError::Coefficients {
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

impl SlotPacking {
    fn check(&self, slots: usize) -> Result<(), PackingError> {
        match self.slots.iter().max() {
            Some(&last) if last < slots && self.slots.len() <= slots => Ok(()),
            last => Err(PackingError::Slots {
                values: self.slots.len(),
                last: last.copied().unwrap_or(0),
                slots,
            }),
        }
    }
}
