//! Uniform polynomials from a seed.
//!
//! The uniform halves of ciphertexts and keys are public; both sides expand them from 32 bytes, so
//! the bytes of this stream are part of the wire format. Rejection sampling here branches on
//! public values only.

use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use super::{Basis, Modulus, Ntt, Poly, Ring};

/// What a uniform polynomial is expanded from; public.
pub type Seed = [u8; 32];

/// Streams between one polynomial of an object and the next; each prime has its own.
const STREAMS_PER_POLY: u64 = 64;

/// Polynomial number `index` of the object with this seed, uniform modulo each prime.
///
/// The residues for the prime at chain position `p` come from `ChaCha20` with the seed as key and
/// `64·index + p` as nonce: little-endian 32-bit words, cut to the prime's bits, those not below
/// the prime thrown away.
#[must_use]
pub fn uniform(seed: &Seed, index: u64, ring: &Ring, basis: Basis) -> Poly<Ntt> {
    let mut poly = Poly::zero(ring, basis);
    let positions = ring.limbs(basis);
    for ((residues, position), modulus) in
        poly.limbs_mut().zip(positions).zip(ring.moduli_of(basis))
    {
        let mut rng = ChaCha20Rng::from_seed(*seed);
        rng.set_stream(STREAMS_PER_POLY * index + position as u64);
        fill_uniform(residues, modulus, &mut rng);
    }
    poly
}

/// Bytes taken from a stream at a time: some of the four blocks that `ChaCha20` makes at once.
const CHUNK: usize = 1024;

/// Overwrites residues with candidates from the stream that are below the prime.
fn fill_uniform(residues: &mut [u32], modulus: Modulus, rng: &mut ChaCha20Rng) {
    let mask = u32::MAX >> (32 - modulus.bits());
    let mut chunk = [0; CHUNK];
    let mut filled = 0;
    while filled < residues.len() {
        rng.fill_bytes(&mut chunk);
        for word in chunk.as_chunks().0 {
            let candidate = u32::from_le_bytes(*word) & mask;
            let Some(residue) = residues.get_mut(filled) else {
                break;
            };
            // One that is refused is overwritten by the next, without a branch.
            *residue = candidate;
            filled += usize::from(candidate < modulus.prime());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::params::{Parameters, shipped};
    use crate::ring::Level;

    /// Chi-square over 64 cells for each prime: mean 63, standard deviation √126 ≈ 11.2; six of
    /// these either way.
    #[test]
    fn residues_are_uniform() {
        let ring = Ring::new(Parameters::new(shipped().remove(0)).expect("shipped"));
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
    fn objects_polynomials_and_primes_have_their_own_streams() {
        let ring = Ring::new(Parameters::new(shipped().remove(0)).expect("shipped"));
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
