//! Words about keys.

use crate::state::{Keeping, KeyFacts, KeyTask, Measure, Origin, ParameterFacts};

use super::{bytes, milliseconds};

/// Heading of the panel.
pub const KEYS_HEADING: &str = "Your keys";
/// In place of the facts while there are none.
pub const NO_KEYS: &str = "No key is in use now.";
/// A line of the facts.
pub const KEY_PARAMETERS: &str = "Parameters";
/// A line of the facts.
pub const KEY_SECURITY: &str = "Security";
/// Where the figure comes from.
pub const SECURITY_SOURCE: &str = "Bossuat et al., ePrint 2024/463, Table 5.2";
/// A line of the facts.
pub const KEY_SECRET: &str = "Secret key";
/// A line of the facts.
pub const KEY_EVALUATION: &str = "Working keys";
/// Switch.
pub const KEEP_ON_DEVICE: &str = "Keep the key on this device";
/// Button.
pub const NEW_KEYS: &str = "New keys";
/// Button.
pub const FORGET_KEYS: &str = "Forget keys";
/// What opens the form for writing.
pub const EXPORT_KEYS: &str = "Take the key to another device";
/// Above that form.
pub const EXPORT_ADVICE: &str = "The key is saved as a file that only the passphrase opens. Whoever has \
     both can read what you have read.";
/// A field.
pub const NEW_PASSPHRASE: &str = "A passphrase, 10 characters or more";
/// Button.
pub const EXPORT_BUTTON: &str = "Save key file";
/// What opens the form for reading.
pub const IMPORT_KEYS: &str = "Use a key from another device";
/// Above that form.
pub const IMPORT_ADVICE: &str = "It takes the place of the key in use.";
/// A field.
pub const KEY_FILE: &str = "Key file";
/// A field.
pub const PASSPHRASE: &str = "Its passphrase";
/// Button.
pub const IMPORT_BUTTON: &str = "Open key file";
/// Name of a saved key.
pub const KEY_FILE_NAME: &str = "inkveil-key.bin";
/// A new passphrase that is too short.
pub const PASSPHRASE_SHORT: &str = "the passphrase has to have 10 characters or more";
/// A chosen file that can't be read, or is far too long.
pub const KEY_FILE_UNREADABLE: &str =
    "the file can't be read, or is no key file; those are smaller than 64 KB";

/// The parameters a key was made for.
pub fn parameters(facts: &ParameterFacts) -> String {
    format!("{}: ring degree {}", facts.name, facts.degree)
}

/// How a parameter set stands to the line.
pub fn security(facts: &ParameterFacts) -> String {
    let Some(line) = facts.line else {
        return "unknown for this ring".into();
    };
    let quantum = if facts.log2_qp <= line.quantum {
        "and quantum ones"
    } else {
        "fewer than 128 against quantum ones"
    };
    format!(
        "at least 128 bits against known classical attacks, {quantum}: log₂(Q·P) is {} of at most {}.",
        facts.log2_qp, line.classical
    )
}

/// Where the secret key came from and when it was made, as the person's clock says it.
pub fn secret_key(facts: &KeyFacts, made: &str) -> String {
    let origin = match facts.origin {
        Origin::Made => "made here",
        Origin::Stored => "from this device's storage, made",
        Origin::Imported => "from your file, made",
    };
    format!("32 bytes, {origin} {made}")
}

/// How long ago something was, in minutes, hours or days.
pub fn ago(ms: f64) -> String {
    let minutes = (ms / 60_000.0).floor();
    match minutes {
        ..1.0 => "just now".into(),
        1.0..120.0 => format!("{minutes:.0} min ago"),
        120.0..2_880.0 => format!("{:.0} hours ago", (minutes / 60.0).floor()),
        _ => format!("{:.0} days ago", (minutes / 1_440.0).floor()),
    }
}

/// What the evaluation keys took.
pub fn evaluation_keys(measure: Measure) -> String {
    match measure.bytes {
        Some(size) => format!("{}, {}", bytes(size), milliseconds(measure.ms)),
        None => milliseconds(measure.ms),
    }
}

/// What the choice of a place for the key means.
pub fn keeping(keeping: Keeping) -> &'static str {
    match keeping {
        Keeping::Tab => {
            "Now it lives as long as this tab. Kept on the device, a reload makes and uploads \
             nothing; don't do that on a shared computer."
        }
        Keeping::Device => "It is stored in this browser, and a reload makes and uploads nothing.",
    }
}

/// While something is done with the key.
pub fn key_task(task: KeyTask) -> &'static str {
    match task {
        KeyTask::New => "Making a new key…",
        KeyTask::Forget => "Wiping all keys…",
        KeyTask::Keep(Keeping::Device) => "Storing the key…",
        KeyTask::Keep(Keeping::Tab) => "Emptying the storage…",
        KeyTask::Seal => "Sealing the key…",
        KeyTask::Open => "Opening the key file…",
    }
}

/// When it could not be done.
pub fn key_refusal(reason: &str) -> String {
    format!("That didn't work: {reason}.")
}

#[cfg(test)]
mod tests {
    use shared::params::security::Line;

    use super::*;

    #[test]
    fn ages_are_told_in_one_unit() {
        let ages = [0.0, 59e3, 60e3, 119.5 * 60e3, 3.0 * 3_600e3, 49.0 * 3_600e3].map(ago);
        let expected = [
            "just now",
            "just now",
            "1 min ago",
            "119 min ago",
            "3 hours ago",
            "2 days ago",
        ];
        assert_eq!(ages, expected);
    }

    #[test]
    fn both_lines_are_told() {
        let line = Some(Line {
            classical: 106,
            quantum: 101,
        });
        let facts = |log2_qp| ParameterFacts {
            name: "n12".into(),
            degree: 4_096,
            log2_qp,
            line,
        };
        assert!(security(&facts(101)).contains("and quantum ones"));
        let above = security(&facts(102));
        assert!(
            above.contains("fewer than 128 against quantum ones"),
            "{above}"
        );
        assert!(above.contains("102 of at most 106"), "{above}");
    }
}
