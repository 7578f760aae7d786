//! How a drawing becomes the 28×28 numbers a model was trained on.
//!
//! Knows grey pixels; knows no file format, no canvas and no model. The page, the command line and
//! the trainer all call [`prepare`], so a model meets at run time what it met in training.
//!
//! **Invariant:** a [`GrayImage`] is never empty-sided and all of its pixels are finite and within
//! `0..=1`; a [`Digit`] is always 784 such pixels. The same drawing gives the same bits on every
//! platform: positions and overlaps are integers, and only IEEE-exact operations touch the pixels.

mod bounds;
mod digit;
mod gray;
mod levels;
mod photo;
mod prepare;
mod split;

pub use bounds::Bounds;
pub use digit::Digit;
pub use gray::GrayImage;
pub use photo::ink_of_photo;
pub use prepare::prepare;
pub use split::{Pieces, split};

use thiserror::Error;

/// Rows, and columns, of a [`Digit`].
pub const SIDE: usize = 28;

/// Pixels of a [`Digit`].
pub const PIXELS: usize = SIDE * SIDE;

/// Pixels of the largest [`GrayImage`]: 134 million, more than cameras have. Positions scaled by
/// [`prepare`] stay within 32 bits up to here.
pub const MAX_PIXELS: usize = 1 << 27;

/// Why an image can't be used.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum ImageError {
    /// Nothing was drawn, or so faintly that it can't be told from the paper.
    #[error("the drawing is empty: no ink stands out from the paper; draw a digit first")]
    Empty,
    /// Width times height is not the number of pixels, or is zero.
    #[error(
        "an image of {width}×{height} can't have {found} pixels; both sides have to be at least 1"
    )]
    Size {
        /// Declared width.
        width: usize,
        /// Declared height.
        height: usize,
        /// Pixels given.
        found: usize,
    },
    /// More pixels than [`MAX_PIXELS`].
    #[error("an image of {width}×{height} is too large; scale it to {MAX_PIXELS} pixels or fewer")]
    TooLarge {
        /// Width.
        width: usize,
        /// Height.
        height: usize,
    },
    /// A pixel that is no brightness: not a number, infinite, or outside `0..=1`.
    #[error("pixel at column {x}, row {y} is {value}; it has to lie within 0 and 1")]
    Pixel {
        /// Column, from the left.
        x: usize,
        /// Row, from the top.
        y: usize,
        /// What stood there.
        value: f32,
    },
}
