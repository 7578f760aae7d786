//! Sums of squares of linear maps, in each slot for itself: no rotation, no key, no rescale.
//!
//! With one ciphertext for each input and an image in each slot (as in `CryptoNets`, Gilad-Bachrach
//! et al., ICML 2016), weights are integers and products with them exact. A ciphertext's square has
//! three parts, `c0² + 2·c0·c1·s + c1²·s²`; sums of squares are left like that, as the holder of the
//! key can evaluate them just as well. All of it is done to each NTT value alone, so a block of
//! values goes through all layers while the processor's cache holds it.

use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};

use rayon::prelude::*;
use shared::ciphertext::BulkInput;
use shared::ring::backend::kernel;
use shared::ring::{Basis, Buffer, Factor, Level, Modulus, Ntt, Poly, Ring, uniform};

use super::{Ckks, EvalError, Truncation};

/// NTT values that go through all layers together.
const BLOCK: usize = 128;

/// Squares that are held before they are added to the sums.
const UNITS_AT_ONCE: usize = 128;

/// A linear map with integer weights.
#[derive(Clone, Debug, PartialEq)]
pub struct IntegerMap {
    /// For each row, the columns it reads, with their weights.
    pub rows: Vec<Vec<(usize, i64)>>,
    /// What is added to each row; missing ones are zero.
    pub constants: Vec<i64>,
}

/// A row modulo one prime.
#[derive(Debug)]
struct Row {
    terms: Vec<(usize, Factor)>,
    constant: u32,
}

fn rows_modulo(map: &IntegerMap, modulus: Modulus) -> Vec<Row> {
    let factor = |weight| modulus.factor(modulus.reduce_signed(weight));
    let row = |(at, row): (usize, &Vec<(usize, i64)>)| {
        let term = |&(column, weight): &(usize, i64)| (column, factor(weight));
        let constant = map.constants.get(at).copied().unwrap_or(0);
        Row {
            terms: row.iter().map(term).collect(),
            constant: modulus.reduce_signed(constant),
        }
    };
    map.rows.iter().enumerate().map(row).collect()
}

/// A linear map, a square and another linear map, ready for ciphertexts at one level.
#[derive(Debug)]
pub struct SumsOfSquares {
    level: Level,
    /// Both maps modulo each prime of the level.
    maps: Vec<(Vec<Row>, Vec<Row>)>,
    truncation: Truncation,
}

/// Where one block of NTT values lies.
#[derive(Clone, Copy)]
struct Block {
    limb: usize,
    start: usize,
}

impl Block {
    fn range(self, degree: usize) -> Range<usize> {
        self.start..degree.min(self.start + BLOCK)
    }
}

impl Ckks {
    /// Prepares `second·(first·x)²` for ciphertexts at a level.
    #[must_use]
    pub fn sums_of_squares(
        &self,
        first: &IntegerMap,
        second: &IntegerMap,
        level: Level,
    ) -> SumsOfSquares {
        let basis = Basis::Q(level);
        let maps = |modulus| (rows_modulo(first, modulus), rows_modulo(second, modulus));
        SumsOfSquares {
            level,
            maps: self.ring.moduli_of(basis).map(maps).collect(),
            truncation: Truncation::new(&self.ring, basis),
        }
    }

    /// For each row of the second map the three parts of its ciphertext, scaled by `2^log_modulus`
    /// over Q and rounded, as long as `may_go_on` says so; it is asked before each block of values.
    ///
    /// # Shapes
    /// `input`: as many ciphertexts as the first map has columns, at the level that it was prepared
    /// for.
    /// # Errors
    /// [`EvalError::Stopped`], with blocks as operations.
    pub fn evaluate_slotwise(
        &self,
        prepared: &SumsOfSquares,
        input: &BulkInput,
        log_modulus: u32,
        may_go_on: impl Fn() -> bool + Sync,
    ) -> Result<Vec<[Vec<u32>; 3]>, EvalError> {
        let (ring, basis) = (&*self.ring, Basis::Q(prepared.level));
        let second_half = |index| uniform(&input.seed, index as u64, ring, basis);
        let c1: Vec<Poly<Ntt>> = (0..input.c0.len())
            .into_par_iter()
            .map(second_half)
            .collect();
        let blocks: Vec<Block> = (0..prepared.maps.len())
            .flat_map(|limb| {
                let starts = (0..ring.degree()).step_by(BLOCK);
                starts.map(move |start| Block { limb, start })
            })
            .collect();
        let done = AtomicUsize::new(0);
        let evaluate = |&block: &Block| {
            if !may_go_on() {
                let (done, of) = (done.load(Ordering::Relaxed), blocks.len());
                return Err(EvalError::Stopped { done, of });
            }
            let values = prepared.evaluate_block(ring, [&input.c0, &c1], block);
            done.fetch_add(1, Ordering::Relaxed);
            Ok(values)
        };
        let values: Vec<Vec<u32>> = blocks.par_iter().map(evaluate).collect::<Result<_, _>>()?;
        drop(c1);
        let part = |part: usize| {
            let mut poly = Poly::unwritten(ring, basis);
            for (&block, values) in blocks.iter().zip(&values) {
                let range = block.range(ring.degree());
                let values = values.chunks_exact(range.len()).nth(part);
                let limb = poly.limbs_mut().nth(block.limb);
                if let (Some(limb), Some(values)) = (limb, values) {
                    limb[range].copy_from_slice(values);
                }
            }
            prepared
                .truncation
                .truncate(ring, &poly, log_modulus)
                .to_vec()
        };
        let classes = prepared.maps.first().map_or(0, |(_, second)| second.len());
        Ok((0..classes)
            .into_par_iter()
            .map(|class| [part(3 * class), part(3 * class + 1), part(3 * class + 2)])
            .collect())
    }
}

impl SumsOfSquares {
    /// One block of the three parts of each row's ciphertext, one behind the other.
    fn evaluate_block(&self, ring: &Ring, halves: [&[Poly<Ntt>]; 2], block: Block) -> Vec<u32> {
        let kernel = kernel();
        let (first, second) = &self.maps[block.limb];
        let position = ring
            .limbs(Basis::Q(self.level))
            .nth(block.limb)
            .unwrap_or(0);
        let (modulus, range) = (ring.moduli()[position], block.range(ring.degree()));
        let size = range.len();
        let [c0, c1] = halves.map(|half| {
            let mut gathered = Buffer::take(half.len() * size);
            for (to, poly) in gathered.chunks_exact_mut(size).zip(half) {
                to.copy_from_slice(&poly.limb_at(position, ring)[range.clone()]);
            }
            gathered
        });
        let mut sums = vec![0; 3 * second.len() * size];
        let mut squares = Buffer::take(3 * UNITS_AT_ONCE.min(first.len()) * size);
        let mut sum = Buffer::take(size);
        for (units, at) in first
            .chunks(UNITS_AT_ONCE)
            .zip((0..).step_by(UNITS_AT_ONCE))
        {
            for (unit, square) in units.iter().zip(squares.chunks_exact_mut(3 * size)) {
                let (d0, rest) = square.split_at_mut(size);
                let (d1, d2) = rest.split_at_mut(size);
                weigh(d0, &c0, unit.terms.iter().copied(), modulus);
                weigh(d2, &c1, unit.terms.iter().copied(), modulus);
                for value in &mut *d0 {
                    *value = modulus.add(*value, unit.constant);
                }
                d1.copy_from_slice(d0);
                kernel.add(d1, d0, modulus);
                kernel.mul(d1, d2, modulus);
                square_in_place(d0, &mut sum, modulus);
                square_in_place(d2, &mut sum, modulus);
            }
            let here = at..at + units.len();
            for (row, sums) in second.iter().zip(sums.chunks_exact_mut(3 * size)) {
                for (part, sums) in sums.chunks_exact_mut(size).enumerate() {
                    let terms = row.terms.iter().filter(|(unit, _)| here.contains(unit));
                    let terms = terms.map(|&(unit, weight)| (3 * (unit - at) + part, weight));
                    weigh(&mut sum, &squares, terms, modulus);
                    kernel.add(sums, &sum, modulus);
                }
            }
        }
        sums
    }
}

/// `out = Σ weight·values[index]`, of values that stand in blocks as long as `out`.
fn weigh(
    out: &mut [u32],
    values: &[u32],
    terms: impl Iterator<Item = (usize, Factor)>,
    modulus: Modulus,
) {
    let size = out.len();
    let block = |index: usize| &values[index * size..(index + 1) * size];
    let terms: Vec<(&[u32], Factor)> = terms
        .map(|(index, weight)| (block(index), weight))
        .collect();
    kernel().weighted_sum(out, &terms, modulus);
}

fn square_in_place(values: &mut [u32], copy: &mut [u32], modulus: Modulus) {
    copy.copy_from_slice(values);
    kernel().mul(values, copy, modulus);
}
