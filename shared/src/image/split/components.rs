//! Connected ink: pixels that touch at a side or a corner.
//!
//! Ink is kept as runs of neighbouring pixels in a row, so that a large photograph takes memory for
//! its ink, not for its paper.

use crate::image::{Bounds, GrayImage};

/// Ink pixels side by side in one row.
#[derive(Clone, Copy, Debug)]
pub struct Run {
    /// First column.
    pub start: usize,
    /// First column behind.
    pub end: usize,
    /// The component it is part of.
    pub component: usize,
}

/// The connected ink of an image.
#[derive(Clone, Debug)]
pub struct Components {
    /// Where each row's runs end in `runs`.
    row_ends: Vec<usize>,
    runs: Vec<Run>,
    /// The box around each component; those further up come first.
    pub bounds: Vec<Bounds>,
}

impl Components {
    /// Finds connected pixels above a threshold, in time linear in the number of pixels.
    pub fn of(image: &GrayImage, threshold: f32) -> Self {
        let (mut runs, mut row_ends) = (Vec::new(), Vec::with_capacity(image.height()));
        // What each run was joined to; a run that is its own parent names its component.
        let mut parents: Vec<usize> = Vec::new();
        let mut above = 0..0;
        for row in image.pixels().chunks_exact(image.width()) {
            let first = runs.len();
            push_runs(row, threshold, &mut runs);
            parents.extend(first..runs.len());
            join_rows(&runs, above, first, &mut parents);
            above = first..runs.len();
            row_ends.push(runs.len());
        }
        let mut found = Self {
            row_ends,
            runs,
            bounds: Vec::new(),
        };
        found.name(&mut parents);
        found
    }

    /// The runs of a row, from the left.
    pub fn row(&self, y: usize) -> &[Run] {
        let end = self.row_ends.get(y).copied().unwrap_or(0);
        let start = y
            .checked_sub(1)
            .and_then(|above| self.row_ends.get(above))
            .map_or(0, |&start| start.min(end));
        &self.runs[start..end]
    }

    /// Runs next to each other in a row, from left to right.
    pub fn neighbours(&self) -> impl Iterator<Item = [Run; 2]> {
        let rows = (0..self.row_ends.len()).map(|y| self.row(y));
        rows.flat_map(<[Run]>::array_windows).copied()
    }

    /// The component at a pixel, if that is ink.
    pub fn at(&self, x: usize, y: usize) -> Option<usize> {
        let row = self.row(y);
        let next = row.partition_point(|run| run.end <= x);
        let run = row.get(next).filter(|run| run.start <= x)?;
        Some(run.component)
    }

    /// Gives components their numbers and boxes.
    fn name(&mut self, parents: &mut [usize]) {
        let mut names = vec![None; parents.len()];
        let mut at = 0;
        for (top, &end) in self.row_ends.iter().enumerate() {
            while at < end {
                let root = root(parents, at);
                let run = &mut self.runs[at];
                let (left, width) = (run.start, run.end - run.start);
                let bounds = Bounds {
                    left,
                    top,
                    width,
                    height: 1,
                };
                run.component = *names[root].get_or_insert(self.bounds.len());
                match self.bounds.get_mut(run.component) {
                    Some(known) => *known = known.around(bounds),
                    None => self.bounds.push(bounds),
                }
                at += 1;
            }
        }
    }
}

fn push_runs(row: &[f32], threshold: f32, runs: &mut Vec<Run>) {
    let mut start = None;
    for (x, &pixel) in row.iter().enumerate() {
        match (pixel > threshold, start) {
            (true, None) => start = Some(x),
            (false, Some(first)) => {
                runs.push(run(first, x));
                start = None;
            }
            _ => {}
        }
    }
    if let Some(first) = start {
        runs.push(run(first, row.len()));
    }
}

fn run(start: usize, end: usize) -> Run {
    Run {
        start,
        end,
        component: 0,
    }
}

/// Joins the runs from `first` on with those of the row above that touch them, corners included.
fn join_rows(runs: &[Run], above: std::ops::Range<usize>, first: usize, parents: &mut [usize]) {
    let mut upper = above.start;
    for lower in first..runs.len() {
        while upper < above.end && runs[upper].end < runs[lower].start {
            upper += 1;
        }
        let mut touching = upper;
        while touching < above.end && runs[touching].start <= runs[lower].end {
            let (one, other) = (root(parents, touching), root(parents, lower));
            parents[one.max(other)] = one.min(other);
            touching += 1;
        }
    }
}

fn root(parents: &mut [usize], mut at: usize) -> usize {
    while parents[at] != at {
        // Halving the path keeps later walks short.
        parents[at] = parents[parents[at]];
        at = parents[at];
    }
    at
}
