//! Keys and ciphertexts of the right form that mean nothing: what the numbers are is tested where
//! there is a secret key.

use shared::api::{KeySpec, ModelInfo, SwitchingKeySpec};
use shared::ciphertext::SeededCiphertext;
use shared::encoding::Scale;
use shared::keys::{SeededSwitchingKey, digits_at};
use shared::ring::{Basis, Level, Poly, Ring};
use shared::wire::{KeyUse, write_input, write_key, write_keys_header};

/// The input that the model takes.
pub fn input(model: &ModelInfo, ring: &Ring) -> Vec<u8> {
    input_at(model.input.level, model.input.scale, ring)
}

/// An input of any level and scale.
pub fn input_at(level: Level, scale: f64, ring: &Ring) -> Vec<u8> {
    let (c0, scale) = (Poly::zero(ring, Basis::Q(level)), Scale(scale));
    let seed = [9; 32];
    write_input(&SeededCiphertext { c0, seed, scale }, ring)
}

/// The pieces of the upload that `spec` asks for: its header, then one key each.
pub fn key_pieces(spec: &KeySpec, ring: &Ring) -> Vec<Vec<u8>> {
    let relinearization = spec
        .relinearization
        .map(|key| (KeyUse::Relinearization, key));
    let conjugation = spec.conjugation.map(|key| (KeyUse::Conjugation, key));
    let rotations = spec
        .rotations
        .iter()
        .map(|rotation| (KeyUse::Rotation(rotation.step), rotation.key));
    let keys = relinearization
        .into_iter()
        .chain(conjugation)
        .chain(rotations);
    let mut pieces: Vec<_> = keys
        .map(|(key_use, spec)| write_key(key_use, &key(spec, ring), ring))
        .collect();
    let count = u32::try_from(pieces.len()).expect("few");
    pieces.insert(0, write_keys_header(count, ring));
    pieces
}

fn key(spec: SwitchingKeySpec, ring: &Ring) -> SeededSwitchingKey {
    let SwitchingKeySpec {
        level,
        digit_primes,
    } = spec;
    let b = (0..digits_at(ring, level, digit_primes))
        .map(|_| Poly::zero(ring, Basis::Qp(level)))
        .collect();
    SeededSwitchingKey {
        b,
        seed: [7; 32],
        level,
        digit_primes,
    }
}
