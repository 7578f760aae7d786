//! Every word a person reads, in one place.
//!
//! Knows English; knows no markup and no state beyond what it is asked to describe. Another
//! language is another file like this one. (The page's title, and what is read before the program
//! runs, stand in `www/index.html`.)
//!
//! **Invariant:** no component contains words of its own.

use client::models::ChoiceError;

use crate::failure::Failure;
use crate::state::{Notice, Phase, Place, Stage};

/// The product.
pub const NAME: &str = "Inkveil";
/// What it does.
pub const TAGLINE: &str = "A server reads your digit without seeing it.";

/// Label of the pad for those who don't see it.
pub const PAD_LABEL: &str = "Drawing pad for one digit";
/// Written on the empty pad.
pub const PAD_HINT: &str = "Draw a digit, 0 to 9";
/// Button.
pub const CLASSIFY: &str = "Classify";
/// Button.
pub const CLEAR: &str = "Clear";
/// Button.
pub const RETRY: &str = "Try again";
/// Label of the preview for those who don't see it.
pub const PREVIEW_LABEL: &str = "The drawing as it is encrypted, 28 by 28 pixels";
/// In place of a quiet word while there is none.
pub const PREVIEW_CAPTION: &str = "The small picture is what gets encrypted.";

/// Label of the choice of a model.
pub const MODEL: &str = "Model";
/// In place of a model's name while none is known.
pub const MODEL_UNKNOWN: &str = "…";
/// What opens the list of models.
pub const CHANGE_MODEL: &str = "Change";
/// Label of the list of models for those who don't see it.
pub const MODELS_LABEL: &str = "Models of this server";

/// Heading of the answer.
pub const ANSWER_HEADING: &str = "Answer";
/// Under the answer before there is one.
pub const ANSWER_IDLE: &str = "It appears here, decrypted on your device.";
/// Under the answer while the server computes.
pub const ANSWER_WORKING: &str = "Reading under the veil…";
/// Under the answer after a failure.
pub const ANSWER_FAILED: &str = "No answer this time.";
/// In front of the model's name under the answer, read aloud only.
pub const ANSWERED_BY: &str = "says the model ";
/// Label of the bars for those who don't see them.
pub const BARS_LABEL: &str = "Probability of each digit";

/// Heading of the timings.
pub const TIMINGS_HEADING: &str = "Where the time went";
/// Column.
pub const STAGE: &str = "Stage";
/// Column.
pub const TIME: &str = "Time";
/// Column.
pub const SIZE: &str = "Size";
/// Column for the timeline, read aloud only.
pub const TIMELINE: &str = "Share of the total";
/// Last row.
pub const TOTAL: &str = "In all";
/// In place of a figure that is not there yet.
pub const UNKNOWN: &str = "–";

/// Heading of the explanation.
pub const HOW_HEADING: &str = "How it works";
/// The explanation, in three sentences.
pub const HOW: [&str; 3] = [
    "Your browser makes a secret key that never leaves this page.",
    "It encrypts your drawing, and the server runs its neural network on the encrypted numbers \
     without being able to open them.",
    "What comes back is encrypted as well; only your key turns it into an answer.",
];

/// Heading of the details of a failure.
pub const DETAILS: &str = "Details";

/// What the page is doing.
pub fn phase(phase: &Phase) -> String {
    match phase {
        Phase::Loading => "Connecting…".into(),
        Phase::Keys { pieces: 0, .. } => "Making your keys…".into(),
        Phase::Keys { made, pieces } => format!("Making your keys, {made} of {pieces}"),
        Phase::Uploading { sent, total } => {
            format!(
                "Sending the server its working keys, {} of {}",
                bytes(*sent),
                bytes(*total)
            )
        }
        Phase::Ready => "Ready. Your key stays here.".into(),
        Phase::Encrypting => "Encrypting your drawing…".into(),
        Phase::Evaluating => "The server computes on ciphertext…".into(),
        Phase::Failed(_) => "Interrupted".into(),
    }
}

/// A quiet word.
pub fn notice(notice: Notice) -> String {
    match notice {
        Notice::NothingDrawn => "The pad is empty. Draw a digit first.".into(),
        Notice::Unreadable => {
            "Your browser doesn't let the page read its own canvas. Allow it for this site.".into()
        }
        Notice::KeysAgain => "The server had forgotten your keys; sending them again.".into(),
        Notice::Busy(seconds) => format!("The server is busy; asking again in {seconds} s."),
    }
}

/// What happened, in a few words.
pub fn failure_title(failure: &Failure) -> &'static str {
    match failure {
        Failure::Unreachable => "The server can't be reached",
        Failure::TimedOut { .. } => "The server takes too long",
        Failure::Busy { .. } => "The server is busy",
        Failure::Refused(_) => "The server refused",
        Failure::Unreadable { .. } => "The server's reply can't be read",
        Failure::Model(ChoiceError::None) => "The server has no model for drawings",
        Failure::Model(ChoiceError::Unknown { .. }) => "The server has no such model",
        Failure::Model(ChoiceError::Input { .. }) => "This model takes no drawings",
        Failure::Version { .. } => "The page is out of date",
        Failure::SessionLost => "The server keeps forgetting the keys",
        Failure::Link(_) => "Encryption is not running",
        Failure::Crypto(_) => "Encrypting or decrypting failed",
    }
}

/// What to do about it.
pub fn failure_advice(failure: &Failure) -> &'static str {
    match failure {
        Failure::Unreachable => {
            "Check your connection, or wait until the server is back. Your drawing stays here."
        }
        Failure::TimedOut { .. } | Failure::Busy { .. } => {
            "Wait a moment, then try again. Your drawing stays here."
        }
        Failure::Refused(_) => "Try again; if it stays like this, the server needs a look.",
        Failure::Unreadable { .. } | Failure::Version { .. } => {
            "Reload the page to get the version that fits the server."
        }
        Failure::Model(ChoiceError::None) => "Whoever runs the server has to give it one.",
        Failure::Model(_) => "Choose one from the list of models. Your drawing stays here.",
        Failure::SessionLost => "It may be short of memory. Try again in a minute.",
        Failure::Link(_) => {
            "Reload the page. It needs a browser with WebAssembly and module workers, such as \
             Firefox 114, Chrome 91 or Safari 16.4 and later."
        }
        Failure::Crypto(_) => "Try again; reloading the page makes new keys.",
    }
}

/// Name of a stage.
pub fn stage(stage: Stage) -> &'static str {
    match stage {
        Stage::Keys => "Make keys",
        Stage::KeyUpload => "Upload keys",
        Stage::Prepare => "Prepare",
        Stage::Encrypt => "Encrypt",
        Stage::Upload => "Upload",
        Stage::Evaluate => "Evaluate",
        Stage::Download => "Download",
        Stage::Decrypt => "Decrypt",
    }
}

/// Where a stage happens.
pub fn place(place: Place) -> &'static str {
    match place {
        Place::Page => "on your device",
        Place::Network => "on the way, encrypted",
        Place::Server => "on the server, encrypted",
    }
}

/// Under the answer.
pub fn confidence(confidence: f64) -> String {
    format!("{} sure", percent(confidence))
}

/// Why the model that was asked for isn't in use.
pub fn model_problem(error: &ChoiceError) -> String {
    match error {
        ChoiceError::None => "None of these models takes drawings.".into(),
        ChoiceError::Unknown { id, .. } => {
            format!("This server has no model called “{id}”. Choose one of these:")
        }
        ChoiceError::Input { id, .. } => format!("{id} takes no drawings. Choose another:"),
    }
}

/// Why a model on the list can't be chosen.
pub fn foreign_input(shape: &[usize]) -> String {
    let sizes: Vec<String> = shape.iter().map(usize::to_string).collect();
    format!(
        "Not from this page: it takes {} numbers, not a drawing of 28×28.",
        sizes.join("×")
    )
}

/// A probability.
pub fn percent(probability: f64) -> String {
    match probability * 100.0 {
        percent if percent >= 99.95 => "100 %".into(),
        percent if percent < 0.05 => "0 %".into(),
        percent => format!("{percent:.1} %"),
    }
}

/// A time.
pub fn milliseconds(ms: f64) -> String {
    if ms >= 1000.0 {
        format!("{:.2} s", ms / 1000.0)
    } else if ms >= 100.0 {
        format!("{ms:.0} ms")
    } else {
        format!("{ms:.1} ms")
    }
}

/// A size.
pub fn bytes(bytes: u64) -> String {
    match bytes {
        0..1_000 => format!("{bytes} B"),
        1_000..1_000_000 => format!("{:.1} KB", bytes as f64 / 1e3),
        _ => format!("{:.2} MB", bytes as f64 / 1e6),
    }
}

/// The session, in a line: its name is cut, and the key's is never told.
pub fn session(id: &str, key_bytes: u64) -> String {
    let short: String = id.chars().take(8).collect();
    format!(
        "Session {short} · {} of working keys on the server",
        bytes(key_bytes)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_have_a_sensible_length() {
        let sizes = [0, 999, 38_211, 1_048_576].map(bytes);
        assert_eq!(sizes, ["0 B", "999 B", "38.2 KB", "1.05 MB"]);
        let times = [0.0, 1.26, 99.0, 312.4, 2_345.0].map(milliseconds);
        assert_eq!(times, ["0.0 ms", "1.3 ms", "99.0 ms", "312 ms", "2.35 s"]);
        let input = foreign_input(&[3, 32, 32]);
        assert!(input.contains("3×32×32"), "{input}");
        let shares = [0.0, 0.0004, 0.5, 0.998, 0.9999].map(percent);
        assert_eq!(shares, ["0 %", "0 %", "50.0 %", "99.8 %", "100 %"]);
    }
}
