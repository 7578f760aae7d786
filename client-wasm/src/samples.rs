//! The ten digits the way a person writes them, for those who type.
//!
//! Knows shapes; knows no pad and no pen.
//!
//! **Invariant:** every digit is one unit high, its top at 0, and made of arcs and lines only, so that
//! the same digit has the same points on every platform that rounds sines alike.

use std::f64::consts::PI;

use crate::drawing::Point;

/// Steps of a line, and of a quarter of a turn.
const STEPS: u32 = 8;

/// A piece of a stroke.
#[derive(Clone, Copy)]
enum Piece {
    /// Straight on to a place.
    To(f64, f64),
    /// Along an ellipse around `(x, y)`, with these half axes, from one angle to another; in half
    /// turns, clockwise from the right.
    Arc(f64, f64, f64, f64, f64, f64),
}

use Piece::{Arc, To};

const DIGITS: [&[&[Piece]]; 10] = [
    &[&[Arc(0.3, 0.5, 0.3, 0.5, -0.45, -2.5)]],
    &[&[To(0.0, 0.22), To(0.2, 0.0), To(0.2, 1.0)]],
    &[&[
        Arc(0.3, 0.28, 0.29, 0.28, -0.95, 0.2),
        To(0.02, 0.98),
        To(0.06, 1.0),
        To(0.64, 1.0),
    ]],
    &[&[
        Arc(0.27, 0.245, 0.26, 0.245, -0.85, 0.5),
        Arc(0.27, 0.745, 0.31, 0.255, -0.5, 0.83),
    ]],
    &[
        &[To(0.36, 0.0), To(0.0, 0.64), To(0.66, 0.64)],
        &[To(0.48, 0.3), To(0.46, 1.0)],
    ],
    &[
        &[
            To(0.12, 0.0),
            To(0.07, 0.46),
            Arc(0.26, 0.69, 0.32, 0.31, -0.7, 0.82),
        ],
        &[To(0.12, 0.0), To(0.55, 0.0)],
    ],
    &[&[
        To(0.46, 0.0),
        To(0.3, 0.1),
        To(0.14, 0.3),
        To(0.04, 0.54),
        To(0.02, 0.72),
        Arc(0.29, 0.72, 0.27, 0.28, -1.0, -2.95),
    ]],
    &[&[To(0.0, 0.0), To(0.58, 0.0), To(0.4, 0.42), To(0.22, 1.0)]],
    &[&[
        Arc(0.29, 0.25, 0.23, 0.25, -0.1, -1.45),
        Arc(0.29, 0.74, 0.28, 0.26, -0.5, 1.45),
        Arc(0.29, 0.25, 0.23, 0.25, 0.45, -0.15),
    ]],
    &[&[
        Arc(0.29, 0.28, 0.27, 0.28, -0.1, -2.0),
        To(0.56, 0.3),
        To(0.52, 0.65),
        To(0.42, 1.0),
    ]],
];

/// The strokes of a digit, each with the points it runs through; none for what is no digit.
pub fn strokes(digit: u8) -> Vec<Vec<Point>> {
    let pieces = DIGITS.get(usize::from(digit)).copied().unwrap_or(&[]);
    pieces.iter().map(|pieces| points(pieces)).collect()
}

fn points(pieces: &[Piece]) -> Vec<Point> {
    let mut points: Vec<Point> = Vec::new();
    for &piece in pieces {
        match piece {
            To(x, y) => {
                let to = Point { x, y };
                match points.last().copied() {
                    // In steps: a smooth line through few points would cut the corners.
                    Some(from) => points.extend((1..=STEPS).map(|step| {
                        let share = f64::from(step) / f64::from(STEPS);
                        Point {
                            x: from.x + share * (to.x - from.x),
                            y: from.y + share * (to.y - from.y),
                        }
                    })),
                    None => points.push(to),
                }
            }
            Arc(x, y, width, height, from, to) => {
                let steps = (f64::from(2 * STEPS) * (to - from).abs()).ceil() as u32;
                points.extend((0..=steps).map(|step| {
                    let angle = from + (to - from) * f64::from(step) / f64::from(steps);
                    let (sin, cos) = (PI * angle).sin_cos();
                    Point {
                        x: x + width * cos,
                        y: y + height * sin,
                    }
                }));
            }
        }
    }
    points
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::drawing::Area;

    #[test]
    fn every_digit_is_one_unit_high() {
        for digit in 0..10 {
            let strokes = strokes(digit);
            assert!(strokes.iter().all(|stroke| stroke.len() > 1), "{digit}");
            let area = Area::around(strokes.concat()).unwrap();
            let near = |value: f64, wanted: f64| (value - wanted).abs() < 0.01;
            assert!(
                near(area.corner.y, 0.0) && near(area.end.y, 1.0),
                "{digit}: {area:?}"
            );
            assert!((0.1..0.75).contains(&area.width()), "{digit}: {area:?}");
        }
    }

    #[test]
    fn strokes_have_no_jumps() {
        for digit in 0..10 {
            for stroke in strokes(digit) {
                let steps = stroke.windows(2).map(|pair| pair[0].distance(pair[1]));
                let longest = steps.fold(0.0, f64::max);
                assert!(longest < 0.15, "{digit}: a step of {longest}");
            }
        }
    }

    #[test]
    fn other_numbers_have_no_strokes() {
        assert!(strokes(10).is_empty() && strokes(255).is_empty());
    }
}
