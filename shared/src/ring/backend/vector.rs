//! The kernels once more, for vectors of any width.
//!
//! Each instruction set gives the few operations of [`Lanes`]; what is done with them stands here
//! and mirrors [`super::Scalar`] function by function. Everything is inlined into the functions
//! that carry the `target_feature`, so one algorithm becomes native code for each set.
//!
//! **Invariant:** results are those of the scalar kernel, bit for bit, for all inputs.

mod key_stream;
mod pointwise;
mod transform;

pub use key_stream::key_stream;
pub use pointwise::{
    add, mul, past_half, permute, quotients, sub, sub_scaled, sum_of_products, weighted_sum,
};
pub use transform::{forward_ntt, inverse_ntt};

use super::Scalar;
use crate::ring::modulus::Factor;
use crate::ring::ntt::Roots;

/// A vector of `u32` lanes.
///
/// Functions ending in `even` work on the even lanes and the 64-bit numbers that those make with
/// their odd neighbours.
///
/// # Safety
/// Implementors may use instructions that not every processor has: every method must only be
/// called inside a function with the matching `target_feature`.
pub trait Lanes: Copy {
    /// Number of lanes, a power of two.
    const COUNT: usize;
    /// All lanes the same.
    unsafe fn splat(value: u32) -> Self;
    /// All 64-bit lanes the same.
    unsafe fn splat_wide(value: u32) -> Self;
    /// The first `COUNT` values; there must be as many.
    unsafe fn load(values: &[u32]) -> Self;
    /// Overwrites the first `COUNT` values; there must be as many.
    unsafe fn store(self, values: &mut [u32]);
    /// Lane `i` is value `i / half` of `values`, for a `half` that is a power of two below `COUNT`;
    /// at least `COUNT` values must be there.
    unsafe fn load_spread<const HALF: usize>(values: &[u32]) -> Self;
    /// Lane `i` is lane `indices[i] mod COUNT` of `self`.
    unsafe fn select(self, indices: Self) -> Self;
    /// Lane-wise sum, wrapping.
    unsafe fn add(self, rhs: Self) -> Self;
    /// Lane-wise difference, wrapping.
    unsafe fn sub(self, rhs: Self) -> Self;
    /// Lane-wise exclusive or.
    unsafe fn xor(self, rhs: Self) -> Self;
    /// Lanes rotated to the left by `BITS` of their 32 bits.
    unsafe fn rotate_left<const BITS: i32>(self) -> Self;
    /// Lane-wise unsigned minimum.
    unsafe fn min(self, rhs: Self) -> Self;
    /// Low halves of the lane-wise products.
    unsafe fn mul_low(self, rhs: Self) -> Self;
    /// Whole products of the even lanes.
    unsafe fn mul_even(self, rhs: Self) -> Self;
    /// Odd lanes moved to even ones, zeros into odd ones.
    unsafe fn odd_to_even(self) -> Self;
    /// Even lanes, with zeros in odd ones.
    unsafe fn even_only(self) -> Self;
    /// Odd lanes from `odd`, even lanes from the odd lanes of `self`: joins high halves.
    unsafe fn join_high(self, odd: Self) -> Self;
    /// Even lanes of `self` and the even lanes of `odd` as odd lanes.
    unsafe fn join_low(self, odd: Self) -> Self;
    /// Sum of 64-bit lanes, wrapping.
    unsafe fn add_wide(self, rhs: Self) -> Self;
    /// Swaps every second run of `HALF` lanes of `low` with its left neighbour in `high`; undoes
    /// itself.
    unsafe fn exchange<const HALF: usize>(low: Self, high: Self) -> (Self, Self);
    /// The same, after all that was pinned before: keeps the compiler from taking apart what was
    /// woven so that latencies overlap.
    #[inline(always)]
    unsafe fn pin(self) -> Self {
        self
    }
    /// The lanes of `even` and `odd` in turn, as a row of two vectors.
    unsafe fn interleave(even: Self, odd: Self) -> (Self, Self);
    /// Lanes at even and at odd places of a row of two vectors; undoes `interleave`.
    unsafe fn deinterleave(low: Self, high: Self) -> (Self, Self);
    /// All 64-bit lanes the same number.
    unsafe fn splat_float(value: f64) -> Self;
    /// The even lanes as 64-bit numbers.
    unsafe fn even_to_float(self) -> Self;
    /// The even lanes from 64-bit numbers in `0..2^32`, rounded down; zeros into odd ones.
    unsafe fn floor_to_even(self) -> Self;
    /// Sum of 64-bit numbers.
    unsafe fn add_float(self, rhs: Self) -> Self;
    /// Product of 64-bit numbers.
    unsafe fn mul_float(self, rhs: Self) -> Self;
}

/// The bits of 2^52: or-ed into a 64-bit lane below 2^32, they make it a float that is 2^52 more.
pub const TWO_52_BITS: u64 = 0x4330_0000_0000_0000;
pub const TWO_52: f64 = 4_503_599_627_370_496.0;

/// `value - prime` where that is not negative.
#[inline(always)]
unsafe fn reduce_once<V: Lanes>(value: V, prime: V) -> V {
    unsafe { value.min(value.sub(prime)) }
}

/// Factors with their Shoup quotients, see [`Factor`]; the quotients of odd lanes are in the even
/// lanes of `odd_quotient`, too.
#[derive(Clone, Copy)]
struct Root<V> {
    factor: V,
    quotient: V,
    odd_quotient: V,
}

impl<V: Lanes> Root<V> {
    #[inline(always)]
    unsafe fn splat(factor: Factor) -> Self {
        let quotient = unsafe { V::splat(factor.quotient) };
        Self {
            factor: unsafe { V::splat(factor.value) },
            quotient,
            odd_quotient: quotient,
        }
    }

    /// The one root at a place, in all lanes.
    ///
    /// # Safety
    /// Besides what [`Lanes`] needs: `at` is below the number of roots.
    #[inline(always)]
    unsafe fn of_block(roots: &Roots, at: usize) -> Self {
        debug_assert!(at < roots.factors.len() && at < roots.quotients.len());
        // SAFETY: the caller's promise.
        unsafe {
            Self::splat(Factor {
                value: *roots.factors.get_unchecked(at),
                quotient: *roots.quotients.get_unchecked(at),
            })
        }
    }

    /// The roots from a place on, as [`Lanes::load_spread`].
    ///
    /// # Safety
    /// Besides what [`Lanes`] needs: there are at least `start + COUNT` roots.
    #[inline(always)]
    unsafe fn spread<const HALF: usize>(roots: &Roots, start: usize) -> Self {
        let here = start..start + V::COUNT;
        debug_assert!(here.end <= roots.factors.len() && here.end <= roots.quotients.len());
        // SAFETY: the caller's promise.
        unsafe {
            let quotient = V::load_spread::<HALF>(roots.quotients.get_unchecked(here.clone()));
            Self {
                factor: V::load_spread::<HALF>(roots.factors.get_unchecked(here)),
                quotient,
                odd_quotient: if HALF == 1 {
                    quotient.odd_to_even()
                } else {
                    // Neighbours share a root.
                    quotient
                },
            }
        }
    }
}

/// As `mul_factor` of [`crate::ring::Modulus`], before its last subtraction: below `2·prime`.
#[inline(always)]
unsafe fn mul_lazy<V: Lanes>(value: V, root: Root<V>, prime: V) -> V {
    unsafe {
        let even = value.mul_even(root.quotient);
        let odd = value.odd_to_even().mul_even(root.odd_quotient);
        let q = even.join_high(odd);
        value.mul_low(root.factor).sub(q.mul_low(prime))
    }
}

/// As `mul_factor` of [`crate::ring::Modulus`].
#[inline(always)]
unsafe fn mul_shoup<V: Lanes>(value: V, root: Root<V>, prime: V) -> V {
    unsafe { reduce_once(mul_lazy(value, root, prime), prime) }
}
