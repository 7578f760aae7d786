//! Whether memory stays.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};

/// Parts that a run is cut into; memory is a mean over each, so that one request more or less in
/// flight doesn't matter.
const PARTS: usize = 10;

/// Memory of each part of the run from `start` on.
///
/// # Errors
/// If a part has no sample.
pub fn course(samples: &[(Duration, u64)], start: Duration) -> Result<Vec<f64>> {
    let (end, _) = samples.last().context("memory was never looked at")?;
    let length = end.saturating_sub(start).as_secs_f64() / PARTS as f64;
    let part = |part: usize| {
        let within = |at: Duration| {
            let at = at.saturating_sub(start).as_secs_f64() / length;
            (at as usize).min(PARTS - 1) == part
        };
        let of_part = samples
            .iter()
            .filter(|(at, _)| *at >= start && within(*at))
            .map(|&(_, bytes)| bytes as f64);
        let of_part: Vec<f64> = of_part.collect();
        ensure!(!of_part.is_empty(), "part {part} of the run has no sample");
        Ok(of_part.iter().sum::<f64>() / of_part.len() as f64)
    };
    (0..PARTS).map(part).collect()
}

/// How far memory went from where it was in the first part, as a share of that.
pub fn drift(course: &[f64]) -> f64 {
    let first = course.first().copied().unwrap_or_default();
    let away = course.iter().map(|part| (part / first - 1.0).abs());
    away.fold(0.0, f64::max)
}

/// Bytes for people.
pub fn megabytes(bytes: f64) -> String {
    format!("{:.1} MB", bytes / 1e6)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_course_begins_after_the_warm_up_and_shows_growth() {
        let samples: Vec<(Duration, u64)> = (0..200)
            .map(|at| {
                let bytes = match at {
                    0..100 => 0,
                    100..110 => 1000,
                    _ => 1040,
                };
                (Duration::from_millis(100 * at), bytes)
            })
            .collect();
        let course = course(&samples, Duration::from_secs(10)).unwrap();
        assert_eq!(course.len(), PARTS);
        assert_eq!(course[0], 1000.0);
        assert_eq!(course[9], 1040.0);
        assert!((drift(&course) - 0.04).abs() < 1e-9);
    }
}
