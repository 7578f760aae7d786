//! Plots as inline SVG: rows of marks or bars by operation, and points of sets.
//!
//! Colours come from the page's style sheet by class, so that they follow light and dark.

use super::markup::{element, shape, text};

/// Width of a plot in its own units; the page scales it.
const WIDTH: f64 = 640.0;

/// Room for names left of a plot.
const LEFT: f64 = 170.0;

const RIGHT: f64 = 24.0;
const ROW: f64 = 22.0;
const TOP: f64 = 8.0;
const BOTTOM: f64 = 34.0;

/// About the width of a character of a name, and the height of a line of them.
const CHARACTER: f64 = 6.8;
const LINE: f64 = 14.0;

/// Most characters of a name beside a plot.
const NAME: usize = 24;

/// A row of a plot: a name, and values by class; the title is shown when it is pointed at.
pub struct Row {
    /// Left of it.
    pub name: String,
    /// On it, each with the class that colours it.
    pub values: Vec<(&'static str, f64)>,
    /// In words.
    pub title: String,
}

/// A point of a plot.
pub struct Point {
    /// Beside it.
    pub name: String,
    /// Rightwards.
    pub x: f64,
    /// Upwards.
    pub y: f64,
    /// Its area, in proportion.
    pub size: f64,
    /// The class that colours it.
    pub class: &'static str,
    /// In words.
    pub title: String,
}

fn number(value: f64) -> String {
    format!("{value:.1}")
}

fn label(x: f64, y: f64, anchor: &str, words: &str) -> String {
    let (x, y) = (number(x), number(y));
    text(
        "text",
        &[("x", &x), ("y", &y), ("text-anchor", anchor)],
        words,
    )
}

fn line(class: &str, from: (f64, f64), to: (f64, f64)) -> String {
    let [x1, y1, x2, y2] = [from.0, from.1, to.0, to.1].map(number);
    shape(
        "line",
        &[
            ("class", class),
            ("x1", &x1),
            ("y1", &y1),
            ("x2", &x2),
            ("y2", &y2),
        ],
    )
}

fn svg(height: f64, caption: &str, content: &str) -> String {
    let view = format!("0 0 {WIDTH} {}", number(height));
    let attributes = [
        ("viewBox", view.as_str()),
        ("role", "img"),
        ("aria-label", caption),
    ];
    element("svg", &attributes, content)
}

fn shortened(name: &str) -> String {
    if name.chars().count() <= NAME {
        return name.to_owned();
    }
    let kept: String = name.chars().take(NAME - 1).collect();
    kept + "…"
}

/// An axis: an interval and the places of its marks.
struct Axis {
    low: f64,
    high: f64,
    marks: Vec<f64>,
}

impl Axis {
    /// Around values, with about so many marks at round numbers.
    fn around(values: impl Iterator<Item = f64>, count: f64) -> Self {
        let (low, high) = values
            .filter(|value| value.is_finite())
            .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| {
                (low.min(value), high.max(value))
            });
        let (low, high) = if low <= high { (low, high) } else { (0.0, 1.0) };
        let span = (high - low).max(1e-9);
        let rough = span / count;
        let power = 10f64.powf(rough.log10().floor());
        let steps = [1.0, 2.0, 5.0, 10.0].map(|step| step * power);
        let step = steps
            .into_iter()
            .find(|&step| step >= rough)
            .unwrap_or(rough);
        let (first, last) = (
            (low / step).floor(),
            (high / step).ceil().max((low / step).floor() + 1.0),
        );
        let marks = (0..=(last - first) as usize).map(|at| (first + at as f64) * step);
        Self {
            low: first * step,
            high: last * step,
            marks: marks.collect(),
        }
    }

    fn place(&self, value: f64, (from, to): (f64, f64)) -> f64 {
        from + (value - self.low) / (self.high - self.low) * (to - from)
    }
}

fn short(value: f64) -> String {
    let rounded = format!("{value:.4}");
    let trimmed = rounded.trim_end_matches('0').trim_end_matches('.');
    if trimmed == "-0" {
        "0".to_owned()
    } else {
        trimmed.to_owned()
    }
}

/// Names, lines and the axis below rows.
fn frame(rows: &[Row], axis: &Axis, unit: &str) -> (f64, String) {
    let bottom = TOP + ROW * rows.len() as f64;
    let across = (LEFT, WIDTH - RIGHT);
    let mut content = String::new();
    for &mark in &axis.marks {
        let x = axis.place(mark, across);
        content += &line("grid", (x, TOP), (x, bottom));
        content += &label(x, bottom + 14.0, "middle", &short(mark));
    }
    content += &label(WIDTH - RIGHT, bottom + 29.0, "end", unit);
    for (at, row) in rows.iter().enumerate() {
        let y = TOP + ROW * (at as f64 + 0.5) + 4.0;
        content += &label(LEFT - 8.0, y, "end", &shortened(&row.name));
    }
    (bottom + BOTTOM, content)
}

/// A mark for each value of each row.
#[must_use]
pub fn marks(caption: &str, unit: &str, rows: &[Row]) -> String {
    let values = rows
        .iter()
        .flat_map(|row| row.values.iter().map(|&(_, value)| value));
    let axis = Axis::around(values, 6.0);
    let across = (LEFT, WIDTH - RIGHT);
    let (height, mut content) = frame(rows, &axis, unit);
    for (at, row) in rows.iter().enumerate() {
        let y = TOP + ROW * (at as f64 + 0.5);
        let mark = |&(class, value): &(&str, f64)| {
            let (x, y) = (number(axis.place(value, across)), number(y));
            shape(
                "circle",
                &[("class", class), ("cx", &x), ("cy", &y), ("r", "5")],
            )
        };
        let places = row
            .values
            .iter()
            .map(|&(_, value)| axis.place(value, across));
        let (low, high) = places.fold((f64::INFINITY, 0.0), |(low, high): (f64, f64), x| {
            (low.min(x), high.max(x))
        });
        let range = line("range", (low, y), (high, y));
        let marks: String = row.values.iter().map(mark).collect();
        content += &element(
            "g",
            &[],
            &(text("title", &[], &row.title) + &range + &marks),
        );
    }
    svg(height, caption, &content)
}

/// The values of each row as lengths, one behind the other from 0.
#[must_use]
pub fn bars(caption: &str, unit: &str, rows: &[Row]) -> String {
    let lengths = rows
        .iter()
        .map(|row| row.values.iter().map(|&(_, value)| value.max(0.0)).sum());
    let axis = Axis::around(lengths.chain([0.0]), 6.0);
    let across = (LEFT, WIDTH - RIGHT);
    let (height, mut content) = frame(rows, &axis, unit);
    for (at, row) in rows.iter().enumerate() {
        let y = number(TOP + ROW * at as f64 + 4.0);
        let mut from = 0.0;
        let mut parts = text("title", &[], &row.title);
        for &(class, value) in &row.values {
            let to = from + value.max(0.0);
            let [start, end] = [from, to].map(|value| axis.place(value, across));
            let (x, width) = (number(start), number((end - start).max(0.0)));
            let thick = number(ROW - 8.0);
            let attributes = [
                ("class", class),
                ("x", &*x),
                ("y", &*y),
                ("width", &*width),
                ("height", &*thick),
            ];
            parts += &shape("rect", &attributes);
            from = to;
        }
        content += &element("g", &[], &parts);
    }
    svg(height, caption, &content)
}

/// A point for each set.
#[must_use]
pub fn points(caption: &str, (across, up): (&str, &str), points: &[Point]) -> String {
    const HEIGHT: f64 = 380.0;
    const MARGIN: f64 = 56.0;
    let xs = Axis::around(points.iter().map(|point| point.x).chain([0.0]), 6.0);
    let ys = Axis::around(points.iter().map(|point| point.y), 6.0);
    let (horizontal, vertical) = ((MARGIN, WIDTH - RIGHT), (HEIGHT - MARGIN, 36.0));
    let mut content = String::new();
    for &mark in &xs.marks {
        let x = xs.place(mark, horizontal);
        content += &line("grid", (x, vertical.0), (x, vertical.1));
        content += &label(x, vertical.0 + 18.0, "middle", &short(mark));
    }
    for &mark in &ys.marks {
        let y = ys.place(mark, vertical);
        content += &line("grid", (horizontal.0, y), (horizontal.1, y));
        content += &label(horizontal.0 - 8.0, y + 4.0, "end", &short(mark));
    }
    content += &label(horizontal.1, vertical.0 + 40.0, "end", across);
    content += &label(8.0, 18.0, "start", up);
    let largest = points
        .iter()
        .map(|point| point.size)
        .fold(f64::MIN_POSITIVE, f64::max);
    let (mut names, mut taken) = (String::new(), Vec::new());
    for point in points {
        let (x, y) = (xs.place(point.x, horizontal), ys.place(point.y, vertical));
        let radius = 4.0 + 16.0 * (point.size / largest).sqrt();
        let [cx, cy, r] = [x, y, radius].map(number);
        let attributes = [
            ("class", point.class),
            ("cx", &*cx),
            ("cy", &*cy),
            ("r", &*r),
        ];
        let circle = shape("circle", &attributes);
        content += &element("g", &[], &(text("title", &[], &point.title) + &circle));
        let width = CHARACTER * point.name.chars().count() as f64;
        let (from, to, anchor) = if x + radius + width + 4.0 < WIDTH {
            (x + radius + 4.0, x + radius + 4.0 + width, "start")
        } else {
            (x - radius - 4.0 - width, x - radius - 4.0, "end")
        };
        let mut at = y + 4.0;
        let meets = |at: f64| {
            let near = |&(other_from, other_to, other): &(f64, f64, f64)| {
                from < other_to && other_from < to && (at - other).abs() < LINE
            };
            taken.iter().any(near)
        };
        while meets(at) {
            at += 1.0;
        }
        taken.push((from, to, at));
        let x = if anchor == "start" { from } else { to };
        names += &label(x, at, anchor, &point.name);
    }
    content += &names;
    svg(HEIGHT, caption, &content)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(values: &[f64], expected: &[f64]) {
        assert_eq!(Axis::around(values.iter().copied(), 6.0).marks, expected);
    }

    #[test]
    fn marks_are_at_round_numbers_around_the_values() {
        check(&[0.0, 6.0], &[0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
        check(&[-9.0, 0.5], &[-10.0, -8.0, -6.0, -4.0, -2.0, 0.0, 2.0]);
        check(&[], &[0.0, 0.2, 0.4, 0.6000000000000001, 0.8, 1.0]);
        assert_eq!(short(-0.00001), "0");
        assert_eq!(short(0.6000000000000001), "0.6");
    }
}
