//! Repeatable randomness.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng as _, SeedableRng as _};

/// A stream of numbers that the seed determines, on every platform.
pub struct Random(ChaCha8Rng);

impl Random {
    /// The stream of a seed and a purpose; different purposes are independent.
    #[must_use]
    pub fn new(seed: u64, purpose: u64) -> Self {
        let mut stream = ChaCha8Rng::seed_from_u64(seed);
        stream.set_stream(purpose);
        Self(stream)
    }

    /// Within `low..high`.
    pub fn uniform(&mut self, low: f32, high: f32) -> f32 {
        let unit = (self.0.next_u32() >> 8) as f32 / (1_u32 << 24) as f32;
        low + unit * (high - low)
    }

    /// True with the given probability.
    pub fn chance(&mut self, probability: f32) -> bool {
        self.uniform(0.0, 1.0) < probability
    }

    /// Normally distributed around zero, by Box and Muller.
    pub fn normal(&mut self, deviation: f32) -> f32 {
        let radius = (-2.0 * (1.0 - self.uniform(0.0, 1.0)).ln()).sqrt();
        deviation * radius * self.uniform(0.0, std::f32::consts::TAU).cos()
    }

    /// The indices below `count` in a random order.
    pub fn order(&mut self, count: usize) -> Vec<usize> {
        let mut order: Vec<_> = (0..count).collect();
        for last in (1..count).rev() {
            // The bias of the remainder is below count / 2^64.
            let other = (self.0.next_u64() % (last as u64 + 1)) as usize;
            order.swap(last, other);
        }
        order
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments() {
        let mut random = Random::new(1, 2);
        let count = 20_000;
        let draws: Vec<_> = (0..count).map(|_| f64::from(random.normal(2.0))).collect();
        let mean = draws.iter().sum::<f64>() / f64::from(count);
        let square = draws.iter().map(|draw| draw * draw).sum::<f64>() / f64::from(count);
        // Five standard errors: 2/√n for the mean, 4·√(2/n) for the square.
        assert!(mean.abs() < 5.0 * 2.0 / f64::from(count).sqrt(), "{mean}");
        assert!(
            (square - 4.0).abs() < 5.0 * 4.0 * (2.0 / f64::from(count)).sqrt(),
            "{square}"
        );
    }

    #[test]
    fn orders_are_permutations_that_the_seed_determines() {
        let order = Random::new(3, 0).order(100);
        assert_eq!(order, Random::new(3, 0).order(100));
        assert_ne!(order, Random::new(4, 0).order(100));
        assert_ne!(order, Random::new(3, 1).order(100));
        let mut sorted = order;
        sorted.sort_unstable();
        assert!(sorted.into_iter().eq(0..100));
    }
}
