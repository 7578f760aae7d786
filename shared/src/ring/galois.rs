//! Automorphisms `X → X^g`, which rotate the slots.

use super::ntt::reverse_bits;

/// An odd number `g` modulo 2N.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GaloisElement(u32);

impl GaloisElement {
    /// The element that rotates the slots of a ring of this degree to the left: `5^step mod 2N`.
    #[must_use]
    pub fn rotation(step: usize, degree: usize) -> Self {
        let two_n = 2 * degree as u64;
        let step = step % (degree / 2);
        Self((0..step).fold(1u64, |power, _| power * 5 % two_n) as u32)
    }

    /// The number g.
    #[must_use]
    pub fn get(self) -> u32 {
        self.0
    }

    /// The element of the inverse automorphism.
    #[must_use]
    pub fn inverse(self, degree: usize) -> Self {
        // The group of odd numbers modulo 2N has exponent N/2.
        let two_n = 2 * degree as u64;
        let g = u64::from(self.0);
        Self((0..degree / 2 - 1).fold(1u64, |power, _| power * g % two_n) as u32)
    }
}

/// What an automorphism does to a polynomial in the NTT domain: it permutes the values.
#[derive(Clone, Debug)]
pub struct GaloisPermutation {
    sources: Vec<u32>,
}

impl GaloisPermutation {
    /// The permutation of an element: the value at root `ψ^e` comes from root `ψ^(e·g)`.
    #[must_use]
    pub fn new(element: GaloisElement, degree: usize) -> Self {
        let bits = degree.ilog2();
        let source = |position: usize| {
            let exponent = 2 * reverse_bits(position, bits) + 1;
            let image = exponent * element.0 as usize % (2 * degree);
            reverse_bits((image - 1) / 2, bits) as u32
        };
        Self {
            sources: (0..degree).map(source).collect(),
        }
    }

    /// As [`GaloisPermutation::sources`], as they are stored: all below the degree.
    pub(crate) fn indices(&self) -> &[u32] {
        &self.sources
    }

    /// For each position of the result, the position its value comes from.
    pub fn sources(&self) -> impl ExactSizeIterator<Item = usize> + '_ {
        self.sources.iter().map(|&source| source as usize)
    }
}
