//! New training images from old ones.

use shared::image::{Digit, GrayImage, PIXELS, SIDE, prepare};

use crate::random::Random;

/// How far images are changed; each change is uniform up to its limit in both directions.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Augmentation {
    /// Share of the images that stay as they are.
    pub untouched: f32,
    /// How values between pixels are found.
    pub between: Interpolation,
    /// Degrees.
    pub rotation: f32,
    /// Share of the size, for each axis by itself.
    pub scale: f32,
    /// Columns per row.
    pub shear: f32,
    /// Pixels.
    pub shift: f32,
    /// How much of the way to a stroke one pixel wider on each side, or thinner.
    pub weight: f32,
    /// Share of the images that pass through [`prepare`] afterwards, like a drawing on the page.
    pub prepared: f32,
}

/// How values between pixels are found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Interpolation {
    /// From the four pixels around. Blurs a little: a network that never sees a sharp image may do
    /// anything with it.
    Linear,
    /// From the sixteen pixels around, by Catmull and Rom's cubics. Stays about as sharp.
    Cubic,
}

impl Default for Augmentation {
    fn default() -> Self {
        Self {
            untouched: 0.0,
            between: Interpolation::Linear,
            rotation: 10.0,
            scale: 0.1,
            shear: 0.12,
            shift: 1.0,
            weight: 0.2,
            prepared: 0.5,
        }
    }
}

impl Augmentation {
    /// A changed image, 784 pixels within `0..=1`.
    #[must_use]
    pub fn apply(&self, image: &[u8; PIXELS], random: &mut Random) -> Vec<f32> {
        let digit = Digit::from_mnist(image);
        if self.untouched > 0.0 && random.chance(self.untouched) {
            return digit.pixels().to_vec();
        }
        let weight = random.uniform(-self.weight, self.weight);
        let map = Affine::random(self, random);
        let warped = map.warp(&weigh(digit.pixels(), weight), self.between);
        if !random.chance(self.prepared) {
            return warped;
        }
        let drawing = GrayImage::new(SIDE, SIDE, warped.clone());
        drawing
            .and_then(|drawing| prepare(&drawing))
            .map_or(warped, |digit| digit.pixels().to_vec())
    }
}

/// Strokes made wider (above zero) or thinner (below), by moving each pixel towards the largest or
/// the smallest of its four neighbours.
fn weigh(pixels: &[f32], amount: f32) -> Vec<f32> {
    let at = |x: usize, y: usize| {
        if x < SIDE && y < SIDE {
            pixels[y * SIDE + x]
        } else {
            0.0
        }
    };
    let moved = |index: usize| {
        let (x, y) = (index % SIDE, index / SIDE);
        let neighbours = [
            at(x.wrapping_sub(1), y),
            at(x + 1, y),
            at(x, y.wrapping_sub(1)),
            at(x, y + 1),
        ];
        let extreme = if amount > 0.0 { f32::max } else { f32::min };
        let target = neighbours.into_iter().fold(pixels[index], extreme);
        pixels[index] + amount.abs() * (target - pixels[index])
    };
    (0..PIXELS).map(moved).collect()
}

/// Where each pixel comes from, relative to the image's middle.
struct Affine {
    linear: [[f32; 2]; 2],
    shift: [f32; 2],
}

impl Affine {
    fn random(limits: &Augmentation, random: &mut Random) -> Self {
        let mut within = |limit: f32| random.uniform(-limit, limit);
        let (sin, cos) = within(limits.rotation).to_radians().sin_cos();
        let shear = within(limits.shear);
        let (across, down) = (1.0 + within(limits.scale), 1.0 + within(limits.scale));
        Self {
            linear: [
                [cos / across, (cos * shear - sin) / across],
                [sin / down, (sin * shear + cos) / down],
            ],
            shift: [within(limits.shift), within(limits.shift)],
        }
    }

    fn warp(&self, pixels: &[f32], between: Interpolation) -> Vec<f32> {
        let middle = (SIDE - 1) as f32 / 2.0;
        let value = |index: usize| {
            let (x, y) = (
                (index % SIDE) as f32 - middle,
                (index / SIDE) as f32 - middle,
            );
            let [[a, b], [c, d]] = self.linear;
            let [right, down] = self.shift;
            let (x, y) = (
                a * x + b * y + right + middle,
                c * x + d * y + down + middle,
            );
            match between {
                Interpolation::Linear => linear(pixels, x, y),
                Interpolation::Cubic => cubic(pixels, x, y),
            }
        };
        (0..PIXELS).map(value).collect()
    }
}

/// The image between its pixels; paper outside.
fn linear(pixels: &[f32], x: f32, y: f32) -> f32 {
    let last = SIDE as f32;
    if !(-1.0..last).contains(&x) || !(-1.0..last).contains(&y) {
        return 0.0;
    }
    let (left, top) = (x.floor(), y.floor());
    let (right_share, bottom_share) = (x - left, y - top);
    // Shifted by one so that the column and the row before the first stay unsigned.
    let (column, row) = ((left + 1.0) as usize, (top + 1.0) as usize);
    let at = |column: usize, row: usize| {
        let inside = (1..=SIDE).contains(&column) && (1..=SIDE).contains(&row);
        if inside {
            pixels[(row - 1) * SIDE + column - 1]
        } else {
            0.0
        }
    };
    let upper = at(column, row) * (1.0 - right_share) + at(column + 1, row) * right_share;
    let lower = at(column, row + 1) * (1.0 - right_share) + at(column + 1, row + 1) * right_share;
    // Rounding may pass 1 by a hair.
    (upper * (1.0 - bottom_share) + lower * bottom_share).min(1.0)
}

/// The same by cubics.
fn cubic(pixels: &[f32], x: f32, y: f32) -> f32 {
    let (left, top) = (x.floor(), y.floor());
    let (across, down) = (cubic_weights(x - left), cubic_weights(y - top));
    let mut sum = 0.0;
    for (row, down) in (-1..).zip(down) {
        for (column, across) in (-1..).zip(across) {
            let (column, row) = (left as i32 + column, top as i32 + row);
            let inside = 0..SIDE as i32;
            if inside.contains(&column) && inside.contains(&row) {
                sum += across * down * pixels[row as usize * SIDE + column as usize];
            }
        }
    }
    // Cubics swing past the ends at edges.
    sum.clamp(0.0, 1.0)
}

/// Weights of the pixels at -1, 0, 1 and 2 for a place between those at 0 and 1.
fn cubic_weights(at: f32) -> [f32; 4] {
    let (square, cube) = (at * at, at * at * at);
    [
        0.5 * (2.0 * square - at - cube),
        0.5 * (3.0 * cube - 5.0 * square + 2.0),
        0.5 * (at + 4.0 * square - 3.0 * cube),
        0.5 * (cube - square),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOTHING: Augmentation = Augmentation {
        untouched: 0.0,
        between: Interpolation::Linear,
        rotation: 0.0,
        scale: 0.0,
        shear: 0.0,
        shift: 0.0,
        weight: 0.0,
        prepared: 0.0,
    };

    fn bar() -> [u8; PIXELS] {
        let mut image = [0; PIXELS];
        for (index, pixel) in image.iter_mut().enumerate() {
            let (x, y) = (index % SIDE, index / SIDE);
            *pixel = if (12..16).contains(&x) && (4..24).contains(&y) {
                255
            } else {
                0
            };
        }
        image
    }

    #[test]
    fn without_limits_nothing_changes() {
        let image = bar();
        let same = NOTHING.apply(&image, &mut Random::new(1, 1));
        assert_eq!(same, Digit::from_mnist(&image).pixels());
    }

    #[test]
    fn the_untouched_share_is_as_it_was() {
        let limits = Augmentation {
            untouched: 0.25,
            ..Augmentation::default()
        };
        let image = bar();
        let mut random = Random::new(6, 0);
        let same =
            |_: &usize| limits.apply(&image, &mut random) == Digit::from_mnist(&image).pixels();
        let count = (0..1000).filter(same).count();
        // Five standard deviations of a binomial distribution: 5·√(1000·3/16).
        assert!((182..=318).contains(&count), "{count}");
    }

    #[test]
    fn a_prepared_bar_is_in_the_form_of_a_drawing() {
        let image = bar();
        let limits = Augmentation {
            prepared: 1.0,
            ..NOTHING
        };
        let drawing = GrayImage::from_luma8(SIDE, SIDE, &image).unwrap();
        let expected = prepare(&drawing).unwrap();
        assert_eq!(
            limits.apply(&image, &mut Random::new(1, 1)),
            expected.pixels()
        );
    }

    #[test]
    fn shifts_move_by_whole_and_half_pixels() {
        let pixels = Digit::from_mnist(&bar());
        let moved = |right: f32, down: f32| {
            let map = Affine {
                linear: [[1.0, 0.0], [0.0, 1.0]],
                shift: [right, down],
            };
            map.warp(pixels.pixels(), Interpolation::Linear)
        };
        let row = |pixels: &[f32]| pixels[10 * SIDE + 10..10 * SIDE + 18].to_vec();
        assert_eq!(
            row(&moved(1.0, 0.0)),
            [0.0, 1.0, 1.0, 1.0, 1.0, 0.0, 0.0, 0.0]
        );
        assert_eq!(
            row(&moved(-0.5, 0.0)),
            [0.0, 0.0, 0.5, 1.0, 1.0, 1.0, 0.5, 0.0]
        );
        assert_eq!(moved(0.0, 100.0), [0.0; PIXELS]);
    }

    #[test]
    fn cubics_run_through_the_pixels_and_follow_a_parabola() {
        let parabola = |x: f32, y: f32| (x * x + y * y - x * y) / 1000.0;
        let pixels: Vec<_> = (0..PIXELS)
            .map(|index| parabola((index % SIDE) as f32, (index / SIDE) as f32))
            .collect();
        for (x, y) in [(3.0, 5.0), (3.25, 5.0), (7.5, 9.75), (12.1, 2.9)] {
            let found = cubic(&pixels, x, y);
            assert!((found - parabola(x, y)).abs() < 1e-5, "{x}, {y}: {found}");
        }
        assert_eq!(cubic(&pixels, -2.5, 40.0), 0.0);
    }

    #[test]
    fn weight_changes_the_edges_only() {
        let pixels = Digit::from_mnist(&bar());
        let row = |amount: f32| weigh(pixels.pixels(), amount)[10 * SIDE + 10..][..8].to_vec();
        assert_eq!(row(0.5), [0.0, 0.5, 1.0, 1.0, 1.0, 1.0, 0.5, 0.0]);
        assert_eq!(row(-0.5), [0.0, 0.0, 0.5, 1.0, 1.0, 0.5, 0.0, 0.0]);
    }

    #[test]
    fn pixels_stay_in_range() {
        let mut random = Random::new(5, 0);
        for count in 0..200 {
            let between = [Interpolation::Linear, Interpolation::Cubic][count % 2];
            let limits = Augmentation {
                between,
                ..Augmentation::default()
            };
            let pixels = limits.apply(&bar(), &mut random);
            assert_eq!(pixels.len(), PIXELS);
            assert!(pixels.iter().all(|pixel| (0.0..=1.0).contains(pixel)));
        }
    }
}
