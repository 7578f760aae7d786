//! Activations that are no polynomials, and polynomials in their place.
//!
//! A fit is a least-squares one in the Chebyshev basis, on two kinds of points: the values that the
//! node is given on the calibration images, where it has to be accurate, and the Chebyshev nodes of
//! their range, which keep it tame where few values lie.

use std::str::FromStr;

use thiserror::Error;

use crate::network::Chebyshev;

/// Lowest and highest degree of a polynomial in place of an activation.
const DEGREES: std::ops::RangeInclusive<usize> = 2..=31;

/// Chebyshev nodes of a fit.
const NODES: usize = 256;

/// What all nodes together count, where all values seen count 1.
const NODES_WEIGHT: f64 = 0.05;

/// Most values that a fit looks at.
const MOST_VALUES: usize = 1 << 16;

/// An activation that is no polynomial.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Function {
    /// `max(x, 0)`.
    Relu,
    /// Hyperbolic tangent.
    Tanh,
    /// `1/(1 + e^-x)`.
    Sigmoid,
    /// `ln(1 + e^x)`.
    Softplus,
    /// `x·Φ(x)`.
    Gelu,
    /// `x/(1 + e^-x)`.
    Silu,
}

impl Function {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Relu,
        Self::Tanh,
        Self::Sigmoid,
        Self::Softplus,
        Self::Gelu,
        Self::Silu,
    ];

    /// What options call it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Relu => "relu",
            Self::Tanh => "tanh",
            Self::Sigmoid => "sigmoid",
            Self::Softplus => "softplus",
            Self::Gelu => "gelu",
            Self::Silu => "silu",
        }
    }

    /// Its value at `x`.
    #[must_use]
    pub fn apply(self, x: f64) -> f64 {
        match self {
            Self::Relu => x.max(0.0),
            Self::Tanh => x.tanh(),
            Self::Sigmoid => sigmoid(x),
            Self::Softplus => x.max(0.0) + (-x.abs()).exp().ln_1p(),
            Self::Gelu => 0.5 * x * (1.0 + error_function(x / std::f64::consts::SQRT_2)),
            Self::Silu => x * sigmoid(x),
        }
    }
}

fn sigmoid(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

/// To 1.5e-7 (Abramowitz and Stegun, *Handbook of Mathematical Functions*, 7.1.26).
fn error_function(x: f64) -> f64 {
    let t = 1.0 / (1.0 + 0.327_591_1 * x.abs());
    let coefficients = [
        1.061_405_429,
        -1.453_152_027,
        1.421_413_741,
        -0.284_496_736,
        0.254_829_592,
    ];
    let sum = coefficients.iter().fold(0.0, |sum, value| sum * t + value) * t;
    (1.0 - sum * (-x * x).exp()).copysign(x)
}

/// A wish to replace an activation by polynomials of one degree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Approximation {
    function: Function,
    degree: usize,
}

impl Approximation {
    /// What is replaced.
    #[must_use]
    pub fn function(self) -> Function {
        self.function
    }

    /// The polynomials' degree.
    #[must_use]
    pub fn degree(self) -> usize {
        self.degree
    }
}

/// Text that is no [`Approximation`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error(
    "write OP=chebyshev:DEGREE, such as relu=chebyshev:7, where OP is relu, tanh, sigmoid, \
     softplus, gelu or silu and DEGREE is from 2 to 31"
)]
pub struct NoApproximation;

impl FromStr for Approximation {
    type Err = NoApproximation;

    fn from_str(text: &str) -> Result<Self, NoApproximation> {
        let (name, how) = text.split_once('=').ok_or(NoApproximation)?;
        let degree = how.strip_prefix("chebyshev:").ok_or(NoApproximation)?;
        let degree = degree
            .parse()
            .ok()
            .filter(|degree| DEGREES.contains(degree));
        let function = Function::ALL
            .into_iter()
            .find(|function| function.name() == name);
        let (function, degree) = function.zip(degree).ok_or(NoApproximation)?;
        Ok(Self { function, degree })
    }
}

/// What a node was replaced by, and how near that comes.
#[derive(Clone, Debug, PartialEq)]
pub struct Approximated {
    /// The node's name.
    pub node: String,
    /// What it computes.
    pub function: Function,
    /// The polynomial's degree.
    pub degree: usize,
    /// The polynomial is meant for values within plus or minus this.
    pub range: f64,
    /// Largest difference on the calibration images.
    pub largest_error: f64,
    /// Mean magnitude of the difference there.
    pub mean_error: f64,
}

/// The polynomial for values like these within the range; none if there are no values.
pub fn fit(
    Approximation { function, degree }: Approximation,
    range: f64,
    values: &[Vec<f64>],
) -> Option<Chebyshev> {
    let count: usize = values.iter().map(Vec::len).sum();
    let step = count.checked_div(MOST_VALUES)?.saturating_add(1);
    let seen = values
        .iter()
        .flatten()
        .step_by(step)
        .map(|value| value / range);
    let each = 1.0 / count.checked_div(step)?.max(1) as f64;
    let angle = |node: usize| std::f64::consts::PI * (node as f64 + 0.5) / NODES as f64;
    let nodes = (0..NODES).map(|node| (angle(node).cos(), NODES_WEIGHT / NODES as f64));
    let size = degree.checked_add(1)?;
    let mut sums = vec![vec![0.0; size.checked_add(1)?]; size];
    for (t, weight) in seen.map(|t| (t, each)).chain(nodes) {
        let mut basis = chebyshev(t, size);
        basis.push(function.apply(range * t));
        for (row, left) in sums.iter_mut().zip(&basis) {
            for (sum, right) in row.iter_mut().zip(&basis) {
                *sum += weight * left * right;
            }
        }
    }
    let coefficients = solve(sums)?;
    Some(Chebyshev::new(range, coefficients))
}

/// `T_0(t)` and so on.
fn chebyshev(t: f64, count: usize) -> Vec<f64> {
    let mut values = Vec::with_capacity(count.saturating_add(1));
    let (mut value, mut next) = (1.0, t);
    for _ in 0..count {
        values.push(value);
        (value, next) = (next, 2.0 * t * next - value);
    }
    values
}

/// Solves a positive definite system, whose right side is each row's last number, by elimination.
fn solve(mut rows: Vec<Vec<f64>>) -> Option<Vec<f64>> {
    let mut done: Vec<Vec<f64>> = Vec::with_capacity(rows.len());
    while !rows.is_empty() {
        let pivot = rows.remove(0);
        let (lead, rest) = pivot.split_first()?;
        let rest: Vec<f64> = rest.iter().map(|value| value / lead).collect();
        for row in &mut rows {
            let factor = row.remove(0);
            for (value, other) in row.iter_mut().zip(&rest) {
                *value -= factor * other;
            }
        }
        done.push(rest);
    }
    let mut solution: Vec<f64> = Vec::with_capacity(done.len());
    for row in done.iter().rev() {
        let (right, factors) = row.split_last()?;
        let known = solution.iter().rev();
        let sum: f64 = factors
            .iter()
            .zip(known)
            .map(|(factor, value)| factor * value)
            .sum();
        solution.push(right - sum);
    }
    solution.reverse();
    solution
        .iter()
        .all(|value| value.is_finite())
        .then_some(solution)
}

/// Largest and mean magnitude of what a polynomial gets wrong.
pub fn errors(function: Function, polynomial: &Chebyshev, values: &[Vec<f64>]) -> (f64, f64) {
    let error = |&x: &f64| (polynomial.evaluate(x) - function.apply(x)).abs();
    let errors = values.iter().flatten().map(error);
    let (largest, sum, count) = errors.fold((0.0_f64, 0.0, 0.0_f64), |(largest, sum, count), e| {
        (largest.max(e), sum + e, count + 1.0)
    });
    (largest, sum / count.max(1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_read() {
        let parsed = |text: &str| {
            text.parse()
                .map(|Approximation { function, degree }| (function, degree))
        };
        assert_eq!(parsed("relu=chebyshev:7"), Ok((Function::Relu, 7)));
        assert_eq!(parsed("silu=chebyshev:31"), Ok((Function::Silu, 31)));
        for wrong in [
            "relu",
            "relu=7",
            "relu=chebyshev:1",
            "relu=chebyshev:32",
            "max=chebyshev:3",
        ] {
            assert_eq!(parsed(wrong), Err(NoApproximation), "{wrong}");
        }
    }

    #[test]
    fn fits_are_near_where_values_lie_and_tame_elsewhere() {
        let values = vec![
            (0..2000)
                .map(|step| f64::from(step) / 1000.0 - 1.0)
                .collect(),
        ];
        for (text, near) in [
            ("tanh=chebyshev:9", 0.02),
            ("sigmoid=chebyshev:7", 2e-3),
            ("softplus=chebyshev:8", 2e-3),
            ("gelu=chebyshev:8", 0.02),
            ("silu=chebyshev:8", 5e-3),
            ("relu=chebyshev:8", 0.15),
        ] {
            let wish: Approximation = text.parse().unwrap();
            let found = fit(wish, 4.0, &values).unwrap();
            let (largest, mean) = errors(wish.function, &found, &values);
            assert!(largest < near && mean < largest, "{text}: {largest}");
            for x in [-4.0, -3.0, 3.0, 4.0] {
                let error = (found.evaluate(x) - wish.function.apply(x)).abs();
                assert!(error < 0.35, "{text} at {x}: {error}");
            }
        }
    }

    #[test]
    fn the_error_function_is_the_known_one() {
        for (x, value) in [
            (0.0, 0.0),
            (0.5, 0.520_499_878),
            (-1.0, -0.842_700_793),
            (2.0, 0.995_322_265),
        ] {
            assert!((error_function(x) - value).abs() < 2e-7, "{x}");
        }
    }
}
