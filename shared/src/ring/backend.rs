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
use super::uniform::Seed;

/// Forces a kernel by its name, where the processor has it.
pub const KERNEL_VARIABLE: &str = "INKVEIL_KERNEL";

/// Words of a key stream that a kernel makes at a time: 16 blocks.
pub const KEY_STREAM_WORDS: usize = 256;

/// Two factors of a pointwise product.
#[derive(Clone, Copy, Debug)]
pub struct Product<'a> {
    /// Residues.
    pub left: &'a [u32],
    /// As many residues.
    pub right: &'a [u32],
}

/// Inner loops over the residues of one prime. `out` says how many; other slices are at least
/// as long. All values are residues of the modulus unless stated otherwise.
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

    /// `out += rhs`.
    fn add(&self, out: &mut [u32], rhs: &[u32], modulus: Modulus);

    /// `out -= rhs`.
    fn sub(&self, out: &mut [u32], rhs: &[u32], modulus: Modulus);

    /// `out *= rhs`.
    fn mul(&self, out: &mut [u32], rhs: &[u32], modulus: Modulus);

    /// `out = (kept - out)·factor`.
    fn sub_scaled(&self, out: &mut [u32], kept: &[u32], factor: Factor, modulus: Modulus);

    /// `out[i] = values[permutation[i]]`.
    fn permute(&self, out: &mut [u32], values: &[u32], permutation: &GaloisPermutation);

    /// `out = ⌊0.5 + Σ values·reciprocal⌋` in double precision, term after term, each product
    /// rounded. The values may be any 32-bit numbers; the sums must be in `0..2^32`.
    fn quotients(&self, out: &mut [u32], terms: &[(&[u32], f64)]);

    /// `out` is 1 where a value is above half the prime, else 0: the quotient of a single term.
    fn past_half(&self, out: &mut [u32], values: &[u32], modulus: Modulus);

    /// Successive words of the key stream of `ChaCha20`, as Bernstein defined it: 64 bits of nonce,
    /// 64 bits to count blocks.
    fn key_stream(&self, out: &mut [u32; KEY_STREAM_WORDS], key: &Seed, nonce: u64, block: u64);
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

            super::vector_kernel! {
                $lanes, $features:
                forward_ntt(residues: &mut [u32], tables: &NttTables);
                inverse_ntt(residues: &mut [u32], tables: &NttTables);
                sum_of_products(out: &mut [u32], terms: &[Product<'_>], modulus: Modulus);
                weighted_sum(out: &mut [u32], terms: &[(&[u32], Factor)], modulus: Modulus);
                add(out: &mut [u32], rhs: &[u32], modulus: Modulus);
                sub(out: &mut [u32], rhs: &[u32], modulus: Modulus);
                mul(out: &mut [u32], rhs: &[u32], modulus: Modulus);
                sub_scaled(out: &mut [u32], kept: &[u32], factor: Factor, modulus: Modulus);
                permute(out: &mut [u32], values: &[u32], permutation: &GaloisPermutation);
                quotients(out: &mut [u32], terms: &[(&[u32], f64)]);
                past_half(out: &mut [u32], values: &[u32], modulus: Modulus);
                key_stream(out: &mut [u32; KEY_STREAM_WORDS], key: &Seed, nonce: u64, block: u64);
            }
        }
    };
    (
        $lanes:ident, $features:literal:
        $($function:ident($($argument:ident: $type:ty),*);)*
    ) => {
        $(
            fn $function(&self, $($argument: $type),*) {
                #[target_feature(enable = $features)]
                unsafe fn run($($argument: $type),*) {
                    // SAFETY: this function has the features that the lanes need.
                    unsafe { vector::$function::<$lanes>($($argument),*) }
                }
                // SAFETY: `self` proves that the features are there.
                unsafe { run($($argument),*) }
            }
        )*
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
    type Boxed = Box<dyn Kernel + Send>;
    static AVAILABLE: OnceLock<Vec<Boxed>> = OnceLock::new();
    let detect = || {
        let kernels = [
            Some(Box::new(Scalar) as Boxed),
            #[cfg(target_arch = "x86_64")]
            avx2::Avx2::detect().map(|kernel| Box::new(kernel) as Boxed),
            #[cfg(target_arch = "x86_64")]
            avx512::Avx512::detect().map(|kernel| Box::new(kernel) as Boxed),
            #[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
            simd128::Simd128::detect().map(|kernel| Box::new(kernel) as Boxed),
        ];
        kernels.into_iter().flatten().collect()
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

    /// 16 to 31 bits, each 1 modulo 2^13; on either side of where lazy ranges end.
    const PRIMES: [u32; 12] = [
        40_961,
        65_537,
        1_032_193,
        134_176_769,
        134_250_497,
        268_369_921,
        268_460_033,
        536_813_569,
        536_903_681,
        1_073_692_673,
        1_073_750_017,
        2_147_377_153,
    ];

    /// Residues with 0 and `prime - 1` among them.
    fn residues(prime: u32, count: usize) -> impl Strategy<Value = Vec<u32>> {
        let residue = prop_oneof![6 => 0..prime, 1 => Just(0), 1 => Just(prime - 1)];
        proptest::collection::vec(residue, count)
    }

    /// Pairs of operands, more than some sums hold at once, of lengths around those of vectors.
    fn operands() -> impl Strategy<Value = (u32, Vec<Vec<u32>>)> {
        let length = proptest::sample::select(vec![1, 7, 16, 67, 130]);
        (proptest::sample::select(&PRIMES[..]), 0usize..20, length).prop_flat_map(
            |(prime, terms, length)| {
                let operands = proptest::collection::vec(residues(prime, length), 2 * terms + 2);
                (Just(prime), operands)
            },
        )
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
            let element = if start % 8 == 0 {
                GaloisElement::conjugation(degree)
            } else {
                GaloisElement::rotation(step % degree, degree)
            };
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
        fn sums_equal_wide_integers((prime, operands) in operands(), weight in any::<u32>(), any in any::<u32>()) {
            let modulus = Modulus::new(prime);
            let terms: Vec<Product<'_>> =
                operands.chunks_exact(2).map(|pair| Product { left: &pair[0], right: &pair[1] }).collect();
            let length = operands[0].len();
            // Any 32-bit numbers, the largest among them.
            let values: Vec<Vec<u32>> = operands.iter()
                .map(|operand| operand.iter().map(|x| x.wrapping_mul(any).max(u32::MAX * (x % 2))).collect())
                .collect();
            let weights = (0..).map(|at: u32| modulus.factor(weight.wrapping_add(at) % prime));
            let weighted: Vec<(&[u32], Factor)> = values.iter().map(Vec::as_slice).zip(weights).collect();
            let wide = |value: u32| u128::from(value);
            for kernel in available() {
                let mut out = vec![7; length];
                kernel.sum_of_products(&mut out, &terms, modulus);
                for (at, &got) in out.iter().enumerate() {
                    let want: u128 = terms.iter().map(|t| wide(t.left[at]) * wide(t.right[at])).sum();
                    prop_assert_eq!(wide(got), want % wide(prime), "{} products", kernel.name());
                }
                kernel.weighted_sum(&mut out, &weighted, modulus);
                for (at, &got) in out.iter().enumerate() {
                    let want: u128 = weighted.iter().map(|(x, weight)| wide(x[at]) * wide(weight.value)).sum();
                    prop_assert_eq!(wide(got), want % wide(prime), "{} weighted", kernel.name());
                }
            }
        }

        #[test]
        fn pointwise_kernels_equal_wide_integers((prime, operands) in operands(), weight in any::<u32>()) {
            let modulus = Modulus::new(prime);
            let factor = modulus.factor(weight % prime);
            let (left, right) = (&operands[0], &operands[1]);
            let wide = |value: u32| u128::from(value);
            for kernel in available() {
                let check = |operation: &str, got: &[u32], want: &dyn Fn(u128, u128) -> u128| {
                    for ((&got, &a), &b) in got.iter().zip(left).zip(right) {
                        let want = want(wide(a), wide(b)) % wide(prime);
                        prop_assert_eq!(wide(got), want, "{} {} {} {}", kernel.name(), a, operation, b);
                    }
                    Ok(())
                };
                let mut out = left.clone();
                kernel.add(&mut out, right, modulus);
                check("+", &out, &|a, b| a + b)?;
                out.clone_from(left);
                kernel.sub(&mut out, right, modulus);
                check("-", &out, &|a, b| a + wide(prime) - b)?;
                out.clone_from(left);
                kernel.mul(&mut out, right, modulus);
                check("*", &out, &|a, b| a * b)?;
                out.clone_from(left);
                kernel.sub_scaled(&mut out, right, factor, modulus);
                check("scaled", &out, &|a, b| (b + wide(prime) - a) * wide(factor.value))?;
                kernel.past_half(&mut out, left, modulus);
                check("past half", &out, &|a, _| u128::from(2 * a > wide(prime)))?;
            }
        }

        #[test]
        fn key_streams_equal_the_scalar_ones(
            key in any::<Seed>(),
            nonce in any::<u64>(),
            block in prop_oneof![0..4u64, any::<u64>().prop_map(|block| block >> 8), Just(u64::from(u32::MAX) - 5)],
        ) {
            let mut want = [0; KEY_STREAM_WORDS];
            Scalar.key_stream(&mut want, &key, nonce, block);
            for kernel in available() {
                let mut got = [0; KEY_STREAM_WORDS];
                kernel.key_stream(&mut got, &key, nonce, block);
                prop_assert_eq!(got, want, "{}", kernel.name());
            }
        }

        #[test]
        fn quotients_equal_the_scalar_ones((prime, operands) in operands(), values in any::<[u32; 3]>()) {
            let mut operands = operands;
            for (operand, value) in operands.iter_mut().zip(values) {
                operand[0] = value;
            }
            let reciprocals = (0..).map(|at: u32| 1.0 / f64::from(prime - at));
            let terms: Vec<(&[u32], f64)> = operands.iter().map(Vec::as_slice).zip(reciprocals).collect();
            for kernel in available() {
                let mut out = vec![7; operands[0].len()];
                kernel.quotients(&mut out, &terms);
                for (at, &got) in out.iter().enumerate() {
                    let mut want = 0.5;
                    for (values, reciprocal) in &terms {
                        want += f64::from(values[at]) * reciprocal;
                    }
                    prop_assert_eq!(got, want.floor() as u32, "{}", kernel.name());
                }
            }
        }
    }
}
