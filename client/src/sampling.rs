//! Secrets and errors.
//!
//! Both samplers take a fixed number of random bytes for each coefficient and do the same
//! operations whatever comes out.

use rand_chacha::rand_core::Rng;
use zeroize::Zeroizing;

use crate::randomness::SecretStream;

/// Standard deviation of the errors.
#[cfg(test)]
const SIGMA: f64 = 3.2;

/// `2^63 · P(|x| ≤ k)` at `k`, to the nearest, for the discrete Gaussian of σ = 3.2; what lies
/// beyond has a probability below 2^-61. Computed with 60 decimal digits.
const CUMULATIVE: [u64; 29] = [
    1_149_872_835_429_266_008,
    3_340_023_666_152_832_878,
    5_231_742_854_224_525_755,
    6_713_673_034_491_318_534,
    7_766_573_326_200_196_559,
    8_445_050_402_542_556_634,
    8_841_576_285_654_612_683,
    9_051_758_678_878_186_096,
    9_152_802_451_769_415_979,
    9_196_859_074_767_746_705,
    9_214_281_206_174_004_120,
    9_220_529_764_022_708_441,
    9_222_562_339_745_873_206,
    9_223_161_995_634_596_964,
    9_223_322_447_917_711_088,
    9_223_361_386_320_111_733,
    9_223_369_956_674_611_012,
    9_223_371_667_508_612_691,
    9_223_371_977_254_386_295,
    9_223_372_028_116_140_532,
    9_223_372_035_690_845_298,
    9_223_372_036_713_969_870,
    9_223_372_036_839_307_001,
    9_223_372_036_853_232_778,
    9_223_372_036_854_636_068,
    9_223_372_036_854_764_320,
    9_223_372_036_854_774_951,
    9_223_372_036_854_775_750,
    9_223_372_036_854_775_804,
];

/// `count` coefficients, each -1, 0 or 1 with probability 1/3 (within 2^-62).
pub fn ternary(stream: &mut SecretStream, count: usize) -> Zeroizing<Vec<i64>> {
    let mut sample = || {
        let wide = u128::from(stream.rng().next_u64()) * 3;
        (wide >> 64) as i64 - 1
    };
    Zeroizing::new((0..count).map(|_| sample()).collect())
}

/// `count` coefficients from the discrete Gaussian of σ = 3.2, by inverting its cumulative
/// distribution: the whole table is compared for each.
pub fn gaussian(stream: &mut SecretStream, count: usize) -> Zeroizing<Vec<i64>> {
    let mut sample = || {
        let random = stream.rng().next_u64();
        let (uniform, sign) = (random >> 1, (random & 1) as i64);
        let exceeds = |&bound: &u64| (bound.wrapping_sub(uniform + 1) >> 63) as i64;
        let magnitude: i64 = CUMULATIVE.iter().map(exceeds).sum();
        (magnitude ^ -sign) + sign
    };
    Zeroizing::new((0..count).map(|_| sample()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SecretSeed;

    const COUNT: usize = 1 << 18;

    /// Chi-square against the expected probabilities of the given values; at most one sample in a
    /// thousand may be another. By Wilson and Hilferty, the cube root of χ² over its degrees of
    /// freedom is nearly normal; six deviations either way are allowed, so too good a fit fails.
    fn check_distribution(samples: &[i64], probabilities: &[(i64, f64)]) {
        let mut statistic = 0.0;
        let mut seen = 0;
        for &(value, probability) in probabilities {
            let count = samples.iter().filter(|&&sample| sample == value).count();
            let expected = probability * samples.len() as f64;
            statistic += (count as f64 - expected).powi(2) / expected;
            seen += count;
        }
        let freedom = probabilities.len() as f64 - 1.0;
        let variance = 2.0 / (9.0 * freedom);
        let deviation = ((statistic / freedom).cbrt() - (1.0 - variance)) / variance.sqrt();
        assert!(
            deviation < 6.0,
            "χ² = {statistic} for {freedom} degrees of freedom"
        );
        assert!(
            freedom < 10.0 || deviation > -6.0,
            "χ² = {statistic}: too regular"
        );
        let tail = samples.len() - seen;
        assert!(
            tail < samples.len() / 1000,
            "{tail} samples outside the listed values"
        );
    }

    #[test]
    fn secrets_are_uniformly_ternary() {
        for seed in 0..4 {
            let mut stream = SecretSeed::from_bytes([seed; 32]).stream(0);
            let samples = ternary(&mut stream, COUNT);
            assert!(samples.iter().all(|sample| (-1..=1).contains(sample)));
            check_distribution(&samples, &[-1, 0, 1].map(|value| (value, 1.0 / 3.0)));
        }
    }

    #[test]
    fn errors_are_discrete_gaussian() {
        let weight = |value: i64| (-(value * value) as f64 / (2.0 * SIGMA * SIGMA)).exp();
        let total: f64 = (-40..=40).map(weight).sum();
        let cells: Vec<_> = (-11..=11)
            .map(|value| (value, weight(value) / total))
            .collect();
        for seed in 0..4 {
            let mut stream = SecretSeed::from_bytes([seed; 32]).stream(0);
            check_distribution(&gaussian(&mut stream, COUNT), &cells);
        }
    }

    #[test]
    fn the_table_is_the_cumulative_distribution() {
        let weight = |k: usize| (-((k * k) as f64) / (2.0 * SIGMA * SIGMA)).exp();
        let total = weight(0) + 2.0 * (1..60).map(weight).sum::<f64>();
        let mut cumulative = 0.0;
        for (k, &entry) in CUMULATIVE.iter().enumerate() {
            cumulative += weight(k) * if k == 0 { 1.0 } else { 2.0 } / total;
            let got = entry as f64 / (1u64 << 63) as f64;
            assert!(
                (got - cumulative).abs() < 1e-14,
                "entry {k}: {got}, expected {cumulative}"
            );
        }
    }
}
