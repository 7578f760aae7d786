//! Polynomials in the Chebyshev basis, which stays well conditioned at every degree.

/// `Σ coefficients[k] · T_k(x / range)`.
#[derive(Clone, Debug, PartialEq)]
pub struct Chebyshev {
    range: f64,
    coefficients: Vec<f64>,
}

impl Chebyshev {
    /// A polynomial that is meant for values within `±range`; `range` is above 0.
    #[must_use]
    pub fn new(range: f64, mut coefficients: Vec<f64>) -> Self {
        while coefficients.len() > 1 && coefficients.last() == Some(&0.0) {
            coefficients.pop();
        }
        Self {
            range,
            coefficients,
        }
    }

    /// The polynomial `Σ coefficients[k] · x^k`, for values within `±range`.
    #[must_use]
    pub fn from_powers(range: f64, coefficients: &[f64]) -> Self {
        // Horner's rule, with t·T_0 = T_1 and t·T_k = (T_(k+1) + T_(k-1))/2.
        let mut sum = vec![0.0; coefficients.len()];
        for &coefficient in coefficients.iter().rev() {
            let mut times = vec![0.0; sum.len()];
            for (k, value) in sum.iter().enumerate() {
                let (down, half) = match k {
                    0 => (1, 1.0),
                    _ => (k - 1, 0.5),
                };
                for (to, share) in [(k + 1, half), (down, if k == 0 { 0.0 } else { half })] {
                    if let Some(to) = times.get_mut(to) {
                        *to += range * share * value;
                    }
                }
            }
            if let Some(constant) = times.first_mut() {
                *constant += coefficient;
            }
            sum = times;
        }
        Self::new(range, sum)
    }

    /// The polynomial of this degree that meets `function` at the Chebyshev nodes of `±range`
    /// (Trefethen, *Approximation Theory and Approximation Practice*, chapter 3).
    #[must_use]
    pub fn interpolate(range: f64, degree: usize, function: impl Fn(f64) -> f64) -> Self {
        let count = degree + 1;
        let angle = |node: usize| std::f64::consts::PI * (node as f64 + 0.5) / count as f64;
        let values: Vec<f64> = (0..count)
            .map(|node| function(range * angle(node).cos()))
            .collect();
        let coefficient = |k: usize| {
            let terms = values.iter().enumerate();
            let sum: f64 = terms
                .map(|(node, value)| value * (k as f64 * angle(node)).cos())
                .sum();
            sum * if k == 0 { 1.0 } else { 2.0 } / count as f64
        };
        Self::new(range, (0..count).map(coefficient).collect())
    }

    /// Largest magnitude of values that it is meant for.
    #[must_use]
    pub fn range(&self) -> f64 {
        self.range
    }

    /// One for each Chebyshev polynomial, from `T_0`.
    #[must_use]
    pub fn coefficients(&self) -> &[f64] {
        &self.coefficients
    }

    /// The degree.
    #[must_use]
    pub fn degree(&self) -> usize {
        self.coefficients.len().saturating_sub(1)
    }

    /// Its value at `x` (Clenshaw's recurrence).
    #[must_use]
    pub fn evaluate(&self, x: f64) -> f64 {
        let t = x / self.range;
        let (mut next, mut after) = (0.0, 0.0);
        for coefficient in self.coefficients.iter().skip(1).rev() {
            (next, after) = (coefficient + 2.0 * t * next - after, next);
        }
        self.coefficients.first().copied().unwrap_or(0.0) + t * next - after
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_near(got: f64, want: f64) {
        assert!(
            (got - want).abs() < 1e-9 * want.abs().max(1.0),
            "{got}, not {want}"
        );
    }

    #[test]
    fn powers_keep_their_values() {
        for coefficients in [&[2.0][..], &[0.5, -3.0], &[1.0, 0.0, 2.0, -0.25, 0.0, 3.0]] {
            let polynomial = Chebyshev::from_powers(2.5, coefficients);
            assert_eq!(polynomial.degree(), coefficients.len() - 1);
            for x in [-4.0, -2.5, -0.3, 0.0, 1.7, 2.5, 3.1] {
                let want = coefficients.iter().rev().fold(0.0, |sum, c| sum * x + c);
                check_near(polynomial.evaluate(x), want);
            }
        }
    }

    #[test]
    fn interpolation_finds_polynomials_and_comes_near_others() {
        let cubic = |x: f64| 1.0 - x + 0.5 * x * x * x;
        let found = Chebyshev::interpolate(3.0, 3, cubic);
        let tanh = Chebyshev::interpolate(2.0, 15, f64::tanh);
        for step in -10..=10 {
            let x = f64::from(step) / 5.0;
            check_near(found.evaluate(x), cubic(x));
            assert!((tanh.evaluate(x) - x.tanh()).abs() < 1e-4);
        }
    }
}
