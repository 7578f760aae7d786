//! Which layers of a network are evaluated.
//!
//! **Invariant:** a range holds at least one step, and is written `start..end` wherever it travels.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// The steps `start` to `end - 1` of a network. Each linear layer is a step, and so is each
/// activation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct LayerRange {
    start: usize,
    end: usize,
}

/// Why something is no range.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{found:?} is no range of layers; write one such as 0..3, which is the first three steps")]
pub struct LayerRangeError {
    /// What it was given, its beginning.
    pub found: String,
}

impl LayerRange {
    /// The steps from `start` up to and without `end`; nothing if there are none.
    #[must_use]
    pub fn new(start: usize, end: usize) -> Option<Self> {
        (start < end).then_some(Self { start, end })
    }

    /// The first step.
    #[must_use]
    pub fn start(self) -> usize {
        self.start
    }

    /// The step behind the last one.
    #[must_use]
    pub fn end(self) -> usize {
        self.end
    }
}

impl fmt::Display for LayerRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}..{}", self.start, self.end)
    }
}

impl FromStr for LayerRange {
    type Err = LayerRangeError;

    fn from_str(text: &str) -> Result<Self, LayerRangeError> {
        const QUOTED: usize = 32;
        // `usize` itself would take a sign.
        let number = |text: &str| {
            let digits = text.bytes().all(|byte| byte.is_ascii_digit());
            digits.then(|| text.parse().ok()).flatten()
        };
        let ends = text.split_once("..");
        let range = ends.and_then(|(start, end)| Self::new(number(start)?, number(end)?));
        range.ok_or_else(|| LayerRangeError {
            found: text.chars().take(QUOTED).collect(),
        })
    }
}

impl TryFrom<String> for LayerRange {
    type Error = LayerRangeError;

    fn try_from(text: String) -> Result<Self, LayerRangeError> {
        text.parse()
    }
}

impl From<LayerRange> for String {
    fn from(range: LayerRange) -> Self {
        range.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_read_as_they_are_written() {
        for (start, end) in [(0, 1), (0, 3), (2, usize::MAX)] {
            let range = LayerRange::new(start, end).unwrap();
            assert_eq!(range.to_string().parse(), Ok(range));
            let json = serde_json::to_string(&range).unwrap();
            assert_eq!(json, format!("\"{start}..{end}\""));
            assert_eq!(serde_json::from_str::<LayerRange>(&json).unwrap(), range);
        }
    }

    #[test]
    fn what_is_no_range_is_refused() {
        for text in [
            "",
            "3",
            "0..",
            "..3",
            "0...3",
            "0..=3",
            "0..0",
            "3..1",
            "-1..3",
            "+0..3",
            "0..3 ",
            "a..b",
            "0..99999999999999999999",
        ] {
            let error = text.parse::<LayerRange>().unwrap_err();
            assert_eq!(error.found, text);
        }
        let long = "9".repeat(1000);
        assert_eq!(long.parse::<LayerRange>().unwrap_err().found.len(), 32);
        assert!(serde_json::from_str::<LayerRange>("\"1..1\"").is_err());
    }
}
