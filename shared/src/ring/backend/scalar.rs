//! Portable kernels, the oracle for all others.

use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use super::{KEY_STREAM_WORDS, Kernel, Product};
use crate::ring::Seed;
use crate::ring::galois::GaloisPermutation;
use crate::ring::modulus::{Factor, Modulus};
use crate::ring::ntt::NttTables;

/// Plain Rust, one residue at a time.
#[derive(Clone, Copy, Debug)]
pub struct Scalar;

impl Kernel for Scalar {
    fn name(&self) -> &'static str {
        "scalar"
    }

    fn forward_ntt(&self, residues: &mut [u32], tables: &NttTables) {
        let modulus = tables.modulus;
        let mut half = residues.len() / 2;
        let roots = &tables.forward;
        let mut roots = roots.factors.iter().zip(&roots.quotients).skip(1);
        while half > 0 {
            for (block, (&root, &quotient)) in residues.chunks_exact_mut(2 * half).zip(&mut roots) {
                let (low, high) = block.split_at_mut(half);
                for (a, b) in low.iter_mut().zip(high) {
                    let product = modulus.mul_factor(
                        *b,
                        Factor {
                            value: root,
                            quotient,
                        },
                    );
                    (*a, *b) = (modulus.add(*a, product), modulus.sub(*a, product));
                }
            }
            half /= 2;
        }
    }

    fn inverse_ntt(&self, residues: &mut [u32], tables: &NttTables) {
        let modulus = tables.modulus;
        let mut half = 1;
        while half < residues.len() {
            let blocks = residues.len() / (2 * half);
            let roots = &tables.inverse;
            let roots = roots.factors.iter().zip(&roots.quotients).skip(blocks);
            for (block, (&root, &quotient)) in residues.chunks_exact_mut(2 * half).zip(roots) {
                let (low, high) = block.split_at_mut(half);
                for (a, b) in low.iter_mut().zip(high) {
                    let difference = modulus.sub(*a, *b);
                    *a = modulus.add(*a, *b);
                    *b = modulus.mul_factor(
                        difference,
                        Factor {
                            value: root,
                            quotient,
                        },
                    );
                }
            }
            half *= 2;
        }
        for residue in residues {
            *residue = modulus.mul_factor(*residue, tables.degree_inverse);
        }
    }

    fn sum_of_products(&self, out: &mut [u32], terms: &[Product<'_>], modulus: Modulus) {
        // One less, to leave room for the residue that a reduction leaves behind.
        let limit = modulus.products_before_overflow() - 1;
        for (at, out) in out.iter_mut().enumerate() {
            let mut sum = 0;
            for group in terms.chunks(limit) {
                for term in group {
                    sum += u64::from(term.left[at]) * u64::from(term.right[at]);
                }
                sum = u64::from(modulus.reduce(sum));
            }
            *out = sum as u32;
        }
    }

    fn weighted_sum(&self, out: &mut [u32], terms: &[(&[u32], Factor)], modulus: Modulus) {
        for (at, out) in out.iter_mut().enumerate() {
            *out = terms.iter().fold(0, |sum, &(values, weight)| {
                modulus.add(sum, modulus.mul_factor(values[at], weight))
            });
        }
    }

    fn add(&self, out: &mut [u32], rhs: &[u32], modulus: Modulus) {
        for (out, &rhs) in out.iter_mut().zip(rhs) {
            *out = modulus.add(*out, rhs);
        }
    }

    fn sub(&self, out: &mut [u32], rhs: &[u32], modulus: Modulus) {
        for (out, &rhs) in out.iter_mut().zip(rhs) {
            *out = modulus.sub(*out, rhs);
        }
    }

    fn mul(&self, out: &mut [u32], rhs: &[u32], modulus: Modulus) {
        for (out, &rhs) in out.iter_mut().zip(rhs) {
            *out = modulus.mul(*out, rhs);
        }
    }

    fn sub_scaled(&self, out: &mut [u32], kept: &[u32], factor: Factor, modulus: Modulus) {
        for (out, &kept) in out.iter_mut().zip(kept) {
            *out = modulus.mul_factor(modulus.sub(kept, *out), factor);
        }
    }

    fn permute(&self, out: &mut [u32], values: &[u32], permutation: &GaloisPermutation) {
        for (out, &source) in out.iter_mut().zip(permutation.indices()) {
            *out = values[source as usize];
        }
    }

    fn quotients(&self, out: &mut [u32], terms: &[(&[u32], f64)]) {
        for (at, out) in out.iter_mut().enumerate() {
            let sum = terms.iter().fold(0.5, |sum, &(values, reciprocal)| {
                sum + f64::from(values[at]) * reciprocal
            });
            *out = sum as u32;
        }
    }

    fn past_half(&self, out: &mut [u32], values: &[u32], modulus: Modulus) {
        for (out, &value) in out.iter_mut().zip(values) {
            *out = u32::from(value > modulus.prime() / 2);
        }
    }

    fn key_stream(&self, out: &mut [u32; KEY_STREAM_WORDS], key: &Seed, nonce: u64, block: u64) {
        let mut rng = ChaCha20Rng::from_seed(*key);
        rng.set_stream(nonce);
        rng.set_word_pos(16 * u128::from(block));
        for word in out {
            *word = rng.next_u32();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ring::Modulus;
    use proptest::prelude::*;

    const PRIMES: [u32; 3] = [65_537, 33_538_049, 2_147_352_577];

    /// `a · b mod (X^n + 1, prime)` from the definition.
    fn schoolbook(a: &[u32], b: &[u32], prime: u32) -> Vec<u32> {
        let (n, p) = (a.len(), i128::from(prime));
        let mut product = vec![0i128; n];
        for (i, &x) in a.iter().enumerate() {
            for (j, &y) in b.iter().enumerate() {
                let term = i128::from(x) * i128::from(y);
                product[(i + j) % n] += if i + j < n { term } else { -term };
            }
        }
        product
            .into_iter()
            .map(|value| value.rem_euclid(p) as u32)
            .collect()
    }

    fn polynomials() -> impl Strategy<Value = (u32, Vec<u32>, Vec<u32>)> {
        (proptest::sample::select(&PRIMES[..]), 1u32..8).prop_flat_map(|(prime, log_n)| {
            let residue = prop_oneof![4 => 0..prime, 1 => Just(0), 1 => Just(prime - 1)];
            let poly = proptest::collection::vec(residue, 1 << log_n);
            (Just(prime), poly.clone(), poly)
        })
    }

    proptest! {
        #[test]
        fn ntt_product_is_the_schoolbook_negacyclic_product((prime, a, b) in polynomials()) {
            let modulus = Modulus::new(prime);
            let tables = NttTables::new(modulus, a.len());
            let (mut x, mut y) = (a.clone(), b.clone());
            Scalar.forward_ntt(&mut x, &tables);
            Scalar.forward_ntt(&mut y, &tables);
            let mut product: Vec<u32> = x.iter().zip(&y).map(|(&x, &y)| modulus.mul(x, y)).collect();
            Scalar.inverse_ntt(&mut product, &tables);
            prop_assert_eq!(product, schoolbook(&a, &b, prime));
        }

        #[test]
        fn forward_evaluates_at_the_documented_roots((prime, a, _) in polynomials()) {
            let modulus = Modulus::new(prime);
            let tables = NttTables::new(modulus, a.len());
            let mut values = a.clone();
            Scalar.forward_ntt(&mut values, &tables);
            let bits = a.len().ilog2();
            let psi = tables.forward.factors[crate::ring::reverse_bits(1, bits)];
            for (i, &value) in values.iter().enumerate() {
                let exponent = 2 * crate::ring::reverse_bits(i, bits) + 1;
                let root = modulus.pow(psi, exponent as u32);
                let expected = a.iter().rev().fold(0, |sum, &c| modulus.add(modulus.mul(sum, root), c));
                prop_assert_eq!(value, expected);
            }
        }
    }
}
