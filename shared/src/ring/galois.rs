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

    /// The element that conjugates the slots, `2N - 1`: it reverses the order of NTT values.
    #[must_use]
    pub fn conjugation(degree: usize) -> Self {
        Self(2 * degree as u32 - 1)
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
///
/// **Invariant:** the values of an aligned block, of any power of two, come from one aligned block.
/// Positions in a block differ in their highest reversed bits only, so their exponents agree modulo
/// a power of two, and so do these exponents times g.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn aligned_blocks_come_from_aligned_blocks() {
        for degree in [2usize, 8, 64, 512] {
            let rotations = (0..degree / 2).map(|step| GaloisElement::rotation(step, degree));
            for element in rotations.chain([GaloisElement::conjugation(degree)]) {
                let permutation = GaloisPermutation::new(element, degree);
                for size in (1..=degree.ilog2()).map(|log| 1 << log) {
                    for block in permutation.indices().chunks_exact(size) {
                        let source = block[0] as usize / size;
                        assert!(block.iter().all(|&at| at as usize / size == source));
                    }
                }
            }
        }
    }

    #[test]
    fn conjugation_reverses_and_undoes_itself() {
        for degree in [4usize, 64, 4096] {
            let element = GaloisElement::conjugation(degree);
            assert_eq!(element.inverse(degree), element);
            let sources = GaloisPermutation::new(element, degree);
            assert!(sources.sources().eq((0..degree).rev()));
        }
    }
}
