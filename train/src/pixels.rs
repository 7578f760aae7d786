//! Which pixels a network looks at.
//!
//! A circuit on 512 inputs is twice as fast as one on 784, and the border of a prepared digit is
//! nearly always paper. So the pixels that vary least over the training set get no weights.

use shared::image::PIXELS;

/// Sums that give the variance of each pixel.
#[derive(Clone)]
pub struct Variance {
    count: f64,
    sums: Vec<f64>,
    squares: Vec<f64>,
}

impl Default for Variance {
    fn default() -> Self {
        Self {
            count: 0.0,
            sums: vec![0.0; PIXELS],
            squares: vec![0.0; PIXELS],
        }
    }
}

impl Variance {
    /// Counts one image of 784 pixels.
    pub fn add(&mut self, image: &[f32]) {
        self.count += 1.0;
        for ((sum, square), &pixel) in self.sums.iter_mut().zip(&mut self.squares).zip(image) {
            *sum += f64::from(pixel);
            *square += f64::from(pixel) * f64::from(pixel);
        }
    }

    /// The indices of the `count` pixels that vary most, ascending.
    #[must_use]
    pub fn most_varying(&self, count: usize) -> Vec<usize> {
        let variance = |index: usize| {
            let mean = self.sums[index] / self.count;
            self.squares[index] / self.count - mean * mean
        };
        let mut order: Vec<_> = (0..PIXELS).collect();
        order.sort_by(|&left, &right| variance(right).total_cmp(&variance(left)));
        order.truncate(count);
        order.sort_unstable();
        order
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_varying_are_kept_in_order() {
        let mut variance = Variance::default();
        for turn in [0.0, 1.0] {
            let mut image = [0.5; PIXELS];
            image[700] = turn;
            image[3] = 0.4 * turn;
            image[41] = 1.0 - 0.8 * turn;
            variance.add(&image);
        }
        assert_eq!(variance.most_varying(2), [41, 700]);
        assert_eq!(variance.most_varying(3), [3, 41, 700]);
        assert_eq!(variance.most_varying(PIXELS).len(), PIXELS);
    }
}
