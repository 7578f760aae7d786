//! Matrix–vector products by diagonals, with baby and giant steps.
//!
//! The input stands in the slots with some period `T`, the output with period `H`. Output slot `s`
//! needs the values at `s + e` for certain rotations `e`: those in which some row meets a column with
//! a weight. Diagonal `e` holds in slot `s` the weight of the output at `s` and the input at `s + e`,
//! and meets the input rotated by `e` (Halevi and Shoup, CRYPTO 2014, section 4.3; for convolutions
//! these are their taps). Where `H < T`, rotations are taken modulo `H`: the slots `s, s+H, s+2H, …`
//! see different columns, and a rotate-and-sum over `T/H` blocks covers every column once. The result
//! stands in all slots: no mask, no slot with a partial sum.
//!
//! A rotation is the sum of a baby step, some of its bits, and a giant step, the others. The input is
//! rotated by every baby step from one decomposition; partial sums are rotated from one giant step to
//! the next lower one.
//!
//! An input with two values to a slot, `x + iy`, meets weights `v - iw`: the real part of the
//! product is `vx + wy`, and a sum with the conjugate takes it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use rayon::prelude::*;
use shared::encoding::{Complex64, Scale};
use shared::ring::Level;

use super::{Automorphism, Engine, EvalError};

/// What a slot of the input holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SlotContent {
    /// One value.
    Real,
    /// Two values, as real and imaginary part.
    Pair,
}

/// How products are walked through: with more keys there are fewer steps that each decompose.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Walk {
    /// Most baby steps: each but one takes a key of small digits.
    pub babies: usize,
    /// log2 of the most terms in one stage of a rotate-and-sum: each but one takes a key.
    pub stage_bits: u32,
    /// What the client puts into a slot.
    pub input: SlotContent,
}

impl Default for Walk {
    /// The fastest with less than 1 MB of keys (`docs/parameters.md`).
    fn default() -> Self {
        Self {
            babies: 4,
            stage_bits: 2,
            input: SlotContent::Pair,
        }
    }
}

/// How a product of one shape is computed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MatrixPlan {
    slots: usize,
    /// Slots before the pattern of weights repeats.
    period: usize,
    content: SlotContent,
    babies: Vec<usize>,
    /// For each giant step, ascending, the places in `babies` of the diagonals there are.
    giants: BTreeMap<usize, Vec<usize>>,
    /// Stages of the rotate-and-sum that ends the product.
    sums: Vec<Vec<Automorphism>>,
}

impl MatrixPlan {
    /// A plan for an input of period `T` and an output of period `H`.
    ///
    /// # Shapes
    /// Both periods are powers of two up to `slots`; rotations lie below the smaller one.
    #[must_use]
    pub fn new(
        slots: usize,
        (input, output): (usize, usize),
        rotations: &BTreeSet<usize>,
        content: SlotContent,
        walk: Walk,
    ) -> Self {
        let mask = baby_mask(rotations, walk.babies, input.min(output));
        let of = |part: usize| -> BTreeSet<usize> {
            rotations.iter().map(|rotation| rotation & part).collect()
        };
        let babies: Vec<usize> = of(mask).into_iter().collect();
        let mut giants = BTreeMap::<usize, Vec<usize>>::new();
        for rotation in rotations {
            let place = babies.binary_search(&(rotation & mask));
            giants.entry(rotation & !mask).or_default().extend(place);
        }
        let mut sums = sum_stages(output, (input / output).max(1), walk.stage_bits);
        if content == SlotContent::Pair {
            sums.push(vec![Automorphism::Conjugation]);
        }
        Self {
            slots,
            period: input.max(output),
            content,
            babies,
            giants,
            sums,
        }
    }

    fn baby_steps(&self) -> Vec<Automorphism> {
        let babies = self.babies.iter().filter(|&&baby| baby != 0);
        babies.map(|&baby| rotation(baby)).collect()
    }

    /// The rotations of partial sums, one behind the other: from the highest giant step down.
    #[must_use]
    pub fn giant_steps(&self) -> Vec<Automorphism> {
        let mut steps = Vec::new();
        let mut above = None;
        for &giant in self.giants.keys().rev() {
            steps.extend(above.map(|above| rotation(above - giant)));
            above = Some(giant);
        }
        steps.extend(above.filter(|&lowest| lowest != 0).map(rotation));
        steps
    }

    /// The automorphisms of the input that it needs keys for.
    #[must_use]
    pub fn of_input(&self) -> Vec<Automorphism> {
        self.baby_steps()
    }

    /// The automorphisms of products that it needs keys for.
    #[must_use]
    pub fn of_products(&self) -> Vec<Automorphism> {
        let sums = self.sums.iter().flatten().copied();
        self.giant_steps().into_iter().chain(sums).collect()
    }

    /// Slots of a ciphertext.
    #[must_use]
    pub fn slots(&self) -> usize {
        self.slots
    }

    /// Number of diagonals.
    #[must_use]
    pub fn diagonals(&self) -> usize {
        self.giants.values().map(Vec::len).sum()
    }

    /// What a slot of the input holds.
    #[must_use]
    pub fn content(&self) -> SlotContent {
        self.content
    }

    /// Stages of the rotate-and-sum that ends the product, the sum with the conjugate included.
    #[must_use]
    pub fn sums(&self) -> &[Vec<Automorphism>] {
        &self.sums
    }

    /// How many slots are added up in each of the output's.
    #[must_use]
    pub fn blocks(&self) -> usize {
        let rotations = self
            .sums
            .iter()
            .filter(|stage| **stage != [Automorphism::Conjugation]);
        rotations.map(|stage| stage.len() + 1).product()
    }
}

impl fmt::Display for MatrixPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (diagonals, babies, giants) = (self.diagonals(), self.babies.len(), self.giants.len());
        write!(
            f,
            "{diagonals} diagonals ({babies} baby, {giants} giant steps)"
        )?;
        match self.blocks() {
            1 => Ok(()),
            blocks => write!(f, ", {blocks} blocks added up"),
        }
    }
}

fn rotation(step: usize) -> Automorphism {
    Automorphism::Rotation(u32::try_from(step).unwrap_or(u32::MAX))
}

/// The bits of rotations that are done by baby steps: a low and a high run, such that there are as
/// many baby steps as allowed and, of those, the fewest giant steps.
fn baby_mask(rotations: &BTreeSet<usize>, most: usize, period: usize) -> usize {
    let bits = period.ilog2();
    let count = |part: usize| -> usize {
        let parts: BTreeSet<usize> = rotations.iter().map(|rotation| rotation & part).collect();
        parts.len()
    };
    let masks = (0..=bits).flat_map(|low| (low..=bits).map(move |high| (low, high)));
    let masks = masks.map(|(low, high)| {
        let (low, high) = ((1usize << low) - 1, (1usize << high) - 1);
        (period - 1) & (low | !high)
    });
    let counted = masks.map(|mask| (count(mask), count(!mask), mask));
    let allowed = counted.filter(|&(babies, ..)| babies <= most.max(1));
    let fewest = allowed.min_by_key(|&(babies, giants, mask)| (giants, babies, mask));
    fewest.map_or(0, |(.., mask)| mask)
}

/// Stages that sum over this many blocks of slots.
fn sum_stages(rows: usize, blocks: usize, stage_bits: u32) -> Vec<Vec<Automorphism>> {
    let (mut stages, mut step, mut left) = (Vec::new(), rows, blocks.ilog2());
    while left > 0 {
        let bits = left.min(stage_bits.max(1));
        stages.push((1..1 << bits).map(|i| rotation(i * step)).collect());
        (step, left) = (step << bits, left - bits);
    }
    stages
}

/// A matrix encoded for one plan, level and scale.
#[derive(Clone, Debug)]
pub struct Diagonals<P> {
    plan: MatrixPlan,
    /// For each giant step, ascending, its diagonals, rotated back by that step.
    plaintexts: Vec<Vec<P>>,
}

impl<P> Diagonals<P> {
    /// How the product is computed.
    #[must_use]
    pub fn plan(&self) -> &MatrixPlan {
        &self.plan
    }
}

/// Encodes the matrix with these entries: `entry(slot, at)` is the weight of the output in a slot for
/// the input at another, both below the larger period. For an input of pairs it is half of `v - iw`:
/// the sum with the conjugate doubles it.
///
/// # Errors
/// [`EvalError::Encoding`] for entries that don't fit.
pub fn encode_matrix<E: Engine>(
    engine: &E,
    plan: MatrixPlan,
    entry: impl Fn(usize, usize) -> Complex64 + Sync,
    scale: Scale,
    level: Level,
) -> Result<Diagonals<E::Plaintext>, EvalError> {
    let diagonal = |giant: usize, baby: usize| {
        // Behind the giant step, slot `s` is where the output's slot `s - giant` looks.
        let value = |slot: usize| {
            let of = (slot + plan.period - giant % plan.period) % plan.period;
            entry(of, (slot + baby) % plan.period)
        };
        let pattern: Vec<Complex64> = (0..plan.period).map(value).collect();
        let values: Vec<Complex64> = pattern.iter().copied().cycle().take(plan.slots).collect();
        engine.encode(&values, scale, level)
    };
    let giant = |(&giant, places): (&usize, &Vec<usize>)| {
        let diagonals = places
            .par_iter()
            .map(|&place| diagonal(giant, plan.babies[place]));
        diagonals.collect::<Result<_, _>>()
    };
    let plaintexts = plan
        .giants
        .par_iter()
        .map(giant)
        .collect::<Result<_, _>>()?;
    Ok(Diagonals { plan, plaintexts })
}

/// The product of an encoded matrix and an encrypted vector; the scale is the product of the
/// scales, the level stays.
///
/// # Shapes
/// `x` has the input's period of the plan; the result has the output's.
/// # Errors
/// [`EvalError::LevelMismatch`], [`EvalError::MissingKey`], [`EvalError::KeyLevel`].
pub fn multiply_matrix<E: Engine>(
    engine: &E,
    matrix: &Diagonals<E::Plaintext>,
    x: &E::Ciphertext,
    keys: &E::Keys,
) -> Result<E::Lifted, EvalError> {
    let plan = &matrix.plan;
    let mut rotated = Vec::with_capacity(plan.babies.len());
    rotated.extend((plan.babies.first() == Some(&0)).then(|| engine.lift(x)));
    rotated.extend(engine.rotate_hoisted(x, &plan.baby_steps(), keys)?);
    let mut sums = Vec::with_capacity(plan.giants.len());
    for (places, diagonals) in plan.giants.values().zip(&matrix.plaintexts).rev() {
        let terms = places.iter().zip(diagonals);
        let terms = terms.map(|(&place, diagonal)| (&rotated[place], diagonal));
        sums.push(terms.collect());
    }
    let mut giants = engine.mul_plain_sums(&sums)?.into_iter();
    let highest = giants.next();
    let highest = highest.map_or_else(|| engine.mul_plain_sum(&[]), Ok)?;
    let mut steps = plan.giant_steps().into_iter();
    let sum = steps.try_fold(highest, |sum, step| {
        let sum = engine.rotate(&sum, step, keys)?;
        match giants.next() {
            Some(term) => engine.add(sum, &term),
            None => Ok(sum),
        }
    })?;
    let mut stages = plan.sums.iter();
    stages.try_fold(sum, |sum, stage| engine.sum_of_images(&sum, stage, keys))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[track_caller]
    fn check_mask(rotations: impl IntoIterator<Item = usize>, most: usize, expected: [usize; 2]) {
        let rotations: BTreeSet<usize> = rotations.into_iter().collect();
        let plan = MatrixPlan::new(
            4096,
            (4096, 4096),
            &rotations,
            SlotContent::Real,
            Walk {
                babies: most,
                ..Walk::default()
            },
        );
        assert_eq!([plan.babies.len(), plan.giants.len()], expected);
        assert_eq!(plan.diagonals(), rotations.len());
    }

    #[test]
    fn rotations_are_split_where_steps_are_fewest() {
        check_mask(0..16, 4, [4, 4]);
        check_mask((0..16).map(|k| 8 * k), 4, [4, 4]);
        check_mask(0..16, 5, [4, 4]);
        check_mask([0], 4, [1, 1]);
        let taps = || (0..5).flat_map(|row| (0..5).map(move |column| 32 * row + column));
        check_mask(taps(), 8, [5, 5]);
        check_mask(taps(), 1, [1, 25]);
        // Blocks of channels go with the columns, where there are keys for them.
        let blocks = taps().flat_map(|tap| (0..4).map(move |block| 1024 * block + tap));
        check_mask(blocks.clone(), 8, [8, 15]);
        check_mask(blocks, 20, [20, 5]);
    }

    proptest! {
        /// The steps that partial sums take lead from every giant step to the output.
        #[test]
        fn giant_steps_lead_down(rotations in proptest::collection::btree_set(0usize..256, 1..20), babies in 1usize..9) {
            let walk = Walk { babies, ..Walk::default() };
            let plan = MatrixPlan::new(512, (512, 256), &rotations, SlotContent::Real, walk);
            let steps: Vec<u32> = plan.giant_steps().into_iter().map(|step| match step {
                Automorphism::Rotation(step) => step,
                Automorphism::Conjugation => 0,
            }).collect();
            let mut covered = BTreeSet::new();
            for (at, (giant, places)) in plan.giants.iter().rev().enumerate() {
                prop_assert_eq!(steps[at..].iter().sum::<u32>() as usize, *giant);
                covered.extend(places.iter().map(|&place| giant + plan.babies[place]));
            }
            prop_assert_eq!(covered, rotations);
        }
    }
}
