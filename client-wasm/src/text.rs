//! Every word a person reads, in one place.
//!
//! Knows English; knows no markup and no state beyond what it is asked to describe. Another
//! language is another file like this one. (The page's title, and what is read before the program
//! runs, stand in `www/index.html`.)
//!
//! **Invariant:** no component contains words of its own.

mod keys;

use std::borrow::Cow;
use std::time::Duration;

use client::manners;
use client::models::ChoiceError;
use shared::api::Problem;

pub use keys::*;

use crate::drawing::Pen;
use crate::failure::Failure;
use crate::pictures::PictureError;
use crate::raster::MOST_DIGITS;
use crate::state::{Notice, Phase, Place, Stage};

/// The product.
pub const NAME: &str = "Inkveil";
/// What it does.
pub const TAGLINE: &str = "A server reads your digit without seeing it.";

/// Label of the part of the page where one draws.
pub const DRAW_LABEL: &str = "Draw";
/// Label of the part of the page where the answer appears.
pub const READ_LABEL: &str = "Read";
/// Label of the pad for those who don't see it.
pub const PAD_LABEL: &str = "Drawing pad for a digit, or a few";
/// Written on the empty pad.
pub const PAD_HINT: &str = "Draw a digit, 0 to 9";
/// Button.
pub const CLASSIFY: &str = "Classify";
/// Button.
pub const CLEAR: &str = "Clear";
/// Button.
pub const UNDO: &str = "Undo";
/// Label of the choice of a pen.
pub const PENS: &str = "Pen";
/// Button.
pub const RETRY: &str = "Try again";
/// Button.
pub const RELOAD: &str = "Reload the page";
/// Switch: each finished stroke is read at once.
pub const LIVE: &str = "Live";
/// While the browser has no network.
pub const OFFLINE: &str =
    "You are offline. You can draw; reading goes on when the network is back.";
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
/// Under an answer to what the drawing was a stroke ago.
pub const ANSWER_OUTDATED: &str = "Go on drawing…";
/// Label of the buttons that choose whose bars are shown.
pub const WHICH_DIGIT: &str = "Digit whose probabilities are shown";
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
/// The explanation, a sentence for each picture.
pub const HOW: [&str; 5] = [
    "You draw. The page turns it into 28×28 numbers, makes a secret key, and keeps both.",
    "Your browser hides the numbers under noise that only your key can take away.",
    "The server adds and multiplies the hidden numbers, as its neural network wants, and never \
     uncovers one.",
    "What it sends back is hidden as well, from itself too.",
    "Your key takes the noise away, here on your device.",
];
/// Under the explanation.
pub const HOW_MORE: &str = "The hiding is called CKKS, a homomorphic encryption: sums and products of \
     what is encrypted are the encrypted sums and products. The server gets working keys with \
     which it can compute, but not read. To know every byte of it, read:";
/// The documents that travel with the page: name and address.
pub const DOCUMENTS: [(&str, &str); 4] = [
    ("What is protected, and what isn't", "docs/security.md"),
    ("How it is built", "docs/architecture.md"),
    ("What goes over the wire", "docs/wire-format.md"),
    ("How fast it is", "docs/benchmarks.md"),
];
/// Label of the drawn network.
pub const NETWORK_LABEL: &str = "A neural network of three layers";
/// Label of the reply's picture.
pub const REPLY_LABEL: &str = "The encrypted answer: noise";

/// Heading of the comparison.
pub const PRIVACY_HEADING: &str = "What the server sees";
/// Under the drawing.
pub const YOU_SEE: &str = "You see";
/// Under the ciphertext.
pub const SERVER_SEES: &str = "All a server sees";
/// Under the ciphertext before.
pub const SERVER_SAW: &str = "…and the time before";
/// Label of the ciphertext's picture.
pub const NOISE_LABEL: &str = "The last ciphertext, a grey pixel for each byte: noise";
/// Label of the picture of the ciphertext before.
pub const EARLIER_NOISE_LABEL: &str = "The ciphertext before that: other noise";
/// Button.
pub const ENCRYPT_AGAIN: &str = "Encrypt it again, unsent";
/// While there is nothing to compare.
pub const AGREEMENT_HINT: &str =
    "The same drawing, encrypted twice, looks like two different ones.";
/// Heading of the list of what the server sees.
pub const SEEN_HEADING: &str = "It can see";
/// A line of that list.
pub const SEEN_CIPHERTEXT: &str = "Size of the ciphertext";
/// A line of that list.
pub const SEEN_SESSION: &str = "Session";
/// A line of that list.
pub const SEEN_KEYS: &str = "Working keys, in memory";
/// A line of that list.
pub const SEEN_MODEL: &str = "Model";
/// A line of that list.
pub const SEEN_COUNT: &str = "Digits in the drawing";
/// A line of that list.
pub const SEEN_TIMING: &str = "When it is asked";
/// Heading of the list of what the server doesn't see.
pub const UNSEEN_HEADING: &str = "It can't see";
/// That list.
pub const UNSEEN: [&str; 3] = ["your drawing", "the answer", "your secret key"];

/// Heading of the history.
pub const HISTORY_HEADING: &str = "What was read";
/// In place of the history while there is none.
pub const HISTORY_EMPTY: &str = "Each drawing gets a line here, in this tab only.";
/// Column.
pub const HISTORY_DRAWING: &str = "Drawing";
/// Column.
pub const SURE: &str = "Sure";
/// Button.
pub const CLEAR_HISTORY: &str = "Clear the list";
/// Button.
pub const EXPORT_FIGURES: &str = "Save all figures";
/// Name of the file with the figures.
pub const FIGURES_FILE: &str = "inkveil-figures.json";

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
        Phase::NoKeys => "Your keys are forgotten. Make new ones to go on.".into(),
        Phase::Encrypting => "Encrypting your drawing…".into(),
        Phase::Evaluating => "The server computes on ciphertext…".into(),
        Phase::Failed(_) => "Interrupted".into(),
    }
}

/// A quiet word.
pub fn notice(notice: &Notice) -> String {
    match notice {
        Notice::NothingDrawn => "The pad is empty. Draw a digit first.".into(),
        Notice::TooLittle => "That is too little to be a digit. Draw on.".into(),
        Notice::TooMany(found) => {
            format!("{found} digits are too many at once; up to {MOST_DIGITS} are read together.")
        }
        Notice::Picture(problem) => picture_problem(problem).into(),
        Notice::UploadAgain => "The upload broke off; sending the keys again.".into(),
        Notice::TooSlowForLive => {
            "Answers are slow here, so the page now waits for the button. Live brings it back."
                .into()
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
        Failure::Busy { status: 429, .. } => "A limit of the server is reached",
        Failure::Busy { .. } => "The server is busy",
        Failure::Private { .. } => "This service is private",
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
pub fn failure_advice(failure: &Failure) -> Cow<'static, str> {
    let advice = match failure {
        Failure::Busy { problem, wait, .. } => return busy_advice(problem.as_ref(), *wait).into(),
        Failure::Unreachable => {
            "Check your connection, or wait until the server is back. Your drawing stays here."
        }
        Failure::TimedOut { .. } => "Wait a moment, then try again. Your drawing stays here.",
        Failure::Private { refused: false } => "Open it by the link that its host gave you.",
        Failure::Private { refused: true } => {
            "The link you opened holds no longer. Ask its host for another."
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
    };
    advice.into()
}

/// What a busy server said, and when to try again.
fn busy_advice(problem: Option<&Problem>, wait: Option<Duration>) -> String {
    let said = problem.map_or_else(String::new, |problem| {
        format!("It says: {}. ", problem.title)
    });
    let when = wait.map_or_else(|| "a moment".into(), manners::in_words);
    format!("{said}Try again in {when}. Your drawing stays here.")
}

/// Name of a pen.
pub fn pen(pen: Pen) -> &'static str {
    match pen {
        Pen::Thin => "Thin pen",
        Pen::Medium => "Medium pen",
        Pen::Thick => "Thick pen",
    }
}

/// Name of a stage.
pub fn stage(stage: Stage) -> &'static str {
    match stage {
        Stage::Keys => "Make keys",
        Stage::KeyUpload => "Upload keys",
        Stage::Prepare => "Prepare",
        Stage::Encode => "Encode",
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

/// Under an answer when the two likeliest classes are close; each with its name and probability.
pub fn unsure(first: (&str, f64), second: (&str, f64)) -> String {
    format!(
        "Not sure: {} ({}) or {} ({})",
        first.0,
        percent(first.1),
        second.0,
        percent(second.1)
    )
}

/// Under a number of several digits, of which the model isn't sure of these, counted from 1.
pub fn confidence_in_all(unsure: &[usize]) -> String {
    let numbers: Vec<String> = unsure.iter().map(usize::to_string).collect();
    match numbers.as_slice() {
        [] => "Sure of every digit".into(),
        [one] => format!("Not sure of digit {one}"),
        [most @ .., last] => format!("Not sure of digits {} and {last}", most.join(", ")),
    }
}

/// Label of the button that shows a digit's bars, the digit counted from 0.
pub fn bars_of(index: usize, name: &str) -> String {
    format!("Digit {}: {name}", index + 1)
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

/// A session's name, cut: nobody compares more of it.
pub fn short_id(id: &str) -> String {
    let short: String = id.chars().take(8).collect();
    format!("{short}…")
}

/// What the server's clock tells it.
pub fn seen_timing(live: bool) -> &'static str {
    if live {
        "whenever you lift the pen (Live is on), so it can count strokes"
    } else {
        "when you press Classify"
    }
}

/// How far two ciphertexts agree.
pub fn agreement(share: f64) -> String {
    format!(
        "{:.2} % of the bytes are the same in both; chance alone makes it 0.39 %.",
        share * 100.0
    )
}

/// What keys do on the pad, for those who don't see it.
pub const PAD_KEYS: &str = "Type a digit to have it drawn, with Shift to add it. Enter classifies, \
                            Delete or Backspace clears, Control+Z undoes, L switches Live.";
/// Label of the button for pictures.
pub const PICTURE_LABEL: &str = "Read a digit from a photo or another picture";

/// Why a picture can't be put on the pad.
pub fn picture_problem(problem: &PictureError) -> &'static str {
    match problem {
        PictureError::Kind { .. } => "That is no picture. Choose a photo of a digit.",
        PictureError::TooLarge { .. } => "That picture is too large. Choose one below 50 MB.",
        PictureError::Undecodable => "Your browser can't open that picture. Try a PNG or a JPEG.",
        PictureError::Canvas => {
            "Your browser doesn't let the page read pictures. Allow it for this site."
        }
        PictureError::NoInk => {
            "No ink stands out in that picture. Try more light, or a thicker pen."
        }
    }
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
    #[test]
    fn who_has_to_wait_reads_why_and_how_long() {
        let busy = |problem, seconds: Option<u64>| Failure::Busy {
            status: 429,
            problem,
            attempts: 1,
            wait: seconds.map(Duration::from_secs),
        };
        let problem = Problem {
            kind: "/problems/too-many-sessions".into(),
            title: "Too many sessions".into(),
            status: 429,
            detail: "this address holds 1000".into(),
        };
        let advice = |failure| failure_advice(&failure).into_owned();
        assert_eq!(
            advice(busy(Some(problem), Some(600))),
            "It says: Too many sessions. Try again in 10 minutes. Your drawing stays here."
        );
        assert_eq!(
            advice(busy(None, None)),
            "Try again in a moment. Your drawing stays here."
        );
    }
}
