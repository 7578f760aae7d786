//! Repeated measurements of one thing.
//!
//! **Invariant:** a sample holds at least one finite number.

use std::time::Instant;

use anyhow::{Result, ensure};

/// Measurements, sorted.
#[derive(Clone)]
pub struct Sample(Vec<f64>);

impl Sample {
    /// Takes measurements in any order.
    ///
    /// # Errors
    /// If there is none, or one isn't finite.
    pub fn new(mut values: Vec<f64>) -> Result<Self> {
        ensure!(!values.is_empty(), "nothing was measured");
        ensure!(
            values.iter().all(|value| value.is_finite()),
            "measured {values:?}"
        );
        values.sort_by(f64::total_cmp);
        Ok(Self(values))
    }

    /// As many measurements as there are here.
    pub fn count(&self) -> usize {
        self.0.len()
    }

    /// The middle one.
    pub fn median(&self) -> f64 {
        self.quantile(0.5)
    }

    /// Half of all measurements lie between these two.
    pub fn quartiles(&self) -> [f64; 2] {
        [self.quantile(0.25), self.quantile(0.75)]
    }

    fn quantile(&self, share: f64) -> f64 {
        let place = share * (self.0.len() - 1) as f64;
        let (below, above) = (
            self.0[place.floor() as usize],
            self.0[place.ceil() as usize],
        );
        below + (above - below) * place.fract()
    }
}

/// What `work` returns, and the milliseconds that it took.
///
/// # Errors
/// Those of `work`.
pub fn timed<T>(work: impl FnOnce() -> Result<T>) -> Result<(T, f64)> {
    let start = Instant::now();
    let value = work()?;
    Ok((value, start.elapsed().as_secs_f64() * 1e3))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_lie_between_measurements() {
        let sample = Sample::new(vec![4.0, 1.0, 3.0, 2.0]).unwrap();
        assert_eq!(sample.median(), 2.5);
        assert_eq!(sample.quartiles(), [1.75, 3.25]);
        assert_eq!(Sample::new(vec![7.0]).unwrap().quartiles(), [7.0, 7.0]);
        assert!(Sample::new(Vec::new()).is_err());
    }
}
