//! Matrix–vector products by diagonals, with baby and giant steps.
//!
//! The input has period `P` and repetition `C` ([`shared::packing`]), the output period `H`: slot
//! `s` computes row `s mod H`. Diagonal `k` holds `W[s mod H, (s/C + k) mod P]` in slot `s` and
//! meets the input rotated by `k·C`. Because `C` divides `H`, the slots `s, s+H, s+2H, …` see
//! different columns, so `K = H/C` diagonals and a rotate-and-sum over `P·C/H` blocks cover every
//! column once, and the result stands in all slots: no mask, no slot with a partial sum (Halevi
//! and Shoup, CRYPTO 2014, section 4.3, for the diagonals; the repeated input is what saves a
//! factor `C` of them).

use rayon::prelude::*;
use shared::ciphertext::Ciphertext;
use shared::encoding::Scale;
use shared::keys::EvaluationKeys;
use shared::ring::Level;

use super::{Engine, EvalError, Lifted, Plaintext};

/// Most rotations by one key that stand in for keys of larger steps.
const MAX_WALK: usize = 8;

/// How a product of one shape is computed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MatrixPlan {
    slots: usize,
    period: usize,
    repeat: usize,
    rows: usize,
    babies: usize,
    giants: usize,
    sums: Vec<RotateAndSum>,
}

/// One stage of a rotate-and-sum: `Σ rotate(x, i·step)` for `i` in `0..count`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RotateAndSum {
    /// Slots between terms.
    pub step: u32,
    /// Number of terms.
    pub count: usize,
}

impl MatrixPlan {
    /// A plan for input of this period and repetition and output of period `rows`.
    ///
    /// # Shapes
    /// All are powers of two; `period·repeat ≤ slots`, `repeat ≤ rows ≤ slots`.
    #[must_use]
    pub fn new(slots: usize, period: usize, repeat: usize, rows: usize) -> Self {
        let blocks = (period * repeat / rows).max(1);
        let diagonals = period / blocks;
        let babies = 1 << (diagonals.ilog2() / 2);
        let giants = diagonals / babies;
        Self {
            slots,
            period,
            repeat,
            rows,
            babies,
            giants,
            sums: sum_stages(rows, blocks),
        }
    }

    /// Period of the output.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.rows
    }

    fn baby_step(&self) -> u32 {
        self.repeat as u32
    }

    fn giant_step(&self) -> u32 {
        (self.repeat * self.babies) as u32
    }

    /// The rotation of the input that it needs a key for.
    pub fn input_steps(&self) -> impl Iterator<Item = u32> + '_ {
        (self.babies > 1).then(|| self.baby_step()).into_iter()
    }

    /// The rotations of products that it needs keys for.
    pub fn product_steps(&self) -> impl Iterator<Item = u32> + '_ {
        let giant = (self.giants > 1).then(|| self.giant_step());
        giant
            .into_iter()
            .chain(self.sums.iter().map(|sum| sum.step))
    }

    /// Number of diagonals.
    #[must_use]
    pub fn diagonals(&self) -> usize {
        self.babies * self.giants
    }
}

/// Stages whose counts multiply to `blocks`, as few and as even as [`MAX_WALK`] allows.
fn sum_stages(rows: usize, blocks: usize) -> Vec<RotateAndSum> {
    let bits = blocks.ilog2();
    let stages = bits.div_ceil(MAX_WALK.ilog2());
    let mut step = rows as u32;
    (0..stages)
        .map(|stage| {
            // Spread the bits over the stages that are left.
            let share = (bits + stage) / stages;
            let sum = RotateAndSum {
                step,
                count: 1 << share,
            };
            step <<= share;
            sum
        })
        .collect()
}

/// A matrix encoded for one plan, level and scale.
#[derive(Clone, Debug)]
pub struct Diagonals {
    plan: MatrixPlan,
    /// Diagonal `giant·babies + baby`, rotated back by the giant step it will be rotated by.
    plaintexts: Vec<Plaintext>,
}

impl Diagonals {
    /// The plan it was encoded for.
    #[must_use]
    pub fn plan(&self) -> &MatrixPlan {
        &self.plan
    }
}

impl Engine {
    /// Encodes the matrix with these entries; `entry(row, column)` is asked for rows below
    /// `plan.rows()` and columns below the input's period, and is zero outside the matrix.
    ///
    /// # Errors
    /// [`EvalError::Encoding`] for entries that don't fit.
    pub fn encode_matrix(
        &self,
        plan: MatrixPlan,
        entry: impl Fn(usize, usize) -> f64 + Sync,
        scale: Scale,
        level: Level,
    ) -> Result<Diagonals, EvalError> {
        let diagonal = |k: usize| {
            let back = k / plan.babies * plan.giant_step() as usize;
            let slot = |position: usize| {
                let slot = (position + plan.slots - back) % plan.slots;
                entry(slot % plan.rows, (slot / plan.repeat + k) % plan.period)
            };
            let values: Vec<f64> = (0..plan.slots).map(slot).collect();
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
    /// [`EvalError::LevelMismatch`], [`EvalError::MissingGaloisKey`], [`EvalError::KeyLevel`].
    pub fn multiply_matrix(
        &self,
        matrix: &Diagonals,
        x: &Ciphertext,
        keys: &EvaluationKeys,
    ) -> Result<Ciphertext, EvalError> {
        let plan = &matrix.plan;
        let babies = self.baby_rotations(plan, x, keys)?;
        let giant = |diagonals: &[Plaintext]| {
            let terms: Vec<_> = babies.iter().zip(diagonals).collect();
            Ok(self.lift(&self.mul_plain_sum(&terms)?))
        };
        let giants: Vec<Lifted> = matrix
            .plaintexts
            .chunks(plan.babies)
            .map(giant)
            .collect::<Result<_, EvalError>>()?;
        let Some((last, rest)) = giants.split_last() else {
            return self.mul_plain_sum(&[]);
        };
        let mut sum = self.horner(last, rest.iter().rev(), plan.giant_step(), keys)?;
        for stage in &plan.sums {
            let repeated = std::iter::repeat_n(&sum, stage.count - 1);
            sum = self.horner(&sum, repeated, stage.step, keys)?;
        }
        self.lower(&sum)
    }

    /// `x` rotated by `0, 1, …, babies-1` times the baby step: from one decomposition where every
    /// step has a key as good as the baby step's, else from one to the next.
    fn baby_rotations(
        &self,
        plan: &MatrixPlan,
        x: &Ciphertext,
        keys: &EvaluationKeys,
    ) -> Result<Vec<Ciphertext>, EvalError> {
        let mut rotations = vec![x.clone()];
        let steps: Vec<u32> = (1..plan.babies as u32)
            .map(|baby| baby * plan.baby_step())
            .collect();
        let base = keys.rotations.get(&plan.baby_step());
        let serves = |step: &u32| {
            keys.rotations
                .get(step)
                .zip(base)
                .is_some_and(|(key, base)| {
                    key.level() >= x.level() && key.digit_primes() <= base.digit_primes()
                })
        };
        if steps.len() > 1 && steps.iter().all(serves) {
            rotations.extend(self.rotate_hoisted(x, &steps, keys)?);
        } else {
            for baby in 0..steps.len() {
                let next = self.rotate(&rotations[baby], plan.baby_step(), keys)?;
                rotations.push(next);
            }
        }
        Ok(rotations)
    }

    /// `Σ rotate(xᵢ, i·step)`, from the last term to the first.
    fn horner<'a>(
        &self,
        last: &Lifted,
        mut rest: impl Iterator<Item = &'a Lifted>,
        step: u32,
        keys: &EvaluationKeys,
    ) -> Result<Lifted, EvalError> {
        rest.try_fold(last.clone(), |sum, term| {
            self.add_lifted(self.rotate_lifted(&sum, step, keys)?, term)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Counts, for each row, how often each column is covered by the slots that are summed.
    #[test]
    fn every_column_is_covered_once_in_every_slot() {
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
            let plan = MatrixPlan::new(slots, period, repeat, rows);
            let mut reached = vec![0usize];
            for stage in &plan.sums {
                let offsets = (0..stage.count).map(|i| i * stage.step as usize);
                reached = offsets
                    .flat_map(|o| reached.iter().map(move |r| r + o))
                    .collect();
            }
            for slot in 0..slots {
                let mut covered = vec![0; period];
                for (block, k) in reached
                    .iter()
                    .flat_map(|b| (0..plan.diagonals()).map(move |k| (b, k)))
                {
                    let summed = (slot + block) % slots;
                    assert_eq!(summed % rows, slot % rows);
                    covered[(summed / repeat + k) % period] += 1;
                }
                assert!(
                    covered.iter().all(|&count| count == 1),
                    "{plan:?}: slot {slot}: {covered:?}"
                );
            }
        }
    }
}
