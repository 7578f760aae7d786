//! What was read since the page was opened.
//!
//! **Invariant:** a drawing has one entry, that of its last answer, and the oldest entries give way.

use shared::api::Preparation;
use shared::image::Digit;

use super::answer::Answer;
use super::timings::Timings;

/// Entries that are kept.
pub const CAPACITY: usize = 100;

/// A drawing and its answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// The drawing's number, counted from 1.
    pub drawing: u32,
    /// When it was asked for, in milliseconds since 1970.
    pub at: f64,
    /// What was drawn, from left to right.
    pub digits: Vec<Digit>,
    /// What happened to it before it was encrypted.
    pub preparation: Preparation,
    /// What came back.
    pub answer: Answer,
    /// The answer in words: the names of the likeliest classes in a row.
    pub number: String,
    /// What each stage took.
    pub timings: Timings,
}

/// The drawings that were read, the last one last.
#[derive(Clone, Debug, PartialEq)]
pub struct History {
    entries: Vec<Entry>,
    drawing: u32,
    asked_at: f64,
}

impl Default for History {
    fn default() -> Self {
        Self {
            entries: Vec::new(),
            drawing: 1,
            asked_at: 0.0,
        }
    }
}

impl History {
    /// The entries, the oldest first.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// What is answered from here on belongs to another drawing.
    pub(super) fn next_drawing(&mut self) {
        // A drawing that was never read needs no number.
        if self
            .entries
            .last()
            .is_some_and(|last| last.drawing == self.drawing)
        {
            self.drawing += 1;
        }
    }

    /// A reading was asked for.
    pub(super) fn ask(&mut self, at: f64) {
        self.asked_at = at;
    }

    /// It was answered; the entry gets its number and time here.
    pub(super) fn answer(&mut self, entry: Entry) {
        let (drawing, at) = (self.drawing, self.asked_at);
        self.entries.retain(|entry| entry.drawing != drawing);
        let surplus = (self.entries.len() + 1).saturating_sub(CAPACITY);
        self.entries.drain(..surplus);
        self.entries.push(Entry {
            drawing,
            at,
            ..entry
        });
    }

    /// Forgets all entries.
    pub(super) fn clear(&mut self) {
        self.entries.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::DigitAnswer;

    fn answer(history: &mut History, model: &str) {
        let answer = Answer {
            model: model.into(),
            digits: vec![DigitAnswer::new(vec![1.0])],
        };
        history.answer(Entry {
            drawing: 0,
            at: 0.0,
            digits: Vec::new(),
            preparation: Preparation::default(),
            answer,
            number: "0".into(),
            timings: Timings::default(),
        });
    }

    fn models(history: &History) -> Vec<&str> {
        let entries = history.entries().iter();
        entries.map(|entry| entry.answer.model.as_str()).collect()
    }

    #[test]
    fn a_drawing_has_one_entry() {
        let mut history = History::default();
        history.next_drawing();
        history.ask(5.0);
        answer(&mut history, "first stroke");
        answer(&mut history, "second stroke");
        history.next_drawing();
        history.next_drawing();
        answer(&mut history, "another");
        assert_eq!(models(&history), ["second stroke", "another"]);
        let numbers: Vec<u32> = history
            .entries()
            .iter()
            .map(|entry| entry.drawing)
            .collect();
        assert_eq!(numbers, [1, 2]);
        assert_eq!(history.entries()[0].at, 5.0);
    }

    #[test]
    fn the_oldest_give_way() {
        let mut history = History::default();
        for number in 0..=CAPACITY {
            answer(&mut history, &number.to_string());
            history.next_drawing();
        }
        assert_eq!(history.entries().len(), CAPACITY);
        assert_eq!(models(&history)[0], "1");
        history.clear();
        assert!(history.entries().is_empty());
    }
}
