//! Which pixels a hidden unit looks at.
//!
//! In an encrypted matrix product, units of the same remainder by a power of two share their inputs'
//! slots: what counts is how many pixels such a class looks at, not how many all classes do. So each
//! of sixteen classes has a window of 16×16 pixels, half as many diagonals as 512 pixels for all
//! would take, and strokes are local enough that nothing is lost by it.

use shared::image::SIDE;

/// Classes of hidden units: unit `u` is in class `u % CLASSES`.
pub const CLASSES: usize = 16;

/// Rows and columns of a window.
const WINDOW: usize = 16;

/// Where windows start, along either axis; together they cover what a centred digit does.
const STARTS: [usize; 4] = [1, 4, 7, 10];

/// Whether units of a class look at a pixel, by its index in the flattened image.
#[must_use]
pub fn looks_at(class: usize, pixel: usize) -> bool {
    let inside = |start: usize, at: usize| (start..start + WINDOW).contains(&at);
    let (top, left) = (STARTS[class / 4 % 4], STARTS[class % 4]);
    inside(top, pixel / SIDE) && inside(left, pixel % SIDE)
}

/// The pixels that any class looks at, ascending.
#[must_use]
pub fn pixels() -> Vec<usize> {
    let any = |&pixel: &usize| (0..CLASSES).any(|class| looks_at(class, pixel));
    (0..SIDE * SIDE).filter(any).collect()
}

/// 1 where a unit looks at a pixel, else 0.
///
/// # Shapes
/// One row per hidden unit, one column for each of `pixels`; row-major.
#[must_use]
pub fn mask(pixels: &[usize], hidden: usize) -> Vec<f32> {
    let row = |unit: usize| {
        let weight = move |&pixel: &usize| f32::from(u8::from(looks_at(unit % CLASSES, pixel)));
        pixels.iter().map(weight)
    };
    (0..hidden).flat_map(row).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_class_has_a_window_of_its_own() {
        let window = |class| (0..784).filter(|&pixel| looks_at(class, pixel)).collect();
        let windows: Vec<Vec<usize>> = (0..CLASSES).map(window).collect();
        for (class, window) in windows.iter().enumerate() {
            assert_eq!(window.len(), 256);
            assert!(!windows[..class].contains(window));
        }
        // The last starts at row and column 10.
        assert_eq!(windows[15][0], 10 * 28 + 10);
        assert_eq!(windows[15][255], 25 * 28 + 25);
    }

    #[test]
    fn the_mask_follows_the_windows() {
        let pixels = pixels();
        assert_eq!(pixels.len(), 625);
        let mask = mask(&pixels, 20);
        assert_eq!(mask.len(), 20 * 625);
        for row in mask.chunks(625) {
            assert_eq!(row.iter().sum::<f32>(), 256.0);
        }
        assert_eq!(mask[..625], mask[16 * 625..17 * 625]);
    }
}
