//! How often one client may ask: a bucket that refills.
//!
//! Knows keys and times; doesn't know whether a key is an address or a session.
//!
//! **Invariant:** memory is fixed, however many keys there are: a key is one of [`BUCKETS`] buckets by
//! a hash that nobody outside can compute, so strangers share a bucket by bad luck only.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hash};
use std::num::NonZeroU32;
use std::time::Duration;

use governor::clock::{Clock, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};

/// Buckets: two of a thousand active clients share one with a chance of 3 %.
const BUCKETS: u64 = 1 << 14;

/// How often a key may ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateLimit {
    /// Requests a second in the long run; 0 for any number.
    pub per_second: u32,
    /// Requests at once after a pause, at least one.
    pub burst: u32,
}

/// The buckets of one limit.
pub struct Rate {
    limiter: Option<DefaultKeyedRateLimiter<u16>>,
    hasher: RandomState,
}

impl Rate {
    /// Full buckets.
    #[must_use]
    pub fn new(limit: RateLimit) -> Self {
        let limiter = NonZeroU32::new(limit.per_second).map(|per_second| {
            let burst = NonZeroU32::new(limit.burst).unwrap_or(NonZeroU32::MIN);
            RateLimiter::keyed(Quota::per_second(per_second).allow_burst(burst))
        });
        Self {
            limiter,
            hasher: RandomState::new(),
        }
    }

    /// Counts a request.
    ///
    /// # Errors
    /// How long to wait before the next, if this is one too many.
    pub fn check(&self, key: impl Hash) -> Result<(), Duration> {
        let Some(limiter) = &self.limiter else {
            return Ok(());
        };
        let bucket = (self.hasher.hash_one(key) % BUCKETS) as u16;
        limiter
            .check_key(&bucket)
            .map_err(|refusal| refusal.wait_time_from(DefaultClock::default().now()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_is_allowed_and_then_the_rate() {
        let rate = Rate::new(RateLimit {
            per_second: 1,
            burst: 3,
        });
        for _ in 0..3 {
            assert_eq!(rate.check("one"), Ok(()));
        }
        let wait = rate.check("one").expect_err("the burst is over");
        assert!(
            wait > Duration::ZERO && wait <= Duration::from_secs(1),
            "{wait:?}"
        );
        // One of them may have the same bucket.
        assert!(
            ["another", "a third"]
                .iter()
                .any(|key| rate.check(key).is_ok())
        );
    }

    #[test]
    fn nothing_a_second_is_no_limit() {
        let rate = Rate::new(RateLimit {
            per_second: 0,
            burst: 0,
        });
        assert!((0..10_000).all(|_| rate.check(0).is_ok()));
    }

    #[test]
    fn more_keys_take_no_more_memory() {
        let rate = Rate::new(RateLimit {
            per_second: 1000,
            burst: 1000,
        });
        for key in 0..100_000 {
            let _ = rate.check(key);
        }
        let limiter = rate.limiter.as_ref().expect("a limit");
        assert!(limiter.len() as u64 <= BUCKETS, "{}", limiter.len());
    }
}
