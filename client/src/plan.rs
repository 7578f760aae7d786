//! What a model's description asks of the client, checked before it is trusted.
//!
//! **Invariant:** a [`Plan`] has a ring at 128 bits of security or more, levels that the ring has,
//! packings that fit it, a threshold that pixels can be compared with and rotation steps that exist.

use std::sync::Arc;

use shared::api::{API_VERSION, BulkSpec, KeySpec, ModelInfo, Preparation};
use shared::encoding::{Encoder, Scale};
use shared::packing::PackingError;
use shared::params::Parameters;
use shared::ring::{Level, Ring};

use crate::ClientError;

/// Most residues that the evaluation keys of one description may have: 256 MiB.
const MOST_KEY_RESIDUES: u64 = 1 << 26;

/// Most numbers that the tables of a description's ring and a secret key in it may take: 256 MiB.
const MOST_RING_NUMBERS: u64 = 1 << 26;

/// Most residues of a request with many images: 128 MiB.
const MOST_BULK_RESIDUES: usize = 1 << 25;

/// A checked model description, with the tables its arithmetic needs.
pub struct Plan {
    info: ModelInfo,
    ring: Arc<Ring>,
    encoder: Encoder,
}

impl std::fmt::Debug for Plan {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Plan")
            .field("info", &self.info)
            .finish_non_exhaustive()
    }
}

impl Plan {
    /// Checks a description received from the service.
    ///
    /// # Errors
    /// The first property that doesn't hold; an insecure parameter set is refused by its name.
    pub fn new(info: ModelInfo) -> Result<Self, ClientError> {
        if info.api_version != API_VERSION {
            return Err(ClientError::ApiVersion {
                found: info.api_version,
                expected: API_VERSION,
            });
        }
        let parameters = Parameters::new(info.parameters.clone())?;
        check_ring(&parameters)?;
        let slots = parameters.slots();
        let top = parameters.top();
        let check_level = |what, found: Level| {
            if found > top {
                Err(ClientError::Level {
                    what,
                    found,
                    highest: top,
                })
            } else {
                Ok(())
            }
        };
        let check_scale = |what, found: f64| {
            let usable = Scale(found).is_usable();
            if usable {
                Ok(())
            } else {
                Err(ClientError::Scale { what, found })
            }
        };
        check_level("the input", info.input.level)?;
        check_scale("the input", info.input.scale)?;
        check_scale("the output", info.output.scale)?;
        if !(1..=32).contains(&info.output.log_modulus) {
            return Err(ClientError::ReplyModulus {
                found: info.output.log_modulus,
            });
        }
        let mut sizes = info.input.shape.iter();
        let inputs = sizes.try_fold(1usize, |count, &size| count.checked_mul(size));
        let Some(inputs) = inputs else {
            return Err(ClientError::Shape {
                shape: info.input.shape,
            });
        };
        info.input.packing.check(slots, inputs)?;
        check_threshold(info.input.preparation)?;
        info.output.packing.check(slots)?;
        check_keys(&info.keys, &parameters, check_level)?;
        if let Some(bulk) = &info.bulk {
            check_level("a bulk input", bulk.level)?;
            check_scale("a bulk input", bulk.scale)?;
            check_scale("a bulk reply", bulk.reply_scale)?;
            check_bulk(bulk, &parameters, inputs)?;
        }
        let ring = Ring::new(parameters);
        let encoder = Encoder::new(ring.degree());
        Ok(Self {
            info,
            ring,
            encoder,
        })
    }

    /// The description.
    #[must_use]
    pub fn info(&self) -> &ModelInfo {
        &self.info
    }

    /// The ring of its parameter set.
    #[must_use]
    pub fn ring(&self) -> &Ring {
        &self.ring
    }

    /// The encoder of its ring.
    pub(crate) fn encoder(&self) -> &Encoder {
        &self.encoder
    }
}

/// Checks what a ring takes: four tables for each prime, and the secret at each level.
fn check_ring(parameters: &Parameters) -> Result<(), ClientError> {
    let spec = parameters.spec();
    let mut primes: Vec<u32> = spec.levels.concat();
    let of_levels = primes.len() + spec.levels.len() * spec.special.len();
    primes.extend(&spec.special);
    primes.sort_unstable();
    primes.dedup();
    let found = (4 * primes.len() + of_levels) as u64 * parameters.degree() as u64;
    if found > MOST_RING_NUMBERS {
        return Err(ClientError::RingTooLarge {
            found,
            most: MOST_RING_NUMBERS,
        });
    }
    Ok(())
}

fn check_threshold(preparation: Preparation) -> Result<(), ClientError> {
    match preparation.threshold {
        // Not a number is in no range.
        Some(found) if !(0.0..=1.0).contains(&found) => Err(ClientError::Threshold { found }),
        _ => Ok(()),
    }
}

/// Checks what is left once level and scales are known to be usable.
fn check_bulk(bulk: &BulkSpec, parameters: &Parameters, inputs: usize) -> Result<(), ClientError> {
    if !(1..=32).contains(&bulk.log_modulus) {
        return Err(ClientError::ReplyModulus {
            found: bulk.log_modulus,
        });
    }
    let slots = parameters.slots();
    if !(1..=slots).contains(&bulk.images) {
        return Err(ClientError::BulkImages {
            found: bulk.images,
            most: slots,
        });
    }
    let each = parameters.primes_at(bulk.level).len() * parameters.degree();
    let most = MOST_BULK_RESIDUES / each;
    let found = bulk.inputs.len();
    if !(1..=most).contains(&found) {
        return Err(ClientError::BulkInputs { found, most });
    }
    let ascend = bulk.inputs.windows(2).all(|pair| pair[0] < pair[1]);
    match bulk.inputs.last() {
        Some(&index) if index >= inputs => Err(PackingError::Source { index, inputs }.into()),
        _ if !ascend => Err(ClientError::BulkOrder),
        _ => Ok(()),
    }
}

fn check_keys(
    keys: &KeySpec,
    parameters: &Parameters,
    check_level: impl Fn(&'static str, Level) -> Result<(), ClientError>,
) -> Result<(), ClientError> {
    let single = keys.relinearization.into_iter().chain(keys.conjugation);
    let rotations = keys.rotations.iter().map(|rotation| rotation.key);
    let mut residues = 0u64;
    for key in single.chain(rotations) {
        check_level("an evaluation key", key.level)?;
        let primes = parameters.primes_at(key.level).len();
        if key.digit_primes == 0 || key.digit_primes > primes {
            return Err(ClientError::Digits {
                found: key.digit_primes,
                most: primes,
            });
        }
        let digits = primes.div_ceil(key.digit_primes);
        let polynomials = digits * (primes + parameters.spec().special.len());
        residues += polynomials as u64 * parameters.degree() as u64;
    }
    if residues > MOST_KEY_RESIDUES {
        return Err(ClientError::KeysTooLarge {
            found: residues,
            most: MOST_KEY_RESIDUES,
        });
    }
    let slots = parameters.slots();
    let mut previous = 0;
    for rotation in &keys.rotations {
        if rotation.step <= previous || rotation.step as usize >= slots {
            return Err(ClientError::Step {
                step: rotation.step,
                slots,
            });
        }
        previous = rotation.step;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use shared::params::{is_prime, shipped};

    use super::*;
    use crate::sample::description;

    #[track_caller]
    fn check_threshold(threshold: Option<f64>, refused: bool) {
        let mut info = description(shipped().remove(0));
        info.input.preparation = Preparation { threshold };
        let error = Plan::new(info).err().map(|error| error.to_string());
        let expected = threshold.filter(|_| refused).map(|found| {
            format!(
                "the input's values are to be compared with {found}; a number from 0 to 1 is needed"
            )
        });
        assert_eq!(error, expected);
    }

    #[test]
    fn thresholds_are_brightnesses() {
        for good in [None, Some(0.0), Some(0.5), Some(1.0), Some(-0.0)] {
            check_threshold(good, false);
        }
        let next = f64::EPSILON;
        for bad in [
            -next,
            1.0 + next,
            128.0,
            f64::NAN,
            f64::INFINITY,
            f64::NEG_INFINITY,
        ] {
            check_threshold(Some(bad), true);
        }
    }

    /// Each level has a prime of its own beside eight of P, in the largest ring.
    #[test]
    fn rings_that_fill_the_memory_are_refused() {
        let step = 2 << 17;
        let primes = (1..).map(|at| at * step + 1).filter(|&at| is_prime(at));
        let primes: Vec<u32> = primes.take(108).collect();
        let (special, levels) = primes.split_at(8);
        let with_levels = |count: usize| {
            let mut info = description(shipped().remove(0));
            info.parameters.log_n = 17;
            info.parameters.levels = levels[..count].chunks(1).map(<[u32]>::to_vec).collect();
            info.parameters.special = special.to_vec();
            check_ring(&Parameters::new(info.parameters).unwrap())
        };
        // 13 numbers for each level and 32 for P, for each of 2^17 coefficients.
        let (found, most) = ((13 * 37 + 32) << 17, 1 << 26);
        assert_eq!(with_levels(36), Ok(()));
        assert_eq!(
            with_levels(37),
            Err(ClientError::RingTooLarge { found, most })
        );
    }

    #[test]
    fn sizes_beyond_all_numbers_are_refused() {
        let mut info = description(shipped().remove(0));
        info.input.shape = vec![usize::MAX, 2];
        let shape = info.input.shape.clone();
        assert_eq!(Plan::new(info).err(), Some(ClientError::Shape { shape }));
    }
}
