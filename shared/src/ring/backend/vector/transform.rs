//! The transforms, two stages in each pass over memory.
//!
//! Products accept any 32-bit number and stay below `2·prime`, so a stage of the forward transform
//! adds at most that to a value, and one of the inverse doubles it at most. How many stages pass
//! between corrections depends on the prime: that is `EVERY` below, 0 where each stage is exact.

use super::{Lanes, Root, Scalar, mul_lazy, mul_shoup, reduce_once};
use crate::ring::backend::Kernel;
use crate::ring::ntt::{NttTables, Roots};

/// Values are residues after every stage: for all primes.
const EVERY_VALUE: usize = 0;
/// Values are corrected in every stage, to stay below `4·prime` (Harvey, *Faster arithmetic for
/// number-theoretic transforms*, 2014): for primes below 2^30.
const EVERY_STAGE: usize = 1;
/// Values are corrected in every second stage: for primes below 2^28.
const EVERY_SECOND_STAGE: usize = 2;

/// Blocks of four vectors that go through their inner stages side by side.
const AT_ONCE: usize = 2;

/// Smaller transforms have no pass over memory that the vectors could do.
const LEAST_VECTORS: usize = 16;

/// For each four vectors, one from each quarter of some values: loads them, does what is given and
/// stores them where they were. A macro, since closures don't inherit the instruction set.
macro_rules! in_quarters {
    ($lanes:ty, $values:expr, |$four:pat_param| $stages:expr) => {{
        let values: &mut [u32] = $values;
        let (low, high) = values.split_at_mut(values.len() / 2);
        let (a, b) = low.split_at_mut(low.len() / 2);
        let (c, d) = high.split_at_mut(high.len() / 2);
        let [a, b, c, d] = [a, b, c, d].map(|quarter| quarter.chunks_exact_mut(<$lanes>::COUNT));
        for ((a, b), (c, d)) in a.zip(b).zip(c.zip(d)) {
            let $four = [
                <$lanes>::load(a),
                <$lanes>::load(b),
                <$lanes>::load(c),
                <$lanes>::load(d),
            ];
            let [w, x, y, z] = $stages;
            w.store(a);
            x.store(b);
            y.store(c);
            z.store(d);
        }
    }};
}

/// As [`in_quarters`], of two vectors.
macro_rules! in_halves {
    ($lanes:ty, $values:expr, |$low:ident, $high:ident| $stage:expr) => {{
        let values: &mut [u32] = $values;
        let (low, high) = values.split_at_mut(values.len() / 2);
        let low = low.chunks_exact_mut(<$lanes>::COUNT);
        for (low, high) in low.zip(high.chunks_exact_mut(<$lanes>::COUNT)) {
            let ($low, $high) = (<$lanes>::load(low), <$lanes>::load(high));
            let (x, y) = $stage;
            x.store(low);
            y.store(high);
        }
    }};
}

/// A prime and its small multiples; those that `EVERY` needs fit a lane.
#[derive(Clone, Copy)]
struct Range<V> {
    prime: V,
    two: V,
    four: V,
    eight: V,
}

impl<V: Lanes> Range<V> {
    #[inline(always)]
    unsafe fn new(prime: u32) -> Self {
        unsafe {
            Self {
                prime: V::splat(prime),
                two: V::splat(prime.wrapping_mul(2)),
                four: V::splat(prime.wrapping_mul(4)),
                eight: V::splat(prime.wrapping_mul(8)),
            }
        }
    }

    /// `HALF·prime`.
    #[inline(always)]
    fn multiple<const HALF: usize>(&self) -> V {
        match HALF {
            1 => self.prime,
            2 => self.two,
            4 => self.four,
            _ => self.eight,
        }
    }
}

/// Four vectors whose distances are those of two stages.
type Four<V> = [V; 4];

/// Loads neighbouring blocks of four vectors.
#[inline(always)]
unsafe fn load_blocks<V: Lanes>(values: &[u32]) -> [Four<V>; AT_ONCE] {
    let mut blocks = [[unsafe { V::splat(0) }; 4]; AT_ONCE];
    let vectors = values.chunks_exact(V::COUNT);
    for (vector, values) in blocks.as_flattened_mut().iter_mut().zip(vectors) {
        *vector = unsafe { V::load(values) };
    }
    blocks
}

/// Stores what [`load_blocks`] loads.
#[inline(always)]
unsafe fn store_blocks<V: Lanes>(blocks: [Four<V>; AT_ONCE], values: &mut [u32]) {
    let vectors = values.chunks_exact_mut(V::COUNT);
    for (vector, values) in blocks.as_flattened().iter().zip(vectors) {
        unsafe { vector.store(values) };
    }
}

/// Roots of two stages: one for both butterflies of the stage with the larger distance, one for
/// each of the other.
struct Roots4<V> {
    far: Root<V>,
    near: [Root<V>; 2],
}

impl<V: Lanes> Roots4<V> {
    /// Those of the block whose larger distance has its root at `at`.
    ///
    /// # Safety
    /// `at` is below half the number of roots.
    #[inline(always)]
    unsafe fn of_block(at: usize, roots: &Roots) -> Self {
        // SAFETY: with `at` below half, the roots at twice that are there, too.
        unsafe {
            Self {
                far: Root::of_block(roots, at),
                near: [
                    Root::of_block(roots, 2 * at),
                    Root::of_block(roots, 2 * at + 1),
                ],
            }
        }
    }
}

/// The roots of the stage with distance `HALF` in each of two pairs of vectors: those of the block
/// whose largest distance has its root at `at`.
///
/// # Safety
/// The block lies within a transform of as many values as there are roots.
#[inline(always)]
unsafe fn inner_roots<const HALF: usize, V: Lanes>(at: usize, roots: &Roots) -> [Root<V>; 2] {
    // Each stage inside the block has twice as many roots as the one before.
    let start = at * (2 * V::COUNT / HALF);
    unsafe {
        [
            Root::spread::<HALF>(roots, start),
            Root::spread::<HALF>(roots, start + V::COUNT / HALF),
        ]
    }
}

/// The butterfly of the forward transform. Lazy ones add at most `2·prime` to what `low` may be.
#[inline(always)]
unsafe fn forward_butterfly<const EVERY: usize, V: Lanes>(
    low: V,
    high: V,
    root: Root<V>,
    range: &Range<V>,
) -> (V, V) {
    unsafe {
        if EVERY == EVERY_VALUE {
            let product = mul_shoup(high, root, range.prime);
            let difference = low.sub(product);
            (
                reduce_once(low.add(product), range.prime),
                difference.min(difference.add(range.prime)),
            )
        } else {
            let product = mul_lazy(high, root, range.prime);
            (low.add(product), low.sub(product).add(range.two))
        }
    }
}

/// Halves what a low value of the forward transform may be, so that as many stages can follow.
#[inline(always)]
unsafe fn forward_correct<const EVERY: usize, V: Lanes>(low: V, range: &Range<V>) -> V {
    unsafe {
        match EVERY {
            EVERY_VALUE => low,
            EVERY_STAGE => reduce_once(low, range.two),
            _ => reduce_once(low, range.four),
        }
    }
}

/// Two stages of the forward transform. From and to values below `4·EVERY·prime`.
#[inline(always)]
unsafe fn forward_four<const EVERY: usize, V: Lanes>(
    [a, b, c, d]: Four<V>,
    roots: &Roots4<V>,
    range: &Range<V>,
) -> Four<V> {
    let [near_low, near_high] = roots.near;
    unsafe {
        let a = forward_correct::<EVERY, V>(a, range);
        let mut b = b;
        if EVERY == EVERY_STAGE {
            b = forward_correct::<EVERY, V>(b, range);
        }
        let (mut a, mut c) = forward_butterfly::<EVERY, V>(a, c, roots.far, range);
        let (b, d) = forward_butterfly::<EVERY, V>(b, d, roots.far, range);
        if EVERY == EVERY_STAGE {
            a = forward_correct::<EVERY, V>(a, range);
            c = forward_correct::<EVERY, V>(c, range);
        }
        let (a, b) = forward_butterfly::<EVERY, V>(a, b, near_low, range);
        let (c, d) = forward_butterfly::<EVERY, V>(c, d, near_high, range);
        [a, b, c, d]
    }
}

/// The stage of distance `HALF` inside two pairs of vectors that hold the one of `2·HALF`.
#[inline(always)]
unsafe fn forward_inner<const EVERY: usize, const HALF: usize, V: Lanes>(
    [a, b, c, d]: Four<V>,
    at: usize,
    roots: &Roots,
    range: &Range<V>,
) -> Four<V> {
    unsafe {
        let [low_roots, high_roots] = inner_roots::<HALF, V>(at, roots);
        let (mut a, b) = V::exchange::<HALF>(a, b);
        let (mut c, d) = V::exchange::<HALF>(c, d);
        if EVERY == EVERY_STAGE || 2 * HALF == V::COUNT || HALF == 2 {
            a = forward_correct::<EVERY, V>(a, range);
            c = forward_correct::<EVERY, V>(c, range);
        }
        let (a, b) = forward_butterfly::<EVERY, V>(a, b, low_roots, range);
        let (c, d) = forward_butterfly::<EVERY, V>(c, d, high_roots, range);
        [a.pin(), b.pin(), c.pin(), d.pin()]
    }
}

/// The last stages of the forward transform, within neighbouring blocks of four vectors; residues
/// come out. The largest distance in the first block has its root at `at`.
///
/// Side by side, the blocks hide each other's latencies.
#[inline(always)]
unsafe fn forward_blocks<const EVERY: usize, V: Lanes>(
    mut blocks: [Four<V>; AT_ONCE],
    at: usize,
    roots: &Roots,
    range: &Range<V>,
) -> [Four<V>; AT_ONCE] {
    unsafe {
        for (four, at) in blocks.iter_mut().zip(at..) {
            *four = forward_four::<EVERY, V>(*four, &Roots4::of_block(at, roots), range);
        }
        if V::COUNT > 8 {
            for (four, at) in blocks.iter_mut().zip(at..) {
                *four = forward_inner::<EVERY, 8, V>(*four, at, roots, range);
            }
        }
        if V::COUNT > 4 {
            for (four, at) in blocks.iter_mut().zip(at..) {
                *four = forward_inner::<EVERY, 4, V>(*four, at, roots, range);
            }
        }
        for (four, at) in blocks.iter_mut().zip(at..) {
            *four = forward_inner::<EVERY, 2, V>(*four, at, roots, range);
        }
        for (four, at) in blocks.iter_mut().zip(at..) {
            *four = forward_inner::<EVERY, 1, V>(*four, at, roots, range);
        }
        for [a, b, c, d] in &mut blocks {
            (*a, *b) = V::interleave(*a, *b);
            (*c, *d) = V::interleave(*c, *d);
            *a = forward_finish::<EVERY, V>(*a, range);
            *b = forward_finish::<EVERY, V>(*b, range);
            *c = forward_finish::<EVERY, V>(*c, range);
            *d = forward_finish::<EVERY, V>(*d, range);
        }
        blocks
    }
}

/// From what the last stage leaves to residues.
#[inline(always)]
unsafe fn forward_finish<const EVERY: usize, V: Lanes>(mut value: V, range: &Range<V>) -> V {
    unsafe {
        if EVERY == EVERY_SECOND_STAGE {
            value = reduce_once(value, range.four);
        }
        if EVERY != EVERY_VALUE {
            value = reduce_once(reduce_once(value, range.two), range.prime);
        }
        value
    }
}

/// Whether one stage is left over when passes of two have come down to blocks of four vectors.
fn has_odd_stage<V: Lanes>(degree: usize) -> bool {
    (degree / V::COUNT).ilog2() % 2 == 1
}

/// As [`Scalar`]'s `forward_ntt`.
#[inline(always)]
pub unsafe fn forward_ntt<V: Lanes>(residues: &mut [u32], tables: &NttTables) {
    unsafe {
        match tables.modulus.prime() {
            _ if residues.len() < LEAST_VECTORS * V::COUNT => Scalar.forward_ntt(residues, tables),
            0..0x1000_0000 => forward::<EVERY_SECOND_STAGE, V>(residues, tables),
            0x1000_0000..0x4000_0000 => forward::<EVERY_STAGE, V>(residues, tables),
            _ => forward::<EVERY_VALUE, V>(residues, tables),
        }
    }
}

#[inline(always)]
unsafe fn forward<const EVERY: usize, V: Lanes>(residues: &mut [u32], tables: &NttTables) {
    let degree = residues.len();
    let roots = &tables.forward;
    let lengths = (roots.factors.len(), roots.quotients.len());
    assert_eq!(lengths, (degree, degree), "tables of another degree");
    // SAFETY: there are `degree` roots, and no stage has more blocks than that.
    unsafe {
        let range = &Range::<V>::new(tables.modulus.prime());
        let mut block = degree;
        if has_odd_stage::<V>(degree) {
            let root = Root::of_block(roots, 1);
            in_halves!(V, residues, |low, high| {
                forward_butterfly::<EVERY, V>(low, high, root, range)
            });
            block /= 2;
        }
        while block > 4 * V::COUNT {
            for (at, values) in residues.chunks_exact_mut(block).enumerate() {
                let roots = Roots4::of_block(degree / block + at, roots);
                in_quarters!(V, values, |four| forward_four::<EVERY, V>(
                    four, &roots, range
                ));
            }
            block /= 4;
        }
        let first = degree / (4 * V::COUNT);
        for (at, values) in residues
            .chunks_exact_mut(AT_ONCE * 4 * V::COUNT)
            .enumerate()
        {
            let at = first + AT_ONCE * at;
            let blocks = forward_blocks::<EVERY, V>(load_blocks(values), at, roots, range);
            store_blocks(blocks, values);
        }
    }
}

/// The butterfly of the inverse transform, for values below `bound`. The sum may be twice as much,
/// or is a residue where every value is one.
#[inline(always)]
unsafe fn inverse_butterfly<const EVERY: usize, V: Lanes>(
    low: V,
    high: V,
    root: Root<V>,
    bound: V,
    range: &Range<V>,
) -> (V, V) {
    unsafe {
        match EVERY {
            EVERY_VALUE => {
                let difference = low.sub(high).add(range.prime);
                (
                    reduce_once(low.add(high), range.prime),
                    mul_shoup(difference, root, range.prime),
                )
            }
            EVERY_STAGE => {
                let difference = low.sub(high).add(range.two);
                (
                    reduce_once(low.add(high), range.two),
                    mul_lazy(difference, root, range.prime),
                )
            }
            _ => {
                let difference = low.sub(high).add(bound);
                (low.add(high), mul_lazy(difference, root, range.prime))
            }
        }
    }
}

/// The first of two stages of the inverse transform, of the smaller distance.
#[inline(always)]
unsafe fn inverse_near<const EVERY: usize, V: Lanes>(
    [a, b, c, d]: Four<V>,
    roots: &Roots4<V>,
    range: &Range<V>,
) -> Four<V> {
    let [near_low, near_high] = roots.near;
    unsafe {
        let (a, b) = inverse_butterfly::<EVERY, V>(a, b, near_low, range.four, range);
        let (c, d) = inverse_butterfly::<EVERY, V>(c, d, near_high, range.four, range);
        [a, b, c, d]
    }
}

/// Two stages of the inverse transform. From and to values below `2·EVERY·prime`.
#[inline(always)]
unsafe fn inverse_four<const EVERY: usize, V: Lanes>(
    four: Four<V>,
    roots: &Roots4<V>,
    range: &Range<V>,
) -> Four<V> {
    unsafe {
        let [a, b, c, d] = inverse_near::<EVERY, V>(four, roots, range);
        let (mut a, c) = inverse_butterfly::<EVERY, V>(a, c, roots.far, range.eight, range);
        let (b, d) = inverse_butterfly::<EVERY, V>(b, d, roots.far, range.two, range);
        if EVERY == EVERY_SECOND_STAGE {
            a = reduce_once(reduce_once(a, range.eight), range.four);
        }
        [a, b, c, d]
    }
}

/// The last two stages of the inverse transform and the division by N; residues come out.
#[inline(always)]
unsafe fn inverse_last_four<const EVERY: usize, V: Lanes>(
    four: Four<V>,
    roots: &Roots4<V>,
    degree_inverse: Root<V>,
    range: &Range<V>,
) -> Four<V> {
    unsafe {
        let [a, b, c, d] = inverse_near::<EVERY, V>(four, roots, range);
        let (sums, products) = match EVERY {
            EVERY_VALUE => (range.prime, range.prime),
            EVERY_STAGE => (range.two, range.two),
            _ => (range.eight, range.two),
        };
        [
            mul_shoup(a.add(c), degree_inverse, range.prime),
            mul_shoup(b.add(d), degree_inverse, range.prime),
            mul_shoup(a.sub(c).add(sums), roots.far, range.prime),
            mul_shoup(b.sub(d).add(products), roots.far, range.prime),
        ]
    }
}

/// The stage of distance `HALF` inside two pairs of vectors, which then hold the one of `2·HALF`.
/// From values below `HALF·prime`.
#[inline(always)]
unsafe fn inverse_inner<const EVERY: usize, const HALF: usize, V: Lanes>(
    [a, b, c, d]: Four<V>,
    at: usize,
    roots: &Roots,
    range: &Range<V>,
) -> Four<V> {
    unsafe {
        let [low_roots, high_roots] = inner_roots::<HALF, V>(at, roots);
        let bound = range.multiple::<HALF>();
        let (a, b) = inverse_butterfly::<EVERY, V>(a, b, low_roots, bound, range);
        let (c, d) = inverse_butterfly::<EVERY, V>(c, d, high_roots, bound, range);
        let (a, b) = V::exchange::<HALF>(a, b);
        let (c, d) = V::exchange::<HALF>(c, d);
        [a.pin(), b.pin(), c.pin(), d.pin()]
    }
}

/// The first stages of the inverse transform, within neighbouring blocks of four vectors; from
/// residues to values below `2·EVERY·prime`. As [`forward_blocks`].
#[inline(always)]
unsafe fn inverse_blocks<const EVERY: usize, V: Lanes>(
    mut blocks: [Four<V>; AT_ONCE],
    at: usize,
    roots: &Roots,
    range: &Range<V>,
) -> [Four<V>; AT_ONCE] {
    unsafe {
        for ([a, b, c, d], at) in blocks.iter_mut().zip(at..) {
            (*a, *b) = V::deinterleave(*a, *b);
            (*c, *d) = V::deinterleave(*c, *d);
            [*a, *b, *c, *d] = inverse_inner::<EVERY, 1, V>([*a, *b, *c, *d], at, roots, range);
        }
        for (four, at) in blocks.iter_mut().zip(at..) {
            *four = inverse_inner::<EVERY, 2, V>(*four, at, roots, range);
        }
        if V::COUNT > 4 {
            for (four, at) in blocks.iter_mut().zip(at..) {
                *four = inverse_inner::<EVERY, 4, V>(*four, at, roots, range);
            }
        }
        if V::COUNT > 8 {
            for (four, at) in blocks.iter_mut().zip(at..) {
                *four = inverse_inner::<EVERY, 8, V>(*four, at, roots, range);
            }
        }
        for (four, at) in blocks.iter_mut().zip(at..) {
            let [a, b, c, d] = *four;
            let corrected = [
                inverse_correct::<EVERY, V>(a, range),
                inverse_correct::<EVERY, V>(b, range),
                inverse_correct::<EVERY, V>(c, range),
                inverse_correct::<EVERY, V>(d, range),
            ];
            *four = inverse_four::<EVERY, V>(corrected, &Roots4::of_block(at, roots), range);
        }
        blocks
    }
}

/// From what the stages inside a pair of vectors leave to what two stages need.
#[inline(always)]
unsafe fn inverse_correct<const EVERY: usize, V: Lanes>(mut value: V, range: &Range<V>) -> V {
    unsafe {
        if EVERY == EVERY_SECOND_STAGE {
            if V::COUNT > 8 {
                value = reduce_once(value, range.eight);
            }
            if V::COUNT > 4 {
                value = reduce_once(value, range.four);
            }
        }
        value
    }
}

/// As [`Scalar`]'s `inverse_ntt`.
#[inline(always)]
pub unsafe fn inverse_ntt<V: Lanes>(residues: &mut [u32], tables: &NttTables) {
    unsafe {
        match tables.modulus.prime() {
            _ if residues.len() < LEAST_VECTORS * V::COUNT => Scalar.inverse_ntt(residues, tables),
            0..0x1000_0000 => inverse::<EVERY_SECOND_STAGE, V>(residues, tables),
            0x1000_0000..0x4000_0000 => inverse::<EVERY_STAGE, V>(residues, tables),
            _ => inverse::<EVERY_VALUE, V>(residues, tables),
        }
    }
}

#[inline(always)]
unsafe fn inverse<const EVERY: usize, V: Lanes>(residues: &mut [u32], tables: &NttTables) {
    let degree = residues.len();
    let roots = &tables.inverse;
    let lengths = (roots.factors.len(), roots.quotients.len());
    assert_eq!(lengths, (degree, degree), "tables of another degree");
    // SAFETY: there are `degree` roots, and no stage has more blocks than that.
    unsafe {
        let range = &Range::<V>::new(tables.modulus.prime());
        let first = degree / (4 * V::COUNT);
        for (at, values) in residues
            .chunks_exact_mut(AT_ONCE * 4 * V::COUNT)
            .enumerate()
        {
            let at = first + AT_ONCE * at;
            let blocks = inverse_blocks::<EVERY, V>(load_blocks(values), at, roots, range);
            store_blocks(blocks, values);
        }
        let mut block = 16 * V::COUNT;
        if has_odd_stage::<V>(degree) {
            block /= 2;
            for (at, values) in residues.chunks_exact_mut(block).enumerate() {
                let root = Root::of_block(roots, degree / block + at);
                in_halves!(V, values, |low, high| {
                    let (low, high) =
                        inverse_butterfly::<EVERY, V>(low, high, root, range.four, range);
                    (forward_correct::<EVERY, V>(low, range), high)
                });
            }
            block *= 4;
        }
        while block < degree {
            for (at, values) in residues.chunks_exact_mut(block).enumerate() {
                let roots = Roots4::of_block(degree / block + at, roots);
                in_quarters!(V, values, |four| inverse_four::<EVERY, V>(
                    four, &roots, range
                ));
            }
            block *= 4;
        }
        // The last stage has a single root, so the division by N costs one product more at most.
        let modulus = tables.modulus;
        let last = modulus.mul(roots.factors[1], tables.degree_inverse.value);
        let roots = Roots4 {
            far: Root::splat(modulus.factor(last)),
            ..Roots4::of_block(1, roots)
        };
        let degree_inverse = Root::splat(tables.degree_inverse);
        in_quarters!(V, residues, |four| {
            inverse_last_four::<EVERY, V>(four, &roots, degree_inverse, range)
        });
    }
}
