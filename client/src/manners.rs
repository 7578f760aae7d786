//! How to ask a server: how long to wait for a busy one, when to ask again one that gave no answer,
//! and what it says of its own time.
//!
//! Knows statuses and header values, as page and command line read them; sends nothing.
//!
//! **Invariant:** waiting ends: after [`MAX_ATTEMPTS`] requests, at most, the caller hears that it was in
//! vain, and no pause is longer than [`MAX_PAUSE`]. No server is asked again before the time it named.

use std::time::Duration;

/// Requests made before giving up.
pub const MAX_ATTEMPTS: u32 = 5;

/// Requests without an answer before giving up where a person waits: enough for a proxy that finds
/// another server, or has just been started again.
pub const QUICK_ATTEMPTS: u32 = 3;

/// The longest pause. Who is asked to wait longer is told so instead.
pub const MAX_PAUSE: Duration = Duration::from_secs(30);

/// The pause where the server doesn't name one; doubled with each attempt.
const FIRST_PAUSE: Duration = Duration::from_millis(500);

/// True for the answers of a server that has no time or no room, for now.
#[must_use]
pub fn is_busy(status: u16) -> bool {
    matches!(status, 429 | 503)
}

/// True for the answers of something in between that found no server or lost it on the way.
#[must_use]
pub fn is_broken(status: u16) -> bool {
    matches!(status, 502 | 504)
}

/// The time after which a server wants to be asked again, as its `Retry-After` says.
#[must_use]
pub fn asked(retry_after: Option<&str>) -> Option<Duration> {
    // A date instead of seconds would need a clock that agrees with the server's.
    let seconds = retry_after?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds))
}

/// The pause after a busy server refused request number `attempt` (from 1); nothing if it was the
/// last, or the server asked for a longer one than anybody waits.
#[must_use]
pub fn pause(attempt: u32, asked: Option<Duration>) -> Option<Duration> {
    let pause = asked.unwrap_or_else(|| own_pause(attempt));
    let again = attempt < MAX_ATTEMPTS && pause <= MAX_PAUSE;
    again.then_some(pause.max(FIRST_PAUSE))
}

/// The pause after request number `attempt` (from 1) of `most` got no answer; nothing if it was the
/// last.
#[must_use]
pub fn pause_unanswered(attempt: u32, most: u32) -> Option<Duration> {
    (attempt < most.min(MAX_ATTEMPTS)).then(|| own_pause(attempt))
}

fn own_pause(attempt: u32) -> Duration {
    let times = 2_u32.saturating_pow(attempt.saturating_sub(1));
    FIRST_PAUSE.saturating_mul(times).min(MAX_PAUSE)
}

/// A time to wait, in words: seconds, then minutes, then hours, never too short.
#[must_use]
pub fn in_words(wait: Duration) -> String {
    let seconds = wait.as_millis().div_ceil(1000);
    match seconds {
        0..=120 => format!("{seconds} s"),
        121..=7200 => format!("{} minutes", seconds.div_ceil(60)),
        _ => format!("{} hours", seconds.div_ceil(3600)),
    }
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
            pause(attempt, asked(retry_after)),
            expected_ms.map(Duration::from_millis)
        );
    }

    #[test]
    fn the_server_names_the_pause() {
        check(1, Some("2"), Some(2_000));
        check(4, Some(" 7 "), Some(7_000));
        check(1, Some("0"), Some(500));
        check(1, Some("30"), Some(30_000));
    }

    #[test]
    fn nobody_waits_for_hours_or_comes_back_too_early() {
        check(1, Some("31"), None);
        check(1, Some("86400"), None);
        check(1, Some("18446744073709551615"), None);
    }

    #[test]
    fn without_a_name_it_doubles() {
        check(1, None, Some(500));
        check(3, None, Some(2_000));
        check(2, Some("Fri, 20 Nov 2026 08:00:00 GMT"), Some(1_000));
        check(2, Some("-1"), Some(1_000));
    }

    #[test]
    fn it_ends() {
        check(MAX_ATTEMPTS, Some("1"), None);
        check(u32::MAX, None, None);
    }

    #[track_caller]
    fn check_unanswered(most: u32, expected_ms: &[u64]) {
        let pauses = (1..).map_while(|attempt| pause_unanswered(attempt, most));
        let pauses: Vec<u64> = pauses.map(|pause| pause.as_millis() as u64).collect();
        assert_eq!(pauses, expected_ms, "of {most} requests");
    }

    #[test]
    fn a_request_without_an_answer_is_repeated_a_few_times() {
        check_unanswered(QUICK_ATTEMPTS, &[500, 1_000]);
        check_unanswered(MAX_ATTEMPTS, &[500, 1_000, 2_000, 4_000]);
        check_unanswered(u32::MAX, &[500, 1_000, 2_000, 4_000]);
        check_unanswered(1, &[]);
        check_unanswered(0, &[]);
    }

    #[test]
    fn each_status_is_one_thing() {
        for status in 0..=u16::MAX {
            assert!(!(is_busy(status) && is_broken(status)), "{status}");
        }
        assert_eq!(
            [429, 503, 502, 504].map(is_busy),
            [true, true, false, false]
        );
        assert_eq!(
            [502, 504, 500, 410].map(is_broken),
            [true, true, false, false]
        );
    }

    #[test]
    fn a_wait_is_told_in_units_that_people_count_in() {
        let words = |ms| in_words(Duration::from_millis(ms));
        assert_eq!(
            [0, 1, 1_001, 120_000].map(words),
            ["0 s", "1 s", "2 s", "120 s"]
        );
        assert_eq!(
            [120_001, 180_000, 7_200_000].map(words),
            ["3 minutes", "3 minutes", "120 minutes"]
        );
        assert_eq!([7_201_000, 86_400_000].map(words), ["3 hours", "24 hours"]);
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
