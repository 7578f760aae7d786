//! Parameter sets: a ring degree and its primes, with the security they give.
//!
//! Knows numbers only. A [`ParameterSpec`] is what travels and may say anything; [`Parameters`] is
//! what arithmetic is done with.
//!
//! **Invariant:** a [`Parameters`] value is sound and at most the 128-bit line of
//! [`security::max_log2_qp`]: there is no other way to make one. The shipped specs are held to
//! the line at compile time.

pub mod security;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::ring::Level;
use security::{max_log2_qp, product_bits};

/// Largest number of primes, levels counted one by one; more are refused before anything is
/// computed.
const MAX_PRIMES: usize = 256;

/// Largest number of different primes: [`crate::ring::uniform`] has a stream for each of so many.
pub(crate) const MAX_DIFFERENT_PRIMES: usize = 64;

/// A parameter set as written in source or received from outside, unchecked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ParameterSpec {
    /// Name for people and messages.
    pub name: String,
    /// log2 of the ring degree N.
    pub log_n: u32,
    /// For each level, lowest first, the primes of its modulus. Levels may share primes; rescaling
    /// from one to the next lower keeps those that both have and exchanges the others.
    pub levels: Vec<Vec<u32>>,
    /// Primes of the key-switching modulus P.
    pub special: Vec<u32>,
}

/// A shipped parameter set, written so that it can be checked at compile time.
struct Shipped {
    name: &'static str,
    log_n: u32,
    levels: &'static [&'static [u32]],
    special: &'static [u32],
}

/// N = 2^12: one square between two linear layers. log2(QP) = 106.0 at level 1, 93.0 at level 0.
///
/// As few primes as the bits allow, so that there are few transforms; P is wide enough that a whole
/// level is one digit for everything but fresh inputs (`docs/parameters.md` has the search).
const N12: Shipped = Shipped {
    name: "n12",
    log_n: 12,
    levels: &[&[4_169_729, 4_120_577], &[536_813_569, 268_369_921]],
    special: &[33_538_049, 16_760_833],
};

impl Shipped {
    const fn is_secure(&self) -> bool {
        let Some(line) = max_log2_qp(self.log_n) else {
            return false;
        };
        let mut level = 0;
        while level < self.levels.len() {
            if product_bits(&[self.levels[level], self.special]) > line.classical {
                return false;
            }
            level += 1;
        }
        true
    }

    fn spec(&self) -> ParameterSpec {
        ParameterSpec {
            name: self.name.to_owned(),
            log_n: self.log_n,
            levels: self.levels.iter().map(|primes| primes.to_vec()).collect(),
            special: self.special.to_vec(),
        }
    }
}

const _: () = assert!(N12.is_secure(), "n12 is above the 128-bit line");

/// The parameter sets that ship; for networks that none of them serves, one is made to measure.
#[must_use]
pub fn shipped() -> Vec<ParameterSpec> {
    vec![N12.spec()]
}

/// The shipped set, and one whose levels share primes.
#[cfg(test)]
pub(crate) fn test_sets() -> [ParameterSpec; 2] {
    let chain = [133_857_281, 133_644_289, 1_073_692_673, 1_032_193];
    let nested = ParameterSpec {
        name: "nested".to_owned(),
        log_n: 13,
        levels: (2..=chain.len())
            .map(|count| chain[..count].to_vec())
            .collect(),
        special: vec![1_073_643_521, 1_073_479_681],
    };
    [N12.spec(), nested]
}

/// Why a parameter set is refused.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ParameterError {
    /// Ring degrees outside the security table.
    #[error("parameter set {name}: N = 2^{log_n} is not supported; 2^11 to 2^17 are")]
    Degree {
        /// The set's name.
        name: String,
        /// log2 of its ring degree.
        log_n: u32,
    },
    /// The modulus is too large for the ring: less than 128 bits of security.
    #[error(
        "parameter set {name} is insecure: log2(QP) takes {bits} bits, 128-bit security at \
         N = 2^{log_n} allows {limit}"
    )]
    Insecure {
        /// The set's name.
        name: String,
        /// log2 of its ring degree.
        log_n: u32,
        /// Bits of Q·P.
        bits: u32,
        /// Most bits that the table allows.
        limit: u32,
    },
    /// A modulus that the NTT can't use.
    #[error("parameter set {name}: {value} is not a prime below 2^31 that is 1 mod {two_n}")]
    Prime {
        /// The set's name.
        name: String,
        /// The offending modulus.
        value: u32,
        /// 2N.
        two_n: u32,
    },
    /// The same prime twice.
    #[error("parameter set {name}: prime {value} occurs twice")]
    Repeated {
        /// The set's name.
        name: String,
        /// The repeated prime.
        value: u32,
    },
    /// Empty lists, or more than is reasonable.
    #[error("parameter set {name}: {what}")]
    Shape {
        /// The set's name.
        name: String,
        /// What is wrong, and what would be right.
        what: &'static str,
    },
}

/// A checked parameter set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parameters {
    spec: ParameterSpec,
    bits: u32,
}

impl Parameters {
    /// Checks a specification.
    ///
    /// # Errors
    /// The first property that doesn't hold; [`ParameterError::Insecure`] for a modulus above the
    /// 128-bit line.
    pub fn new(spec: ParameterSpec) -> Result<Self, ParameterError> {
        let shape = |what| ParameterError::Shape {
            name: short_name(&spec.name),
            what,
        };
        let Some(line) = max_log2_qp(spec.log_n) else {
            return Err(ParameterError::Degree {
                name: short_name(&spec.name),
                log_n: spec.log_n,
            });
        };
        if spec.levels.is_empty() || spec.levels.iter().any(Vec::is_empty) {
            return Err(shape("every level needs at least one prime"));
        }
        if spec.special.is_empty() {
            return Err(shape("key switching needs at least one special prime"));
        }
        if spec
            .levels
            .iter()
            .chain([&spec.special])
            .map(Vec::len)
            .sum::<usize>()
            > MAX_PRIMES
        {
            return Err(shape(
                "at most 256 primes are supported, levels counted one by one",
            ));
        }
        let mut primes = [spec.levels.concat(), spec.special.clone()].concat();
        primes.sort_unstable();
        primes.dedup();
        if primes.len() > MAX_DIFFERENT_PRIMES {
            return Err(shape("at most 64 different primes are supported"));
        }
        let two_n = 2u32 << spec.log_n;
        // Each once: whether it is a prime takes tens of thousands of divisions.
        for value in primes {
            if value >= 1 << 31 || value % two_n != 1 || !is_prime(value) {
                return Err(ParameterError::Prime {
                    name: short_name(&spec.name),
                    value,
                    two_n,
                });
            }
        }
        let mut bits = 0;
        for level in &spec.levels {
            let primes = || level.iter().chain(&spec.special).copied();
            let is_repeated =
                |&(at, value): &(usize, u32)| primes().take(at).any(|earlier| earlier == value);
            if let Some((_, value)) = primes().enumerate().find(is_repeated) {
                return Err(ParameterError::Repeated {
                    name: short_name(&spec.name),
                    value,
                });
            }
            bits = bits.max(product_bits(&[level, &spec.special]));
        }
        if bits > line.classical {
            return Err(ParameterError::Insecure {
                name: short_name(&spec.name),
                log_n: spec.log_n,
                bits,
                limit: line.classical,
            });
        }
        Ok(Self { spec, bits })
    }

    /// The specification these parameters were made from.
    #[must_use]
    pub fn spec(&self) -> &ParameterSpec {
        &self.spec
    }

    /// Ring degree N.
    #[must_use]
    pub fn degree(&self) -> usize {
        1 << self.spec.log_n
    }

    /// Slots of one ciphertext, N/2.
    #[must_use]
    pub fn slots(&self) -> usize {
        self.degree() / 2
    }

    /// Bits of Q·P at the level where it is largest, rounded up.
    #[must_use]
    pub fn log2_qp(&self) -> u32 {
        self.bits
    }

    /// The highest level, at which fresh ciphertexts may be made.
    #[must_use]
    pub fn top(&self) -> Level {
        Level(u8::try_from(self.spec.levels.len() - 1).unwrap_or(u8::MAX))
    }

    /// The primes of Q at a level; the level is clamped to the top.
    #[must_use]
    pub fn primes_at(&self, level: Level) -> &[u32] {
        let level = usize::from(level.0.min(self.top().0));
        self.spec.levels.get(level).map_or(&[], Vec::as_slice)
    }

    /// Whether a switching key made at `key` works at `level`: the primes of one are the first of
    /// the other, so that digits fall together.
    #[must_use]
    pub fn serves(&self, key: Level, level: Level) -> bool {
        self.primes_at(key).starts_with(self.primes_at(level))
    }

    /// A number that differs between sets with different rings or primes: FNV-1a over
    /// them. It tells a mix-up from a match; it is not a commitment.
    #[must_use]
    pub fn fingerprint(&self) -> u64 {
        let levels = self.spec.levels.iter();
        let words = levels.flat_map(|primes| primes.iter().copied().chain([0]));
        let rest = self.spec.special.iter().copied();
        words
            .chain(rest)
            .chain([self.spec.log_n])
            .flat_map(u32::to_le_bytes)
            .fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
                (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
            })
    }
}

/// A name from outside, cut to a length that suits a message.
fn short_name(name: &str) -> String {
    name.chars().take(32).collect()
}

/// Whether a number is an odd prime. Trial division: at most 32,768 odd divisors, done once for
/// each prime of a set.
#[must_use]
pub fn is_prime(value: u32) -> bool {
    let value = u64::from(value);
    value > 2
        && !value.is_multiple_of(2)
        && (3..)
            .step_by(2)
            .take_while(|d| d * d <= value)
            .all(|d| !value.is_multiple_of(d))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn n12() -> ParameterSpec {
        N12.spec()
    }

    #[track_caller]
    fn check_refused(change: impl FnOnce(&mut ParameterSpec), expected: &str) {
        let mut spec = n12();
        change(&mut spec);
        let message = Parameters::new(spec).map(|_| ()).unwrap_err().to_string();
        assert!(
            message.contains(expected),
            "{message:?} does not say {expected:?}"
        );
    }

    #[test]
    fn shipped_sets_are_accepted() {
        for spec in shipped() {
            let parameters = Parameters::new(spec.clone()).expect("shipped");
            let line = max_log2_qp(spec.log_n).expect("in the table");
            assert!(parameters.log2_qp() <= line.classical, "{}", spec.name);
        }
    }

    #[test]
    fn names_tell_the_bits_that_are_documented() {
        let bits = shipped()
            .into_iter()
            .map(|spec| Parameters::new(spec).expect("ok").log2_qp());
        assert_eq!(bits.collect::<Vec<_>>(), [106]);
    }

    #[test]
    fn a_modulus_above_the_line_is_refused_by_name() {
        check_refused(
            |spec| spec.special.push(134_111_233),
            "parameter set n12 is insecure: log2(QP) takes 133 bits, 128-bit security at N = 2^12 \
             allows 106",
        );
    }

    #[test]
    fn unusable_numbers_are_refused() {
        check_refused(|spec| spec.levels[1][0] = 925_699, "925699 is not a prime");
        check_refused(|spec| spec.levels[1][0] = 0, "0 is not a prime");
        check_refused(|spec| spec.levels[1][0] = 8193 * 8193, "is not a prime");
        check_refused(|spec| spec.special[0] = 4_169_729, "4169729 occurs twice");
        check_refused(|spec| spec.levels[1].clear(), "every level needs");
        check_refused(|spec| spec.levels.clear(), "every level needs");
        check_refused(|spec| spec.special.clear(), "special prime");
        check_refused(|spec| spec.log_n = 40, "N = 2^40 is not supported");
        check_refused(
            |spec| spec.levels = vec![vec![1; 300]],
            "at most 256 primes",
        );
    }

    /// Largest primes of a ring, as many.
    fn primes(count: usize, log_n: u32) -> Vec<u32> {
        let step = 2 << log_n;
        let candidates = (0..).map(|at| (1 << 31) - step + 1 - at * step);
        candidates
            .filter(|&value| is_prime(value))
            .take(count)
            .collect()
    }

    /// There are streams of uniform residues for 64 primes; a 65th would have that of the next
    /// polynomial's first. And the product of 255 has more bits than are counted.
    #[test]
    fn more_primes_than_there_are_streams_are_refused() {
        let refused = "parameter set n12: at most 64 different primes are supported";
        for count in [61, 62, 200, 253] {
            let all = primes(count, 12);
            // With two primes of P and none of the others; all in one level, or one in each.
            check_refused(
                |spec| spec.levels = vec![all.clone()],
                if count > 62 { refused } else { "insecure" },
            );
            check_refused(
                |spec| {
                    spec.levels = all
                        .chunks(1)
                        .chain([&all[..9]])
                        .map(<[u32]>::to_vec)
                        .collect();
                },
                match count {
                    61 | 62 => "insecure",
                    253 => "at most 256 primes",
                    _ => refused,
                },
            );
        }
    }

    #[test]
    fn fingerprints_tell_sets_apart() {
        let of = |spec| Parameters::new(spec).expect("ok").fingerprint();
        let mut moved = n12();
        moved.levels[0].swap(0, 1);
        let mut renamed = n12();
        renamed.name = "other".to_owned();
        assert_ne!(of(n12()), of(moved));
        assert_eq!(of(n12()), of(renamed));
    }
}
