//! Places on the pad.

/// A place on the pad; the pad spans `0..1` in both directions, y downwards.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    /// From the left.
    pub x: f64,
    /// From the top.
    pub y: f64,
}

impl Point {
    /// Half-way between both.
    pub fn middle(self, other: Self) -> Self {
        Self {
            x: f64::midpoint(self.x, other.x),
            y: f64::midpoint(self.y, other.y),
        }
    }

    /// How far apart both are.
    pub fn distance(self, other: Self) -> f64 {
        (self.x - other.x).hypot(self.y - other.y)
    }

    /// The nearest place on the pad; nothing for what is no place at all.
    pub(super) fn on_pad(self) -> Option<Self> {
        (self.x.is_finite() && self.y.is_finite()).then(|| Self {
            x: self.x.clamp(0.0, 1.0),
            y: self.y.clamp(0.0, 1.0),
        })
    }
}

/// A part of the pad.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Area {
    /// The corner at the left and the top.
    pub corner: Point,
    /// The one across from it.
    pub end: Point,
}

impl Area {
    /// What stays free around things that the page places, as a part of the pad's side.
    pub const MARGIN: f64 = 0.1;

    /// The smallest area around these points; nothing if there is none.
    pub fn around(points: impl IntoIterator<Item = Point>) -> Option<Self> {
        points
            .into_iter()
            .map(|point| Self {
                corner: point,
                end: point,
            })
            .reduce(Self::and)
    }

    /// The smallest area around both.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        let ends = |choose: fn(f64, f64) -> f64, one: Point, other: Point| Point {
            x: choose(one.x, other.x),
            y: choose(one.y, other.y),
        };
        Self {
            corner: ends(f64::min, self.corner, other.corner),
            end: ends(f64::max, self.end, other.end),
        }
    }

    /// From left to right.
    pub fn width(&self) -> f64 {
        self.end.x - self.corner.x
    }

    /// From top to bottom.
    pub fn height(&self) -> f64 {
        self.end.y - self.corner.y
    }

    /// The longer side.
    pub fn longer(&self) -> f64 {
        self.width().max(self.height())
    }
}

/// Where a part of the pad goes when it is moved and scaled.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Frame {
    /// By how much it grows.
    pub scale: f64,
    /// Where the place `(0, 0)` goes.
    pub origin: Point,
}

impl Frame {
    /// What brings an area into the middle of the pad, as large as fits between the margins but no
    /// larger than `scale` times as large.
    pub fn centring(area: Area, scale: f64) -> Self {
        let room = 1.0 - 2.0 * Area::MARGIN;
        let scale = scale.min(room / area.longer().max(f64::MIN_POSITIVE));
        let middle = area.corner.middle(area.end);
        Self {
            scale,
            origin: Point {
                x: 0.5 - scale * middle.x,
                y: 0.5 - scale * middle.y,
            },
        }
    }

    /// Where a place goes.
    pub fn place(self, point: Point) -> Point {
        Point {
            x: self.origin.x + self.scale * point.x,
            y: self.origin.y + self.scale * point.y,
        }
    }
}
