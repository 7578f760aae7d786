//! The kernels once more, for vectors of any width.
//!
//! Each instruction set gives the few operations of [`Lanes`]; what is done with them stands here
//! and mirrors [`super::Scalar`] function by function. Everything is inlined into the functions
//! that carry the `target_feature`, so one algorithm becomes native code for each set.
//!
//! **Invariant:** results are those of the scalar kernel, bit for bit, for all inputs.

use super::Scalar;
use super::{Kernel, Product};
use crate::ring::galois::GaloisPermutation;
use crate::ring::modulus::{Factor, Modulus};
use crate::ring::ntt::{NttTables, Roots};

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
    /// The values at the first `COUNT` indices, which must all be below `values.len()`.
    unsafe fn gather(values: &[u32], indices: &[u32]) -> Self;
    /// Lane-wise sum, wrapping.
    unsafe fn add(self, rhs: Self) -> Self;
    /// Lane-wise difference, wrapping.
    unsafe fn sub(self, rhs: Self) -> Self;
    /// Lane-wise unsigned minimum.
    unsafe fn min(self, rhs: Self) -> Self;
    /// Low halves of the lane-wise products.
    unsafe fn mul_low(self, rhs: Self) -> Self;
    /// Whole products of the even lanes.
    unsafe fn mul_even(self, rhs: Self) -> Self;
    /// Odd lanes moved to even ones, zeros into odd ones.
    unsafe fn odd_to_even(self) -> Self;
    /// Odd lanes from `odd`, even lanes from the odd lanes of `self`: joins high halves.
    unsafe fn join_high(self, odd: Self) -> Self;
    /// Even lanes of `self` and the even lanes of `odd` as odd lanes.
    unsafe fn join_low(self, odd: Self) -> Self;
    /// Sum of 64-bit lanes, wrapping.
    unsafe fn add_wide(self, rhs: Self) -> Self;
    /// Swaps every second run of `HALF` lanes of `low` with its left neighbour in `high`; undoes
    /// itself.
    unsafe fn exchange<const HALF: usize>(low: Self, high: Self) -> (Self, Self);
}

/// `value - prime` where that is not negative.
#[inline(always)]
unsafe fn reduce_once<V: Lanes>(value: V, prime: V) -> V {
    unsafe { value.min(value.sub(prime)) }
}

/// As [`Modulus::mul_factor`], before its last subtraction: below `2·prime`.
#[inline(always)]
unsafe fn mul_lazy<V: Lanes>(value: V, factor: V, quotient: V, prime: V) -> V {
    unsafe {
        let even = value.mul_even(quotient);
        let odd = value.odd_to_even().mul_even(quotient.odd_to_even());
        let q = even.join_high(odd);
        value.mul_low(factor).sub(q.mul_low(prime))
    }
}

/// As [`Modulus::mul_factor`].
#[inline(always)]
unsafe fn mul_shoup<V: Lanes>(value: V, factor: V, quotient: V, prime: V) -> V {
    unsafe { reduce_once(mul_lazy(value, factor, quotient, prime), prime) }
}

/// Montgomery reduction of the 64-bit lanes; see [`Modulus`].
struct Reduction<V> {
    prime: V,
    neg_inverse: V,
    r1: V,
    r2: V,
}

impl<V: Lanes> Reduction<V> {
    #[inline(always)]
    unsafe fn new(modulus: Modulus) -> Self {
        let [neg_inverse, r1, r2] = modulus.reduction_constants();
        unsafe {
            Self {
                prime: V::splat_wide(modulus.prime()),
                neg_inverse: V::splat_wide(neg_inverse),
                r1: V::splat_wide(r1),
                r2: V::splat_wide(r2),
            }
        }
    }

    #[inline(always)]
    unsafe fn redc(&self, value: V) -> V {
        unsafe {
            let m = value.mul_even(self.neg_inverse);
            let sum = value.add_wide(m.mul_even(self.prime)).odd_to_even();
            reduce_once(sum, self.prime)
        }
    }

    /// Any 64-bit numbers as residues in the even lanes.
    #[inline(always)]
    unsafe fn reduce(&self, value: V) -> V {
        unsafe {
            let high = self.redc(value.odd_to_even().mul_even(self.r2));
            let low = self.redc(value.mul_even(self.r1));
            reduce_once(high.add(low), self.prime)
        }
    }
}

/// Primes below this leave room for sums of four residues in a lane, so that butterflies need not
/// reduce to below the prime (Harvey, *Faster arithmetic for number-theoretic transforms*, 2014).
const LAZY_LIMIT: u32 = 1 << 30;

/// A prime and how far values may be above it between the stages of a transform.
#[derive(Clone, Copy)]
struct Range<V> {
    prime: V,
    /// `2·prime` for lazy transforms, `prime` for others.
    slack: V,
}

impl<V: Lanes> Range<V> {
    #[inline(always)]
    unsafe fn new<const LAZY: bool>(prime: u32) -> Self {
        let slack = if LAZY { 2 * prime } else { prime };
        unsafe {
            Self {
                prime: V::splat(prime),
                slack: V::splat(slack),
            }
        }
    }
}

/// The butterfly of the forward transform. Lazy: from and to values below `4·prime`; else residues.
#[inline(always)]
unsafe fn forward_butterfly<const LAZY: bool, V: Lanes>(
    low: V,
    high: V,
    (root, quotient): (V, V),
    range: Range<V>,
) -> (V, V) {
    let Range { prime, slack } = range;
    unsafe {
        if LAZY {
            let low = reduce_once(low, slack);
            let product = mul_lazy(high, root, quotient, prime);
            (low.add(product), low.sub(product).add(slack))
        } else {
            let product = mul_shoup(high, root, quotient, prime);
            let difference = low.sub(product);
            (
                reduce_once(low.add(product), prime),
                difference.min(difference.add(prime)),
            )
        }
    }
}

/// The butterfly of the inverse transform. Lazy: from and to values below `2·prime`; else residues.
#[inline(always)]
unsafe fn inverse_butterfly<const LAZY: bool, V: Lanes>(
    low: V,
    high: V,
    (root, quotient): (V, V),
    range: Range<V>,
) -> (V, V) {
    let Range { prime, slack } = range;
    unsafe {
        let sum = reduce_once(low.add(high), slack);
        let difference = low.sub(high).add(slack);
        if LAZY {
            (sum, mul_lazy(difference, root, quotient, prime))
        } else {
            (sum, mul_shoup(difference, root, quotient, prime))
        }
    }
}

/// The roots of one stage inside a pair of vectors.
#[inline(always)]
unsafe fn inner_roots<const HALF: usize, V: Lanes>(
    block: usize,
    degree: usize,
    roots: &Roots,
) -> (V, V) {
    let start = degree / (2 * HALF) + block * (V::COUNT / HALF);
    unsafe {
        (
            V::load_spread::<HALF>(&roots.factors[start..]),
            V::load_spread::<HALF>(&roots.quotients[start..]),
        )
    }
}

/// The root that a whole block shares.
#[inline(always)]
unsafe fn block_root<V: Lanes>(at: usize, roots: &Roots) -> (V, V) {
    unsafe { (V::splat(roots.factors[at]), V::splat(roots.quotients[at])) }
}

/// The last stages of the forward transform, within `2·COUNT` neighbouring values; residues come
/// out.
#[inline(always)]
unsafe fn forward_inner<const LAZY: bool, V: Lanes>(
    values: &mut [u32],
    block: usize,
    degree: usize,
    roots: &Roots,
    range: Range<V>,
) {
    let (low, high) = values.split_at_mut(V::COUNT);
    unsafe {
        let root = block_root(degree / (2 * V::COUNT) + block, roots);
        let mut pair = forward_butterfly::<LAZY, V>(V::load(low), V::load(high), root, range);
        if V::COUNT > 8 {
            pair = V::exchange::<8>(pair.0, pair.1);
            let roots = inner_roots::<8, V>(block, degree, roots);
            pair = forward_butterfly::<LAZY, V>(pair.0, pair.1, roots, range);
        }
        if V::COUNT > 4 {
            pair = V::exchange::<4>(pair.0, pair.1);
            let roots = inner_roots::<4, V>(block, degree, roots);
            pair = forward_butterfly::<LAZY, V>(pair.0, pair.1, roots, range);
        }
        pair = V::exchange::<2>(pair.0, pair.1);
        let last = inner_roots::<2, V>(block, degree, roots);
        pair = forward_butterfly::<LAZY, V>(pair.0, pair.1, last, range);
        pair = V::exchange::<1>(pair.0, pair.1);
        let last = inner_roots::<1, V>(block, degree, roots);
        pair = forward_butterfly::<LAZY, V>(pair.0, pair.1, last, range);
        if LAZY {
            pair.0 = reduce_once(reduce_once(pair.0, range.slack), range.prime);
            pair.1 = reduce_once(reduce_once(pair.1, range.slack), range.prime);
        }
        pair = to_order(pair);
        pair.0.store(low);
        pair.1.store(high);
    }
}

/// The first stages of the inverse transform, within `2·COUNT` neighbouring values.
#[inline(always)]
unsafe fn inverse_inner<const LAZY: bool, V: Lanes>(
    values: &mut [u32],
    block: usize,
    degree: usize,
    roots: &Roots,
    range: Range<V>,
) {
    let (low, high) = values.split_at_mut(V::COUNT);
    unsafe {
        let mut pair = from_order((V::load(low), V::load(high)));
        let first = inner_roots::<1, V>(block, degree, roots);
        pair = inverse_butterfly::<LAZY, V>(pair.0, pair.1, first, range);
        pair = V::exchange::<1>(pair.0, pair.1);
        let first = inner_roots::<2, V>(block, degree, roots);
        pair = inverse_butterfly::<LAZY, V>(pair.0, pair.1, first, range);
        pair = V::exchange::<2>(pair.0, pair.1);
        if V::COUNT > 4 {
            let roots = inner_roots::<4, V>(block, degree, roots);
            pair = inverse_butterfly::<LAZY, V>(pair.0, pair.1, roots, range);
            pair = V::exchange::<4>(pair.0, pair.1);
        }
        if V::COUNT > 8 {
            let roots = inner_roots::<8, V>(block, degree, roots);
            pair = inverse_butterfly::<LAZY, V>(pair.0, pair.1, roots, range);
            pair = V::exchange::<8>(pair.0, pair.1);
        }
        let root = block_root(degree / (2 * V::COUNT) + block, roots);
        pair = inverse_butterfly::<LAZY, V>(pair.0, pair.1, root, range);
        pair.0.store(low);
        pair.1.store(high);
    }
}

/// From even positions in one vector and odd ones in the other to the order of memory.
#[inline(always)]
unsafe fn to_order<V: Lanes>(mut pair: (V, V)) -> (V, V) {
    unsafe {
        pair = V::exchange::<1>(pair.0, pair.1);
        pair = V::exchange::<2>(pair.0, pair.1);
        if V::COUNT > 4 {
            pair = V::exchange::<4>(pair.0, pair.1);
        }
        if V::COUNT > 8 {
            pair = V::exchange::<8>(pair.0, pair.1);
        }
        pair
    }
}

/// The inverse of [`to_order`].
#[inline(always)]
unsafe fn from_order<V: Lanes>(mut pair: (V, V)) -> (V, V) {
    unsafe {
        if V::COUNT > 8 {
            pair = V::exchange::<8>(pair.0, pair.1);
        }
        if V::COUNT > 4 {
            pair = V::exchange::<4>(pair.0, pair.1);
        }
        pair = V::exchange::<2>(pair.0, pair.1);
        V::exchange::<1>(pair.0, pair.1)
    }
}

/// As [`Scalar`]'s `forward_ntt`.
#[inline(always)]
pub unsafe fn forward_ntt<V: Lanes>(residues: &mut [u32], tables: &NttTables) {
    if residues.len() < 2 * V::COUNT {
        Scalar.forward_ntt(residues, tables);
    } else if tables.modulus.prime() < LAZY_LIMIT {
        unsafe { forward::<true, V>(residues, tables) }
    } else {
        unsafe { forward::<false, V>(residues, tables) }
    }
}

#[inline(always)]
unsafe fn forward<const LAZY: bool, V: Lanes>(residues: &mut [u32], tables: &NttTables) {
    let degree = residues.len();
    let roots = &tables.forward;
    unsafe {
        let range = Range::<V>::new::<LAZY>(tables.modulus.prime());
        let mut half = degree / 2;
        while half > V::COUNT {
            let first = degree / (2 * half);
            for (block, values) in residues.chunks_exact_mut(2 * half).enumerate() {
                let root = block_root(first + block, roots);
                let (low, high) = values.split_at_mut(half);
                for (a, b) in low
                    .chunks_exact_mut(V::COUNT)
                    .zip(high.chunks_exact_mut(V::COUNT))
                {
                    let (x, y) = forward_butterfly::<LAZY, V>(V::load(a), V::load(b), root, range);
                    x.store(a);
                    y.store(b);
                }
            }
            half /= 2;
        }
        for (block, values) in residues.chunks_exact_mut(2 * V::COUNT).enumerate() {
            forward_inner::<LAZY, V>(values, block, degree, roots, range);
        }
    }
}

/// As [`Scalar`]'s `inverse_ntt`.
#[inline(always)]
pub unsafe fn inverse_ntt<V: Lanes>(residues: &mut [u32], tables: &NttTables) {
    if residues.len() < 2 * V::COUNT {
        Scalar.inverse_ntt(residues, tables);
    } else if tables.modulus.prime() < LAZY_LIMIT {
        unsafe { inverse::<true, V>(residues, tables) }
    } else {
        unsafe { inverse::<false, V>(residues, tables) }
    }
}

#[inline(always)]
unsafe fn inverse<const LAZY: bool, V: Lanes>(residues: &mut [u32], tables: &NttTables) {
    let degree = residues.len();
    let roots = &tables.inverse;
    unsafe {
        let range = Range::<V>::new::<LAZY>(tables.modulus.prime());
        for (block, values) in residues.chunks_exact_mut(2 * V::COUNT).enumerate() {
            inverse_inner::<LAZY, V>(values, block, degree, roots, range);
        }
        let mut half = 2 * V::COUNT;
        while half < degree {
            let first = degree / (2 * half);
            for (block, values) in residues.chunks_exact_mut(2 * half).enumerate() {
                let root = block_root(first + block, roots);
                let (low, high) = values.split_at_mut(half);
                for (a, b) in low
                    .chunks_exact_mut(V::COUNT)
                    .zip(high.chunks_exact_mut(V::COUNT))
                {
                    let (x, y) = inverse_butterfly::<LAZY, V>(V::load(a), V::load(b), root, range);
                    x.store(a);
                    y.store(b);
                }
            }
            half *= 2;
        }
        let Factor { value, quotient } = tables.degree_inverse;
        let (factor, quotient) = (V::splat(value), V::splat(quotient));
        for values in residues.chunks_exact_mut(V::COUNT) {
            mul_shoup(V::load(values), factor, quotient, range.prime).store(values);
        }
    }
}

/// As [`Scalar`]'s `sum_of_products`.
#[inline(always)]
pub unsafe fn sum_of_products<V: Lanes>(out: &mut [u32], terms: &[Product<'_>], modulus: Modulus) {
    let whole = out.len() / V::COUNT * V::COUNT;
    let (body, tail) = out.split_at_mut(whole);
    unsafe {
        let reduction = Reduction::<V>::new(modulus);
        let zero = V::splat(0);
        let limit = modulus.products_before_overflow() - 1;
        for (at, out) in (0..whole)
            .step_by(V::COUNT)
            .zip(body.chunks_exact_mut(V::COUNT))
        {
            let (mut even, mut odd) = (zero, zero);
            for group in terms.chunks(limit) {
                for term in group {
                    let (a, b) = (V::load(&term.left[at..]), V::load(&term.right[at..]));
                    even = even.add_wide(a.mul_even(b));
                    odd = odd.add_wide(a.odd_to_even().mul_even(b.odd_to_even()));
                }
                (even, odd) = (reduction.reduce(even), reduction.reduce(odd));
            }
            even.join_low(odd).store(out);
        }
    }
    let rest: Vec<Product<'_>> = terms.iter().map(|term| term.skip(whole)).collect();
    Scalar.sum_of_products(tail, &rest, modulus);
}

/// As [`Scalar`]'s `weighted_sum`.
#[inline(always)]
pub unsafe fn weighted_sum<V: Lanes>(
    out: &mut [u32],
    terms: &[(&[u32], Factor)],
    modulus: Modulus,
) {
    let whole = out.len() / V::COUNT * V::COUNT;
    let (body, tail) = out.split_at_mut(whole);
    unsafe {
        let prime = V::splat(modulus.prime());
        for (at, out) in (0..whole)
            .step_by(V::COUNT)
            .zip(body.chunks_exact_mut(V::COUNT))
        {
            let mut sum = V::splat(0);
            for &(values, weight) in terms {
                let (factor, quotient) = (V::splat(weight.value), V::splat(weight.quotient));
                let product = mul_shoup(V::load(&values[at..]), factor, quotient, prime);
                sum = reduce_once(sum.add(product), prime);
            }
            sum.store(out);
        }
    }
    let rest: Vec<(&[u32], Factor)> = terms
        .iter()
        .map(|&(values, weight)| (&values[whole..], weight))
        .collect();
    Scalar.weighted_sum(tail, &rest, modulus);
}

/// As [`Scalar`]'s `permute`.
#[inline(always)]
pub unsafe fn permute<V: Lanes>(out: &mut [u32], values: &[u32], permutation: &GaloisPermutation) {
    let indices = permutation.indices();
    // A permutation's indices are below its length.
    assert_eq!(
        values.len(),
        indices.len(),
        "a permutation of another degree"
    );
    let (out_body, out_tail) = out.split_at_mut(indices.len() / V::COUNT * V::COUNT);
    let (indices, rest) = indices.split_at(out_body.len());
    for (out, indices) in out_body
        .chunks_exact_mut(V::COUNT)
        .zip(indices.chunks_exact(V::COUNT))
    {
        unsafe { V::gather(values, indices).store(out) }
    }
    for (out, &index) in out_tail.iter_mut().zip(rest) {
        *out = values[index as usize];
    }
}

/// As [`Scalar`]'s `sub_scaled`.
#[inline(always)]
pub unsafe fn sub_scaled<V: Lanes>(
    out: &mut [u32],
    kept: &[u32],
    factor: Factor,
    modulus: Modulus,
) {
    let whole = out.len() / V::COUNT * V::COUNT;
    let (body, tail) = out.split_at_mut(whole);
    unsafe {
        let prime = V::splat(modulus.prime());
        let (value, quotient) = (V::splat(factor.value), V::splat(factor.quotient));
        for (out, kept) in body
            .chunks_exact_mut(V::COUNT)
            .zip(kept.chunks_exact(V::COUNT))
        {
            let difference = V::load(kept).sub(V::load(out)).add(prime);
            mul_shoup(difference, value, quotient, prime).store(out);
        }
    }
    Scalar.sub_scaled(tail, &kept[whole..], factor, modulus);
}
