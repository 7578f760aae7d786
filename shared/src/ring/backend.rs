//! The one place where arithmetic kernels are chosen.
//!
//! [`Scalar`] is the oracle: it meets schoolbook products, and every other kernel computes what it
//! computes, bit for bit. The vector kernels share one text, `vector`, and differ in their
//! instruction set only. The choice is made once, by detected features; the environment variable
//! [`KERNEL_VARIABLE`] forces one for tests and measurements.

#[cfg(target_arch = "x86_64")]
#[expect(unsafe_code, reason = "vector instructions")]
mod avx2;
#[cfg(target_arch = "x86_64")]
#[expect(unsafe_code, reason = "vector instructions")]
mod avx512;
mod scalar;
#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
#[expect(unsafe_code, reason = "vector instructions")]
mod simd128;
#[cfg(any(
    target_arch = "x86_64",
    all(target_arch = "wasm32", target_feature = "simd128")
))]
#[expect(unsafe_code, reason = "vector instructions")]
mod vector;

pub use scalar::Scalar;

use std::sync::OnceLock;

use super::galois::GaloisPermutation;
use super::modulus::{Factor, Modulus};
use super::ntt::NttTables;

/// Forces a kernel by its name, where the processor has it.
pub const KERNEL_VARIABLE: &str = "INKVEIL_KERNEL";

/// Two factors of a pointwise product.
#[derive(Clone, Copy, Debug)]
pub struct Product<'a> {
    /// Residues.
    pub left: &'a [u32],
    /// As many residues.
    pub right: &'a [u32],
}

impl Product<'_> {
    /// The products from `count` on.
    fn skip(&self, count: usize) -> Self {
        Self {
            left: &self.left[count..],
            right: &self.right[count..],
        }
    }
}

/// Inner loops over the residues of one prime. All slices of a call have the same length; all
/// values are residues of the modulus unless stated otherwise.
pub trait Kernel: Sync {
    /// Name for messages, measurements and [`KERNEL_VARIABLE`].
    fn name(&self) -> &'static str;

    /// Coefficients to NTT values, in place.
    fn forward_ntt(&self, residues: &mut [u32], tables: &NttTables);

    /// NTT values to coefficients, in place.
    fn inverse_ntt(&self, residues: &mut [u32], tables: &NttTables);

    /// `out = Σ left·right`, reduced once per as many products as 64 bits hold.
    fn sum_of_products(&self, out: &mut [u32], terms: &[Product<'_>], modulus: Modulus);

    /// `out = Σ values·weight`; the values may be any 32-bit numbers.
    fn weighted_sum(&self, out: &mut [u32], terms: &[(&[u32], Factor)], modulus: Modulus);

    /// `out[i] = values[permutation[i]]`.
    fn permute(&self, out: &mut [u32], values: &[u32], permutation: &GaloisPermutation);

    /// `out = (kept - out)·factor`.
    fn sub_scaled(&self, out: &mut [u32], kept: &[u32], factor: Factor, modulus: Modulus);
}

/// Implements [`Kernel`] for a proof of features by the functions of [`vector`].
#[cfg(any(
    target_arch = "x86_64",
    all(target_arch = "wasm32", target_feature = "simd128")
))]
macro_rules! vector_kernel {
    ($kernel:ident, $lanes:ident, $name:literal, $features:literal) => {
        impl Kernel for $kernel {
            fn name(&self) -> &'static str {
                $name
            }

            fn forward_ntt(&self, residues: &mut [u32], tables: &NttTables) {
                #[target_feature(enable = $features)]
                unsafe fn run(residues: &mut [u32], tables: &NttTables) {
                    // SAFETY: this function has the features that the lanes need.
                    unsafe { vector::forward_ntt::<$lanes>(residues, tables) }
                }
                // SAFETY: `self` proves that the features are there.
                unsafe { run(residues, tables) }
            }

            fn inverse_ntt(&self, residues: &mut [u32], tables: &NttTables) {
                #[target_feature(enable = $features)]
                unsafe fn run(residues: &mut [u32], tables: &NttTables) {
                    // SAFETY: this function has the features that the lanes need.
                    unsafe { vector::inverse_ntt::<$lanes>(residues, tables) }
                }
                // SAFETY: `self` proves that the features are there.
                unsafe { run(residues, tables) }
            }

            fn sum_of_products(&self, out: &mut [u32], terms: &[Product<'_>], modulus: Modulus) {
                #[target_feature(enable = $features)]
                unsafe fn run(out: &mut [u32], terms: &[Product<'_>], modulus: Modulus) {
                    // SAFETY: this function has the features that the lanes need.
                    unsafe { vector::sum_of_products::<$lanes>(out, terms, modulus) }
                }
                // SAFETY: `self` proves that the features are there.
                unsafe { run(out, terms, modulus) }
            }

            fn weighted_sum(&self, out: &mut [u32], terms: &[(&[u32], Factor)], modulus: Modulus) {
                #[target_feature(enable = $features)]
                unsafe fn run(out: &mut [u32], terms: &[(&[u32], Factor)], modulus: Modulus) {
                    // SAFETY: this function has the features that the lanes need.
                    unsafe { vector::weighted_sum::<$lanes>(out, terms, modulus) }
                }
                // SAFETY: `self` proves that the features are there.
                unsafe { run(out, terms, modulus) }
            }

            fn permute(&self, out: &mut [u32], values: &[u32], permutation: &GaloisPermutation) {
                #[target_feature(enable = $features)]
                unsafe fn run(out: &mut [u32], values: &[u32], permutation: &GaloisPermutation) {
                    // SAFETY: this function has the features that the lanes need.
                    unsafe { vector::permute::<$lanes>(out, values, permutation) }
                }
                // SAFETY: `self` proves that the features are there.
                unsafe { run(out, values, permutation) }
            }

            fn sub_scaled(&self, out: &mut [u32], kept: &[u32], factor: Factor, modulus: Modulus) {
                #[target_feature(enable = $features)]
                unsafe fn run(out: &mut [u32], kept: &[u32], factor: Factor, modulus: Modulus) {
                    // SAFETY: this function has the features that the lanes need.
                    unsafe { vector::sub_scaled::<$lanes>(out, kept, factor, modulus) }
                }
                // SAFETY: `self` proves that the features are there.
                unsafe { run(out, kept, factor, modulus) }
            }
        }
    };
}
#[cfg(any(
    target_arch = "x86_64",
    all(target_arch = "wasm32", target_feature = "simd128")
))]
use vector_kernel;

/// Every kernel that this processor can run, the slowest first.
#[must_use]
pub fn available() -> Vec<&'static dyn Kernel> {
    static AVAILABLE: OnceLock<Vec<Box<dyn Kernel + Send>>> = OnceLock::new();
    let detect = || {
        let mut kernels: Vec<Box<dyn Kernel + Send>> = vec![Box::new(Scalar)];
        #[cfg(target_arch = "x86_64")]
        {
            kernels.extend(avx2::Avx2::detect().map(|kernel| Box::new(kernel) as _));
            kernels.extend(avx512::Avx512::detect().map(|kernel| Box::new(kernel) as _));
        }
        #[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
        kernels.extend(simd128::Simd128::detect().map(|kernel| Box::new(kernel) as _));
        kernels
    };
    AVAILABLE
        .get_or_init(detect)
        .iter()
        .map(|kernel| &**kernel as &dyn Kernel)
        .collect()
}

/// The kernel in use: the fastest available, or the one that [`KERNEL_VARIABLE`] names if this
/// processor can run it.
#[must_use]
pub fn kernel() -> &'static dyn Kernel {
    static CHOSEN: OnceLock<&'static dyn Kernel> = OnceLock::new();
    *CHOSEN.get_or_init(|| {
        let forced = std::env::var(KERNEL_VARIABLE).ok();
        let available = available();
        let named = available
            .iter()
            .find(|kernel| Some(kernel.name()) == forced.as_deref());
        *named
            .or(available.last())
            .unwrap_or(&(&Scalar as &dyn Kernel))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ring::galois::GaloisElement;
    use proptest::prelude::*;

    /// 17 to 31 bits, each 1 modulo 2^13; on either side of 2^30, where lazy ranges end.
    const PRIMES: [u32; 6] = [
        65_537,
        1_032_193,
        33_538_049,
        1_073_692_673,
        1_073_750_017,
        2_147_352_577,
    ];

    /// Residues with 0 and `prime - 1` among them.
    fn residues(prime: u32, count: usize) -> impl Strategy<Value = Vec<u32>> {
        let residue = prop_oneof![6 => 0..prime, 1 => Just(0), 1 => Just(prime - 1)];
        proptest::collection::vec(residue, count)
    }

    fn operands() -> impl Strategy<Value = (u32, Vec<Vec<u32>>)> {
        (proptest::sample::select(&PRIMES[..]), 0usize..8).prop_flat_map(|(prime, terms)| {
            let count = if terms % 2 == 0 { 64 } else { 67 };
            let operands = proptest::collection::vec(residues(prime, count), 2 * terms + 2);
            (Just(prime), operands)
        })
    }

    proptest! {
        #[test]
        fn transforms_equal_the_scalar_ones(
            (prime, log_n, values) in (proptest::sample::select(&PRIMES[..]), 1u32..13)
                .prop_flat_map(|(prime, log_n)| (Just(prime), Just(log_n), residues(prime, 1 << log_n))),
        ) {
            let tables = NttTables::new(Modulus::new(prime), 1 << log_n);
            let (mut forward, mut inverse) = (values.clone(), values.clone());
            Scalar.forward_ntt(&mut forward, &tables);
            Scalar.inverse_ntt(&mut inverse, &tables);
            for kernel in available() {
                let (mut got_forward, mut got_inverse) = (values.clone(), values.clone());
                kernel.forward_ntt(&mut got_forward, &tables);
                kernel.inverse_ntt(&mut got_inverse, &tables);
                prop_assert_eq!(&got_forward, &forward, "{} forward", kernel.name());
                prop_assert_eq!(&got_inverse, &inverse, "{} inverse", kernel.name());
            }
        }

        #[test]
        fn permutations_equal_indexing(log_n in 1u32..13, step in any::<usize>(), start in any::<u32>()) {
            let degree = 1usize << log_n;
            let element = GaloisElement::rotation(step % degree.max(2), degree.max(2));
            let permutation = GaloisPermutation::new(element, degree);
            let values: Vec<u32> = (0..degree as u32).map(|i| i.wrapping_mul(start)).collect();
            let want: Vec<u32> = permutation.sources().map(|source| values[source]).collect();
            for kernel in available() {
                let mut got = vec![0; degree];
                kernel.permute(&mut got, &values, &permutation);
                prop_assert_eq!(&got, &want, "{}", kernel.name());
            }
        }

        #[test]
        fn pointwise_kernels_equal_wide_integers((prime, operands) in operands(), weight in any::<u32>()) {
            let modulus = Modulus::new(prime);
            let weight = weight % prime;
            let terms: Vec<Product<'_>> =
                operands.chunks_exact(2).map(|pair| Product { left: &pair[0], right: &pair[1] }).collect();
            let factor = modulus.factor(weight);
            let weighted: Vec<(&[u32], Factor)> = operands.iter().map(|values| (&values[..], factor)).collect();
            let wide = |value: u32| u128::from(value);
            let count = operands[0].len();
            for kernel in available() {
                let mut out = vec![7; count];
                kernel.sum_of_products(&mut out, &terms, modulus);
                for (at, &got) in out.iter().enumerate() {
                    let want: u128 = terms.iter().map(|t| wide(t.left[at]) * wide(t.right[at])).sum();
                    prop_assert_eq!(wide(got), want % wide(prime), "{} products", kernel.name());
                }
                kernel.weighted_sum(&mut out, &weighted, modulus);
                for (at, &got) in out.iter().enumerate() {
                    let want: u128 = weighted.iter().map(|(x, _)| wide(x[at]) * wide(weight)).sum();
                    prop_assert_eq!(wide(got), want % wide(prime), "{} weighted", kernel.name());
                }
                out.clone_from(&operands[0]);
                kernel.sub_scaled(&mut out, &operands[1], factor, modulus);
                for (at, &got) in out.iter().enumerate() {
                    let difference = wide(operands[1][at]) + wide(prime) - wide(operands[0][at]);
                    prop_assert_eq!(wide(got), difference * wide(weight) % wide(prime), "{}", kernel.name());
                }
            }
        }
    }
}
