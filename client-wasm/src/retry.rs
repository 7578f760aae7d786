//! How long to wait for a server that is busy.
//!
//! **Invariant:** waiting ends: after [`MAX_ATTEMPTS`] requests the caller hears that the server is
//! busy, and no single pause is longer than [`MAX_PAUSE`].

use std::time::Duration;

/// Requests made before giving up.
pub const MAX_ATTEMPTS: u32 = 5;

/// The longest pause, whatever the server asks for.
pub const MAX_PAUSE: Duration = Duration::from_secs(30);

/// The pause where the server doesn't name one; doubled with each attempt.
const FIRST_PAUSE: Duration = Duration::from_millis(500);

/// True for the answers after which the same request may succeed.
pub fn is_busy(status: u16) -> bool {
    matches!(status, 429 | 503)
}

/// The pause after request number `attempt` (from 1) was refused, or nothing if it was the last.
pub fn pause(attempt: u32, retry_after: Option<&str>) -> Option<Duration> {
    if attempt >= MAX_ATTEMPTS {
        return None;
    }
    // A date instead of seconds would need a clock that agrees with the server's.
    let asked = retry_after
        .and_then(|value| value.trim().parse().ok())
        .map(Duration::from_secs);
    let own = FIRST_PAUSE * 2_u32.saturating_pow(attempt.saturating_sub(1));
    Some(asked.unwrap_or(own).clamp(FIRST_PAUSE, MAX_PAUSE))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(attempt: u32, retry_after: Option<&str>, expected_ms: Option<u64>) {
        assert_eq!(
            pause(attempt, retry_after),
            expected_ms.map(Duration::from_millis)
        );
    }

    #[test]
    fn the_server_names_the_pause() {
        check(1, Some("2"), Some(2_000));
        check(4, Some(" 7 "), Some(7_000));
        check(1, Some("0"), Some(500));
        check(1, Some("86400"), Some(30_000));
    }

    #[test]
    fn without_a_name_it_doubles() {
        check(1, None, Some(500));
        check(3, None, Some(2_000));
        check(2, Some("Fri, 20 Nov 2026 08:00:00 GMT"), Some(1_000));
    }

    #[test]
    fn it_ends() {
        check(MAX_ATTEMPTS, Some("1"), None);
        check(u32::MAX, None, None);
    }
}
