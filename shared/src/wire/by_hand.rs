//! Messages written byte by byte from `docs/wire-format.md`: what readers and writers are compared
//! with. Knows the numbers that stand there, and nothing of the code that it is a truth for.

use std::sync::{Arc, LazyLock};

use crate::params::{Parameters, shipped};
use crate::ring::Ring;

/// The ring of `n12`.
pub static RING: LazyLock<Arc<Ring>> =
    LazyLock::new(|| Ring::new(Parameters::new(shipped().remove(0)).expect("shipped")));

/// The degree of `n12`.
pub const DEGREE: usize = 4096;

/// For each level of `n12` its primes, each with the bits that a residue takes.
pub const Q: [[(u32, u32); 2]; 2] = [
    [(4_169_729, 22), (4_120_577, 22)],
    [(536_813_569, 29), (268_369_921, 28)],
];

/// The special primes of `n12` in the same way.
pub const P: [(u32, u32); 2] = [(33_538_049, 25), (16_760_833, 24)];

/// A header of this kind for `n12`.
pub fn header(kind: u8) -> Vec<u8> {
    let mut header = b"INKV\x01\x00".to_vec();
    header.extend([kind, 0, 0x9b, 0x3b, 0x5c, 0xfd, 0x6c, 0x70, 0xdc, 0xcb]);
    header
}

/// A polynomial modulo these primes: its residues, which look random, and its bytes.
pub fn polynomial(primes: &[(u32, u32)], start: u32) -> (Vec<u32>, Vec<u8>) {
    let residues = |prime: u32| (0..DEGREE as u32).map(move |at| residue(at, start, prime));
    let limbs: Vec<(Vec<u32>, u32)> = primes
        .iter()
        .map(|&(prime, bits)| (residues(prime).collect(), bits))
        .collect();
    let bytes = packed(&limbs);
    (
        limbs.into_iter().flat_map(|(limb, _)| limb).collect(),
        bytes,
    )
}

fn residue(at: u32, start: u32, prime: u32) -> u32 {
    let product = u64::from(at + start) * 2_654_435_761;
    (product % u64::from(prime)) as u32
}

/// Numbers, each with the bits of its limb, one bit after the other.
pub fn packed(limbs: &[(Vec<u32>, u32)]) -> Vec<u8> {
    let numbers = limbs
        .iter()
        .flat_map(|(numbers, bits)| numbers.iter().map(move |number| (number, *bits)));
    let stream: Vec<u32> = numbers
        .flat_map(|(number, bits)| (0..bits).map(move |bit| number >> bit & 1))
        .collect();
    let byte = |bits: &[u32]| bits.iter().rfold(0, |byte, &bit| byte << 1 | bit as u8);
    stream.chunks(8).map(byte).collect()
}
