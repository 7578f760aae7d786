//! Polynomials with residues for each prime of a basis.

use std::marker::PhantomData;

use super::backend::{Kernel, kernel};
use super::galois::GaloisPermutation;
use super::{Basis, Buffer, Modulus, Ring, RingError};

mod sealed {
    pub trait Sealed {}
    impl Sealed for super::Coeff {}
    impl Sealed for super::Ntt {}
}

/// How a polynomial is represented.
pub trait Domain: sealed::Sealed {}

/// By its coefficients.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Coeff {}

/// By its values at the 2N-th roots of unity, where products are pointwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ntt {}

impl Domain for Coeff {}
impl Domain for Ntt {}

/// A polynomial modulo X^N + 1 and the primes of a [`Basis`].
///
/// # Shapes
/// N residues per prime, one prime after the other, in the order of [`Ring::limbs`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Poly<D: Domain> {
    residues: Buffer,
    degree: usize,
    basis: Basis,
    domain: PhantomData<D>,
}

impl<D: Domain> Poly<D> {
    /// The zero polynomial.
    #[must_use]
    pub fn zero(ring: &Ring, basis: Basis) -> Self {
        let degree = ring.degree();
        let residues = Buffer::zeros(ring.limbs(basis).len() * degree);
        Self {
            residues,
            degree,
            basis,
            domain: PhantomData,
        }
    }

    /// A polynomial to be written: until every residue was, it is none.
    #[must_use]
    pub fn unwritten(ring: &Ring, basis: Basis) -> Self {
        let degree = ring.degree();
        let residues = Buffer::take(ring.limbs(basis).len() * degree);
        Self {
            residues,
            degree,
            basis,
            domain: PhantomData,
        }
    }

    /// The polynomial of these residues, one prime after the other; nothing if their number isn't
    /// the basis's. Whoever gives them has checked that they are below their primes.
    #[must_use]
    pub fn from_residues(residues: Vec<u32>, ring: &Ring, basis: Basis) -> Option<Self> {
        let degree = ring.degree();
        (residues.len() == ring.limbs(basis).len() * degree).then(|| Self {
            residues: Buffer::from_numbers(residues),
            degree,
            basis,
            domain: PhantomData,
        })
    }

    /// The primes it has residues for.
    #[must_use]
    pub fn basis(&self) -> Basis {
        self.basis
    }

    /// The residues for each prime, in the order of [`Ring::limbs`].
    pub fn limbs(&self) -> impl ExactSizeIterator<Item = &[u32]> {
        self.residues.chunks_exact(self.degree)
    }

    /// The residues for each prime, to be changed; whoever changes them keeps them below it.
    pub fn limbs_mut(&mut self) -> impl ExactSizeIterator<Item = &mut [u32]> {
        self.residues.chunks_exact_mut(self.degree)
    }

    /// The residues for the prime at a position of [`Ring::moduli`]; empty where it has none.
    #[must_use]
    pub fn limb_at(&self, position: usize, ring: &Ring) -> &[u32] {
        let limb = ring.limbs(self.basis).position(|own| own == position);
        limb.and_then(|limb| self.residues.chunks_exact(self.degree).nth(limb))
            .unwrap_or(&[])
    }

    /// All residues, one prime after the other.
    #[must_use]
    pub fn residues(&self) -> &[u32] {
        &self.residues
    }

    /// All residues, to be changed; whoever changes them keeps them below their prime.
    pub fn residues_mut(&mut self) -> &mut [u32] {
        &mut self.residues
    }

    fn check_basis(&self, other: Basis) -> Result<(), RingError> {
        if self.basis == other {
            Ok(())
        } else {
            Err(RingError::BasisMismatch {
                left: self.basis,
                right: other,
            })
        }
    }

    fn zip_assign(
        &mut self,
        rhs: &Self,
        ring: &Ring,
        operation: impl Fn(&'static dyn Kernel, &mut [u32], &[u32], Modulus),
    ) -> Result<(), RingError> {
        self.check_basis(rhs.basis)?;
        let moduli = ring.moduli_of(self.basis);
        for ((left, right), modulus) in self.limbs_mut().zip(rhs.limbs()).zip(moduli) {
            operation(kernel(), left, right, modulus);
        }
        Ok(())
    }

    /// `self += rhs`.
    ///
    /// # Errors
    /// [`RingError::BasisMismatch`].
    pub fn add_assign(&mut self, rhs: &Self, ring: &Ring) -> Result<(), RingError> {
        self.zip_assign(rhs, ring, <dyn Kernel>::add)
    }

    /// `self -= rhs`.
    ///
    /// # Errors
    /// [`RingError::BasisMismatch`].
    pub fn sub_assign(&mut self, rhs: &Self, ring: &Ring) -> Result<(), RingError> {
        self.zip_assign(rhs, ring, <dyn Kernel>::sub)
    }

    fn transform(mut self, ring: &Ring, inverse: bool) -> Buffer {
        let kernel = kernel();
        let positions = ring.limbs(self.basis);
        for (residues, position) in self.limbs_mut().zip(positions) {
            if inverse {
                kernel.inverse_ntt(residues, ring.tables(position));
            } else {
                kernel.forward_ntt(residues, ring.tables(position));
            }
        }
        self.residues
    }
}

impl Poly<Coeff> {
    /// The polynomial with these signed coefficients, reduced modulo each prime.
    ///
    /// # Shapes
    /// `coefficients`: N numbers above `-2^63`; missing ones are zero.
    #[must_use]
    pub fn from_signed(coefficients: &[i64], ring: &Ring, basis: Basis) -> Self {
        let mut poly = Self::zero(ring, basis);
        for (residues, modulus) in poly.limbs_mut().zip(ring.moduli_of(basis)) {
            for (residue, &coefficient) in residues.iter_mut().zip(coefficients) {
                *residue = modulus.reduce_signed(coefficient);
            }
        }
        poly
    }

    /// The same polynomial in the NTT domain.
    #[must_use]
    pub fn into_ntt(self, ring: &Ring) -> Poly<Ntt> {
        let (degree, basis) = (self.degree, self.basis);
        Poly {
            residues: self.transform(ring, false),
            degree,
            basis,
            domain: PhantomData,
        }
    }
}

impl Poly<Ntt> {
    /// The same polynomial by its coefficients.
    #[must_use]
    pub fn into_coeff(self, ring: &Ring) -> Poly<Coeff> {
        let (degree, basis) = (self.degree, self.basis);
        Poly {
            residues: self.transform(ring, true),
            degree,
            basis,
            domain: PhantomData,
        }
    }

    /// `self *= rhs`.
    ///
    /// # Errors
    /// [`RingError::BasisMismatch`].
    pub fn mul_assign(&mut self, rhs: &Self, ring: &Ring) -> Result<(), RingError> {
        self.zip_assign(rhs, ring, <dyn Kernel>::mul)
    }

    /// Applies `X → X^g`.
    #[must_use]
    pub fn automorphism(&self, permutation: &GaloisPermutation) -> Self {
        let mut residues = Buffer::take(self.residues.len());
        for (out, limb) in residues.chunks_exact_mut(self.degree).zip(self.limbs()) {
            kernel().permute(out, limb, permutation);
        }
        Self {
            residues,
            degree: self.degree,
            basis: self.basis,
            domain: PhantomData,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::params::{Parameters, test_sets};
    use crate::ring::Level;
    use crate::ring::galois::GaloisElement;

    /// Coefficients by the definition of `X → X^g` modulo X^n + 1.
    fn substitute(coefficients: &[i64], element: u32) -> Vec<i64> {
        let n = coefficients.len();
        let mut image = vec![0; n];
        for (i, &coefficient) in coefficients.iter().enumerate() {
            let exponent = i * element as usize % (2 * n);
            image[exponent % n] = if exponent < n {
                coefficient
            } else {
                -coefficient
            };
        }
        image
    }

    #[test]
    fn automorphism_substitutes_powers_of_x() {
        for spec in test_sets() {
            let ring = Ring::new(Parameters::new(spec).expect("shipped"));
            let basis = Basis::Qp(Level(1));
            let coefficients: Vec<i64> = (0..ring.degree() as i64)
                .map(|i| i * i % 1009 - 500)
                .collect();
            let poly = Poly::from_signed(&coefficients, &ring, basis).into_ntt(&ring);
            let rotation = |step| GaloisElement::rotation(step, ring.degree());
            let conjugation = GaloisElement::conjugation(ring.degree());
            for element in [1, 5, ring.degree() / 2 - 1]
                .map(rotation)
                .into_iter()
                .chain([conjugation])
            {
                let got = poly.automorphism(&GaloisPermutation::new(element, ring.degree()));
                let want = substitute(&coefficients, element.get());
                let want = Poly::from_signed(&want, &ring, basis).into_ntt(&ring);
                assert_eq!(got, want, "{element:?}");
            }
        }
    }

    #[test]
    fn operands_with_different_moduli_are_refused() {
        let ring = Ring::new(Parameters::new(test_sets()[0].clone()).expect("shipped"));
        let mut high = Poly::<Ntt>::zero(&ring, Basis::Q(Level(1)));
        let low = Poly::<Ntt>::zero(&ring, Basis::Q(Level(0)));
        let expected = RingError::BasisMismatch {
            left: Basis::Q(Level(1)),
            right: Basis::Q(Level(0)),
        };
        assert_eq!(high.add_assign(&low, &ring), Err(expected));
        let mut same = low.clone();
        assert_eq!(same.mul_assign(&low, &ring), Ok(()));
    }
}
