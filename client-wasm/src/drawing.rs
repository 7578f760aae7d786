//! What was drawn: strokes and pictures on a square pad, and what the pad looked like before.
//!
//! Knows points and curves; knows no canvas, so a drawing looks the same at every size and pixel
//! density.
//!
//! **Invariant:** every stroke has a point, every coordinate is finite, one pointer draws at a
//! time, and whatever changes the drawing can be undone.

mod picture;
mod place;
mod stroke;

use std::collections::VecDeque;

pub use picture::Picture;
pub use place::{Area, Frame, Point};
pub use stroke::{Curve, Pen, Stroke};

use crate::samples;

/// Changes that can be undone.
const HISTORY: usize = 100;

/// Height of a typed digit, as a part of the pad's side.
const TYPED_HEIGHT: f64 = 0.66;

/// Width of the line of a typed digit, as a share of its height.
const TYPED_WIDTH: f64 = 0.095;

/// Space between typed digits, as a share of their height.
const TYPED_GAP: f64 = 0.28;

/// Something on the pad.
#[derive(Clone, Debug, PartialEq)]
pub enum Mark {
    /// A line.
    Stroke(Stroke),
    /// The ink of a photograph.
    Picture(Picture),
}

impl Mark {
    /// What it covers, without the width of its line.
    pub fn area(&self) -> Option<Area> {
        match self {
            Self::Stroke(stroke) => Area::around(stroke.points()),
            Self::Picture(picture) => Some(picture.area()),
        }
    }

    fn placed(&self, frame: Frame) -> Self {
        match self {
            Self::Stroke(stroke) => Self::Stroke(stroke.placed(frame)),
            Self::Picture(picture) => Self::Picture(picture.placed(frame)),
        }
    }

    /// Half of the line's width.
    fn reach(&self) -> f64 {
        match self {
            Self::Stroke(stroke) => stroke.width() / 2.0,
            Self::Picture(_) => 0.0,
        }
    }
}

/// What is on the pad, in the order it was put there.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Drawing {
    marks: Vec<Mark>,
    pointer: Option<i32>,
    /// What the pad looked like before each change, the last one at the end.
    history: VecDeque<Vec<Mark>>,
}

impl Drawing {
    /// What is on the pad.
    pub fn marks(&self) -> &[Mark] {
        &self.marks
    }

    /// True if nothing is drawn.
    pub fn is_empty(&self) -> bool {
        self.marks.is_empty()
    }

    /// True while a pointer draws.
    pub fn is_drawing(&self) -> bool {
        self.pointer.is_some()
    }

    /// A pointer touches the pad. Says whether it draws: a second finger doesn't.
    pub fn begin(&mut self, pointer: i32, start: Point, pen: Pen) -> bool {
        let Some(start) = start.on_pad().filter(|_| self.pointer.is_none()) else {
            return false;
        };
        self.remember();
        self.pointer = Some(pointer);
        self.marks
            .push(Mark::Stroke(Stroke::new(start, pen.width())));
        true
    }

    /// A pointer moves; beyond the pad's edge it draws along the edge. Says whether that changed the
    /// drawing.
    pub fn extend(&mut self, pointer: i32, to: Point) -> bool {
        let (Some(to), true) = (to.on_pad(), self.pointer == Some(pointer)) else {
            return false;
        };
        match self.marks.last_mut() {
            Some(Mark::Stroke(stroke)) => stroke.extend(to),
            _ => false,
        }
    }

    /// A pointer leaves or is lost, which may be told more than once. Says whether it finished a
    /// stroke.
    pub fn end(&mut self, pointer: i32) -> bool {
        let drew = self.pointer == Some(pointer);
        if drew {
            self.pointer = None;
        }
        drew
    }

    /// Takes everything off the pad. Says whether anything was there.
    pub fn clear(&mut self) -> bool {
        let inked = !self.is_empty();
        if inked {
            self.replace(Vec::new());
        }
        inked
    }

    /// Puts a picture on the pad, in place of what was there.
    pub fn put_picture(&mut self, picture: Picture) {
        self.replace(vec![Mark::Picture(picture)]);
    }

    /// Writes a digit in the middle of the pad, in place of what was there; anything but 0 to 9
    /// changes nothing.
    pub fn type_digit(&mut self, digit: u8) {
        let marks = written(digit, TYPED_HEIGHT);
        if !marks.is_empty() {
            self.replace(centred(marks));
        }
    }

    /// Writes a digit to the right of what is on the pad, as high as that, and makes room for both;
    /// anything but 0 to 9 changes nothing.
    pub fn type_more(&mut self, digit: u8) {
        let Some(row) = ink_area(&self.marks) else {
            return self.type_digit(digit);
        };
        // Beside a dash a digit would be tiny.
        let height = row.height().max(row.width() / 8.0);
        let more = written(digit, height / (1.0 + TYPED_WIDTH));
        let Some(area) = ink_area(&more) else {
            return;
        };
        let middle = f64::midpoint(row.corner.y, row.end.y);
        let aside = Frame {
            scale: 1.0,
            origin: Point {
                x: row.end.x + TYPED_GAP * height - area.corner.x,
                y: middle - f64::midpoint(area.corner.y, area.end.y),
            },
        };
        let more = more.iter().map(|mark| mark.placed(aside));
        let marks = self.marks.iter().cloned().chain(more).collect();
        self.replace(centred(marks));
    }

    /// True if there is something to undo.
    pub fn can_undo(&self) -> bool {
        !self.history.is_empty()
    }

    /// Takes back the last change: a stroke, also a half-drawn one, a typed digit, a picture, or that
    /// the pad was cleared. Says whether there was one.
    pub fn undo(&mut self) -> bool {
        let before = self.history.pop_back();
        let Some(marks) = before else {
            return false;
        };
        self.pointer = None;
        self.marks = marks;
        true
    }

    fn replace(&mut self, marks: Vec<Mark>) {
        self.remember();
        self.pointer = None;
        self.marks = marks;
    }

    fn remember(&mut self) {
        if self.history.len() == HISTORY {
            self.history.pop_front();
        }
        self.history.push_back(self.marks.clone());
    }
}

/// A digit in writing, somewhere.
fn written(digit: u8, height: f64) -> Vec<Mark> {
    let frame = Frame {
        scale: height,
        origin: Point { x: 0.0, y: 0.0 },
    };
    let strokes = samples::strokes(digit);
    let stroke = |points: &Vec<Point>| {
        let stroke = Stroke::through(points, TYPED_WIDTH)?;
        Some(Mark::Stroke(stroke.placed(frame)))
    };
    strokes.iter().filter_map(stroke).collect()
}

/// What the ink of these marks covers.
fn ink_area(marks: &[Mark]) -> Option<Area> {
    let area = |mark: &Mark| {
        let (area, reach) = (mark.area()?, mark.reach());
        let moved = |point: Point, by: f64| Point {
            x: point.x + by,
            y: point.y + by,
        };
        Some(Area {
            corner: moved(area.corner, -reach),
            end: moved(area.end, reach),
        })
    };
    marks.iter().filter_map(area).reduce(Area::and)
}

/// The same marks in the middle of the pad, smaller where they wouldn't fit.
fn centred(marks: Vec<Mark>) -> Vec<Mark> {
    let Some(area) = ink_area(&marks) else {
        return marks;
    };
    let frame = Frame::centring(area, 1.0);
    marks.iter().map(|mark| mark.placed(frame)).collect()
}

#[cfg(test)]
mod tests;
