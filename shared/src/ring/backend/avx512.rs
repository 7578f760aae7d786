//! Sixteen lanes: AVX-512 F.

use core::arch::asm;
use core::arch::x86_64::*;

use super::vector::{self, Lanes, TWO_52, TWO_52_BITS};
use super::{KEY_STREAM_WORDS, Kernel, Product};
use crate::ring::Seed;
use crate::ring::galois::GaloisPermutation;
use crate::ring::modulus::{Factor, Modulus};
use crate::ring::ntt::NttTables;

/// Proof that the processor has AVX-512 F.
#[derive(Clone, Copy, Debug)]
pub struct Avx512(());

impl Avx512 {
    /// The kernel, where the processor and the operating system have it.
    #[must_use]
    pub fn detect() -> Option<Self> {
        is_x86_feature_detected!("avx512f").then_some(Self(()))
    }
}

#[derive(Clone, Copy)]
struct V(__m512i);

/// Lanes `i` of the low result and of the high one, as indices into both vectors, when runs of
/// `half` are exchanged.
const fn exchange_indices(half: usize) -> [[i32; 16]; 2] {
    let mut indices = [[0; 16]; 2];
    let mut lane = 0;
    while lane < 16 {
        let second = lane / half % 2 == 1;
        // Low takes from high what lies one run to the left; high the mirror image.
        indices[0][lane] = if second {
            16 + lane as i32 - half as i32
        } else {
            lane as i32
        };
        indices[1][lane] = if second {
            16 + lane as i32
        } else {
            lane as i32 + half as i32
        };
        lane += 1;
    }
    indices
}

/// Places of interleaved lanes in both vectors, and the reverse.
const INTERLEAVE: [[i32; 16]; 2] = [
    [0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23],
    [8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31],
];
const DEINTERLEAVE: [[i32; 16]; 2] = [
    [0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30],
    [1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31],
];

const fn spread_indices(half: usize) -> [i32; 16] {
    let mut indices = [0; 16];
    let mut lane = 0;
    while lane < 16 {
        indices[lane] = (lane / half) as i32;
        lane += 1;
    }
    indices
}

/// # Safety
/// AVX-512 F must be there.
#[inline]
#[target_feature(enable = "avx512f")]
unsafe fn from_indices(indices: &[i32; 16]) -> __m512i {
    // SAFETY: the reference is readable for 64 bytes; unaligned loads need no more.
    unsafe { _mm512_loadu_si512(indices.as_ptr().cast()) }
}

/// # Safety
/// AVX-512 F must be there.
#[inline]
#[target_feature(enable = "avx512f")]
unsafe fn pin(mut value: __m512i) -> __m512i {
    // SAFETY: no instructions.
    unsafe { asm!("/* {0} */", inout(zmm_reg) value, options(nomem, nostack, preserves_flags)) };
    value
}

// SAFETY of every block below: the trait demands a caller with AVX-512 F; loads and stores are
// preceded by a check of the slice's length.
impl Lanes for V {
    const COUNT: usize = 16;

    #[inline(always)]
    unsafe fn splat(value: u32) -> Self {
        unsafe { Self(_mm512_set1_epi32(value as i32)) }
    }

    #[inline(always)]
    unsafe fn splat_wide(value: u32) -> Self {
        unsafe { Self(_mm512_set1_epi64(i64::from(value))) }
    }

    #[inline(always)]
    unsafe fn load(values: &[u32]) -> Self {
        let values = &values[..Self::COUNT];
        unsafe { Self(_mm512_loadu_si512(values.as_ptr().cast())) }
    }

    #[inline(always)]
    unsafe fn store(self, values: &mut [u32]) {
        let values = &mut values[..Self::COUNT];
        unsafe { _mm512_storeu_si512(values.as_mut_ptr().cast(), self.0) }
    }

    #[inline(always)]
    unsafe fn load_spread<const HALF: usize>(values: &[u32]) -> Self {
        unsafe {
            let indices = from_indices(const { &spread_indices(HALF) });
            Self(_mm512_permutexvar_epi32(indices, Self::load(values).0))
        }
    }

    #[inline(always)]
    unsafe fn select(self, indices: Self) -> Self {
        unsafe { Self(_mm512_permutexvar_epi32(indices.0, self.0)) }
    }

    #[inline(always)]
    unsafe fn add(self, rhs: Self) -> Self {
        unsafe { Self(_mm512_add_epi32(self.0, rhs.0)) }
    }

    #[inline(always)]
    unsafe fn sub(self, rhs: Self) -> Self {
        unsafe { Self(_mm512_sub_epi32(self.0, rhs.0)) }
    }

    #[inline(always)]
    unsafe fn xor(self, rhs: Self) -> Self {
        unsafe { Self(_mm512_xor_si512(self.0, rhs.0)) }
    }

    #[inline(always)]
    unsafe fn rotate_left<const BITS: i32>(self) -> Self {
        unsafe { Self(_mm512_rol_epi32::<BITS>(self.0)) }
    }

    #[inline(always)]
    unsafe fn min(self, rhs: Self) -> Self {
        unsafe { Self(_mm512_min_epu32(self.0, rhs.0)) }
    }

    #[inline(always)]
    unsafe fn mul_low(self, rhs: Self) -> Self {
        unsafe { Self(_mm512_mullo_epi32(self.0, rhs.0)) }
    }

    #[inline(always)]
    unsafe fn mul_even(self, rhs: Self) -> Self {
        unsafe { Self(_mm512_mul_epu32(self.0, rhs.0)) }
    }

    #[inline(always)]
    unsafe fn odd_to_even(self) -> Self {
        unsafe { Self(_mm512_srli_epi64::<32>(self.0)) }
    }

    #[inline(always)]
    unsafe fn even_only(self) -> Self {
        unsafe { Self(_mm512_maskz_mov_epi32(0x5555, self.0)) }
    }

    #[inline(always)]
    unsafe fn join_high(self, odd: Self) -> Self {
        unsafe { Self(_mm512_mask_shuffle_epi32::<0xf5>(odd.0, 0x5555, self.0)) }
    }

    #[inline(always)]
    unsafe fn join_low(self, odd: Self) -> Self {
        unsafe { Self(_mm512_or_si512(self.0, _mm512_slli_epi64::<32>(odd.0))) }
    }

    #[inline(always)]
    unsafe fn add_wide(self, rhs: Self) -> Self {
        unsafe { Self(_mm512_add_epi64(self.0, rhs.0)) }
    }

    #[inline(always)]
    unsafe fn exchange<const HALF: usize>(low: Self, high: Self) -> (Self, Self) {
        let [to_low, to_high] = const { &exchange_indices(HALF) };
        unsafe {
            let new_low = _mm512_permutex2var_epi32(low.0, from_indices(to_low), high.0);
            let new_high = _mm512_permutex2var_epi32(low.0, from_indices(to_high), high.0);
            (Self(new_low), Self(new_high))
        }
    }

    #[inline(always)]
    unsafe fn pin(self) -> Self {
        unsafe { Self(pin(self.0)) }
    }

    #[inline(always)]
    unsafe fn interleave(even: Self, odd: Self) -> (Self, Self) {
        let [low, high] = const { &INTERLEAVE };
        unsafe {
            let low = _mm512_permutex2var_epi32(even.0, from_indices(low), odd.0);
            let high = _mm512_permutex2var_epi32(even.0, from_indices(high), odd.0);
            (Self(low), Self(high))
        }
    }

    #[inline(always)]
    unsafe fn deinterleave(low: Self, high: Self) -> (Self, Self) {
        let [evens, odds] = const { &DEINTERLEAVE };
        unsafe {
            let even = _mm512_permutex2var_epi32(low.0, from_indices(evens), high.0);
            let odd = _mm512_permutex2var_epi32(low.0, from_indices(odds), high.0);
            (Self(even), Self(odd))
        }
    }

    #[inline(always)]
    unsafe fn splat_float(value: f64) -> Self {
        unsafe { Self(_mm512_castpd_si512(_mm512_set1_pd(value))) }
    }

    #[inline(always)]
    unsafe fn even_to_float(self) -> Self {
        unsafe {
            let bits = _mm512_set1_epi64(TWO_52_BITS as i64);
            let above = _mm512_mask_blend_epi32(0xaaaa, self.0, bits);
            let float = _mm512_sub_pd(_mm512_castsi512_pd(above), _mm512_set1_pd(TWO_52));
            Self(_mm512_castpd_si512(float))
        }
    }

    #[inline(always)]
    unsafe fn floor_to_even(self) -> Self {
        unsafe {
            let floor = _mm512_roundscale_pd::<0x09>(_mm512_castsi512_pd(self.0));
            let above = _mm512_castpd_si512(_mm512_add_pd(floor, _mm512_set1_pd(TWO_52)));
            Self(above).even_only()
        }
    }

    #[inline(always)]
    unsafe fn add_float(self, rhs: Self) -> Self {
        unsafe {
            let sum = _mm512_add_pd(_mm512_castsi512_pd(self.0), _mm512_castsi512_pd(rhs.0));
            Self(_mm512_castpd_si512(sum))
        }
    }

    #[inline(always)]
    unsafe fn mul_float(self, rhs: Self) -> Self {
        unsafe {
            let product = _mm512_mul_pd(_mm512_castsi512_pd(self.0), _mm512_castsi512_pd(rhs.0));
            Self(_mm512_castpd_si512(product))
        }
    }
}

super::vector_kernel!(Avx512, V, "avx512", "avx512f");
