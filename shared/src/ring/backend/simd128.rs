//! Four lanes: WebAssembly's fixed-width SIMD.
//!
//! A wasm module either uses SIMD or doesn't; this one exists where the build enables it, and the
//! browser has checked it before anything runs.

use core::arch::wasm32::*;

use super::vector::{self, Lanes, TWO_52, TWO_52_BITS};
use super::{KEY_STREAM_WORDS, Kernel, Product};
use crate::ring::Seed;
use crate::ring::galois::GaloisPermutation;
use crate::ring::modulus::{Factor, Modulus};
use crate::ring::ntt::NttTables;

/// The kernel of modules built with `simd128`.
#[derive(Clone, Copy, Debug)]
pub struct Simd128(());

impl Simd128 {
    /// The kernel.
    #[must_use]
    pub fn detect() -> Option<Self> {
        Some(Self(()))
    }
}

#[derive(Clone, Copy)]
struct V(v128);

// SAFETY of every block below: `simd128` is on for the whole module; loads and stores are preceded
// by a check of the slice's length.
impl Lanes for V {
    const COUNT: usize = 4;

    #[inline(always)]
    unsafe fn splat(value: u32) -> Self {
        Self(u32x4_splat(value))
    }

    #[inline(always)]
    unsafe fn splat_wide(value: u32) -> Self {
        Self(u64x2_splat(u64::from(value)))
    }

    #[inline(always)]
    unsafe fn load(values: &[u32]) -> Self {
        let values = &values[..Self::COUNT];
        unsafe { Self(v128_load(values.as_ptr().cast())) }
    }

    #[inline(always)]
    unsafe fn store(self, values: &mut [u32]) {
        let values = &mut values[..Self::COUNT];
        unsafe { v128_store(values.as_mut_ptr().cast(), self.0) }
    }

    #[inline(always)]
    unsafe fn load_spread<const HALF: usize>(values: &[u32]) -> Self {
        unsafe {
            let values = Self::load(values);
            match HALF {
                2 => Self(u32x4_shuffle::<0, 0, 1, 1>(values.0, values.0)),
                _ => values,
            }
        }
    }

    #[inline(always)]
    unsafe fn select(self, indices: Self) -> Self {
        // Four bytes for each lane, counted from four times its index.
        let lanes = v128_and(indices.0, u32x4_splat(3));
        let bytes = u32x4_mul(lanes, u32x4_splat(0x0404_0404));
        Self(u8x16_swizzle(
            self.0,
            u32x4_add(bytes, u32x4_splat(0x0302_0100)),
        ))
    }

    #[inline(always)]
    unsafe fn add(self, rhs: Self) -> Self {
        Self(u32x4_add(self.0, rhs.0))
    }

    #[inline(always)]
    unsafe fn sub(self, rhs: Self) -> Self {
        Self(u32x4_sub(self.0, rhs.0))
    }

    #[inline(always)]
    unsafe fn xor(self, rhs: Self) -> Self {
        Self(v128_xor(self.0, rhs.0))
    }

    #[inline(always)]
    unsafe fn rotate_left<const BITS: i32>(self) -> Self {
        let (left, right) = (BITS as u32, 32 - BITS as u32);
        Self(v128_or(u32x4_shl(self.0, left), u32x4_shr(self.0, right)))
    }

    #[inline(always)]
    unsafe fn min(self, rhs: Self) -> Self {
        Self(u32x4_min(self.0, rhs.0))
    }

    #[inline(always)]
    unsafe fn mul_low(self, rhs: Self) -> Self {
        Self(u32x4_mul(self.0, rhs.0))
    }

    #[inline(always)]
    unsafe fn mul_even(self, rhs: Self) -> Self {
        let left = u32x4_shuffle::<0, 2, 0, 2>(self.0, self.0);
        let right = u32x4_shuffle::<0, 2, 0, 2>(rhs.0, rhs.0);
        Self(u64x2_extmul_low_u32x4(left, right))
    }

    #[inline(always)]
    unsafe fn odd_to_even(self) -> Self {
        Self(u64x2_shr(self.0, 32))
    }

    #[inline(always)]
    unsafe fn even_only(self) -> Self {
        Self(v128_and(self.0, u64x2_splat(0xffff_ffff)))
    }

    #[inline(always)]
    unsafe fn join_high(self, odd: Self) -> Self {
        Self(u32x4_shuffle::<1, 5, 3, 7>(self.0, odd.0))
    }

    #[inline(always)]
    unsafe fn join_low(self, odd: Self) -> Self {
        Self(v128_or(self.0, u64x2_shl(odd.0, 32)))
    }

    #[inline(always)]
    unsafe fn add_wide(self, rhs: Self) -> Self {
        Self(u64x2_add(self.0, rhs.0))
    }

    #[inline(always)]
    unsafe fn exchange<const HALF: usize>(low: Self, high: Self) -> (Self, Self) {
        let (low, high) = (low.0, high.0);
        let (new_low, new_high) = match HALF {
            2 => (
                u64x2_shuffle::<0, 2>(low, high),
                u64x2_shuffle::<1, 3>(low, high),
            ),
            _ => (
                u32x4_shuffle::<0, 4, 2, 6>(low, high),
                u32x4_shuffle::<1, 5, 3, 7>(low, high),
            ),
        };
        (Self(new_low), Self(new_high))
    }

    #[inline(always)]
    unsafe fn interleave(even: Self, odd: Self) -> (Self, Self) {
        (
            Self(u32x4_shuffle::<0, 4, 1, 5>(even.0, odd.0)),
            Self(u32x4_shuffle::<2, 6, 3, 7>(even.0, odd.0)),
        )
    }

    #[inline(always)]
    unsafe fn deinterleave(low: Self, high: Self) -> (Self, Self) {
        (
            Self(u32x4_shuffle::<0, 2, 4, 6>(low.0, high.0)),
            Self(u32x4_shuffle::<1, 3, 5, 7>(low.0, high.0)),
        )
    }

    #[inline(always)]
    unsafe fn splat_float(value: f64) -> Self {
        Self(f64x2_splat(value))
    }

    #[inline(always)]
    unsafe fn even_to_float(self) -> Self {
        let low = v128_and(self.0, u64x2_splat(0xffff_ffff));
        let above = v128_or(low, u64x2_splat(TWO_52_BITS));
        Self(f64x2_sub(above, f64x2_splat(TWO_52)))
    }

    #[inline(always)]
    unsafe fn floor_to_even(self) -> Self {
        let above = f64x2_add(f64x2_floor(self.0), f64x2_splat(TWO_52));
        unsafe { Self(above).even_only() }
    }

    #[inline(always)]
    unsafe fn add_float(self, rhs: Self) -> Self {
        Self(f64x2_add(self.0, rhs.0))
    }

    #[inline(always)]
    unsafe fn mul_float(self, rhs: Self) -> Self {
        Self(f64x2_mul(self.0, rhs.0))
    }
}

super::vector_kernel!(Simd128, V, "simd128", "simd128");
