//! One prime below 2^31 and arithmetic modulo it.
//!
//! **Invariant:** every function returns a canonical residue, in `0..prime`, for every input in
//! its stated range, in time that does not depend on the values.

/// A prime with the constants its reductions need.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Modulus {
    prime: u32,
    /// `-prime⁻¹ mod 2^32`, for Montgomery reduction.
    pub(super) neg_inverse: u32,
    /// `2^32 mod prime`.
    pub(super) r1: u32,
    /// `2^64 mod prime`.
    r2: u32,
}

/// `value - prime` if that is not negative: brings `0..2·prime` to `0..prime`.
#[inline(always)]
pub(crate) fn reduce_once(value: u32, prime: u32) -> u32 {
    value.min(value.wrapping_sub(prime))
}

impl Modulus {
    /// Precomputes the constants of an odd prime below 2^31; [`crate::params::Parameters`] checks
    /// that it is one.
    #[must_use]
    pub(crate) fn new(prime: u32) -> Self {
        // Newton's iteration doubles the correct low bits: 3, 6, 12, 24, 48.
        let inverse = (0..5).fold(prime, |x, _| {
            x.wrapping_mul(2u32.wrapping_sub(prime.wrapping_mul(x)))
        });
        let r1 = ((1u64 << 32) % u64::from(prime)) as u32;
        let r2 = (u64::from(r1) * u64::from(r1) % u64::from(prime)) as u32;
        Self {
            prime,
            neg_inverse: inverse.wrapping_neg(),
            r1,
            r2,
        }
    }

    /// The prime.
    #[must_use]
    #[inline(always)]
    pub fn prime(self) -> u32 {
        self.prime
    }

    /// Bits of the largest residue.
    #[must_use]
    pub fn bits(self) -> u32 {
        32 - (self.prime - 1).leading_zeros()
    }

    /// `a + b` for residues.
    #[must_use]
    #[inline(always)]
    pub fn add(self, a: u32, b: u32) -> u32 {
        reduce_once(a + b, self.prime)
    }

    /// `a - b` for residues.
    #[must_use]
    #[inline(always)]
    pub fn sub(self, a: u32, b: u32) -> u32 {
        let difference = a.wrapping_sub(b);
        difference.min(difference.wrapping_add(self.prime))
    }

    /// `-a` for a residue.
    #[must_use]
    #[inline(always)]
    pub fn neg(self, a: u32) -> u32 {
        self.sub(0, a)
    }

    /// Montgomery reduction: `value · 2^-32` for `value < prime · 2^32`.
    #[inline(always)]
    fn redc(self, value: u64) -> u32 {
        let m = (value as u32).wrapping_mul(self.neg_inverse);
        let sum = (value + u64::from(m) * u64::from(self.prime)) >> 32;
        reduce_once(sum as u32, self.prime)
    }

    /// Any 64-bit number as a residue.
    #[must_use]
    #[inline(always)]
    pub fn reduce(self, value: u64) -> u32 {
        let high = self.redc((value >> 32) * u64::from(self.r2));
        let low = self.redc((value & 0xffff_ffff) * u64::from(self.r1));
        self.add(high, low)
    }

    /// Any signed 64-bit number above `-2^63` as a residue.
    #[must_use]
    #[inline(always)]
    pub fn reduce_signed(self, value: i64) -> u32 {
        let magnitude = self.reduce(value.unsigned_abs());
        let sign = (value >> 63) as u32;
        (magnitude & !sign) | (self.neg(magnitude) & sign)
    }

    /// `a · b` for residues.
    #[must_use]
    #[inline(always)]
    pub fn mul(self, a: u32, b: u32) -> u32 {
        let shrunk = self.redc(u64::from(a) * u64::from(b));
        self.redc(u64::from(shrunk) * u64::from(self.r2))
    }

    /// How many products of residues a 64-bit sum holds without overflow; at least 4.
    #[must_use]
    pub fn products_before_overflow(self) -> usize {
        let largest = u64::from(self.prime - 1) * u64::from(self.prime - 1);
        usize::try_from(u64::MAX / largest.max(1)).unwrap_or(usize::MAX)
    }

    /// `base^exponent`.
    #[must_use]
    pub fn pow(self, base: u32, mut exponent: u32) -> u32 {
        let (mut result, mut square) = (1, base);
        while exponent > 0 {
            if exponent & 1 == 1 {
                result = self.mul(result, square);
            }
            square = self.mul(square, square);
            exponent >>= 1;
        }
        result
    }

    /// The inverse of a residue that isn't 0.
    #[must_use]
    pub fn inverse(self, value: u32) -> u32 {
        self.pow(value, self.prime - 2)
    }

    /// A residue prepared for many products: Shoup's trick.
    #[must_use]
    pub fn factor(self, value: u32) -> Factor {
        let quotient = ((u64::from(value) << 32) / u64::from(self.prime)) as u32;
        Factor { value, quotient }
    }

    /// `value · factor` for any 32-bit value.
    #[must_use]
    #[inline(always)]
    pub fn mul_factor(self, value: u32, factor: Factor) -> u32 {
        let q = ((u64::from(value) * u64::from(factor.quotient)) >> 32) as u32;
        // In 0..2·prime: the true difference, though each product wraps.
        let remainder = value
            .wrapping_mul(factor.value)
            .wrapping_sub(q.wrapping_mul(self.prime));
        reduce_once(remainder, self.prime)
    }
}

/// A residue `value` with `⌊value · 2^32 / prime⌋`, which makes products with it cheap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Factor {
    pub(crate) value: u32,
    pub(crate) quotient: u32,
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const PRIMES: [u32; 4] = [65_537, 1_032_193, 67_043_329, 2_147_352_577];

    fn residue() -> impl Strategy<Value = (u32, u32, u32)> {
        (
            proptest::sample::select(&PRIMES[..]),
            any::<u32>(),
            any::<u32>(),
        )
            .prop_map(|(p, a, b)| {
                let edge = |x: u32| match x % 5 {
                    0 => 0,
                    1 => p - 1,
                    _ => x % p,
                };
                (p, edge(a), edge(b))
            })
    }

    proptest! {
        #[test]
        fn arithmetic_agrees_with_wide_integers((p, a, b) in residue(), any in any::<u64>()) {
            let m = Modulus::new(p);
            let (wide_p, wide_a, wide_b) = (u128::from(p), u128::from(a), u128::from(b));
            prop_assert_eq!(u128::from(m.add(a, b)), (wide_a + wide_b) % wide_p);
            prop_assert_eq!(u128::from(m.sub(a, b)), (wide_a + wide_p - wide_b) % wide_p);
            prop_assert_eq!(u128::from(m.mul(a, b)), wide_a * wide_b % wide_p);
            prop_assert_eq!(u128::from(m.reduce(any)), u128::from(any) % wide_p);
            let signed = any as i64 | 1;
            prop_assert_eq!(
                i128::from(m.reduce_signed(signed)),
                i128::from(signed).rem_euclid(i128::from(p))
            );
            let product = m.mul_factor(any as u32, m.factor(b));
            prop_assert_eq!(u128::from(product), u128::from(any as u32) * wide_b % wide_p);
            if a != 0 {
                prop_assert_eq!(m.mul(a, m.inverse(a)), 1);
            }
        }
    }

    #[test]
    fn sums_of_the_stated_number_of_products_fit() {
        for p in PRIMES {
            let m = Modulus::new(p);
            let largest = u128::from(p - 1) * u128::from(p - 1);
            let count = m.products_before_overflow() as u128;
            assert!(count >= 4 && count * largest <= u128::from(u64::MAX));
            assert!((count + 1) * largest > u128::from(u64::MAX));
        }
    }

    #[test]
    fn bits_hold_the_largest_residue() {
        assert_eq!(Modulus::new(65_537).bits(), 17);
        assert_eq!(Modulus::new(33_538_049).bits(), 25);
    }
}
