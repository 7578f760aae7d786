//! Prime chains within the 128-bit line.

use std::ops::RangeInclusive;

use shared::params::security::max_log2_qp;
use shared::params::{ParameterSpec, is_prime};

/// Bits of the lowest modulus.
const LOWEST: RangeInclusive<u32> = 38..=48;

/// Bits that one rescale takes off.
const RESCALES: [u32; 8] = [9, 11, 12, 13, 14, 16, 18, 20];

/// The same where there are several rescales, each of which multiplies the chains.
const DEEP_LOWEST: RangeInclusive<u32> = 44..=56;
const DEEP_RESCALES: [u32; 3] = [16, 20, 28];
const DEEP_STEP: usize = 4;

/// Bits of P, where they are not what is left.
const SPECIAL: [u32; 3] = [28, 40, 60];

/// Bits of the largest primes.
const MOST_BITS: u32 = 30;

/// Bits of each prime, level by level and of P.
#[derive(Clone, Debug)]
struct Shape {
    lowest: u32,
    rescales: Vec<u32>,
    special: u32,
    /// Primes more than the bits need: at the lowest level, at the others, in P.
    more: [u32; 3],
    /// Whether each level has the primes of the one below and one more.
    nested: bool,
}

/// What is tried for a circuit of this many stages.
pub fn chains(log_n: u32, stages: usize) -> Vec<ParameterSpec> {
    let Some(line) = max_log2_qp(log_n) else {
        return Vec::new();
    };
    let (lowest, step, choices) = match stages {
        ..=2 => (LOWEST, 1, &RESCALES[..]),
        _ => (DEEP_LOWEST, DEEP_STEP, &DEEP_RESCALES[..]),
    };
    let mut rescales = vec![Vec::new()];
    for _ in 1..stages {
        let longer = |head: &Vec<u32>| {
            choices
                .iter()
                .map(|&last| [head.as_slice(), &[last]].concat())
                .collect::<Vec<_>>()
        };
        rescales = rescales.iter().flat_map(longer).collect();
    }
    let mut found = Vec::new();
    for rescales in rescales {
        for lowest in lowest.clone().step_by(step) {
            let top = lowest + rescales.iter().sum::<u32>();
            let mut widths = vec![
                line.classical.saturating_sub(top),
                line.quantum.saturating_sub(top),
            ];
            widths.extend(SPECIAL);
            widths.retain(|&special| special + top <= line.classical && special > log_n + 1);
            // More than twice the widest digit only makes keys larger.
            widths.retain(|&special| special <= 2 * MOST_BITS);
            widths.dedup();
            for special in widths {
                for more in 0..8 {
                    let more = [more & 1, more >> 1 & 1, more >> 2];
                    for nested in [false, true] {
                        let shape = Shape {
                            lowest,
                            rescales: rescales.clone(),
                            special,
                            more,
                            nested,
                        };
                        found.extend(shape.spec(log_n));
                    }
                }
            }
        }
    }
    found.sort_by(|left, right| left.name.cmp(&right.name));
    found.dedup_by(|left, right| left.name == right.name);
    found
}

impl Shape {
    /// Real primes of this shape, each the largest of its bits that is left.
    fn spec(&self, log_n: u32) -> Option<ParameterSpec> {
        let special = take(split(self.special, self.more[2]), log_n, &[])?;
        let mut levels = vec![take(split(self.lowest, self.more[0]), log_n, &special)?];
        let mut bits = self.lowest;
        for &rescale in &self.rescales {
            bits += rescale;
            let below = levels.last()?;
            let taken = [special.as_slice(), below].concat();
            levels.push(if self.nested {
                let added = take(vec![rescale], log_n, &taken)?;
                [below.as_slice(), &added].concat()
            } else {
                take(split(bits, self.more[1]), log_n, &taken)?
            });
        }
        let name = describe(&levels, &special);
        Some(ParameterSpec {
            name,
            log_n,
            levels,
            special,
        })
    }
}

/// Bits in as few primes as they need, or some more, of nearly the same size.
fn split(bits: u32, more: u32) -> Vec<u32> {
    let primes = bits.div_ceil(MOST_BITS) + more;
    let prime = |at| bits / primes + u32::from(at < bits % primes);
    (0..primes).map(prime).collect()
}

/// Primes of these bits that none of `taken` is.
fn take(bits: Vec<u32>, log_n: u32, taken: &[u32]) -> Option<Vec<u32>> {
    let step = 2 << log_n;
    bits.into_iter().try_fold(Vec::new(), |mut primes, bits| {
        let below = (1u32 << bits).checked_sub(step)? + 1;
        let half = 1 << (bits - 1);
        let candidates =
            std::iter::successors(Some(below), |&candidate: &u32| candidate.checked_sub(step));
        let prime = candidates
            .take_while(|&candidate| candidate > half)
            .find(|candidate| {
                !taken.contains(candidate) && !primes.contains(candidate) && is_prime(*candidate)
            })?;
        primes.push(prime);
        Some(primes)
    })
}

/// Bits of the primes: levels from the lowest, then P.
pub fn describe(levels: &[Vec<u32>], special: &[u32]) -> String {
    let sum = |primes: &[u32]| {
        let bits = primes
            .iter()
            .map(|prime| (u32::BITS - prime.leading_zeros()).to_string());
        bits.collect::<Vec<_>>().join("+")
    };
    let levels: Vec<String> = levels.iter().map(|primes| sum(primes)).collect();
    format!("{} · {}", levels.join(" / "), sum(special))
}

#[cfg(test)]
mod tests {
    use super::*;
    use shared::params::Parameters;

    #[test]
    fn every_chain_is_sound_and_secure() {
        for (log_n, stages) in [(12, 1), (12, 2), (13, 3)] {
            let chains = chains(log_n, stages);
            assert!(chains.len() > 20, "{} chains", chains.len());
            for chain in chains {
                assert_eq!(chain.levels.len(), stages);
                Parameters::new(chain).expect("sound and within the line");
            }
        }
    }
}
