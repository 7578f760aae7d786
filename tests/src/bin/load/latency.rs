//! Latencies and what is said of many of them.

use std::collections::BTreeMap;
use std::time::Duration;

/// Latencies by what was asked for.
#[derive(Default)]
pub struct Latencies(BTreeMap<String, Vec<Duration>>);

impl Latencies {
    /// Keeps one.
    pub fn add(&mut self, what: &str, latency: Duration) {
        match self.0.get_mut(what) {
            Some(of_it) => of_it.push(latency),
            None => {
                self.0.insert(what.to_owned(), vec![latency]);
            }
        }
    }

    /// Takes in those of another thread.
    pub fn extend(&mut self, others: Self) {
        for (what, latencies) in others.0 {
            self.0.entry(what).or_default().extend(latencies);
        }
    }

    /// How many there are of one kind.
    pub fn count(&self, what: &str) -> usize {
        self.0.get(what).map_or(0, Vec::len)
    }

    /// How many there are.
    pub fn total(&self) -> usize {
        self.0.values().map(Vec::len).sum()
    }

    /// The table of all kinds.
    pub fn table(&mut self) -> String {
        let mut table = "| | count | p50 | p99 | longest |\n|---|---|---|---|---|\n".to_owned();
        for (what, latencies) in &mut self.0 {
            let count = latencies.len();
            let [half, most, all] = [0.5, 0.99, 1.0].map(|share| words(quantile(latencies, share)));
            table += &format!("| {what} | {count} | {half} | {most} | {all} |\n");
        }
        table
    }
}

/// The latency that this share of all stays within; zero where there is none.
pub fn quantile(latencies: &mut [Duration], share: f64) -> Duration {
    latencies.sort_unstable();
    let at = (latencies.len() as f64 * share).ceil() as usize;
    latencies
        .get(at.saturating_sub(1))
        .copied()
        .unwrap_or_default()
}

/// A latency for people.
pub fn words(latency: Duration) -> String {
    format!("{:.1} ms", latency.as_secs_f64() * 1e3)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quantile_is_the_least_that_enough_stay_within() {
        let check = |count: u64, share: f64, expected: u64| {
            let mut all: Vec<_> = (1..=count).rev().map(Duration::from_millis).collect();
            let found = quantile(&mut all, share);
            assert_eq!(found, Duration::from_millis(expected), "{share} of {count}");
        };
        check(100, 0.99, 99);
        check(100, 0.5, 50);
        check(101, 0.99, 100);
        check(3, 0.99, 3);
        check(1, 0.0, 1);
        check(0, 0.5, 0);
    }
}
