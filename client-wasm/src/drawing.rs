//! What was drawn: strokes on a square pad.
//!
//! Knows points and curves; knows no canvas, so a drawing looks the same at every size and pixel
//! density.
//!
//! **Invariant:** every stroke has a point, every coordinate is finite, and one pointer draws at a
//! time.

/// Width of the pen, as a part of the pad's side: about 2.5 of the 28 pixels for a digit of the
/// usual size, which is how thick the digits are that the models learn from.
pub const PEN_WIDTH: f64 = 0.078;

/// Points closer than this, as a part of the pad's side, add nothing to a stroke.
const RESOLUTION: f64 = 0.002;

/// A place on the pad; the pad spans `0..1` in both directions, y downwards.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    /// From the left.
    pub x: f64,
    /// From the top.
    pub y: f64,
}

impl Point {
    fn middle(self, other: Self) -> Self {
        Self {
            x: f64::midpoint(self.x, other.x),
            y: f64::midpoint(self.y, other.y),
        }
    }

    fn is_near(self, other: Self) -> bool {
        (self.x - other.x).hypot(self.y - other.y) < RESOLUTION
    }

    fn is_finite(self) -> bool {
        self.x.is_finite() && self.y.is_finite()
    }
}

/// A quadratic curve; it starts where the one before ended.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Curve {
    /// The point that bends the curve.
    pub control: Point,
    /// Where it ends.
    pub end: Point,
}

/// A line drawn without lifting the pen.
#[derive(Clone, Debug, PartialEq)]
pub struct Stroke {
    start: Point,
    rest: Vec<Point>,
}

impl Stroke {
    /// Where the pen was put down.
    pub fn start(&self) -> Point {
        self.start
    }

    /// True for a dot.
    pub fn is_dot(&self) -> bool {
        self.rest.is_empty()
    }

    /// A smooth line: it runs through the middle between each two points and is bent by them.
    pub fn curves(&self) -> impl Iterator<Item = Curve> {
        let ends = self.rest.windows(2).filter_map(|pair| match pair {
            &[control, next] => Some(Curve {
                control,
                end: control.middle(next),
            }),
            _ => None,
        });
        let last = self.rest.last().map(|&end| Curve { control: end, end });
        ends.chain(last)
    }

    fn last(&self) -> Point {
        self.rest.last().copied().unwrap_or(self.start)
    }
}

/// The strokes on the pad, in the order they were drawn.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Drawing {
    strokes: Vec<Stroke>,
    pointer: Option<i32>,
}

impl Drawing {
    /// The strokes on the pad.
    pub fn strokes(&self) -> &[Stroke] {
        &self.strokes
    }

    /// True if nothing is drawn.
    pub fn is_empty(&self) -> bool {
        self.strokes.is_empty()
    }

    /// A pointer touches the pad. Says whether it draws: a second finger doesn't.
    pub fn begin(&mut self, pointer: i32, start: Point) -> bool {
        if self.pointer.is_some() || !start.is_finite() {
            return false;
        }
        self.pointer = Some(pointer);
        self.strokes.push(Stroke {
            start,
            rest: Vec::new(),
        });
        true
    }

    /// A pointer moves. Says whether that changed the drawing.
    pub fn extend(&mut self, pointer: i32, to: Point) -> bool {
        if self.pointer != Some(pointer) || !to.is_finite() {
            return false;
        }
        match self.strokes.last_mut() {
            Some(stroke) if !stroke.last().is_near(to) => stroke.rest.push(to),
            _ => return false,
        }
        true
    }

    /// A pointer leaves or is lost, which may be told more than once. Says whether it drew.
    pub fn end(&mut self, pointer: i32) -> bool {
        let drew = self.pointer == Some(pointer);
        if drew {
            self.pointer = None;
        }
        drew
    }

    /// Takes everything off the pad.
    pub fn clear(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(x: f64, y: f64) -> Point {
        Point { x, y }
    }

    #[test]
    fn one_pointer_draws() {
        let mut drawing = Drawing::default();
        assert!(drawing.begin(1, at(0.1, 0.1)));
        assert!(!drawing.begin(2, at(0.9, 0.9)));
        assert!(!drawing.extend(2, at(0.8, 0.8)));
        assert!(drawing.extend(1, at(0.2, 0.2)));
        assert!(!drawing.end(2));
        assert!(drawing.end(1));
        assert!(!drawing.extend(1, at(0.3, 0.3)));
        assert_eq!(drawing.strokes().len(), 1);
    }

    #[test]
    fn a_lost_pointer_frees_the_pad() {
        let mut drawing = Drawing::default();
        assert!(drawing.begin(1, at(0.1, 0.1)));
        assert!(drawing.end(1));
        assert!(drawing.begin(2, at(0.9, 0.9)));
        assert!(!drawing.end(1), "told twice");
        assert!(drawing.extend(2, at(0.8, 0.8)));
        assert_eq!(drawing.strokes().len(), 2);
    }

    #[test]
    fn points_without_a_place_or_news_are_skipped() {
        let mut drawing = Drawing::default();
        assert!(!drawing.begin(1, at(f64::NAN, 0.0)));
        assert!(drawing.begin(1, at(0.5, 0.5)));
        assert!(!drawing.extend(1, at(0.5005, 0.5)));
        assert!(!drawing.extend(1, at(0.5, f64::INFINITY)));
        assert!(drawing.strokes()[0].is_dot());
    }

    #[test]
    fn curves_meet_in_the_middle_and_end_at_the_last_point() {
        let mut drawing = Drawing::default();
        drawing.begin(1, at(0.0, 0.0));
        for to in [at(0.2, 0.0), at(0.4, 0.2), at(0.4, 0.6)] {
            drawing.extend(1, to);
        }
        let ends: Vec<_> = drawing.strokes()[0]
            .curves()
            .map(|curve| curve.end)
            .collect();
        let close = |a: Point, b: Point| (a.x - b.x).hypot(a.y - b.y) < 1e-12;
        assert_eq!(ends.len(), 3);
        assert!(
            close(ends[0], at(0.3, 0.1)) && close(ends[1], at(0.4, 0.4)),
            "{ends:?}"
        );
        assert!(close(ends[2], at(0.4, 0.6)), "{ends:?}");
    }

    #[test]
    fn clearing_ends_the_stroke_too() {
        let mut drawing = Drawing::default();
        drawing.begin(1, at(0.5, 0.5));
        drawing.clear();
        assert!(drawing.is_empty());
        assert!(!drawing.extend(1, at(0.9, 0.9)));
        assert!(drawing.begin(2, at(0.5, 0.5)));
    }
}
