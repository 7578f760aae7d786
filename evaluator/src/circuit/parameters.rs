//! Parameter sets made to measure: a chain of primes for a schedule, with as many bits at each level
//! as its operations want, within the 128-bit line.

use shared::params::security::max_log2_qp;
use shared::params::{ParameterSpec, Parameters, is_prime};

use super::scales::{HEADROOM, divisor_bits, product_bits};
use super::schedule::{Output, Schedule};

/// Bits of the largest primes.
const MOST_PRIME_BITS: f64 = 30.99;

/// Most primes of P that are tried.
pub const MOST_SPECIAL: usize = 6;

/// Which 128-bit line a set has to keep.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SecurityLine {
    /// Against quantum attacks.
    Quantum,
    /// Against classical attacks.
    Classical,
}

/// What a set is made for.
pub struct Wish<'a> {
    pub schedule: &'a Schedule,
    /// log2 of N.
    pub log_n: u32,
    /// log2 of the scale of values between layers.
    pub bits: f64,
    /// Primes of P.
    pub special: usize,
    /// How many bits a level may lack if it then takes one prime less.
    pub slack: f64,
    /// log2 of the largest output over the width of the mean that makes it.
    pub log_output: f64,
    pub line: SecurityLine,
}

impl Wish<'_> {
    /// The set; nothing if it would be above the line or there are not enough primes.
    pub fn grant(&self) -> Option<Parameters> {
        let mut primes = Primes {
            two_n: 2 << self.log_n,
            used: Vec::new(),
        };
        let special: Option<Vec<u32>> = (0..self.special).map(|_| primes.below(1 << 31)).collect();
        let special = special?;
        let schedule = self.schedule;
        let reply = match &schedule.output {
            Output::Layer(terms) => product_bits(terms.iter().copied(), schedule, self.bits),
            Output::Register(_, true) => 2.0 * self.bits,
            Output::Register(_, false) => self.bits,
        };
        let lowest = reply + self.log_output + HEADROOM.log2();
        let mut levels = vec![primes.near(lowest)?];
        for depth in (0..schedule.depth).rev() {
            let here = schedule.operations.iter().filter(|it| it.depth == depth);
            let wanted = here.map(|it| divisor_bits(&it.kind, schedule, self.bits));
            let bits = wanted.fold(primes.fewest_bits(), f64::max);
            let mut level = levels.last()?.clone();
            let count = ((bits - self.slack) / MOST_PRIME_BITS).ceil().max(1.0);
            level.extend(primes.near(bits.min(count * MOST_PRIME_BITS))?);
            levels.push(level);
        }
        let spec = ParameterSpec {
            name: format!("n{}-{}x{}", self.log_n, levels.len(), self.bits),
            log_n: self.log_n,
            levels,
            special,
        };
        let line = max_log2_qp(self.log_n)?;
        let parameters = Parameters::new(spec).ok()?;
        let most = match self.line {
            SecurityLine::Quantum => line.quantum,
            SecurityLine::Classical => line.classical,
        };
        (parameters.log2_qp() <= most).then_some(parameters)
    }
}

/// NTT-friendly primes, each once.
struct Primes {
    two_n: u32,
    used: Vec<u32>,
}

impl Primes {
    /// log2 of a product of primes that is not too small for there to be any.
    fn fewest_bits(&self) -> f64 {
        f64::from(self.two_n).log2() + 3.0
    }

    fn take(&mut self, candidates: impl Iterator<Item = u32>) -> Option<u32> {
        let fits = |&value: &u32| !self.used.contains(&value) && is_prime(value);
        let mut candidates = candidates;
        let found = candidates.find(fits)?;
        self.used.push(found);
        Some(found)
    }

    /// The largest one below a bound.
    fn below(&mut self, bound: u32) -> Option<u32> {
        let two_n = self.two_n;
        self.take((1..bound / two_n).rev().map(|k| k * two_n + 1))
    }

    /// As few as their bits allow, whose product has about these bits.
    fn near(&mut self, bits: f64) -> Option<Vec<u32>> {
        let bits = bits.max(self.fewest_bits());
        let count = (bits / MOST_PRIME_BITS - 0.01).ceil();
        let mut left = bits;
        (0..count as usize)
            .map(|at| {
                let prime = self.nearest(left / (count - at as f64))?;
                left -= f64::from(prime).log2();
                Some(prime)
            })
            .collect()
    }

    fn nearest(&mut self, bits: f64) -> Option<u32> {
        let two_n = self.two_n;
        let most = (1u32 << 31) / two_n;
        let middle = (bits.exp2() / f64::from(two_n))
            .round()
            .clamp(1.0, f64::from(most - 1)) as u32;
        let around =
            (0..most).flat_map(move |far| [middle.checked_sub(far), middle.checked_add(far)]);
        let values = around.flatten().filter(move |&k| (1..most).contains(&k));
        self.take(values.map(|k| k * two_n + 1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn primes_are_near_what_was_asked_for() {
        for log_n in 12..=15 {
            let mut primes = Primes {
                two_n: 2 << log_n,
                used: Vec::new(),
            };
            for bits in [18.0, 25.5, 31.0, 44.0, 58.0, 60.0, 75.0] {
                let found = primes.near(bits).expect("enough of them");
                let product: f64 = found.iter().map(|&prime| f64::from(prime).log2()).sum();
                let wanted = bits.max(f64::from(log_n) + 4.0);
                // Two small primes may be larger than half of it each: there are none below 2N.
                let near = (wanted - 1.0..wanted + 2.0).contains(&product);
                assert!(near, "{found:?} for {bits} at 2^{log_n}");
                assert_eq!(found.len(), (wanted / 31.3).ceil() as usize);
            }
        }
    }
}
