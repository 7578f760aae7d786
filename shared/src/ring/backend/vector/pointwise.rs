//! What is done to each residue by itself, and permutations.

use super::{Lanes, Root, Scalar, mul_lazy, mul_shoup, reduce_once};
use crate::ring::backend::{Kernel, Product};
use crate::ring::galois::GaloisPermutation;
use crate::ring::modulus::{Factor, Modulus};

/// Vectors of results that a sum keeps at a time: each term is looked up once for them, and its
/// memory is read in runs long enough for prefetching.
const AT_ONCE: usize = 8;

/// Primes below this leave room for sums of four residues in a lane.
const LAZY_LIMIT: u32 = 1 << 30;

/// Calls `body` with the start of each run of `AT_ONCE` vectors, then of each single vector;
/// returns where the rest begins.
macro_rules! for_vectors {
    ($lanes:ty, $length:expr, |$at:ident, $count:ident| $body:expr) => {{
        let (length, mut $at) = ($length, 0);
        while $at + AT_ONCE * <$lanes>::COUNT <= length {
            const $count: usize = AT_ONCE;
            $body;
            $at += AT_ONCE * <$lanes>::COUNT;
        }
        while $at + <$lanes>::COUNT <= length {
            const $count: usize = 1;
            $body;
            $at += <$lanes>::COUNT;
        }
        $at
    }};
}

/// Sums of products in 64-bit lanes, for even and odd lanes apart, and their reduction.
struct Reduction<V> {
    prime: V,
    neg_inverse: V,
    /// `2^32 mod prime`, as a number and as a factor.
    r1: V,
    r1_factor: Root<V>,
    /// As `prime`, in all lanes.
    prime_lanes: V,
    /// Products that fit into 64 bits, together with what folding leaves or with what a
    /// Montgomery reduction adds.
    room: usize,
}

impl<V: Lanes> Reduction<V> {
    #[inline(always)]
    unsafe fn new(modulus: Modulus) -> Self {
        let prime = modulus.prime();
        let largest = u64::from(prime - 1) * u64::from(prime - 1);
        let room = (u64::MAX - ((u64::from(prime) + 1) << 32)) / largest.max(1);
        unsafe {
            Self {
                prime: V::splat_wide(prime),
                neg_inverse: V::splat_wide(modulus.neg_inverse),
                r1: V::splat_wide(modulus.r1),
                r1_factor: Root::splat(modulus.factor(modulus.r1)),
                prime_lanes: V::splat(prime),
                room: usize::try_from(room).unwrap_or(usize::MAX),
            }
        }
    }

    /// The same number modulo the prime, below `2^32·(prime + 1)`.
    #[inline(always)]
    unsafe fn fold(&self, value: V) -> V {
        unsafe {
            let high = value.odd_to_even().mul_even(self.r1);
            high.add_wide(value.even_only())
        }
    }

    /// A number whose high half is `value` divided by 2^32, modulo the prime.
    #[inline(always)]
    unsafe fn redc(&self, value: V) -> V {
        unsafe {
            let m = value.mul_even(self.neg_inverse);
            value.add_wide(m.mul_even(self.prime))
        }
    }

    /// Sums of `room` products, or what folding leaves, as residues.
    #[inline(always)]
    unsafe fn finish(&self, [even, odd]: [V; 2]) -> V {
        unsafe {
            let divided = self.redc(even).join_high(self.redc(odd));
            mul_shoup(divided, self.r1_factor, self.prime_lanes)
        }
    }
}

/// Adds the products to the sums of even and odd lanes.
#[inline(always)]
unsafe fn add_products<V: Lanes>([even, odd]: [V; 2], left: V, right: V) -> [V; 2] {
    unsafe {
        [
            even.add_wide(left.mul_even(right)),
            odd.add_wide(left.odd_to_even().mul_even(right.odd_to_even())),
        ]
    }
}

/// As [`Scalar`]'s `sum_of_products`.
#[inline(always)]
pub unsafe fn sum_of_products<V: Lanes>(out: &mut [u32], terms: &[Product<'_>], modulus: Modulus) {
    unsafe {
        let reduction = Reduction::<V>::new(modulus);
        let whole = for_vectors!(V, out.len(), |at, COUNT| {
            sum_of_products_at::<COUNT, V>(out, at, terms, &reduction);
        });
        let rest: Vec<Product<'_>> = terms
            .iter()
            .map(|term| Product {
                left: &term.left[whole..],
                right: &term.right[whole..],
            })
            .collect();
        Scalar.sum_of_products(&mut out[whole..], &rest, modulus);
    }
}

#[inline(always)]
unsafe fn sum_of_products_at<const VECTORS: usize, V: Lanes>(
    out: &mut [u32],
    at: usize,
    terms: &[Product<'_>],
    reduction: &Reduction<V>,
) {
    let here = at..at + VECTORS * V::COUNT;
    unsafe {
        let mut sums = [[V::splat(0); 2]; VECTORS];
        for group in terms.chunks(reduction.room) {
            for term in group {
                let left = term.left[here.clone()].chunks_exact(V::COUNT);
                let right = term.right[here.clone()].chunks_exact(V::COUNT);
                for (sum, (left, right)) in sums.iter_mut().zip(left.zip(right)) {
                    *sum = add_products(*sum, V::load(left), V::load(right));
                }
            }
            if terms.len() > reduction.room {
                for [even, odd] in &mut sums {
                    (*even, *odd) = (reduction.fold(*even), reduction.fold(*odd));
                }
            }
        }
        for (out, sum) in out[here].chunks_exact_mut(V::COUNT).zip(sums) {
            reduction.finish(sum).store(out);
        }
    }
}

/// As [`Scalar`]'s `weighted_sum`.
#[inline(always)]
pub unsafe fn weighted_sum<V: Lanes>(
    out: &mut [u32],
    terms: &[(&[u32], Factor)],
    modulus: Modulus,
) {
    unsafe {
        let whole = if modulus.prime() < LAZY_LIMIT {
            for_vectors!(V, out.len(), |at, COUNT| {
                weighted_sum_at::<true, COUNT, V>(out, at, terms, modulus);
            })
        } else {
            for_vectors!(V, out.len(), |at, COUNT| {
                weighted_sum_at::<false, COUNT, V>(out, at, terms, modulus);
            })
        };
        let rest: Vec<(&[u32], Factor)> = terms
            .iter()
            .map(|&(values, weight)| (&values[whole..], weight))
            .collect();
        Scalar.weighted_sum(&mut out[whole..], &rest, modulus);
    }
}

/// Lazy sums stay below `2·prime` between terms, others below the prime.
#[inline(always)]
unsafe fn weighted_sum_at<const LAZY: bool, const VECTORS: usize, V: Lanes>(
    out: &mut [u32],
    at: usize,
    terms: &[(&[u32], Factor)],
    modulus: Modulus,
) {
    let here = at..at + VECTORS * V::COUNT;
    unsafe {
        let prime = V::splat(modulus.prime());
        let bound = if LAZY { prime.add(prime) } else { prime };
        let mut sums = [V::splat(0); VECTORS];
        for &(values, weight) in terms {
            let weight = Root::splat(weight);
            let values = values[here.clone()].chunks_exact(V::COUNT);
            for (sum, values) in sums.iter_mut().zip(values) {
                let product = if LAZY {
                    mul_lazy(V::load(values), weight, prime)
                } else {
                    mul_shoup(V::load(values), weight, prime)
                };
                *sum = reduce_once(sum.add(product), bound);
            }
        }
        for (out, sum) in out[here].chunks_exact_mut(V::COUNT).zip(sums) {
            reduce_once(sum, prime).store(out);
        }
    }
}

/// As [`Scalar`]'s `add`.
#[inline(always)]
pub unsafe fn add<V: Lanes>(out: &mut [u32], rhs: &[u32], modulus: Modulus) {
    let whole = out.len() / V::COUNT * V::COUNT;
    let (body, tail) = out.split_at_mut(whole);
    unsafe {
        let prime = V::splat(modulus.prime());
        let vectors = body.chunks_exact_mut(V::COUNT);
        for (out, rhs) in vectors.zip(rhs.chunks_exact(V::COUNT)) {
            let sum = V::load(out).add(V::load(rhs));
            reduce_once(sum, prime).store(out);
        }
    }
    Scalar.add(tail, &rhs[whole..], modulus);
}

/// As [`Scalar`]'s `sub`.
#[inline(always)]
pub unsafe fn sub<V: Lanes>(out: &mut [u32], rhs: &[u32], modulus: Modulus) {
    let whole = out.len() / V::COUNT * V::COUNT;
    let (body, tail) = out.split_at_mut(whole);
    unsafe {
        let prime = V::splat(modulus.prime());
        let vectors = body.chunks_exact_mut(V::COUNT);
        for (out, rhs) in vectors.zip(rhs.chunks_exact(V::COUNT)) {
            let difference = V::load(out).sub(V::load(rhs));
            difference.min(difference.add(prime)).store(out);
        }
    }
    Scalar.sub(tail, &rhs[whole..], modulus);
}

/// As [`Scalar`]'s `mul`.
#[inline(always)]
pub unsafe fn mul<V: Lanes>(out: &mut [u32], rhs: &[u32], modulus: Modulus) {
    let whole = out.len() / V::COUNT * V::COUNT;
    let (body, tail) = out.split_at_mut(whole);
    unsafe {
        let reduction = Reduction::<V>::new(modulus);
        let vectors = body.chunks_exact_mut(V::COUNT);
        for (out, rhs) in vectors.zip(rhs.chunks_exact(V::COUNT)) {
            let product = add_products([V::splat(0); 2], V::load(out), V::load(rhs));
            reduction.finish(product).store(out);
        }
    }
    Scalar.mul(tail, &rhs[whole..], modulus);
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
        let root = Root::splat(factor);
        let vectors = body.chunks_exact_mut(V::COUNT);
        for (out, kept) in vectors.zip(kept.chunks_exact(V::COUNT)) {
            let difference = V::load(kept).sub(V::load(out)).add(prime);
            mul_shoup(difference, root, prime).store(out);
        }
    }
    Scalar.sub_scaled(tail, &kept[whole..], factor, modulus);
}

/// As [`Scalar`]'s `permute`.
#[inline(always)]
pub unsafe fn permute<V: Lanes>(out: &mut [u32], values: &[u32], permutation: &GaloisPermutation) {
    if out.len() < V::COUNT {
        return Scalar.permute(out, values, permutation);
    }
    let vectors = out.chunks_exact_mut(V::COUNT);
    for (out, indices) in vectors.zip(permutation.indices().chunks_exact(V::COUNT)) {
        // All values of an aligned vector come from one aligned vector.
        let start = indices[0] as usize & !(V::COUNT - 1);
        unsafe {
            V::load(&values[start..])
                .select(V::load(indices))
                .store(out);
        }
    }
}

/// As [`Scalar`]'s `quotients`.
#[inline(always)]
pub unsafe fn quotients<V: Lanes>(out: &mut [u32], terms: &[(&[u32], f64)]) {
    let whole = out.len() / V::COUNT * V::COUNT;
    let (body, tail) = out.split_at_mut(whole);
    let vectors = body.chunks_exact_mut(V::COUNT);
    for (at, out) in (0..whole).step_by(V::COUNT).zip(vectors) {
        unsafe {
            let (mut even, mut odd) = (V::splat_float(0.5), V::splat_float(0.5));
            for &(values, reciprocal) in terms {
                let (values, reciprocal) = (V::load(&values[at..]), V::splat_float(reciprocal));
                even = even.add_float(values.even_to_float().mul_float(reciprocal));
                let odd_values = values.odd_to_even().even_to_float();
                odd = odd.add_float(odd_values.mul_float(reciprocal));
            }
            even.floor_to_even()
                .join_low(odd.floor_to_even())
                .store(out);
        }
    }
    let rest: Vec<(&[u32], f64)> = terms
        .iter()
        .map(|&(values, reciprocal)| (&values[whole..], reciprocal))
        .collect();
    Scalar.quotients(tail, &rest);
}

/// As [`Scalar`]'s `past_half`.
#[inline(always)]
pub unsafe fn past_half<V: Lanes>(out: &mut [u32], values: &[u32], modulus: Modulus) {
    let whole = out.len() / V::COUNT * V::COUNT;
    let (body, tail) = out.split_at_mut(whole);
    unsafe {
        let (half, one) = (V::splat(modulus.prime() / 2), V::splat(1));
        let vectors = body.chunks_exact_mut(V::COUNT);
        for (out, values) in vectors.zip(values.chunks_exact(V::COUNT)) {
            let values = V::load(values);
            let above = values.sub(values.min(half));
            above.min(one).store(out);
        }
    }
    Scalar.past_half(tail, &values[whole..], modulus);
}
