//! Polynomials become layers where something linear reads them.
//!
//! A polynomial of degree 2 is the square of a shifted unknown, times a factor and plus a constant
//! that the reader takes over; where a value has no square it stays linear. Higher ones are
//! evaluated as they are: one polynomial for all values, which the reader multiplies by a factor
//! for each; or several such that each value is a sum of their multiples, if they differ more.

use super::ops::OpError;
use super::polynomial::{Affine, Coefficient, Polynomial, difference};
use super::trace::{Atom, Encrypted, RootId, Trace};
use crate::network::{Activation, Chebyshev, ValueId};

/// A shift by more than this may be large for its values; whether it is, samples tell.
const SMALL_SHIFT: f64 = 4.0;

/// A shift of so many times the largest value costs too much precision.
const LARGEST_SHIFT: f64 = 8.0;

/// A square's factor of so much less than the others' counts as none.
const NO_SQUARE: f64 = 1e-9;

/// Relative difference up to which polynomials of two values count as the same.
const SAME: f64 = 1e-9;

/// Most polynomials that one for each value is put together from.
const MOST_POLYNOMIALS: usize = 4;

/// A value as a sum of atoms and roots, each number times its factor.
pub struct Sum {
    pub atoms: Vec<(ValueId, Coefficient)>,
    pub roots: Vec<(RootId, Coefficient)>,
    pub constant: Coefficient,
}

impl Trace<'_> {
    /// Makes the layers that a linear map of `value` has to read.
    pub fn lower(&mut self, value: &Encrypted) -> Result<Sum, OpError> {
        if !value.polynomial.is_finite() {
            return Err(OpError::new(format!(
                "the weights of '{}' are beyond all numbers",
                value.name
            )));
        }
        match value.polynomial.degree() {
            0 | 1 => Ok(linear(value, &value.polynomial)),
            2 => self.lower_square(value),
            _ => self.lower_higher(value),
        }
    }

    fn lower_square(&mut self, value: &Encrypted) -> Result<Sum, OpError> {
        self.claim(value.count().saturating_mul(8))?;
        let [c, b, a] = [0, 1, 2].map(|power| value.polynomial.coefficient(power));
        let least = NO_SQUARE * a.largest();
        let a = a.map(|a| if a.abs() <= least { 0.0 } else { a });
        let mut shift = b.zip(&a, |b, a| if a == 0.0 { 0.0 } else { b / (2.0 * a) });
        if shift.largest() > SMALL_SHIFT {
            let most = LARGEST_SHIFT * self.largest(value.root, &value.unknown)?;
            shift = shift.map(|shift| if shift.abs() > most { 0.0 } else { shift });
        }
        let before = value.unknown.then(&Coefficient::ONE, &shift);
        let atom = self.push_atom(value, before, Activation::Square)?;
        let doubled = a.times(&shift).map(|half| 2.0 * half);
        let left = Polynomial::new(vec![
            c.zip(&a.times(&shift).times(&shift), |c, taken| c - taken),
            b.zip(&doubled, |b, taken| b - taken),
        ]);
        let mut sum = linear(value, &left);
        sum.atoms.push((atom, a));
        Ok(sum)
    }

    fn lower_higher(&mut self, value: &Encrypted) -> Result<Sum, OpError> {
        let degree = value.polynomial.degree();
        let mut rest = Powers::of(&value.polynomial);
        let [offset, slope] = [0, 1].map(|power| value.polynomial.coefficient(power));
        let (mut sum, mut slope) = (linear(value, &Polynomial::new(vec![offset])), slope);
        for _ in 0..MOST_POLYNOMIALS {
            if value.polynomial.has_each() {
                self.claim(value.count().saturating_mul(degree))?;
            }
            let Some((powers, factor)) = rest.take(value.count()) else {
                break;
            };
            let linear_part = powers.get(1).copied().unwrap_or(0.0);
            slope = difference(&slope, &factor.map(|factor| factor * linear_part));
            let part = self.lower_same(value, &powers)?;
            let scaled = |piece: &Coefficient| piece.times(&factor);
            sum.atoms.extend(
                part.atoms
                    .iter()
                    .map(|(atom, piece)| (*atom, scaled(piece))),
            );
            sum.roots.extend(
                part.roots
                    .iter()
                    .map(|(root, piece)| (*root, scaled(piece))),
            );
            sum.constant = sum.constant.plus(&scaled(&part.constant));
        }
        if !rest.is_empty() {
            return Err(OpError::new(format!(
                "'{}' makes a polynomial of degree {degree} that is another one for each value",
                value.name
            ))
            .instead("use one polynomial for all values"));
        }
        let left = linear(value, &Polynomial::new(vec![Coefficient::ZERO, slope]));
        sum.roots.extend(left.roots);
        sum.constant = sum.constant.plus(&left.constant);
        Ok(sum)
    }

    /// A polynomial without a constant that is the same for all values.
    fn lower_same(&mut self, value: &Encrypted, powers: &[f64]) -> Result<Sum, OpError> {
        let same = powers.iter().map(|&power| Coefficient::Same(power));
        let polynomial = Polynomial::new(same.collect());
        if polynomial.degree() < 3 {
            return self.lower(&Encrypted {
                polynomial,
                ..value.clone()
            });
        }
        let samples = self.sampled(value.root, &value.unknown)?;
        let range = self.samples.range(&samples).ok_or_else(|| {
            OpError::new(format!(
                "the values that '{}' takes grow beyond all numbers",
                value.name
            ))
        })?;
        let activation = Activation::Polynomial(Chebyshev::from_powers(range, powers));
        let atom = self.push_atom(value, value.unknown.clone(), activation)?;
        Ok(Sum {
            atoms: vec![(atom, Coefficient::ONE)],
            roots: Vec::new(),
            constant: Coefficient::ZERO,
        })
    }

    /// The layer that does this to a value's root; the one that does so already, if there is one.
    pub fn push_atom(
        &mut self,
        value: &Encrypted,
        before: Affine,
        activation: Activation,
    ) -> Result<ValueId, OpError> {
        let is_it = |atom: &Atom| {
            atom.root == value.root && atom.activation == activation && atom.before == before
        };
        if let Some(index) = self.atoms.iter().position(is_it) {
            return Ok(ValueId(index.saturating_add(1)));
        }
        self.claim(value.count())?;
        let shape = super::trace::without_batch(&value.shape);
        let root = self.root(value.root).map(|root| root.shape.clone());
        let shape = root
            .filter(|root| root.len() > shape.len())
            .unwrap_or(shape);
        self.atoms.push(Atom {
            name: value.name.clone(),
            shape,
            root: value.root,
            before,
            activation,
        });
        Ok(ValueId(self.atoms.len()))
    }
}

/// A polynomial of degree 1 in the unknown of `value`.
fn linear(value: &Encrypted, polynomial: &Polynomial) -> Sum {
    let [offset, slope] = [0, 1].map(|power| polynomial.coefficient(power));
    let map = value.unknown.then(&slope, &offset);
    let mut roots = Vec::new();
    if polynomial.degree() > 0 {
        roots.push((value.root, map.slope));
    }
    Sum {
        atoms: Vec::new(),
        roots,
        constant: map.offset,
    }
}

/// What is left of the powers from the second on.
struct Powers {
    /// All coefficients, those below the square included.
    left: Vec<Coefficient>,
    /// What counts as nothing, for each power.
    least: Vec<f64>,
}

impl Powers {
    fn of(polynomial: &Polynomial) -> Self {
        let left = (0..=polynomial.degree()).map(|power| polynomial.coefficient(power));
        let left: Vec<_> = left.collect();
        let least = left.iter().map(|power| SAME * power.largest()).collect();
        Self { left, least }
    }

    fn is_empty(&self) -> bool {
        let mut powers = self.left.iter().zip(&self.least).skip(2);
        powers.all(|(power, &least)| power.all(|value| value.abs() <= least))
    }

    /// Takes a polynomial out, whose multiples leave nothing of the highest power that is left.
    fn take(&mut self, count: usize) -> Option<(Vec<f64>, Coefficient)> {
        let powers = self.left.iter().zip(&self.least).skip(2).rev();
        let mut powers = powers.filter(|(power, least)| power.largest() > **least);
        let (highest, _) = powers.next()?;
        let size = |index: &usize| highest.get(*index).abs();
        let one = (0..count).max_by(|left, right| size(left).total_cmp(&size(right)))?;
        let factor = highest.map(|value| value / highest.get(one));
        let mut taken: Vec<_> = self.left.iter().map(|power| power.get(one)).collect();
        if let Some(constant) = taken.first_mut() {
            *constant = 0.0;
        }
        for (left, taken) in self.left.iter_mut().zip(&taken) {
            *left = difference(left, &factor.map(|factor| factor * taken));
        }
        let most = taken
            .iter()
            .zip(&self.least)
            .rposition(|(taken, least)| taken.abs() > *least)?;
        taken.truncate(most.saturating_add(1));
        Some((taken, factor))
    }
}
