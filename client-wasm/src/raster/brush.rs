//! A round brush in plain arithmetic, so that no browser decides how a digit looks: some blur what
//! is read from a canvas to tell people apart less easily.
//!
//! **Invariant:** the same strokes give the same pixels in every browser, all within `0..=1`.

use shared::image::{GrayImage, ImageError};

use crate::drawing::{Frame, Picture, Point, Stroke};

/// Lines thinner than this many pixels would have gaps.
const THINNEST: f64 = 1.5;

/// Paper that is painted on.
pub struct Sheet {
    width: usize,
    height: usize,
    ink: Vec<f32>,
}

impl Sheet {
    /// Blank paper of at least one pixel.
    pub fn new(width: usize, height: usize) -> Self {
        let (width, height) = (width.max(1), height.max(1));
        Self {
            width,
            height,
            ink: vec![0.0; width * height],
        }
    }

    /// Paints a stroke; `frame` goes from the pad to pixels, and the line is so many pixels wide.
    pub fn stroke(&mut self, stroke: &Stroke, frame: Frame, width: f64) {
        let radius = width.max(THINNEST) / 2.0;
        let mut from = frame.place(stroke.start());
        self.line(from, from, radius);
        for curve in stroke.curves() {
            let (control, end) = (frame.place(curve.control), frame.place(curve.end));
            // Straight pieces of about two pixels can't be told from the curve.
            let length = from.distance(control) + control.distance(end);
            let steps = (length / 2.0).ceil().clamp(1.0, 64.0) as u32;
            let mut at = from;
            for step in 1..=steps {
                let next = bezier(from, control, end, f64::from(step) / f64::from(steps));
                self.line(at, next, radius);
                at = next;
            }
            from = end;
        }
    }

    /// Paints a picture; `frame` goes from the pad to pixels.
    pub fn picture(&mut self, picture: &Picture, frame: Frame) {
        let (ink, area) = (picture.ink(), picture.area());
        let (corner, end) = (frame.place(area.corner), frame.place(area.end));
        let (columns, rows) = (ink.width() as f64, ink.height() as f64);
        let across = columns / (end.x - corner.x);
        let down = rows / (end.y - corner.y);
        for y in within(corner.y, end.y, self.height) {
            for x in within(corner.x, end.x, self.width) {
                let source_x = (x as f64 + 0.5 - corner.x) * across - 0.5;
                let source_y = (y as f64 + 0.5 - corner.y) * down - 0.5;
                self.blot(x, y, sample(ink, source_x, source_y));
            }
        }
    }

    /// What was painted.
    ///
    /// # Errors
    /// [`ImageError::Pixel`] if a coordinate was no number.
    pub fn finish(self) -> Result<GrayImage, ImageError> {
        GrayImage::new(self.width, self.height, self.ink)
    }

    /// Paints a straight line with round ends and an edge that is one pixel soft.
    fn line(&mut self, from: Point, to: Point, radius: f64) {
        let reach = radius + 0.5;
        let (dx, dy) = (to.x - from.x, to.y - from.y);
        let length = dx * dx + dy * dy;
        for y in within(
            from.y.min(to.y) - reach,
            from.y.max(to.y) + reach,
            self.height,
        ) {
            for x in within(
                from.x.min(to.x) - reach,
                from.x.max(to.x) + reach,
                self.width,
            ) {
                let (px, py) = (x as f64 + 0.5 - from.x, y as f64 + 0.5 - from.y);
                let along = if length > 0.0 {
                    ((px * dx + py * dy) / length).clamp(0.0, 1.0)
                } else {
                    0.0
                };
                let (away_x, away_y) = (px - along * dx, py - along * dy);
                let distance = (away_x * away_x + away_y * away_y).sqrt();
                self.blot(x, y, (reach - distance).clamp(0.0, 1.0) as f32);
            }
        }
    }

    fn blot(&mut self, x: usize, y: usize, ink: f32) {
        let pixel = &mut self.ink[y * self.width + x];
        *pixel = pixel.max(ink);
    }
}

fn bezier(from: Point, control: Point, end: Point, at: f64) -> Point {
    let mix = |a: f64, b: f64, c: f64| {
        let back = 1.0 - at;
        back * back * a + 2.0 * back * at * b + at * at * c
    };
    Point {
        x: mix(from.x, control.x, end.x),
        y: mix(from.y, control.y, end.y),
    }
}

/// The pixels that reach into `from..to`, of so many.
fn within(from: f64, to: f64, count: usize) -> std::ops::Range<usize> {
    // A number beyond either end becomes that end.
    let first = from.floor().max(0.0) as usize;
    first.min(count)..(to.ceil().max(0.0) as usize).min(count)
}

/// A pixel between pixels.
fn sample(image: &GrayImage, x: f64, y: f64) -> f32 {
    let (right, bottom) = (image.width() - 1, image.height() - 1);
    let (x, y) = (x.clamp(0.0, right as f64), y.clamp(0.0, bottom as f64));
    let (left, top) = (x as usize, y as usize);
    let (across, down) = ((x - left as f64) as f32, (y - top as f64) as f32);
    let pixel = |x: usize, y: usize| image.pixels()[y.min(bottom) * image.width() + x.min(right)];
    let row = |y: usize| pixel(left, y) * (1.0 - across) + pixel(left + 1, y) * across;
    (row(top) * (1.0 - down) + row(top + 1) * down).clamp(0.0, 1.0)
}
