//! Roots of unity for the negacyclic number-theoretic transform.
//!
//! The transform maps `a` to its values at the primitive 2N-th roots: position `i` of the result
//! holds `a(ψ^(2·reverse(i) + 1))`, with `reverse` the reversal of log2(N) bits. In this order
//! forward and inverse need no permutation (Longa and Naehrig, ePrint 2016/504, section 3).

use super::modulus::{Factor, Modulus};

/// Powers of a 2N-th root of unity modulo one prime, in the order the butterflies use them.
#[derive(Clone, Debug)]
pub struct NttTables {
    pub(crate) modulus: Modulus,
    /// `ψ^reverse(i)` at `i`.
    pub(crate) forward: Roots,
    /// `ψ^-reverse(i)` at `i`.
    pub(crate) inverse: Roots,
    /// `N⁻¹`.
    pub(crate) degree_inverse: Factor,
}

/// Factors with their Shoup quotients, each in a row for vector loads.
#[derive(Clone, Debug)]
pub(crate) struct Roots {
    pub(crate) factors: Vec<u32>,
    pub(crate) quotients: Vec<u32>,
}

/// The lowest `bits` bits of `index` in reverse order.
pub(crate) fn reverse_bits(index: usize, bits: u32) -> usize {
    if bits == 0 {
        0
    } else {
        index.reverse_bits() >> (usize::BITS - bits)
    }
}

impl NttTables {
    /// Tables for a degree that is a power of two with `prime ≡ 1 mod 2·degree`.
    pub(crate) fn new(modulus: Modulus, degree: usize) -> Self {
        let root = primitive_root(modulus, degree);
        let powers = |root: u32| {
            let mut factors = vec![0; degree];
            let mut power = 1;
            for exponent in 0..degree {
                factors[reverse_bits(exponent, degree.ilog2())] = power;
                power = modulus.mul(power, root);
            }
            let quotients = factors
                .iter()
                .map(|&factor| modulus.factor(factor).quotient)
                .collect();
            Roots { factors, quotients }
        };
        Self {
            modulus,
            forward: powers(root),
            inverse: powers(modulus.inverse(root)),
            degree_inverse: modulus.factor(modulus.inverse(degree as u32)),
        }
    }
}

/// The power of the smallest base that is a primitive 2N-th root of unity.
fn primitive_root(modulus: Modulus, degree: usize) -> u32 {
    let exponent = (modulus.prime() - 1) / (2 * degree as u32);
    (2..)
        .map(|base| modulus.pow(base, exponent))
        .find(|&root| modulus.pow(root, degree as u32) == modulus.prime() - 1)
        .unwrap_or(1)
}
