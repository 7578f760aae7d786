//! What operations on the residues of one prime cost on this machine.

use std::hint::black_box;
use std::time::Instant;

use evaluator::circuit::Count;
use shared::ring::backend::{Product, kernel};
use shared::ring::galois::{GaloisElement, GaloisPermutation};
use shared::ring::{Basis, Level, Ring, uniform};

/// Measures the prices in a ring, on operands that don't all fit in the nearest cache.
pub fn prices(ring: &Ring) -> Count {
    const OPERANDS: usize = 64;
    let (kernel, modulus, tables) = (kernel(), ring.moduli()[0], ring.tables(0));
    let basis = Basis::Q(Level(0));
    let limbs = ring.limbs(basis).len() as f64;
    let random = |index| {
        uniform(&[7; 32], index, ring, basis)
            .limbs()
            .next()
            .map(<[u32]>::to_vec)
    };
    let operands: Vec<Vec<u32>> = (0..OPERANDS as u64).filter_map(random).collect();
    let mut out = operands[0].clone();
    let pairs = operands.chunks(2).map(|pair| Product {
        left: &pair[0],
        right: &pair[1],
    });
    let pairs: Vec<Product<'_>> = pairs.collect();
    let terms: Vec<_> = operands
        .iter()
        .map(|values| (values.as_slice(), modulus.factor(3)))
        .collect();
    let permutation =
        GaloisPermutation::new(GaloisElement::rotation(1, ring.degree()), ring.degree());
    let mut residues = operands[1].clone();
    Count {
        transforms: fastest(|| {
            kernel.forward_ntt(&mut residues, tables);
            kernel.inverse_ntt(&mut residues, tables);
        }) / 2.0,
        products: fastest(|| {
            for pairs in pairs.chunks(4) {
                kernel.sum_of_products(&mut out, pairs, modulus);
            }
        }) / pairs.len() as f64,
        weighted: fastest(|| {
            for terms in terms.chunks(2) {
                kernel.weighted_sum(&mut out, terms, modulus);
            }
        }) / terms.len() as f64,
        permutations: fastest(|| {
            for values in &operands {
                kernel.permute(&mut out, values, &permutation);
            }
        }) / operands.len() as f64,
        uniform: fastest(|| drop(black_box(uniform(&[8; 32], 0, ring, basis)))) / limbs,
        // The model's plain factors fit in the cache.
        streamed: 0.0,
    }
}

/// The least time of many tries.
fn fastest(mut work: impl FnMut()) -> f64 {
    let time = |_| {
        let start = Instant::now();
        work();
        start.elapsed().as_secs_f64()
    };
    (0..400).map(time).fold(f64::MAX, f64::min)
}
