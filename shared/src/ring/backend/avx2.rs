//! Eight lanes: AVX2.

use core::arch::x86_64::*;

use super::vector::{self, Lanes};
use super::{Kernel, Product};
use crate::ring::galois::GaloisPermutation;
use crate::ring::modulus::{Factor, Modulus};
use crate::ring::ntt::NttTables;

/// Proof that the processor has AVX2.
#[derive(Clone, Copy, Debug)]
pub struct Avx2(());

impl Avx2 {
    /// The kernel, where the processor and the operating system have it.
    #[must_use]
    pub fn detect() -> Option<Self> {
        is_x86_feature_detected!("avx2").then_some(Self(()))
    }
}

#[derive(Clone, Copy)]
struct V(__m256i);

// SAFETY of every block below: the trait demands a caller with AVX2; loads and stores are preceded
// by a check of the slice's length.
impl Lanes for V {
    const COUNT: usize = 8;

    #[inline(always)]
    unsafe fn splat(value: u32) -> Self {
        unsafe { Self(_mm256_set1_epi32(value as i32)) }
    }

    #[inline(always)]
    unsafe fn splat_wide(value: u32) -> Self {
        unsafe { Self(_mm256_set1_epi64x(i64::from(value))) }
    }

    #[inline(always)]
    unsafe fn load(values: &[u32]) -> Self {
        let values = &values[..Self::COUNT];
        unsafe { Self(_mm256_loadu_si256(values.as_ptr().cast())) }
    }

    #[inline(always)]
    unsafe fn store(self, values: &mut [u32]) {
        let values = &mut values[..Self::COUNT];
        unsafe { _mm256_storeu_si256(values.as_mut_ptr().cast(), self.0) }
    }

    #[inline(always)]
    unsafe fn load_spread<const HALF: usize>(values: &[u32]) -> Self {
        let half = HALF as i32;
        unsafe {
            let indices = _mm256_setr_epi32(
                0,
                1 / half,
                2 / half,
                3 / half,
                4 / half,
                5 / half,
                6 / half,
                7 / half,
            );
            Self(_mm256_permutevar8x32_epi32(Self::load(values).0, indices))
        }
    }

    #[inline(always)]
    unsafe fn gather(values: &[u32], indices: &[u32]) -> Self {
        unsafe {
            let indices = Self::load(indices);
            Self(_mm256_i32gather_epi32::<4>(
                values.as_ptr().cast(),
                indices.0,
            ))
        }
    }

    #[inline(always)]
    unsafe fn add(self, rhs: Self) -> Self {
        unsafe { Self(_mm256_add_epi32(self.0, rhs.0)) }
    }

    #[inline(always)]
    unsafe fn sub(self, rhs: Self) -> Self {
        unsafe { Self(_mm256_sub_epi32(self.0, rhs.0)) }
    }

    #[inline(always)]
    unsafe fn min(self, rhs: Self) -> Self {
        unsafe { Self(_mm256_min_epu32(self.0, rhs.0)) }
    }

    #[inline(always)]
    unsafe fn mul_low(self, rhs: Self) -> Self {
        unsafe { Self(_mm256_mullo_epi32(self.0, rhs.0)) }
    }

    #[inline(always)]
    unsafe fn mul_even(self, rhs: Self) -> Self {
        unsafe { Self(_mm256_mul_epu32(self.0, rhs.0)) }
    }

    #[inline(always)]
    unsafe fn odd_to_even(self) -> Self {
        unsafe { Self(_mm256_srli_epi64::<32>(self.0)) }
    }

    #[inline(always)]
    unsafe fn join_high(self, odd: Self) -> Self {
        unsafe { Self(_mm256_blend_epi32::<0xaa>(self.odd_to_even().0, odd.0)) }
    }

    #[inline(always)]
    unsafe fn join_low(self, odd: Self) -> Self {
        unsafe { Self(_mm256_or_si256(self.0, _mm256_slli_epi64::<32>(odd.0))) }
    }

    #[inline(always)]
    unsafe fn add_wide(self, rhs: Self) -> Self {
        unsafe { Self(_mm256_add_epi64(self.0, rhs.0)) }
    }

    #[inline(always)]
    unsafe fn exchange<const HALF: usize>(low: Self, high: Self) -> (Self, Self) {
        let (low, high) = (low.0, high.0);
        unsafe {
            let (new_low, new_high) = match HALF {
                4 => (
                    _mm256_permute2x128_si256::<0x20>(low, high),
                    _mm256_permute2x128_si256::<0x31>(low, high),
                ),
                2 => (
                    _mm256_unpacklo_epi64(low, high),
                    _mm256_unpackhi_epi64(low, high),
                ),
                _ => (
                    _mm256_blend_epi32::<0xaa>(low, _mm256_slli_epi64::<32>(high)),
                    _mm256_blend_epi32::<0xaa>(_mm256_srli_epi64::<32>(low), high),
                ),
            };
            (Self(new_low), Self(new_high))
        }
    }
}

super::vector_kernel!(Avx2, V, "avx2", "avx2");
