//! Whether each finished stroke is read at once.
//!
//! **Invariant:** what a person chose holds; without a choice the page reads live as long as answers
//! come quickly enough to be called that.

/// A round trip of more milliseconds than this is slow.
pub const SLOW_MS: f64 = 1_500.0;

/// So many slow round trips in a row end reading live.
const PATIENCE: u8 = 2;

/// Whether each finished stroke is read at once, and who decided that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Live {
    /// The page decides; so many round trips in a row were slow.
    Auto {
        /// Slow round trips since the last quick one.
        slow: u8,
    },
    /// A person wants it, or doesn't.
    Chosen(bool),
}

impl Default for Live {
    fn default() -> Self {
        Self::Auto { slow: 0 }
    }
}

impl Live {
    /// True if each finished stroke is read at once.
    pub fn is_on(self) -> bool {
        match self {
            Self::Auto { slow } => slow < PATIENCE,
            Self::Chosen(on) => on,
        }
    }

    /// What holds after a round trip of so many milliseconds. Once off, it stays off until a person
    /// wants it back.
    #[must_use]
    pub fn after(self, round_trip_ms: f64) -> Self {
        match self {
            Self::Auto { slow } if self.is_on() => Self::Auto {
                slow: if round_trip_ms > SLOW_MS { slow + 1 } else { 0 },
            },
            decided => decided,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(start: Live, round_trips: &[f64], expected: bool) {
        let end = round_trips.iter().fold(start, |live, &ms| live.after(ms));
        assert_eq!(end.is_on(), expected, "{start:?} after {round_trips:?}");
    }

    #[test]
    fn slow_answers_in_a_row_end_it() {
        check(Live::default(), &[], true);
        check(Live::default(), &[30.0, 9_000.0, 40.0, 9_000.0], true);
        check(Live::default(), &[1_600.0, 2_000.0], false);
        check(Live::default(), &[2_000.0, 2_000.0, 10.0, 10.0], false);
    }

    #[test]
    fn a_person_has_the_last_word() {
        check(Live::Chosen(true), &[9_000.0; 9], true);
        check(Live::Chosen(false), &[1.0; 9], false);
    }
}
