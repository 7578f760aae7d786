//! The figures as Markdown for people and as JSON for programs.
//!
//! **Invariant:** both hold the same figures; what wasn't measured says why.

use serde_json::{Value as Json, json};

use crate::sample::Sample;

/// What was found out about one thing.
pub enum Figure {
    /// Milliseconds.
    Time(Sample),
    /// How many times something else.
    Ratio(Sample),
    /// Bytes.
    Bytes(u64),
    /// Why there is no figure.
    Missing(String),
    /// There is nothing to measure.
    Nothing,
}

/// A table with a heading.
pub struct Section {
    title: &'static str,
    note: String,
    columns: Vec<String>,
    rows: Vec<(String, Vec<Figure>)>,
}

impl Section {
    /// A table whose rows have one figure each.
    pub fn new(title: &'static str, note: impl Into<String>) -> Self {
        Self::with_columns(title, note, vec!["figure".to_owned()])
    }

    /// A table whose rows have a figure for each column.
    pub fn with_columns(
        title: &'static str,
        note: impl Into<String>,
        columns: Vec<String>,
    ) -> Self {
        Self {
            title,
            note: note.into(),
            columns,
            rows: Vec::new(),
        }
    }

    /// Adds a row of one figure.
    pub fn add(&mut self, name: impl Into<String>, figure: Figure) {
        self.add_row(name, vec![figure]);
    }

    /// Adds a row.
    pub fn add_row(&mut self, name: impl Into<String>, figures: Vec<Figure>) {
        self.rows.push((name.into(), figures));
    }

    /// The section as Markdown.
    pub fn markdown(&self) -> String {
        let mut text = format!("## {}\n\n", self.title);
        if !self.note.is_empty() {
            text += &format!("{}\n\n", self.note);
        }
        let heads = if self.columns.len() == 1 {
            " |".to_owned()
        } else {
            format!(" {} |", self.columns.join(" | "))
        };
        text += &format!("| |{heads}\n|---|{}\n", "---|".repeat(self.columns.len()));
        for (name, figures) in &self.rows {
            let cells: Vec<String> = figures.iter().map(Figure::text).collect();
            text += &format!("| {name} | {} |\n", cells.join(" | "));
        }
        text
    }

    /// The section as JSON.
    pub fn json(&self) -> Json {
        let rows = self.rows.iter().map(|(name, figures)| {
            let cells = self.columns.iter().zip(figures);
            let cells: serde_json::Map<_, _> = cells
                .map(|(column, figure)| (column.clone(), figure.json()))
                .collect();
            json!({ "name": name, "figures": cells })
        });
        json!({ "title": self.title, "rows": rows.collect::<Vec<_>>() })
    }
}

impl Figure {
    fn text(&self) -> String {
        match self {
            Self::Time(sample) => {
                let (unit, name) = time_unit(sample.median());
                spread(sample, unit, name)
            }
            Self::Ratio(sample) => spread(sample, 1.0, "×"),
            Self::Bytes(bytes) => format!("{} bytes", grouped(*bytes)),
            Self::Missing(why) => format!("not measured: {why}"),
            Self::Nothing => "–".to_owned(),
        }
    }

    fn json(&self) -> Json {
        let sample = |unit: &str, sample: &Sample| {
            json!({
                "unit": unit, "median": sample.median(), "quartiles": sample.quartiles(),
                "samples": sample.count(),
            })
        };
        match self {
            Self::Time(times) => sample("ms", times),
            Self::Ratio(ratios) => sample("ratio", ratios),
            Self::Bytes(bytes) => json!({ "unit": "bytes", "value": bytes }),
            Self::Missing(why) => json!({ "missing": why }),
            Self::Nothing => Json::Null,
        }
    }
}

/// Milliseconds in a unit that suits them, and its name.
fn time_unit(ms: f64) -> (f64, &'static str) {
    match ms {
        _ if ms >= 1e3 => (1e3, "s"),
        _ if ms >= 1.0 => (1.0, "ms"),
        _ if ms >= 1e-3 => (1e-3, "µs"),
        _ => (1e-6, "ns"),
    }
}

fn spread(sample: &Sample, unit: f64, name: &str) -> String {
    let [low, high] = sample.quartiles().map(|value| digits(value / unit));
    format!("{} {name} ({low} – {high})", digits(sample.median() / unit))
}

/// Three significant digits, more before the point if need be.
fn digits(value: f64) -> String {
    let places = match value.abs() {
        size if size >= 100.0 => 0,
        size if size >= 10.0 => 1,
        _ => 2,
    };
    format!("{value:.places$}")
}

fn grouped(number: u64) -> String {
    let plain = number.to_string();
    let mut text = String::new();
    for (at, digit) in plain.chars().enumerate() {
        if at > 0 && (plain.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_read_well() {
        let time = |ms| Figure::Time(Sample::new(vec![ms]).unwrap()).text();
        assert_eq!(time(5.263), "5.26 ms (5.26 – 5.26)");
        assert_eq!(time(0.000_45), "450 ns (450 – 450)");
        assert_eq!(time(11_192.0), "11.2 s (11.2 – 11.2)");
        assert_eq!(Figure::Bytes(704_760).text(), "704,760 bytes");
        assert_eq!(Figure::Bytes(12).text(), "12 bytes");
    }

    #[test]
    fn both_forms_hold_the_same() {
        let mut section = Section::new("Size", "As sent.");
        section.add("keys", Figure::Bytes(1000));
        section.add("page", Figure::Missing("no page".to_owned()));
        let text = "## Size\n\nAs sent.\n\n| | |\n|---|---|\n| keys | 1,000 bytes |\n\
                    | page | not measured: no page |\n";
        assert_eq!(section.markdown(), text);
        assert_eq!(
            section.json()["rows"][0]["figures"]["figure"]["value"],
            1000
        );
    }
}
