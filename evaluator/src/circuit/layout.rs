//! Where the values of a layer may sit in the slots, and which rotations lead from one place to
//! another.
//!
//! **Invariant:** a layout's period is a power of two, and each value has one place in it; with a
//! repetition, one place for each remainder by it.

use std::collections::BTreeSet;

use shared::encoding::Complex64;
use shared::packing::InputPacking;

use crate::engine::SlotContent;
use crate::network::Matrix;

/// What stands where there is no value.
const NOTHING: u32 = u32::MAX;

/// The values of a vector in the slots, over and over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    real: Vec<u32>,
    /// Empty if no slot has two values.
    imaginary: Vec<u32>,
    /// Slots of one remainder by this serve outputs of that remainder alone.
    repeat: usize,
    grid: Option<Grid>,
}

/// How pixels lie in a block of slots.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Grid {
    /// Slots of a channel, or of as many as lie between its pixels.
    pub block: usize,
    /// Slots from a row of the image to the next.
    pub pitch: usize,
    /// Rows and columns of the image from a pixel to the next.
    pub gap: usize,
    /// Where the first pixel is.
    pub offset: usize,
}

/// Channels, rows and columns of a layer's values.
pub type Shape = [usize; 3];

/// Sizes as channels, rows and columns: the last two are a picture, where there are three or more.
pub fn shape_of(sizes: &[usize]) -> Shape {
    match *sizes {
        [] => [1, 1, 1],
        [values] => [values, 1, 1],
        [channels, columns] => [channels, 1, columns],
        [ref channels @ .., rows, columns] => [channels.iter().product(), rows, columns],
    }
}

impl Layout {
    /// One value behind the other.
    pub fn flat(values: usize) -> Self {
        Self::of(values.next_power_of_two(), 0..values, None)
    }

    /// These values, one behind the other.
    pub fn packed(values: &[usize]) -> Self {
        let period = values.len().max(1).next_power_of_two();
        let mut real = vec![NOTHING; period];
        for (slot, &value) in real.iter_mut().zip(values) {
            *slot = index(value);
        }
        Self {
            real,
            imaginary: Vec::new(),
            repeat: 1,
            grid: None,
        }
    }

    /// Each channel in slots of its own, pixels without gaps.
    pub fn blocks([channels, rows, columns]: Shape) -> Self {
        let pixels = rows * columns;
        let block = pixels.next_power_of_two();
        let slot = |value: usize| value / pixels * block + value % pixels;
        let period = channels.next_power_of_two() * block;
        Self::of(period, (0..channels * pixels).map(slot), None)
    }

    /// Pixels on a grid, with `share` channels between those of one, in each direction; nothing if
    /// they don't fit.
    pub fn grid([channels, rows, columns]: Shape, grid: Grid, share: usize) -> Option<Self> {
        let Grid {
            block,
            pitch,
            gap,
            offset,
        } = grid;
        let last = (rows - 1) * gap * pitch + (columns - 1) * gap + (share - 1) * (pitch + 1);
        let wide = (columns - 1) * gap + share > pitch;
        if share > gap || last >= block || wide {
            return None;
        }
        let together = share * share;
        let blocks = channels.div_ceil(together).next_power_of_two();
        let period = blocks * block;
        let slot = |value: usize| {
            let (channel, pixel) = (value / (rows * columns), value % (rows * columns));
            let (y, x) = (pixel / columns * gap, pixel % columns * gap);
            let between = channel % together;
            let (y, x) = (y + between / share, x + between % share);
            (channel / together * block + y * pitch + x + offset) % period
        };
        let values = channels * rows * columns;
        Some(Self::of(period, (0..values).map(slot), Some(grid)))
    }

    /// The image as it lies, in rows of a power of two.
    pub fn image(shape: Shape) -> Option<Self> {
        let [_, rows, columns] = shape;
        let pitch = columns.next_power_of_two();
        let grid = Grid {
            block: (rows * pitch).next_power_of_two(),
            pitch,
            gap: 1,
            offset: 0,
        };
        Self::grid(shape, grid, 1)
    }

    /// An input for one layer, each value repeated as often as there is room for what the outputs of
    /// one remainder read: the larger the repetition, the fewer the rotations. Nothing if it doesn't
    /// fit.
    pub fn repeated(
        matrix: &Matrix,
        output: &Self,
        slots: usize,
        content: SlotContent,
    ) -> Option<Self> {
        let values = match content {
            SlotContent::Real => 1,
            SlotContent::Pair => 2,
        };
        let mut repeat = output.period();
        loop {
            let mut lists = vec![BTreeSet::new(); repeat];
            for (slot, &row) in output.real.iter().enumerate() {
                if row != NOTHING {
                    let columns = matrix.row(row as usize).map(|(column, _)| column);
                    lists[slot % repeat].extend(columns);
                }
            }
            let longest = lists.iter().map(BTreeSet::len).max().unwrap_or(0).max(1);
            let positions = longest.div_ceil(values).next_power_of_two();
            if positions * repeat <= slots {
                let lists: Vec<Vec<usize>> = lists
                    .into_iter()
                    .map(|list| list.into_iter().collect())
                    .collect();
                let value = |at: usize, half: usize| {
                    let list = &lists[at % repeat];
                    let value = list.get(at / repeat + half * positions);
                    value.map_or(NOTHING, |&value| index(value))
                };
                let period = positions * repeat;
                let imaginary = if content == SlotContent::Pair {
                    period
                } else {
                    0
                };
                return Some(Self {
                    real: (0..period).map(|at| value(at, 0)).collect(),
                    imaginary: (0..imaginary).map(|at| value(at, 1)).collect(),
                    repeat,
                    grid: None,
                });
            }
            if repeat == 1 {
                return None;
            }
            repeat /= 2;
        }
    }

    fn of(period: usize, slots: impl Iterator<Item = usize>, grid: Option<Grid>) -> Self {
        let mut real = vec![NOTHING; period];
        for (value, slot) in slots.enumerate() {
            real[slot] = index(value);
        }
        Self {
            real,
            imaginary: Vec::new(),
            repeat: 1,
            grid,
        }
    }

    /// Slots before the pattern repeats.
    pub fn period(&self) -> usize {
        self.real.len()
    }

    /// What a slot holds.
    pub fn content(&self) -> SlotContent {
        if self.imaginary.is_empty() {
            SlotContent::Real
        } else {
            SlotContent::Pair
        }
    }

    /// How pixels lie in it, if they do.
    pub fn pixels(&self) -> Option<Grid> {
        self.grid
    }

    /// The value in a slot, if there is one.
    pub fn value(&self, slot: usize) -> Option<usize> {
        found(self.real[slot % self.period()])
    }

    /// The slot of each value.
    pub fn slots(&self) -> Vec<usize> {
        let mut slots: Vec<(usize, usize)> = (0..self.period())
            .filter_map(|slot| Some((self.value(slot)?, slot)))
            .collect();
        slots.sort_unstable();
        slots.into_iter().map(|(_, slot)| slot).collect()
    }

    /// Share of the slots that hold a value.
    pub fn fill(&self) -> f64 {
        let all = self.real.iter().chain(&self.imaginary);
        let values = all.filter(|&&value| value != NOTHING).count();
        values as f64 / self.period() as f64
    }

    /// What clients are told of an input that lies like this.
    pub fn packing(&self) -> InputPacking {
        let half = |values: &[u32]| values.iter().map(|&value| found(value)).collect();
        InputPacking {
            real: half(&self.real),
            imaginary: half(&self.imaginary),
        }
    }

    /// The weight that the output in slot `slot` has for the input in slot `at`; of a pair `x + iy`
    /// with weights `v` and `w`, half of `v - iw`.
    pub fn weight(&self, matrix: &Matrix, output: &Self, slot: usize, at: usize) -> Complex64 {
        let Some(row) = output.value(slot) else {
            return Complex64::ZERO;
        };
        let weight = |values: &[u32]| {
            let column = values.get(at % self.period()).copied().and_then(found);
            column.map_or(0.0, |column| matrix.get(row, column))
        };
        match self.content() {
            SlotContent::Real => Complex64::from(weight(&self.real)),
            SlotContent::Pair => Complex64::new(weight(&self.real), -weight(&self.imaginary)) / 2.0,
        }
    }

    /// The distances from outputs to the inputs that they have weights for, modulo `modulus`.
    fn distances(&self, matrix: &Matrix, output: &Self, modulus: usize) -> Option<Vec<bool>> {
        let values = matrix.columns();
        let mut places = vec![NOTHING; self.repeat * values];
        for slot in 0..self.period() {
            let halves = [Some(&self.real), Some(&self.imaginary)];
            for half in halves.into_iter().flatten() {
                if let Some(value) = half.get(slot).copied().and_then(found) {
                    places[slot % self.repeat * values + value] = index(slot);
                }
            }
        }
        let mut needed = vec![false; modulus];
        for (slot, &row) in output.real.iter().enumerate() {
            let Some(row) = found(row) else { continue };
            let places = &places[slot % self.repeat * values..][..values];
            for (column, _) in matrix.row(row) {
                let place = found(places[column])?;
                needed[(place + modulus - slot % modulus) % modulus] = true;
            }
        }
        Some(needed)
    }

    /// The rotations of this input that an output needs for its weights; nothing if a value is
    /// missing here.
    pub fn rotations(&self, matrix: &Matrix, output: &Self) -> Option<BTreeSet<usize>> {
        let modulus = self.period().min(output.period());
        let needed = self.distances(matrix, output, modulus)?;
        let steps = needed.iter().enumerate().filter(|(_, needed)| **needed);
        let mut steps: BTreeSet<usize> = steps.map(|(step, _)| step).collect();
        if steps.is_empty() {
            steps.insert(0); // Weights that are all zero.
        }
        Some(steps)
    }

    /// An output on a grid, moved such that rotations to the right, which wrap around, become small
    /// ones to the left.
    pub fn moved_for(self, inputs: &[(&Matrix, &Self)]) -> Self {
        let Some(grid) = self.grid else { return self };
        let lowest = inputs.iter().filter_map(|(matrix, input)| {
            let modulus = input.period().min(self.period());
            let needed = input.distances(matrix, &self, modulus)?;
            let negative = (modulus / 2..modulus).find(|&step| needed[step]);
            Some(negative.map_or(0, |step| modulus - step))
        });
        let by = lowest.max().unwrap_or(0);
        if by == 0 || by > 4 * grid.pitch * grid.gap.max(2) {
            return self;
        }
        let period = self.period();
        let mut real = self.real;
        real.rotate_left(by);
        Self {
            real,
            grid: Some(Grid {
                offset: (grid.offset + period - by) % period,
                ..grid
            }),
            ..self
        }
    }
}

fn index(value: usize) -> u32 {
    u32::try_from(value).unwrap_or(NOTHING)
}

fn found(value: u32) -> Option<usize> {
    (value != NOTHING).then_some(value as usize)
}
