//! What a photograph would show without the ink: an opening, as in mathematical morphology, on a
//! coarse grid.

use crate::image::GrayImage;

/// Cells along the longer side.
const CELLS: usize = 16;

/// Ink is narrower than twice this many cells and one.
const REACH: usize = 2;

/// The share of a cell's pixels that is certainly darker than its paper is bright.
const PAPER: f64 = 0.25;

/// Where there is less light than this share of white, noise counts for more than ink.
const DARKEST: f32 = 0.1;

/// How far each pixel stands out from the paper around it, in the direction in which ink does.
pub fn raise_ink(photo: &GrayImage) -> GrayImage {
    let dark = is_ink_dark(photo);
    let ink = |&pixel: &f32| if dark { 1.0 - pixel } else { pixel };
    let pixels: Vec<f32> = photo.pixels().iter().map(ink).collect();
    let (width, height) = (photo.width(), photo.height());
    let grid = Grid::of(&pixels, width, height);
    // At the picture's edge an opening mistakes a slope for ink.
    let slope = grid.slope();
    let level = grid.map(|at, paper| paper - slope.at(at));
    let opened = level.spread(f32::min).spread(f32::max);
    let grid = opened.map(|at, paper| paper + slope.at(at));
    let raised = pixels.iter().enumerate().map(|(at, &pixel)| {
        let paper = grid.between(at % width, at / width);
        // Dark ink swallows a share of the light that there is.
        let light = if dark {
            (1.0 - paper).max(DARKEST)
        } else {
            1.0
        };
        ((pixel - paper) / light).clamp(0.0, 1.0)
    });
    let raised = raised.collect();
    GrayImage::of_parts(width, height, raised)
}

/// Lines are few and far from their surroundings, paper is much and near: the third power decides.
fn is_ink_dark(photo: &GrayImage) -> bool {
    let (width, height) = (photo.width(), photo.height());
    let reach = (width.max(height) / 8).max(1);
    let sums = Sums::of(photo);
    let deviation = |at: usize| {
        let (x, y) = (at % width, at / width);
        let columns = (x.saturating_sub(reach), (x + reach + 1).min(width));
        let rows = (y.saturating_sub(reach), (y + reach + 1).min(height));
        let away = f64::from(photo.pixels()[at]) - sums.mean(columns, rows);
        away * away * away
    };
    (0..width * height).map(deviation).sum::<f64>() < 0.0
}

/// Sums of all pixels above and to the left.
struct Sums {
    stride: usize,
    sums: Vec<f64>,
}

impl Sums {
    fn of(image: &GrayImage) -> Self {
        let stride = image.width() + 1;
        let mut sums = vec![0.0; stride];
        for row in image.pixels().chunks_exact(image.width()) {
            let above = sums.len() - stride;
            let mut sum = 0.0;
            sums.push(0.0);
            for (x, &pixel) in row.iter().enumerate() {
                sum += f64::from(pixel);
                sums.push(sums[above + x + 1] + sum);
            }
        }
        Self { stride, sums }
    }

    fn mean(&self, (left, right): (usize, usize), (top, bottom): (usize, usize)) -> f64 {
        let at = |x: usize, y: usize| self.sums[y * self.stride + x];
        let sum = at(right, bottom) - at(left, bottom) - at(right, top) + at(left, top);
        sum / ((right - left) * (bottom - top)) as f64
    }
}

/// How much a plane rises from cell to cell.
#[derive(Clone, Copy)]
struct Slope {
    across: f32,
    down: f32,
}

impl Slope {
    fn at(self, (x, y): (usize, usize)) -> f32 {
        self.across * x as f32 + self.down * y as f32
    }
}

/// The paper's brightness in the cells of a coarse grid.
struct Grid {
    /// Pixels of a cell's side.
    cell: usize,
    columns: usize,
    rows: usize,
    paper: Vec<f32>,
}

impl Grid {
    fn of(pixels: &[f32], width: usize, height: usize) -> Self {
        let cell = width.max(height).div_ceil(CELLS);
        let (columns, rows) = (width.div_ceil(cell), height.div_ceil(cell));
        let paper = |at: usize| {
            let (left, top) = (at % columns * cell, at / columns * cell);
            let lines = (top..(top + cell).min(height)).map(|y| y * width);
            let right = (left + cell).min(width);
            let mut values: Vec<f32> = lines
                .flat_map(|line| &pixels[line + left..line + right])
                .copied()
                .collect();
            let darkest = (values.len() as f64 * PAPER) as usize;
            *values.select_nth_unstable_by(darkest, f32::total_cmp).1
        };
        Self {
            cell,
            columns,
            rows,
            paper: (0..columns * rows).map(paper).collect(),
        }
    }

    /// The cells with other values.
    fn map(&self, value: impl Fn((usize, usize), f32) -> f32) -> Self {
        let cells = self.paper.iter().enumerate();
        let values = cells.map(|(at, &paper)| value((at % self.columns, at / self.columns), paper));
        Self {
            paper: values.collect(),
            ..*self
        }
    }

    /// The plane that lies nearest to the cells, through zero.
    fn slope(&self) -> Slope {
        let middle = |count: usize| (count - 1) as f32 / 2.0;
        let (middle_x, middle_y) = (middle(self.columns), middle(self.rows));
        let (mut across, mut down, mut squares_x, mut squares_y) = (0.0, 0.0, 0.0, 0.0);
        for (at, &paper) in self.paper.iter().enumerate() {
            let x = (at % self.columns) as f32 - middle_x;
            let y = (at / self.columns) as f32 - middle_y;
            across += x * paper;
            down += y * paper;
            squares_x += x * x;
            squares_y += y * y;
        }
        Slope {
            across: across / f32::max(squares_x, 1.0),
            down: down / f32::max(squares_y, 1.0),
        }
    }

    /// Each cell's least, or greatest, neighbour.
    fn spread(&self, choose: fn(f32, f32) -> f32) -> Self {
        let around =
            |at: usize, count: usize| at.saturating_sub(REACH)..(at + REACH + 1).min(count);
        let chosen = |at: usize| {
            let (x, y) = (at % self.columns, at / self.columns);
            let rows = around(y, self.rows);
            let cells = rows.flat_map(|y| around(x, self.columns).map(move |x| (x, y)));
            let values = cells.map(|(x, y)| self.paper[y * self.columns + x]);
            values.fold(self.paper[at], choose)
        };
        Self {
            paper: (0..self.columns * self.rows).map(chosen).collect(),
            ..*self
        }
    }

    /// The paper's brightness at a pixel, between the middles of cells.
    fn between(&self, x: usize, y: usize) -> f32 {
        let cell = self.cell as f32;
        let position = |at: usize, count: usize| {
            let at = ((at as f32 + 0.5) / cell - 0.5).clamp(0.0, (count - 1) as f32);
            let first = at as usize;
            (first, (first + 1).min(count - 1), at - first as f32)
        };
        let (left, right, across) = position(x, self.columns);
        let (top, bottom, down) = position(y, self.rows);
        let paper = |x: usize, y: usize| self.paper[y * self.columns + x];
        let row = |y: usize| paper(left, y) + across * (paper(right, y) - paper(left, y));
        row(top) + down * (row(bottom) - row(top))
    }
}
