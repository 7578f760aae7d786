//! What a person may know of the keys.
//!
//! **Invariant:** nothing in here helps to decrypt.

use shared::params::Parameters;
use shared::params::security::{Line, max_log2_qp};

/// How long the secret key lives.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Keeping {
    /// As long as this tab.
    #[default]
    Tab,
    /// Until it is forgotten: the browser stores it.
    Device,
}

/// Where the secret key came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The worker made it.
    Made,
    /// It was stored by an earlier visit.
    Stored,
    /// A file of another device.
    Imported,
}

/// What can be asked of the secret key's keeper.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyTask {
    /// To make a new one in place of the old.
    New,
    /// To wipe it.
    Forget,
    /// To store it, or not.
    Keep(Keeping),
    /// To write it as a file.
    Seal,
    /// To read it from a file.
    Open,
}

/// What is being done with the secret key, and what came of the last try.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum KeyWork {
    /// Nothing.
    #[default]
    Idle,
    /// This.
    Doing(KeyTask),
    /// It could not be done, for this reason.
    Refused(String),
}

/// The keys in use.
#[derive(Clone, Debug, PartialEq)]
pub struct KeyFacts {
    /// Where the secret key came from.
    pub origin: Origin,
    /// When it was made, in milliseconds since 1970.
    pub made_at: f64,
    /// The parameters it was made for.
    pub parameters: ParameterFacts,
}

/// A parameter set, and how it stands to the 128-bit line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParameterFacts {
    /// Name of the set.
    pub name: String,
    /// N, the degree of the ring.
    pub degree: u64,
    /// log2 of the largest Q·P that a key is made for.
    pub log2_qp: u32,
    /// The largest with 128 bits of security; nothing for a ring without a figure.
    pub line: Option<Line>,
}

impl From<&Parameters> for ParameterFacts {
    fn from(parameters: &Parameters) -> Self {
        let spec = parameters.spec();
        Self {
            name: spec.name.clone(),
            degree: parameters.degree() as u64,
            log2_qp: parameters.log2_qp(),
            line: max_log2_qp(spec.log_n),
        }
    }
}
