//! Boxes around ink.

use super::GrayImage;

/// The smallest box around some ink, in pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// First column.
    pub left: usize,
    /// First row.
    pub top: usize,
    /// Columns, at least one.
    pub width: usize,
    /// Rows, at least one.
    pub height: usize,
}

impl Bounds {
    /// `None` if no pixel is above the threshold.
    pub(super) fn of(image: &GrayImage, threshold: f32) -> Option<Self> {
        let rows = || image.pixels().chunks_exact(image.width());
        let inked = |row: &[f32]| row.iter().any(|&pixel| pixel > threshold);
        let top = rows().position(inked)?;
        let bottom = rows().rposition(inked)?;
        let left = rows()
            .filter_map(|row| row.iter().position(|&pixel| pixel > threshold))
            .min()?;
        let right = rows()
            .filter_map(|row| row.iter().rposition(|&pixel| pixel > threshold))
            .max()?;
        Some(Self {
            left,
            top,
            width: right - left + 1,
            height: bottom - top + 1,
        })
    }

    /// The first column behind the box.
    #[must_use]
    pub fn right(&self) -> usize {
        self.left + self.width
    }

    /// The first row below the box.
    #[must_use]
    pub fn bottom(&self) -> usize {
        self.top + self.height
    }

    /// The smallest box around both.
    pub(super) fn around(self, other: Self) -> Self {
        let (left, top) = (self.left.min(other.left), self.top.min(other.top));
        Self {
            left,
            top,
            width: self.right().max(other.right()) - left,
            height: self.bottom().max(other.bottom()) - top,
        }
    }

    /// Columns between both boxes; negative if they overlap by so many.
    pub(super) fn columns_between(&self, other: &Self) -> isize {
        between((self.left, self.right()), (other.left, other.right()))
    }

    /// Rows between both boxes; negative if they overlap by so many.
    pub(super) fn rows_between(&self, other: &Self) -> isize {
        between((self.top, self.bottom()), (other.top, other.bottom()))
    }
}

/// Sides of an image are far below what a signed number holds.
fn between(one: (usize, usize), other: (usize, usize)) -> isize {
    one.0.max(other.0) as isize - one.1.min(other.1) as isize
}
