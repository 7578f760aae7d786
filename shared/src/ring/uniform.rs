//! Uniform polynomials from a seed.
//!
//! The uniform halves of ciphertexts and keys are public; both sides expand them from 32 bytes, so
//! the bytes of this stream are part of the wire format. Rejection sampling here branches on
//! public values only.

use super::backend::{KEY_STREAM_WORDS, kernel};
use super::{Basis, Modulus, Ntt, Poly, Ring};
use crate::params::MAX_DIFFERENT_PRIMES;

/// What a uniform polynomial is expanded from; public.
pub type Seed = [u8; 32];

/// Streams between one polynomial of an object and the next; each prime has its own.
const STREAMS_PER_POLY: u64 = MAX_DIFFERENT_PRIMES as u64;

/// Polynomial number `index` of the object with this seed, uniform modulo each prime.
///
/// The residues for the prime at position `p` of [`Ring::moduli`] come from `ChaCha20` with the seed as key and
/// `64·index + p` as nonce: little-endian 32-bit words, cut to the prime's bits, those not below
/// the prime thrown away.
#[must_use]
pub fn uniform(seed: &Seed, index: u64, ring: &Ring, basis: Basis) -> Poly<Ntt> {
    let mut poly = Poly::unwritten(ring, basis);
    let positions = ring.limbs(basis);
    for ((residues, position), modulus) in
        poly.limbs_mut().zip(positions).zip(ring.moduli_of(basis))
    {
        let nonce = STREAMS_PER_POLY * index + position as u64;
        fill_uniform(residues, modulus, seed, nonce);
    }
    poly
}

/// Overwrites residues with what the stream of a seed and nonce has below the prime.
fn fill_uniform(residues: &mut [u32], modulus: Modulus, seed: &Seed, nonce: u64) {
    let mask = u32::MAX >> (32 - modulus.bits());
    let mut words = [0; KEY_STREAM_WORDS];
    let blocks = (0..).step_by(KEY_STREAM_WORDS / 16);
    let mut filled = 0;
    for block in blocks {
        if filled == residues.len() {
            break;
        }
        kernel().key_stream(&mut words, seed, nonce, block);
        for word in words {
            let Some(residue) = residues.get_mut(filled) else {
                break;
            };
            // One that is refused is overwritten by the next, without a branch.
            *residue = word & mask;
            filled += usize::from(*residue < modulus.prime());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::params::{Parameters, test_sets};
    use crate::ring::Level;
    use rand_chacha::ChaCha20Rng;
    use rand_chacha::rand_core::{Rng, SeedableRng};

    /// Chi-square over 64 cells for each prime: mean 63, standard deviation √126 ≈ 11.2; six of
    /// these either way.
    #[test]
    fn residues_are_uniform() {
        let ring = Ring::new(Parameters::new(test_sets()[0].clone()).expect("shipped"));
        let poly = uniform(&[7; 32], 3, &ring, Basis::Qp(Level(2)));
        for (residues, modulus) in poly.limbs().zip(ring.moduli_of(poly.basis())) {
            let mut cells = [0f64; 64];
            for &residue in residues {
                assert!(residue < modulus.prime());
                cells[(u64::from(residue) * 64 / u64::from(modulus.prime())) as usize] += 1.0;
            }
            let expected = residues.len() as f64 / 64.0;
            let chi: f64 = cells
                .iter()
                .map(|c| (c - expected) * (c - expected) / expected)
                .sum();
            assert!(
                (5.0..130.0).contains(&chi),
                "prime {}: χ² = {chi}",
                modulus.prime()
            );
        }
    }

    #[test]
    fn residues_are_those_of_the_wire_format() {
        let ring = Ring::new(Parameters::new(test_sets()[0].clone()).expect("shipped"));
        let poly = uniform(&[9; 32], 5, &ring, Basis::Qp(Level(3)));
        let positions = ring.limbs(poly.basis());
        let moduli = ring.moduli_of(poly.basis());
        for ((residues, modulus), position) in poly.limbs().zip(moduli).zip(positions) {
            let mut rng = ChaCha20Rng::from_seed([9; 32]);
            rng.set_stream(64 * 5 + position as u64);
            let mask = modulus.prime().next_power_of_two() - 1;
            let words = std::iter::repeat_with(|| rng.next_u32() & mask);
            let want = words.filter(|&word| word < modulus.prime());
            assert!(want.take(residues.len()).eq(residues.iter().copied()));
        }
    }

    #[test]
    fn objects_polynomials_and_primes_have_their_own_streams() {
        let ring = Ring::new(Parameters::new(test_sets()[1].clone()).expect("shipped"));
        let of = |seed, index| uniform(&[seed; 32], index, &ring, Basis::Q(Level(2)));
        assert_eq!(of(1, 0), of(1, 0));
        assert_ne!(of(1, 0), of(1, 1));
        assert_ne!(of(1, 0), of(2, 0));
        let lower = uniform(&[1; 32], 0, &ring, Basis::Q(Level(1)));
        for (lower, whole) in lower.limbs().zip(of(1, 0).limbs()) {
            assert_eq!(lower, whole);
        }
    }
}
