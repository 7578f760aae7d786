//! Matrix–vector products by diagonals, with baby and giant steps.
//!
//! The input has period `P` and repetition `C` ([`shared::packing`]), the output period `H`: slot
//! `s` computes row `s mod H`. Diagonal `k` holds `W[s mod H, (s/C + k) mod P]` in slot `s` and
//! meets the input rotated by `k·C`. Because `C` divides `H`, the slots `s, s+H, s+2H, …` see
//! different columns, so `K = H/C` diagonals and a rotate-and-sum over `P·C/H` blocks cover every
//! column once, and the result stands in all slots: no mask, no slot with a partial sum (Halevi
//! and Shoup, CRYPTO 2014, section 4.3, for the diagonals; the repeated input is what saves a
//! factor `C` of them).
//!
//! An input with two values to a slot, `x + iy`, meets weights `v - iw`: the real part of the
//! product is `vx + wy`, and a sum with the conjugate takes it.

use rayon::prelude::*;
use shared::ciphertext::Ciphertext;
use shared::encoding::{Complex64, Scale};
use shared::keys::EvaluationKeys;
use shared::ring::Level;

use super::{Automorphism, Engine, EvalError, Lifted, Plaintext};

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
    /// Most baby steps, cut to a power of two: each but one takes a key of small digits.
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
    period: usize,
    repeat: usize,
    rows: usize,
    content: SlotContent,
    babies: usize,
    giants: usize,
    /// Stages of the rotate-and-sum that ends the product.
    sums: Vec<Vec<Automorphism>>,
}

impl MatrixPlan {
    /// A plan for input of this period, repetition and content and output of period `rows`.
    ///
    /// # Shapes
    /// All are powers of two; `period·repeat ≤ slots`, `repeat ≤ rows ≤ slots`.
    #[must_use]
    pub fn new(
        slots: usize,
        (period, repeat): (usize, usize),
        rows: usize,
        content: SlotContent,
        walk: Walk,
    ) -> Self {
        let blocks = (period * repeat / rows).max(1);
        let diagonals = period / blocks;
        let babies = diagonals.min(1 << walk.babies.max(1).ilog2());
        let mut sums = sum_stages(rows, blocks, walk.stage_bits);
        if content == SlotContent::Pair {
            sums.push(vec![Automorphism::Conjugation]);
        }
        Self {
            slots,
            period,
            repeat,
            rows,
            content,
            babies,
            giants: diagonals / babies,
            sums,
        }
    }

    fn baby_steps(&self) -> Vec<Automorphism> {
        let step = |baby| Automorphism::Rotation((baby * self.repeat) as u32);
        (1..self.babies).map(step).collect()
    }

    /// The rotation between two partial sums.
    #[must_use]
    pub fn giant_step(&self) -> Automorphism {
        Automorphism::Rotation((self.repeat * self.babies) as u32)
    }

    /// The automorphisms of the input that it needs keys for.
    #[must_use]
    pub fn of_input(&self) -> Vec<Automorphism> {
        self.baby_steps()
    }

    /// The automorphisms of products that it needs keys for.
    #[must_use]
    pub fn of_products(&self) -> Vec<Automorphism> {
        let giant = (self.giants > 1).then(|| self.giant_step());
        let sums = self.sums.iter().flatten().copied();
        giant.into_iter().chain(sums).collect()
    }

    /// Number of diagonals.
    #[must_use]
    pub fn diagonals(&self) -> usize {
        self.babies * self.giants
    }

    /// What a slot of the input holds.
    #[must_use]
    pub fn content(&self) -> SlotContent {
        self.content
    }

    /// Partial sums, each of as many diagonals as there are baby steps.
    #[must_use]
    pub fn giants(&self) -> usize {
        self.giants
    }

    /// Stages of the rotate-and-sum that ends the product: in each, the automorphisms whose images
    /// are added.
    #[must_use]
    pub fn sums(&self) -> &[Vec<Automorphism>] {
        &self.sums
    }

    /// Whether the sums reach every slot, so that errors in front of them repeat with the output's
    /// period.
    #[must_use]
    pub fn sums_all_slots(&self) -> bool {
        self.period * self.repeat == self.slots && self.rows < self.slots
    }
}

/// Stages that sum over this many blocks of slots.
fn sum_stages(rows: usize, blocks: usize, stage_bits: u32) -> Vec<Vec<Automorphism>> {
    let (mut stages, mut step, mut left) = (Vec::new(), rows, blocks.ilog2());
    while left > 0 {
        let bits = left.min(stage_bits.max(1));
        let rotation = |i| Automorphism::Rotation((i * step) as u32);
        stages.push((1..1 << bits).map(rotation).collect());
        (step, left) = (step << bits, left - bits);
    }
    stages
}

/// A matrix encoded for one plan, level and scale.
#[derive(Clone, Debug)]
pub struct Diagonals {
    plan: MatrixPlan,
    /// Diagonal `giant·babies + baby`, rotated back by the giant step it will be rotated by.
    plaintexts: Vec<Plaintext>,
}

impl Diagonals {
    /// How the product is computed.
    #[must_use]
    pub fn plan(&self) -> &MatrixPlan {
        &self.plan
    }
}

impl Engine {
    /// Encodes the matrix with these entries; `entry(row, column)` is asked for rows below the
    /// output's period and columns below the input's, and is zero outside the matrix. For an input
    /// of pairs it is half of `v - iw`: the sum with the conjugate doubles it.
    ///
    /// # Errors
    /// [`EvalError::Encoding`] for entries that don't fit.
    pub fn encode_matrix(
        &self,
        plan: MatrixPlan,
        entry: impl Fn(usize, usize) -> Complex64 + Sync,
        scale: Scale,
        level: Level,
    ) -> Result<Diagonals, EvalError> {
        let diagonal = |k: usize| {
            let back = k / plan.babies * plan.babies * plan.repeat;
            let slot = |position: usize| {
                let slot = (position + plan.slots - back) % plan.slots;
                entry(slot % plan.rows, (slot / plan.repeat + k) % plan.period)
            };
            let values: Vec<Complex64> = (0..plan.slots).map(slot).collect();
            self.encode(&values, scale, level)
        };
        let plaintexts = (0..plan.diagonals())
            .into_par_iter()
            .map(diagonal)
            .collect::<Result<_, _>>()?;
        Ok(Diagonals { plan, plaintexts })
    }

    /// The product of an encoded matrix and an encrypted vector; the scale is the product of the
    /// scales, the level stays.
    ///
    /// # Shapes
    /// `x` has the input's period and repetition of the plan; the result has period `rows` and
    /// repetition 1.
    /// # Errors
    /// [`EvalError::LevelMismatch`], [`EvalError::MissingKey`], [`EvalError::KeyLevel`].
    pub fn multiply_matrix(
        &self,
        matrix: &Diagonals,
        x: &Ciphertext,
        keys: &EvaluationKeys,
    ) -> Result<Lifted, EvalError> {
        let plan = &matrix.plan;
        let mut babies = vec![self.lift(x)];
        babies.extend(self.rotate_hoisted(x, &plan.baby_steps(), keys)?);
        let giant = |diagonals: &[Plaintext]| {
            let terms: Vec<_> = babies.iter().zip(diagonals).collect();
            self.mul_plain_sum(&terms)
        };
        let mut giants = matrix.plaintexts.chunks(plan.babies).rev().map(giant);
        let last = giants.next().unwrap_or_else(|| self.mul_plain_sum(&[]))?;
        let sum = giants.try_fold(last, |sum, term| {
            self.add(self.rotate(&sum, plan.giant_step(), keys)?, &term?)
        })?;
        let mut stages = plan.sums.iter();
        stages.try_fold(sum, |sum, stage| self.sum_of_images(&sum, stage, keys))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_column_is_covered_once_in_every_slot() {
        for (babies, stage_bits) in [(4, 2), (1, 1), (16, 3), (5, 9)] {
            let walk = Walk {
                babies,
                stage_bits,
                input: SlotContent::Real,
            };
            for (slots, period, repeat, rows) in [
                (2048, 512, 4, 128),
                (2048, 1024, 2, 128),
                (2048, 128, 1, 16),
                (2048, 1024, 2, 2),
                (64, 4, 1, 64),
                (64, 64, 1, 64),
                (64, 4, 8, 8),
                (64, 1, 1, 1),
            ] {
                let content = SlotContent::Real;
                check_covered(&MatrixPlan::new(
                    slots,
                    (period, repeat),
                    rows,
                    content,
                    walk,
                ));
            }
        }
    }

    /// Counts, for each row, how often each column is covered by the slots that are summed.
    #[track_caller]
    fn check_covered(plan: &MatrixPlan) {
        let mut reached = vec![0usize];
        for stage in &plan.sums {
            let steps = stage.iter().map(|automorphism| match automorphism {
                Automorphism::Rotation(step) => *step as usize,
                Automorphism::Conjugation => panic!("{plan:?} conjugates real slots"),
            });
            let offsets = std::iter::once(0).chain(steps);
            reached = offsets
                .flat_map(|o| reached.iter().map(move |r| r + o))
                .collect();
        }
        for slot in 0..plan.slots {
            let mut covered = vec![0; plan.period];
            let diagonals = |b| (0..plan.diagonals()).map(move |k| (b, k));
            for (block, k) in reached.iter().flat_map(diagonals) {
                let summed = (slot + block) % plan.slots;
                assert_eq!(summed % plan.rows, slot % plan.rows);
                covered[(summed / plan.repeat + k) % plan.period] += 1;
            }
            assert!(
                covered.iter().all(|&count| count == 1),
                "{plan:?}: slot {slot}: {covered:?}"
            );
        }
    }
}
