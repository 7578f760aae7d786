//! A line drawn without lifting the pen.

use std::rc::Rc;

use super::{Frame, Point};

/// Points closer than this, as a part of the pad's side, add nothing to a stroke.
const RESOLUTION: f64 = 0.002;

/// How wide a line a person draws; how hard they press changes nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Pen {
    /// For several digits in a row.
    Thin,
    /// For most.
    #[default]
    Medium,
    /// A marker.
    Thick,
}

impl Pen {
    /// All of them, the thinnest first.
    pub const ALL: [Self; 3] = [Self::Thin, Self::Medium, Self::Thick];

    /// The line's width, as a part of the pad's side.
    pub fn width(self) -> f64 {
        match self {
            Self::Thin => 0.03,
            Self::Medium => 0.06,
            Self::Thick => 0.1,
        }
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
    rest: Rc<Vec<Point>>,
    width: f64,
}

impl Stroke {
    /// A dot, for now.
    pub(super) fn new(start: Point, width: f64) -> Self {
        Self {
            start,
            rest: Rc::default(),
            width,
        }
    }

    /// A line through these points; nothing if there is none.
    pub(super) fn through(points: &[Point], width: f64) -> Option<Self> {
        let (&start, rest) = points.split_first()?;
        Some(Self {
            start,
            rest: Rc::new(rest.to_vec()),
            width,
        })
    }

    /// Where the pen was put down.
    pub fn start(&self) -> Point {
        self.start
    }

    /// Every point, the first one included.
    pub fn points(&self) -> impl Iterator<Item = Point> {
        std::iter::once(self.start).chain(self.rest.iter().copied())
    }

    /// The line's width, as a part of the pad's side.
    pub fn width(&self) -> f64 {
        self.width
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

    /// Goes on to a point. Says whether that is far enough to be seen.
    pub(super) fn extend(&mut self, to: Point) -> bool {
        let last = self.rest.last().copied().unwrap_or(self.start);
        let news = last.distance(to) >= RESOLUTION;
        if news {
            Rc::make_mut(&mut self.rest).push(to);
        }
        news
    }

    /// The same line elsewhere, its width scaled with it.
    pub(super) fn placed(&self, frame: Frame) -> Self {
        Self {
            start: frame.place(self.start),
            rest: Rc::new(self.rest.iter().map(|&point| frame.place(point)).collect()),
            width: self.width * frame.scale,
        }
    }
}
