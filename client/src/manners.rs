//! How to ask a server: how long to wait for a busy one, and what it says of its own time.
//!
//! Knows statuses and header values, as page and command line read them; sends nothing.
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
#[must_use]
pub fn is_busy(status: u16) -> bool {
    matches!(status, 429 | 503)
}

/// The pause after request number `attempt` (from 1) was refused, or nothing if it was the last.
#[must_use]
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

/// The duration of the metric `evaluate` in a `Server-Timing` header.
#[must_use]
pub fn evaluation_time(header: &str) -> Option<Duration> {
    let parameters = header.split(',').find_map(|metric| {
        let (name, parameters) = metric.split_once(';')?;
        (name.trim() == "evaluate").then_some(parameters)
    })?;
    let milliseconds: f64 = parameters.split(';').find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        (name.trim() == "dur").then(|| value.trim().trim_matches('"').parse().ok())?
    })?;
    Duration::try_from_secs_f64(milliseconds / 1e3).ok()
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

    #[track_caller]
    fn check_time(header: &str, expected_us: Option<u64>) {
        let expected = expected_us.map(Duration::from_micros);
        assert_eq!(evaluation_time(header), expected, "{header}");
    }

    #[test]
    fn the_server_tells_its_time() {
        check_time("evaluate;dur=1.75", Some(1_750));
        check_time("queue;dur=3, evaluate;desc=\"x\"; dur=\"2\"", Some(2_000));
        check_time("queue;dur=3", None);
        check_time("evaluate", None);
        check_time("evaluate;dur=NaN", None);
        check_time("evaluate;dur=-1", None);
        check_time("evaluate;dur=1e300", None);
        check_time("", None);
    }
}
