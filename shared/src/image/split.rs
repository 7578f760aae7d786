//! Several digits in one image: which ink belongs together.
//!
//! Connected ink is one piece. Pieces above one another are one digit (the bar of a 5), and so is a
//! piece that is short beside its neighbour (the second stroke of a 4, a speck of dust); two tall
//! ones side by side are two digits.
//!
//! **Invariant:** the same image always gives the same digits, in time linear in its pixels but for
//! sorting its pieces.

mod components;

pub(super) use components::Components;

use super::levels::Levels;
use super::{Bounds, GrayImage, ImageError};

/// Pieces shorter and narrower than this share of the largest one are specks.
const SPECK: f64 = 0.12;

/// A speck as far as this from a digit, as a share of the line's height, is part of it; one further
/// away is dust.
const SPECK_REACH: f64 = 0.1;

/// Digits that are tried for a speck, so that noise doesn't take long.
const SPECK_CANDIDATES: usize = 4;

/// Pieces that share this part of the narrower one's columns stand above one another.
const STACKED: f64 = 0.5;

/// Pieces lower than this share of the line are no digit of their own if one is near.
const SHORT: f64 = 0.4;

/// As near as this, as a share of the line's height, is near for a short piece.
const SHORT_REACH: f64 = 0.15;

/// Strokes of one digit that should have met come as near to each other as this in some row, as a
/// share of the line's height; digits have more space between them.
const GAP: f64 = 0.12;

/// What is wider than this share of the line's height is not one digit.
const WIDEST: f64 = 0.9;

/// The digits in an image, from left to right.
#[derive(Clone, Debug)]
pub struct Pieces<'a> {
    image: &'a GrayImage,
    levels: Levels,
    components: Components,
    /// The digit of each component; nothing for dust.
    digits: Vec<Option<usize>>,
    bounds: Vec<Bounds>,
}

impl<'a> Pieces<'a> {
    /// Finds the digits in an image.
    ///
    /// # Errors
    /// [`ImageError::Empty`] if no ink stands out from the paper.
    pub fn of(image: &'a GrayImage) -> Result<Self, ImageError> {
        let levels = Levels::of(image)?;
        let components = Components::of(image, levels.threshold());
        let (digits, bounds) = group(&components);
        if bounds.is_empty() {
            return Err(ImageError::Empty);
        }
        Ok(Self {
            image,
            levels,
            components,
            digits,
            bounds,
        })
    }

    /// The box around each digit.
    #[must_use]
    pub fn bounds(&self) -> &[Bounds] {
        &self.bounds
    }

    /// The digit whose ink is at this pixel.
    #[must_use]
    pub fn at(&self, x: usize, y: usize) -> Option<usize> {
        self.digits[self.components.at(x, y)?]
    }

    /// A digit alone: its box with a pixel of paper around it, other ink taken off.
    ///
    /// # Panics
    /// If there is no such digit.
    #[must_use]
    pub fn cut(&self, digit: usize) -> GrayImage {
        let bounds = self.bounds[digit];
        let (width, height) = (bounds.width + 2, bounds.height + 2);
        let mut pixels = vec![self.levels.paper; width * height];
        let rows = pixels.chunks_exact_mut(width).skip(1);
        for (row, y) in rows.zip(bounds.top..bounds.bottom()) {
            let row = &mut row[1..=bounds.width];
            let source = y * self.image.width();
            row.copy_from_slice(
                &self.image.pixels()[source + bounds.left..source + bounds.right()],
            );
            for run in self.components.row(y) {
                if self.digits[run.component] != Some(digit) {
                    let within = |x: usize| x.clamp(bounds.left, bounds.right()) - bounds.left;
                    row[within(run.start)..within(run.end)].fill(self.levels.paper);
                }
            }
        }
        GrayImage::of_parts(width, height, pixels)
    }
}

/// Cuts an image into its digits, from left to right; one digit stays one.
///
/// # Errors
/// [`ImageError::Empty`] if no ink stands out from the paper.
pub fn split(image: &GrayImage) -> Result<Vec<GrayImage>, ImageError> {
    let pieces = Pieces::of(image)?;
    let digits = 0..pieces.bounds().len();
    Ok(digits.map(|digit| pieces.cut(digit)).collect())
}

/// Components that belong together.
struct Group {
    bounds: Bounds,
    members: Vec<usize>,
}

impl Group {
    fn take(&mut self, other: Self) {
        self.bounds = self.bounds.around(other.bounds);
        self.members.extend(other.members);
    }
}

/// The digit of each component, and the box around each digit.
fn group(components: &Components) -> (Vec<Option<usize>>, Vec<Bounds>) {
    let longer = |bounds: &Bounds| bounds.width.max(bounds.height) as f64;
    let largest = components.bounds.iter().map(longer).fold(0.0, f64::max);
    let (mut groups, mut specks) = (Vec::new(), Vec::new());
    for (at, &bounds) in components.bounds.iter().enumerate() {
        if longer(&bounds) < SPECK * largest {
            specks.push(at);
        } else {
            let members = vec![at];
            groups.push(Group { bounds, members });
        }
    }
    groups.sort_by_key(|group| (group.bounds.left, group.bounds.top));
    let line = groups.iter().map(|group| group.bounds.height).max();
    let line = line.unwrap_or(0) as f64;

    let groups = join_short(join_stacked(groups), line);
    let spaces = spaces(components, &digits(components, &groups), groups.len());
    let groups = join_broken(groups, &spaces, line);

    let mut digits = digits(components, &groups);
    let mut bounds: Vec<Bounds> = groups.iter().map(|group| group.bounds).collect();
    let bodies = bounds.clone();
    for speck in specks {
        let speck_bounds = components.bounds[speck];
        digits[speck] = near(&bodies, &speck_bounds, SPECK_REACH * line);
        if let Some(digit) = digits[speck] {
            bounds[digit] = bounds[digit].around(speck_bounds);
        }
    }
    (digits, bounds)
}

/// The group of each component.
fn digits(components: &Components, groups: &[Group]) -> Vec<Option<usize>> {
    let mut digits = vec![None; components.bounds.len()];
    for (digit, group) in groups.iter().enumerate() {
        for &member in &group.members {
            digits[member] = Some(digit);
        }
    }
    digits
}

/// The least space in any row between each group and the next one.
fn spaces(components: &Components, digits: &[Option<usize>], groups: usize) -> Vec<Option<usize>> {
    let mut spaces = vec![None; groups];
    for pair in components.neighbours() {
        let [left, right] = pair.map(|run| digits[run.component]);
        let (Some(left), Some(right)) = (left, right) else {
            continue;
        };
        if left.abs_diff(right) == 1 {
            let space = pair[1].start - pair[0].end;
            let known: &mut Option<usize> = &mut spaces[left.min(right)];
            *known = Some(known.map_or(space, |known| known.min(space)));
        }
    }
    spaces
}

/// Joins pieces that stand above one another.
fn join_stacked(groups: Vec<Group>) -> Vec<Group> {
    let stacked = |one: &Bounds, other: &Bounds| {
        let narrower = one.width.min(other.width) as f64;
        -(one.columns_between(other) as f64) >= STACKED * narrower
    };
    let mut joined: Vec<Group> = Vec::with_capacity(groups.len());
    for mut group in groups {
        while let Some(last) = joined.pop_if(|last| stacked(&last.bounds, &group.bounds)) {
            group.take(last);
        }
        joined.push(group);
    }
    joined
}

/// Joins strokes that all but meet and together are no wider than one digit.
fn join_broken(groups: Vec<Group>, spaces: &[Option<usize>], line: f64) -> Vec<Group> {
    let mut joined: Vec<Group> = Vec::with_capacity(groups.len());
    // What is between a group and the one before it.
    let before = std::iter::once(&None).chain(spaces);
    for (group, space) in groups.into_iter().zip(before) {
        let meets = space.is_some_and(|space| space as f64 <= GAP * line);
        match joined.last_mut() {
            Some(last)
                if meets && last.bounds.around(group.bounds).width as f64 <= WIDEST * line =>
            {
                last.take(group);
            }
            _ => joined.push(group),
        }
    }
    joined
}

/// Joins what is short to the nearer one of its neighbours.
fn join_short(groups: Vec<Group>, line: f64) -> Vec<Group> {
    let gap = |one: usize, other: usize| {
        let (one, other) = (groups.get(one)?, groups.get(other)?);
        let gap = one.bounds.columns_between(&other.bounds) as f64;
        (gap <= SHORT_REACH * line).then_some(gap)
    };
    // Whether each group is joined to the one before it.
    let mut to_left = vec![false; groups.len() + 1];
    for (at, group) in groups.iter().enumerate() {
        if group.bounds.height as f64 > SHORT * line {
            continue;
        }
        let left = at.checked_sub(1).and_then(|left| gap(left, at));
        match (left, gap(at, at + 1)) {
            (Some(left), Some(right)) if right < left => to_left[at + 1] = true,
            (Some(_), _) => to_left[at] = true,
            (None, Some(_)) => to_left[at + 1] = true,
            (None, None) => {}
        }
    }
    let mut joined: Vec<Group> = Vec::with_capacity(groups.len());
    for (group, to_left) in groups.into_iter().zip(to_left) {
        match joined.last_mut() {
            Some(last) if to_left => last.take(group),
            _ => joined.push(group),
        }
    }
    joined
}

/// The digit that a speck is part of: the rightmost one within reach, of the few that may be.
/// Digits come from left to right.
fn near(digits: &[Bounds], speck: &Bounds, reach: f64) -> Option<usize> {
    let in_reach = |digit: &Bounds| {
        let gap = digit.columns_between(speck).max(digit.rows_between(speck));
        gap as f64 <= reach
    };
    let behind = digits.partition_point(|digit| digit.left as f64 <= speck.right() as f64 + reach);
    let candidates = behind.saturating_sub(SPECK_CANDIDATES)..behind;
    candidates.rev().find(|&digit| in_reach(&digits[digit]))
}

#[cfg(test)]
mod tests;
