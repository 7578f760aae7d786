//! Looking for what must not be there.
//!
//! A secret is turned into *needles*, short pieces of it in every encoding that code could choose,
//! and each recorded message is searched for all of them. What looks random is measured, too: a
//! ciphertext that isn't says something.
//!
//! **Invariant:** a needle is so long and so varied that random bytes hold it with a probability
//! below 2⁻⁴⁰ per position; a match is a leak.

use std::collections::HashMap;
use std::fmt::Write;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use client::ClientKeys;
use shared::ring::{Basis, Poly};

/// Every needle has at least this many bytes; the search hashes so many at a time.
const SHORTEST: usize = 6;

/// A piece of a secret in some encoding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Needle {
    /// What it is a piece of, for messages.
    pub label: String,
    /// The piece.
    pub bytes: Vec<u8>,
}

/// Bytes in which to look, with a name for messages.
pub type Haystack<'a> = (&'a str, &'a [u8]);

/// Fails if a haystack holds a needle.
///
/// # Panics
/// On the first match, naming both; also if a needle is too short to tell a leak from chance, or
/// if there is nothing to look for.
#[track_caller]
pub fn assert_absent(haystacks: &[Haystack<'_>], needles: &[Needle]) {
    assert!(!needles.is_empty(), "nothing to look for");
    let mut by_start: HashMap<&[u8], Vec<&Needle>> = HashMap::new();
    for needle in needles {
        let start = needle.bytes.get(..SHORTEST);
        let start = start.unwrap_or_else(|| panic!("the needle `{}` is too short", needle.label));
        by_start.entry(start).or_default().push(needle);
    }
    for (name, bytes) in haystacks {
        for (at, start) in bytes.windows(SHORTEST).enumerate() {
            let Some(candidates) = by_start.get(start) else {
                continue;
            };
            for needle in candidates {
                assert!(
                    !bytes[at..].starts_with(&needle.bytes),
                    "{name} holds {} at byte {at}",
                    needle.label
                );
            }
        }
    }
}

/// Pieces of `window` neighbouring bytes as they are, in hexadecimal, in base64 and as a list of
/// decimal numbers. Pieces with fewer than `distinct` different bytes say too little and are left
/// out.
#[must_use]
pub fn byte_needles(label: &str, bytes: &[u8], window: usize, distinct: usize) -> Vec<Needle> {
    let mut needles = Vec::new();
    for piece in bytes
        .windows(window)
        .filter(|piece| count_distinct(piece) >= distinct)
    {
        let mut add = |encoding: &str, bytes: Vec<u8>| {
            needles.push(Needle {
                label: format!("{label} ({encoding})"),
                bytes,
            });
        };
        add("bytes", piece.to_vec());
        add("hex", hex(piece).into_bytes());
        add("HEX", hex(piece).to_uppercase().into_bytes());
        add("numbers", list(piece, ",").into_bytes());
        add("numbers", list(piece, ", ").into_bytes());
        for skipped in 0..3 {
            add("base64", inner_base64(&STANDARD_NO_PAD, piece, skipped));
            add("base64url", inner_base64(&URL_SAFE_NO_PAD, piece, skipped));
        }
    }
    needles.retain(|needle| needle.bytes.len() >= SHORTEST);
    needles
}

/// A grey image as bytes, as bits, and as floating-point numbers of the usual scales, also
/// inverted.
#[must_use]
pub fn image_needles(pixels: &[u8]) -> Vec<Needle> {
    let inverted: Vec<u8> = pixels.iter().map(|&pixel| 255 - pixel).collect();
    let mut needles = Vec::new();
    for (label, grey) in [("the image", pixels), ("the inverted image", &inverted)] {
        needles.extend(byte_needles(label, grey, 8, 4));
        for (scale, divisor) in [("0..255", 1.0), ("0..1", 255.0)] {
            let values: Vec<f64> = grey
                .iter()
                .map(|&pixel| f64::from(pixel) / divisor)
                .collect();
            needles.extend(number_needles(
                &format!("{label} in {scale}"),
                &values,
                4,
                3,
            ));
        }
        let bits = |high_first: bool| -> Vec<u8> {
            grey.chunks(8)
                .map(|chunk| pack_bits(chunk, high_first))
                .collect()
        };
        for high_first in [true, false] {
            needles.extend(byte_needles(
                &format!("{label} in bits"),
                &bits(high_first),
                12,
                8,
            ));
        }
    }
    needles
}

/// Runs of `window` neighbouring numbers in single and double precision, little and big endian,
/// and as text. Runs with fewer than `distinct` different numbers are left out.
#[must_use]
pub fn number_needles(label: &str, values: &[f64], window: usize, distinct: usize) -> Vec<Needle> {
    let mut needles = Vec::new();
    for run in values.windows(window) {
        let mut different: Vec<u64> = run.iter().map(|value| value.to_bits()).collect();
        different.sort_unstable();
        different.dedup();
        if different.len() < distinct {
            continue;
        }
        let mut add = |encoding: &str, bytes: Vec<u8>| {
            needles.push(Needle {
                label: format!("{label} ({encoding})"),
                bytes,
            });
        };
        add(
            "f64 LE",
            run.iter().flat_map(|value| value.to_le_bytes()).collect(),
        );
        add(
            "f64 BE",
            run.iter().flat_map(|value| value.to_be_bytes()).collect(),
        );
        let singles = || run.iter().map(|&value| value as f32);
        add("f32 LE", singles().flat_map(f32::to_le_bytes).collect());
        add("f32 BE", singles().flat_map(f32::to_be_bytes).collect());
        for separator in [",", ", ", " ", "\n"] {
            add("f64 text", list(run, separator).into_bytes());
            add(
                "f32 text",
                list(&singles().collect::<Vec<_>>(), separator).into_bytes(),
            );
        }
        // Unlike the text above, JSON has an exponent for the smallest and a point for whole ones.
        let arrays = [
            ("f64 JSON", serde_json::to_string(run)),
            (
                "f32 JSON",
                serde_json::to_string(&singles().collect::<Vec<_>>()),
            ),
        ];
        for (encoding, array) in arrays {
            if let Ok(array) = array {
                add(encoding, array.trim_matches(['[', ']']).into());
            }
        }
    }
    needles.retain(|needle| needle.bytes.len() >= SHORTEST);
    needles
}

/// Each number in double precision without its 16 last bits, little and big endian, and its first
/// digits: for what is known but for rounding.
#[must_use]
pub fn leading_needles(label: &str, values: &[f64]) -> Vec<Needle> {
    let pieces = values.iter().flat_map(|value| {
        let text = value.to_string().into_bytes();
        [
            ("f64 LE", value.to_le_bytes()[2..].to_vec()),
            ("f64 BE", value.to_be_bytes()[..6].to_vec()),
            ("text", text.get(..12).unwrap_or_default().to_vec()),
        ]
    });
    pieces
        .filter(|(_, bytes)| count_distinct(bytes) >= SHORTEST - 1)
        .map(|(encoding, bytes)| Needle {
            label: format!("{label} (first of {encoding})"),
            bytes,
        })
        .collect()
}

/// A secret key as its master seed, as its file, in small coefficients, and in residues modulo each
/// prime, before and after the transform, in words and packed as in messages. `coefficients` are its
/// polynomial's, each −1, 0 or 1.
#[must_use]
pub fn secret_needles(seed: &[u8; 32], keys: &ClientKeys, coefficients: &[i64]) -> Vec<Needle> {
    let mut needles = byte_needles("the master seed", seed, 16, 8);
    // Past the header, which every message of these parameters shares.
    needles.extend(byte_needles("the key file", &keys.to_file()[16..], 16, 8));
    let narrow: Vec<u8> = coefficients.iter().map(|&c| c as u8).collect();
    needles.extend(byte_needles("the secret", &narrow, 24, 3));
    let ring = keys.plan().ring();
    let basis = Basis::Qp(ring.parameters().top());
    let plain = Poly::from_signed(coefficients, ring, basis);
    let transformed = plain.clone().into_ntt(ring);
    let forms = [
        ("residues", plain.limbs().collect::<Vec<_>>(), 3),
        ("transform", transformed.limbs().collect(), 8),
    ];
    for (form, limbs, distinct) in forms {
        for (limb, modulus) in limbs.iter().zip(ring.moduli()) {
            let limb = &limb[..256];
            let words: Vec<u8> = limb.iter().flat_map(|word| word.to_le_bytes()).collect();
            let label = format!("the secret's {form}");
            needles.extend(byte_needles(&label, &words, 48, distinct));
            let packed = pack_words(limb, modulus.bits());
            needles.extend(byte_needles(
                &format!("{label}, packed"),
                &packed,
                24,
                distinct,
            ));
        }
    }
    needles
}

/// Shannon entropy of the bytes' frequencies, in bits per byte; close to 8 for ciphertexts.
#[must_use]
pub fn entropy(bytes: &[u8]) -> f64 {
    let mut counts = [0u32; 256];
    for &byte in bytes {
        counts[usize::from(byte)] += 1;
    }
    let total = bytes.len() as f64;
    let share = |&count: &u32| f64::from(count) / total;
    counts
        .iter()
        .map(share)
        .filter(|&share| share > 0.0)
        .map(|share| -share * share.log2())
        .sum()
}

/// Share of positions at which both have the same byte; about 1/256 for unrelated ciphertexts.
#[must_use]
pub fn agreement(left: &[u8], right: &[u8]) -> f64 {
    let same = left
        .iter()
        .zip(right)
        .filter(|(left, right)| left == right)
        .count();
    same as f64 / left.len().min(right.len()).max(1) as f64
}

fn count_distinct(piece: &[u8]) -> usize {
    let mut sorted = piece.to_vec();
    sorted.sort_unstable();
    sorted.dedup();
    sorted.len()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a string can't fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn list<T: ToString>(values: &[T], separator: &str) -> String {
    values
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(separator)
}

/// The characters that depend on `piece` alone when it starts `skipped` bytes after a group of
/// three.
fn inner_base64(engine: &impl Engine, piece: &[u8], skipped: usize) -> Vec<u8> {
    let padded: Vec<u8> = std::iter::repeat_n(0, skipped)
        .chain(piece.iter().copied())
        .collect();
    let text = engine.encode(&padded).into_bytes();
    let (first, last) = ((skipped * 8).div_ceil(6), padded.len() * 8 / 6);
    text[first..last].to_vec()
}

/// The low `bits` of each word, lowest first, without gaps.
fn pack_words(words: &[u32], bits: u32) -> Vec<u8> {
    let (mut packed, mut buffer, mut filled) = (Vec::new(), 0u64, 0);
    for &word in words {
        buffer |= u64::from(word) << filled;
        filled += bits;
        while filled >= 8 {
            packed.push(buffer as u8);
            buffer >>= 8;
            filled -= 8;
        }
    }
    packed
}

fn pack_bits(pixels: &[u8], high_first: bool) -> u8 {
    pixels.iter().enumerate().fold(0, |byte, (index, &pixel)| {
        let place = if high_first { 7 - index } else { index };
        byte | (u8::from(pixel >= 128) << place)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawing() -> Vec<u8> {
        (0..784)
            .map(|index: usize| {
                if index % 56 < 28 {
                    0
                } else {
                    (index * 37 % 251) as u8
                }
            })
            .collect()
    }

    fn finds(haystack: &[u8]) -> bool {
        let needles = image_needles(&drawing());
        std::panic::catch_unwind(|| assert_absent(&[("a message", haystack)], &needles)).is_err()
    }

    #[test]
    fn finds_an_image_in_every_encoding() {
        let image = drawing();
        let scaled: Vec<f32> = image
            .iter()
            .map(|&pixel| f32::from(pixel) / 255.0)
            .collect();
        let doubled: Vec<u8> = image
            .iter()
            .flat_map(|&pixel| (f64::from(pixel) / 255.0).to_le_bytes())
            .collect();
        let bits: Vec<u8> = image
            .chunks(8)
            .map(|chunk| pack_bits(chunk, true))
            .collect();
        let inverted: Vec<u8> = image.iter().map(|&pixel| 255 - pixel).collect();
        let framed = [
            b"{\"image\":\"".as_slice(),
            STANDARD_NO_PAD.encode(&image).as_bytes(),
        ]
        .concat();
        let messages: [(&str, Vec<u8>); 9] = [
            ("bytes", image.clone()),
            ("inverted", inverted),
            ("bits", bits),
            (
                "f32",
                scaled
                    .iter()
                    .flat_map(|value| value.to_le_bytes())
                    .collect(),
            ),
            ("f64", doubled),
            (
                "JSON bytes",
                serde_json::to_vec(&image).expect("numbers are JSON"),
            ),
            (
                "JSON f32",
                serde_json::to_vec(&scaled).expect("numbers are JSON"),
            ),
            ("hex", hex(&image).into_bytes()),
            ("base64 off by ten", framed),
        ];
        for (encoding, message) in messages {
            assert!(finds(&message), "overlooked the image in {encoding}");
        }
    }

    fn leaks(message: &[u8], needles: &[Needle]) -> bool {
        std::panic::catch_unwind(|| assert_absent(&[("a message", message)], needles)).is_err()
    }

    /// Numbers as the page's code has them: no multiples of 1/255, no six decimals.
    #[test]
    fn finds_unrounded_numbers_in_every_encoding() {
        let pixels: Vec<f64> = drawing()
            .iter()
            .map(|&pixel| (f64::from(pixel) / 255.0).powf(1.3))
            .collect();
        let probabilities = [0.98, 3.1e-9, 0.02, 7.7e-12, 1.0 / 3.0e5].map(|p: f64| p.sqrt() / 1.1);
        for values in [&pixels[..], &probabilities] {
            let needles = number_needles("the numbers", values, 3, 3);
            let singles: Vec<f32> = values.iter().map(|&value| value as f32).collect();
            let messages: [(&str, Vec<u8>); 6] = [
                ("f64", values.iter().flat_map(|x| x.to_le_bytes()).collect()),
                (
                    "f64 BE",
                    values.iter().flat_map(|x| x.to_be_bytes()).collect(),
                ),
                (
                    "f32",
                    singles.iter().flat_map(|x| x.to_le_bytes()).collect(),
                ),
                (
                    "JSON f64",
                    serde_json::to_vec(values).expect("numbers are JSON"),
                ),
                (
                    "JSON f32",
                    serde_json::to_vec(&singles).expect("numbers are JSON"),
                ),
                ("text", list(values, ", ").into_bytes()),
            ];
            for (encoding, message) in messages {
                let framed = [b"POST ".as_slice(), &message].concat();
                assert!(leaks(&framed, &needles), "overlooked {encoding}");
            }
            let rounded = values.iter().map(|x| (x * 255.0).round() / 255.0);
            let rounded: Vec<u8> = rounded.flat_map(f64::to_le_bytes).collect();
            assert!(!leaks(&rounded, &needles), "rounded numbers are others");
        }
    }

    #[test]
    fn finds_nothing_in_unrelated_bytes() {
        let unrelated: Vec<u8> = (0..100_000u64)
            .map(|index| (index.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 56) as u8)
            .collect();
        assert!(!finds(&unrelated));
    }

    #[test]
    fn entropy_and_agreement_tell_noise_from_repetition() {
        let all: Vec<u8> = (0..=255).collect();
        assert!((entropy(&all) - 8.0).abs() < 1e-9);
        assert!(entropy(&[7; 100]).abs() < 1e-9);
        assert!((agreement(&all, &all) - 1.0).abs() < 1e-9);
        assert!(agreement(&all[1..], &all[..255]).abs() < 1e-9);
    }
}
