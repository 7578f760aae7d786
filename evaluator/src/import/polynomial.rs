//! Polynomials in one unknown for each value, so that it doesn't matter how a file spells one.
//!
//! A coefficient is one number for all values or one for each.
//!
//! **Invariant:** the highest coefficient is not zero everywhere, and one that is the same for all
//! values is stored once.

use std::rc::Rc;

/// Relative difference up to which numbers count as the same where rounding made them differ.
const ROUNDING: f64 = 1e-12;

/// A number for each value.
#[derive(Clone, Debug, PartialEq)]
pub enum Coefficient {
    /// The same for all.
    Same(f64),
    /// One for each.
    Each(Rc<[f64]>),
}

impl Coefficient {
    pub const ZERO: Self = Self::Same(0.0);
    pub const ONE: Self = Self::Same(1.0);

    /// From a number for each value, of which there is at least one.
    pub fn each(values: Vec<f64>) -> Self {
        match values.split_first() {
            Some((first, rest)) if rest.iter().all(|value| value == first) => Self::Same(*first),
            _ => Self::Each(values.into()),
        }
    }

    /// The number for value `index`.
    pub fn get(&self, index: usize) -> f64 {
        match self {
            Self::Same(value) => *value,
            Self::Each(values) => values.get(index).copied().unwrap_or(0.0),
        }
    }

    /// The numbers for `count` values.
    pub fn to_vec(&self, count: usize) -> Vec<f64> {
        match self {
            Self::Same(value) => vec![*value; count],
            Self::Each(values) => values.to_vec(),
        }
    }

    /// Whether `test` holds for every number.
    pub fn all(&self, test: impl Fn(f64) -> bool) -> bool {
        match self {
            Self::Same(value) => test(*value),
            Self::Each(values) => values.iter().copied().all(test),
        }
    }

    /// The largest magnitude.
    pub fn largest(&self) -> f64 {
        match self {
            Self::Same(value) => value.abs(),
            Self::Each(values) => values.iter().fold(0.0, |most, value| most.max(value.abs())),
        }
    }

    pub fn is_each(&self) -> bool {
        matches!(self, Self::Each(_))
    }

    pub fn map(&self, change: impl Fn(f64) -> f64) -> Self {
        match self {
            Self::Same(value) => Self::Same(change(*value)),
            Self::Each(values) => Self::each(values.iter().copied().map(change).collect()),
        }
    }

    pub fn zip(&self, other: &Self, join: impl Fn(f64, f64) -> f64) -> Self {
        match (self, other) {
            (Self::Same(left), right) => right.map(|right| join(*left, right)),
            (left, Self::Same(right)) => left.map(|left| join(left, *right)),
            (Self::Each(left), Self::Each(right)) => {
                let pairs = left.iter().zip(right.iter());
                Self::each(pairs.map(|(left, right)| join(*left, *right)).collect())
            }
        }
    }

    pub fn plus(&self, other: &Self) -> Self {
        self.zip(other, |left, right| left + right)
    }

    pub fn times(&self, other: &Self) -> Self {
        self.zip(other, |left, right| left * right)
    }

    /// One number, if rounding alone makes the numbers differ.
    fn rounded(self) -> Self {
        let first = self.get(0);
        if self.all(|value| (value - first).abs() <= ROUNDING * first.abs()) {
            Self::Same(first)
        } else {
            self
        }
    }
}

/// `left - right`, and nothing where only rounding is left of it.
pub fn difference(left: &Coefficient, right: &Coefficient) -> Coefficient {
    left.zip(right, |left, right| {
        let difference = left - right;
        if difference.abs() <= ROUNDING * (left.abs() + right.abs()) {
            0.0
        } else {
            difference
        }
    })
}

/// `Σ coefficients[k] · x^k`, for each value.
#[derive(Clone, Debug, PartialEq)]
pub struct Polynomial {
    coefficients: Vec<Coefficient>,
}

impl Polynomial {
    /// From the constant on.
    pub fn new(mut coefficients: Vec<Coefficient>) -> Self {
        let is_zero = |value: &Coefficient| value.all(|value| value == 0.0);
        while coefficients.last().is_some_and(is_zero) {
            coefficients.pop();
        }
        Self { coefficients }
    }

    /// The unknown itself.
    pub fn variable() -> Self {
        Self::new(vec![Coefficient::ZERO, Coefficient::ONE])
    }

    /// Highest power; 0 for constants.
    pub fn degree(&self) -> usize {
        self.coefficients.len().saturating_sub(1)
    }

    /// The factor of `x^power`.
    pub fn coefficient(&self, power: usize) -> Coefficient {
        let found = self.coefficients.get(power).cloned();
        found.unwrap_or(Coefficient::ZERO)
    }

    /// How many coefficients there are.
    pub fn len(&self) -> usize {
        self.coefficients.len()
    }

    /// Whether all coefficients are numbers.
    pub fn is_finite(&self) -> bool {
        let mut coefficients = self.coefficients.iter();
        coefficients.all(|coefficient| coefficient.all(f64::is_finite))
    }

    /// Whether some coefficient differs from value to value.
    pub fn has_each(&self) -> bool {
        self.coefficients.iter().any(Coefficient::is_each)
    }

    pub fn plus(&self, other: &Self) -> Self {
        let powers = 0..self.len().max(other.len());
        Self::new(
            powers
                .map(|power| self.coefficient(power).plus(&other.coefficient(power)))
                .collect(),
        )
    }

    pub fn times(&self, other: &Self) -> Self {
        let powers = self.len().saturating_add(other.len()).saturating_sub(1);
        let mut sums = vec![Coefficient::ZERO; powers];
        for (low, left) in self.coefficients.iter().enumerate() {
            for (sum, right) in sums.iter_mut().skip(low).zip(&other.coefficients) {
                *sum = sum.plus(&left.times(right));
            }
        }
        Self::new(sums)
    }

    pub fn scaled(&self, factor: &Coefficient) -> Self {
        Self::new(
            self.coefficients
                .iter()
                .map(|value| value.times(factor))
                .collect(),
        )
    }

    /// What maps this polynomial's values to those of another one in the same unknown, if that is
    /// an affine map.
    pub fn map_to(&self, other: &Self) -> Option<Affine> {
        if self == other {
            return Some(Affine::IDENTITY);
        }
        if self.len() != other.len() || self.degree() == 0 {
            return None;
        }
        let [from, to] = [self, other].map(|polynomial| polynomial.coefficient(self.degree()));
        let slope = to.zip(&from, |to, from| to / from);
        let slope = Some(slope.rounded()).filter(|slope| slope.all(f64::is_finite))?;
        for power in 1..self.degree() {
            let [from, to] = [self, other].map(|polynomial| polynomial.coefficient(power));
            let allowed = ROUNDING * to.largest().max(from.times(&slope).largest());
            let difference = to.zip(&from.times(&slope), |to, from| to - from);
            if !difference.all(|difference| difference.abs() <= allowed) {
                return None;
            }
        }
        let moved = self.coefficient(0).times(&slope);
        let offset = difference(&other.coefficient(0), &moved).rounded();
        Some(Affine { slope, offset })
    }

    /// The same with `map` of another unknown for `x`.
    pub fn of(&self, map: &Affine) -> Self {
        let inner = Self::new(vec![map.offset.clone(), map.slope.clone()]);
        let mut sum = Self::new(Vec::new());
        for coefficient in self.coefficients.iter().rev() {
            sum = sum
                .times(&inner)
                .plus(&Self::new(vec![coefficient.clone()]));
        }
        sum
    }
}

/// `slope · x + offset`, for each value.
#[derive(Clone, Debug, PartialEq)]
pub struct Affine {
    pub slope: Coefficient,
    pub offset: Coefficient,
}

impl Affine {
    pub const IDENTITY: Self = Self {
        slope: Coefficient::ONE,
        offset: Coefficient::ZERO,
    };

    /// `slope · self + offset`.
    pub fn then(&self, slope: &Coefficient, offset: &Coefficient) -> Self {
        Self {
            slope: self.slope.times(slope),
            offset: self.offset.times(slope).plus(offset),
        }
    }

    /// Whether it can be turned round without losing digits.
    pub fn is_invertible(&self) -> bool {
        let least = 1e-6 * self.slope.largest();
        least > 0.0 && self.slope.all(|slope| slope.abs() >= least)
    }

    /// What maps the values of `other` to those of `self`; `other` has to be invertible.
    pub fn after_inverse_of(&self, other: &Self) -> Self {
        let near_one = |slope: f64| {
            if (slope - 1.0).abs() <= ROUNDING {
                1.0
            } else {
                slope
            }
        };
        let slope = self
            .slope
            .zip(&other.slope, |to, from| to / from)
            .map(near_one);
        let moved = other.offset.times(&slope);
        let offset = difference(&self.offset, &moved);
        Self {
            slope: slope.rounded(),
            offset: offset.rounded(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn polynomial(coefficients: &[f64]) -> Polynomial {
        let same = |&value: &f64| Coefficient::Same(value);
        Polynomial::new(coefficients.iter().map(same).collect())
    }

    #[test]
    fn sums_and_products() {
        let (left, right) = (polynomial(&[1.0, 2.0]), polynomial(&[3.0, -2.0]));
        assert_eq!(left.plus(&right), polynomial(&[4.0]));
        assert_eq!(left.times(&right), polynomial(&[3.0, 4.0, -4.0]));
        let map = Affine {
            slope: Coefficient::Same(2.0),
            offset: Coefficient::Same(1.0),
        };
        let square = polynomial(&[0.0, 0.0, 1.0]);
        assert_eq!(square.of(&map), polynomial(&[1.0, 4.0, 4.0]));
    }

    #[test]
    fn maps_of_the_same_value_cancel_without_rounding() {
        let map = Affine {
            slope: Coefficient::each(vec![0.1, 0.3, 0.7]),
            offset: Coefficient::each(vec![0.3, -0.9, 1.1]),
        };
        assert_eq!(map.after_inverse_of(&map), Affine::IDENTITY);
        let (three, one) = (Coefficient::Same(3.0), Coefficient::Same(1.0));
        let moved = map.then(&three, &one).after_inverse_of(&map);
        assert!(!moved.slope.is_each() && !moved.offset.is_each());
    }
}
