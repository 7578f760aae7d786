//! What several runs have in common.

/// Mean and spread of some figures.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Statistics {
    /// Their mean.
    pub mean: f64,
    /// Sum of the squared distances from the mean, by one less than their number; 0 for one figure.
    pub variance: f64,
}

impl Statistics {
    /// Of at least one figure.
    #[must_use]
    pub fn of(figures: &[f64]) -> Self {
        let count = figures.len() as f64;
        let mean = figures.iter().sum::<f64>() / count;
        let squares = figures.iter().map(|figure| (figure - mean).powi(2));
        let variance = squares.sum::<f64>() / (count - 1.0).max(1.0);
        Self { mean, variance }
    }

    /// Root of the variance.
    #[must_use]
    pub fn deviation(&self) -> f64 {
        self.variance.sqrt()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variance_is_the_unbiased_one() {
        let statistics = Statistics::of(&[1.0, 2.0, 6.0]);
        assert!((statistics.mean - 3.0).abs() < 1e-12);
        assert!((statistics.variance - 7.0).abs() < 1e-12);
        assert!((statistics.deviation() - 7.0_f64.sqrt()).abs() < 1e-12);
        assert_eq!(Statistics::of(&[5.0]).variance, 0.0);
    }
}
