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
    }
    needles.retain(|needle| needle.bytes.len() >= SHORTEST);
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
