//! How long each stage took and how many bytes it moved.
//!
//! **Invariant:** a stage that has not happened has no measure; zero is never a placeholder.

/// A step on the way from a drawing to its answer, or before the first one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Making the keys.
    Keys,
    /// Uploading the evaluation keys.
    KeyUpload,
    /// Cropping, centring and scaling the drawing.
    Prepare,
    /// Writing its numbers into a polynomial.
    Encode,
    /// Encrypting that.
    Encrypt,
    /// The ciphertext's way to the server.
    Upload,
    /// The server's work on the ciphertext.
    Evaluate,
    /// The reply's way back.
    Download,
    /// Decrypting it.
    Decrypt,
}

/// Where a stage happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// In this page.
    Page,
    /// Between page and server.
    Network,
    /// On the server.
    Server,
}

impl Stage {
    /// What happens once.
    pub const ONCE: [Self; 2] = [Self::Keys, Self::KeyUpload];

    /// What happens for every drawing, in order.
    pub const EACH: [Self; 7] = [
        Self::Prepare,
        Self::Encode,
        Self::Encrypt,
        Self::Upload,
        Self::Evaluate,
        Self::Download,
        Self::Decrypt,
    ];

    /// A name for programs.
    pub fn id(self) -> &'static str {
        match self {
            Self::Keys => "keys",
            Self::KeyUpload => "key-upload",
            Self::Prepare => "prepare",
            Self::Encode => "encode",
            Self::Encrypt => "encrypt",
            Self::Upload => "upload",
            Self::Evaluate => "evaluate",
            Self::Download => "download",
            Self::Decrypt => "decrypt",
        }
    }

    /// Where it happens.
    pub fn place(self) -> Place {
        match self {
            Self::Keys | Self::Prepare | Self::Encode | Self::Encrypt | Self::Decrypt => {
                Place::Page
            }
            Self::KeyUpload | Self::Upload | Self::Download => Place::Network,
            Self::Evaluate => Place::Server,
        }
    }

    fn slot(self) -> usize {
        self as usize
    }
}

/// What a stage took.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Measure {
    /// Milliseconds.
    pub ms: f64,
    /// Bytes it made or moved, where that means something.
    pub bytes: Option<u64>,
}

impl Measure {
    /// Time alone.
    pub fn time(ms: f64) -> Self {
        Self { ms, bytes: None }
    }

    /// Time and bytes.
    pub fn new(ms: f64, bytes: usize) -> Self {
        Self {
            ms,
            bytes: u64::try_from(bytes).ok(),
        }
    }
}

/// The measures of the last drawing and of what came before the first.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Timings([Option<Measure>; 9]);

impl Timings {
    /// What a stage took, if it happened.
    pub fn get(&self, stage: Stage) -> Option<Measure> {
        self.0[stage.slot()]
    }

    /// Milliseconds before a stage of the last drawing began.
    pub fn before(&self, stage: Stage) -> f64 {
        let earlier = Stage::EACH.into_iter().take_while(|&other| other != stage);
        earlier
            .filter_map(|earlier| self.get(earlier))
            .map(|measure| measure.ms)
            .sum()
    }

    /// Milliseconds of all stages of the last drawing, once they have all happened.
    pub fn total(&self) -> Option<f64> {
        Stage::EACH
            .into_iter()
            .map(|stage| self.get(stage).map(|measure| measure.ms))
            .sum()
    }

    pub(super) fn set(&mut self, stage: Stage, measure: Measure) {
        self.0[stage.slot()] = Some(measure);
    }

    pub(super) fn clear_job(&mut self) {
        for stage in Stage::EACH {
            self.0[stage.slot()] = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stages_add_up() {
        let mut timings = Timings::default();
        assert_eq!(timings.total(), None);
        for (ms, stage) in (1..).zip(Stage::EACH) {
            timings.set(stage, Measure::time(f64::from(ms)));
        }
        timings.set(Stage::Keys, Measure::time(1000.0));
        assert_eq!(timings.total(), Some(28.0));
        assert_eq!(timings.before(Stage::Prepare), 0.0);
        assert_eq!(timings.before(Stage::Evaluate), 10.0);
        timings.clear_job();
        assert_eq!(timings.total(), None);
        assert_eq!(timings.get(Stage::Keys), Some(Measure::time(1000.0)));
    }
}
