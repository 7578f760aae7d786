//! Eight lanes: AVX2.

use core::arch::x86_64::*;

use super::vector::{self, Lanes, TWO_52, TWO_52_BITS};
use super::{KEY_STREAM_WORDS, Kernel, Product};
use crate::ring::Seed;
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
    unsafe fn select(self, indices: Self) -> Self {
        unsafe { Self(_mm256_permutevar8x32_epi32(self.0, indices.0)) }
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
    unsafe fn xor(self, rhs: Self) -> Self {
        unsafe { Self(_mm256_xor_si256(self.0, rhs.0)) }
    }

    #[inline(always)]
    unsafe fn rotate_left<const BITS: i32>(self) -> Self {
        unsafe {
            let left = _mm256_sll_epi32(self.0, _mm_cvtsi32_si128(BITS));
            let right = _mm256_srl_epi32(self.0, _mm_cvtsi32_si128(32 - BITS));
            Self(_mm256_or_si256(left, right))
        }
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
    unsafe fn even_only(self) -> Self {
        unsafe { Self(_mm256_blend_epi32::<0xaa>(self.0, _mm256_setzero_si256())) }
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

    #[inline(always)]
    unsafe fn interleave(even: Self, odd: Self) -> (Self, Self) {
        unsafe {
            let low = _mm256_unpacklo_epi32(even.0, odd.0);
            let high = _mm256_unpackhi_epi32(even.0, odd.0);
            Self::exchange::<4>(Self(low), Self(high))
        }
    }

    #[inline(always)]
    unsafe fn deinterleave(low: Self, high: Self) -> (Self, Self) {
        unsafe {
            let (low, high) = Self::exchange::<4>(low, high);
            let (low, high) = (_mm256_castsi256_ps(low.0), _mm256_castsi256_ps(high.0));
            let even = _mm256_castps_si256(_mm256_shuffle_ps::<0x88>(low, high));
            let odd = _mm256_castps_si256(_mm256_shuffle_ps::<0xdd>(low, high));
            (Self(even), Self(odd))
        }
    }

    #[inline(always)]
    unsafe fn splat_float(value: f64) -> Self {
        unsafe { Self(_mm256_castpd_si256(_mm256_set1_pd(value))) }
    }

    #[inline(always)]
    unsafe fn even_to_float(self) -> Self {
        unsafe {
            let bits = _mm256_set1_epi64x(TWO_52_BITS as i64);
            let above = _mm256_blend_epi32::<0xaa>(self.0, bits);
            let float = _mm256_sub_pd(_mm256_castsi256_pd(above), _mm256_set1_pd(TWO_52));
            Self(_mm256_castpd_si256(float))
        }
    }

    #[inline(always)]
    unsafe fn floor_to_even(self) -> Self {
        unsafe {
            let floor = _mm256_floor_pd(_mm256_castsi256_pd(self.0));
            let above = _mm256_castpd_si256(_mm256_add_pd(floor, _mm256_set1_pd(TWO_52)));
            Self(above).even_only()
        }
    }

    #[inline(always)]
    unsafe fn add_float(self, rhs: Self) -> Self {
        unsafe {
            let sum = _mm256_add_pd(_mm256_castsi256_pd(self.0), _mm256_castsi256_pd(rhs.0));
            Self(_mm256_castpd_si256(sum))
        }
    }

    #[inline(always)]
    unsafe fn mul_float(self, rhs: Self) -> Self {
        unsafe {
            let product = _mm256_mul_pd(_mm256_castsi256_pd(self.0), _mm256_castsi256_pd(rhs.0));
            Self(_mm256_castpd_si256(product))
        }
    }
}

super::vector_kernel!(Avx2, V, "avx2", "avx2");
