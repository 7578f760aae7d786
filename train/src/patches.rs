//! Which values convolutions and pools read.
//!
//! Maps lie in memory by channel, row and column, each with the values of all images of a batch
//! beside one another. Reading a patch is then choosing rows of a matrix, which is a copy forwards
//! and a sum backwards.

use candle_core::{Device, Result, Tensor};

use crate::architecture::Shape;

/// In the tensor library, a choice of row that gives zeros and passes no gradient.
const NOTHING: u32 = u32::MAX;

/// For each place in a kernel (by channel, row, column), the values that it meets at each position
/// (by row, column).
///
/// # Errors
/// What the tensor library says.
pub fn of_convolution(
    before: Shape,
    kernel: usize,
    stride: usize,
    padding: usize,
) -> Result<Tensor> {
    let side = (before.side + 2 * padding - kernel) / stride + 1;
    let mut chosen = Vec::with_capacity(before.channels * (kernel * side).pow(2));
    for channel in 0..before.channels {
        for place in 0..kernel * kernel {
            for position in 0..side * side {
                // Counted from the padding's edge.
                let row = position / side * stride + place / kernel;
                let column = position % side * stride + place % kernel;
                chosen.push(inside(before, padding, channel, row, column));
            }
        }
    }
    Tensor::new(chosen, &Device::Cpu)
}

fn inside(shape: Shape, padding: usize, channel: usize, row: usize, column: usize) -> u32 {
    let range = padding..padding + shape.side;
    if range.contains(&row) && range.contains(&column) {
        let place = (row - padding) * shape.side + column - padding;
        (channel * shape.positions() + place) as u32
    } else {
        NOTHING
    }
}

/// For each place in a block, the values that it meets in each channel at each position.
///
/// # Errors
/// What the tensor library says.
pub fn of_pool(before: Shape, size: usize) -> Result<Vec<Tensor>> {
    let side = before.side / size;
    let of_place = |place: usize| {
        let values = (0..before.channels * side * side).map(|value| {
            let (channel, position) = (value / (side * side), value % (side * side));
            let row = position / side * size + place / size;
            let column = position % side * size + place % size;
            inside(before, 0, channel, row, column)
        });
        Tensor::from_iter(values, &Device::Cpu)
    };
    (0..size * size).map(of_place).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_strided_kernel_meets_padding_and_every_second_pixel() {
        let shape = Shape {
            channels: 2,
            side: 4,
        };
        let chosen = of_convolution(shape, 3, 2, 1).unwrap();
        let chosen = chosen.to_vec1::<u32>().unwrap();
        assert_eq!(chosen.len(), 2 * 9 * 4);
        // The first place of the kernel, the middle one, and the last one of the second channel.
        assert_eq!(chosen[..4], [NOTHING, NOTHING, NOTHING, 5]);
        assert_eq!(chosen[4 * 4..5 * 4], [0, 2, 8, 10]);
        assert_eq!(chosen[17 * 4..], [16 + 5, 16 + 7, 16 + 13, 16 + 15]);
    }

    #[test]
    fn pools_read_every_value_once() {
        let shape = Shape {
            channels: 3,
            side: 4,
        };
        let places = of_pool(shape, 2).unwrap();
        let mut all: Vec<u32> = places
            .iter()
            .flat_map(|place| place.to_vec1().unwrap())
            .collect();
        assert_eq!(all[..5], [0, 2, 8, 10, 16]);
        all.sort_unstable();
        assert!(all.into_iter().eq(0..48));
    }
}
