//! The ten digits as a person draws them: strokes, and hands that differ.
//!
//! Coordinates are in the unit square, y downward.
//!
//! **Invariant:** the same digit in the same [`Hand`] gives the same points, and every point lies
//! in the unit square.

/// A line drawn without lifting the pointer.
pub type Stroke = Vec<(f64, f64)>;

/// How a digit is drawn.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Hand {
    /// Centre of the digit.
    pub centre: (f64, f64),
    /// Size of the digit's square, at most 1.
    pub size: f64,
    /// Horizontal shift per vertical distance; positive leans to the right.
    pub slant: f64,
    /// Largest displacement of a control point.
    pub jitter: f64,
    /// Chooses the displacements.
    pub seed: u64,
}

impl Default for Hand {
    fn default() -> Self {
        Self {
            centre: (0.5, 0.5),
            size: 0.8,
            slant: 0.1,
            jitter: 0.0,
            seed: 0,
        }
    }
}

/// A stroke's shape: its points joined by straight lines or by one smooth curve.
enum Shape {
    Straight(&'static [(f64, f64)]),
    Smooth(&'static [(f64, f64)]),
}

use Shape::{Smooth, Straight};

/// Points between two control points of a curve.
const STEPS: usize = 6;

const DIGITS: [&[Shape]; 10] = [
    &[Smooth(&[
        (0.52, 0.08),
        (0.34, 0.18),
        (0.25, 0.5),
        (0.34, 0.83),
        (0.5, 0.92),
        (0.67, 0.83),
        (0.75, 0.5),
        (0.67, 0.18),
        (0.52, 0.08),
    ])],
    &[Straight(&[
        (0.5, 0.06),
        (0.5, 0.35),
        (0.5, 0.65),
        (0.5, 0.94),
    ])],
    &[
        Smooth(&[
            (0.25, 0.28),
            (0.32, 0.14),
            (0.5, 0.08),
            (0.68, 0.15),
            (0.73, 0.31),
            (0.65, 0.5),
            (0.46, 0.7),
            (0.25, 0.89),
        ]),
        Straight(&[(0.25, 0.89), (0.5, 0.88), (0.78, 0.89)]),
    ],
    &[
        Smooth(&[
            (0.27, 0.17),
            (0.42, 0.08),
            (0.61, 0.11),
            (0.69, 0.25),
            (0.61, 0.4),
            (0.43, 0.47),
        ]),
        Smooth(&[
            (0.43, 0.47),
            (0.64, 0.53),
            (0.73, 0.69),
            (0.65, 0.86),
            (0.45, 0.92),
            (0.25, 0.84),
        ]),
    ],
    &[
        Straight(&[
            (0.32, 0.1),
            (0.28, 0.32),
            (0.25, 0.55),
            (0.5, 0.55),
            (0.78, 0.53),
        ]),
        Straight(&[(0.67, 0.1), (0.66, 0.5), (0.64, 0.92)]),
    ],
    &[
        Straight(&[
            (0.72, 0.1),
            (0.52, 0.1),
            (0.35, 0.11),
            (0.32, 0.27),
            (0.3, 0.44),
        ]),
        Smooth(&[
            (0.3, 0.44),
            (0.5, 0.38),
            (0.68, 0.48),
            (0.72, 0.68),
            (0.6, 0.86),
            (0.42, 0.92),
            (0.25, 0.84),
        ]),
    ],
    &[Smooth(&[
        (0.62, 0.07),
        (0.44, 0.24),
        (0.32, 0.48),
        (0.29, 0.72),
        (0.4, 0.9),
        (0.58, 0.91),
        (0.69, 0.76),
        (0.61, 0.6),
        (0.45, 0.58),
        (0.31, 0.72),
    ])],
    &[
        Straight(&[(0.24, 0.12), (0.5, 0.12), (0.76, 0.11)]),
        Straight(&[(0.76, 0.11), (0.64, 0.38), (0.54, 0.65), (0.46, 0.93)]),
    ],
    &[Smooth(&[
        (0.68, 0.2),
        (0.51, 0.08),
        (0.34, 0.18),
        (0.38, 0.37),
        (0.55, 0.5),
        (0.68, 0.69),
        (0.6, 0.88),
        (0.42, 0.9),
        (0.31, 0.74),
        (0.43, 0.54),
        (0.61, 0.38),
        (0.68, 0.2),
    ])],
    &[
        Smooth(&[
            (0.69, 0.24),
            (0.53, 0.09),
            (0.35, 0.19),
            (0.33, 0.39),
            (0.48, 0.5),
            (0.64, 0.41),
            (0.69, 0.24),
        ]),
        Straight(&[(0.69, 0.24), (0.67, 0.5), (0.63, 0.72), (0.59, 0.92)]),
    ],
];

/// The strokes of a digit in somebody's hand.
///
/// # Panics
/// If `digit` has more than one digit.
#[must_use]
pub fn strokes(digit: u8, hand: &Hand) -> Vec<Stroke> {
    let mut noise = Noise(hand.seed ^ (u64::from(digit) << 56));
    let mut displace = |(x, y): (f64, f64)| {
        (
            x + hand.jitter * noise.next_number(),
            y + hand.jitter * noise.next_number(),
        )
    };
    let place = |(x, y): (f64, f64)| {
        let (dx, dy) = (x - 0.5, y - 0.5);
        let x = hand.centre.0 + hand.size * (dx - hand.slant * dy);
        let y = hand.centre.1 + hand.size * dy;
        (x.clamp(0.0, 1.0), y.clamp(0.0, 1.0))
    };
    DIGITS[usize::from(digit)]
        .iter()
        .map(|shape| {
            let line = match shape {
                Straight(points) => points.iter().map(|&point| displace(point)).collect(),
                Smooth(points) => smooth(&points.iter().map(|&p| displace(p)).collect::<Vec<_>>()),
            };
            line.into_iter().map(place).collect()
        })
        .collect()
}

/// A Catmull–Rom curve through the points.
fn smooth(points: &[(f64, f64)]) -> Stroke {
    let Some(last) = points.len().checked_sub(1) else {
        return Vec::new();
    };
    let at = |index: usize| points[index.min(last)];
    let mut curve = vec![at(0)];
    for index in 0..last {
        let (before, from, to, after) = (
            at(index.saturating_sub(1)),
            at(index),
            at(index + 1),
            at(index + 2),
        );
        for step in 1..=STEPS {
            let t = step as f64 / STEPS as f64;
            let blend = |p0: f64, p1: f64, p2: f64, p3: f64| {
                let (linear, square) = (p2 - p0, 2.0 * p0 - 5.0 * p1 + 4.0 * p2 - p3);
                let cube = 3.0 * (p1 - p2) + p3 - p0;
                p1 + 0.5 * t * (linear + t * (square + t * cube))
            };
            curve.push((
                blend(before.0, from.0, to.0, after.0),
                blend(before.1, from.1, to.1, after.1),
            ));
        }
    }
    curve
}

/// Numbers in [-1, 1), by `SplitMix64`.
pub struct Noise(u64);

impl Noise {
    /// The same seed gives the same numbers.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next number.
    pub fn next_number(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^= mixed >> 31;
        (mixed >> 11) as f64 / (1u64 << 52) as f64 - 1.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_digit_stays_in_the_unit_square() {
        let hands = [
            Hand::default(),
            Hand {
                centre: (0.1, 0.9),
                size: 1.0,
                slant: -0.4,
                jitter: 0.1,
                seed: 3,
            },
        ];
        for digit in 0..10 {
            for hand in &hands {
                let points: Vec<_> = strokes(digit, hand).concat();
                assert!(points.len() >= 4, "{digit} has {} points", points.len());
                for (x, y) in points {
                    assert!(
                        (0.0..=1.0).contains(&x) && (0.0..=1.0).contains(&y),
                        "{digit}: {x} {y}"
                    );
                }
            }
        }
    }

    #[test]
    fn jitter_depends_on_the_seed_alone() {
        let shaky = |seed| {
            strokes(
                8,
                &Hand {
                    jitter: 0.05,
                    seed,
                    ..Hand::default()
                },
            )
        };
        assert_eq!(shaky(1), shaky(1));
        assert_ne!(shaky(1), shaky(2));
    }
}
