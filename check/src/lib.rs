//! Runs a network encrypted and plain side by side, and reports where they part.
//!
//! Knows both halves: it makes keys as a client does, runs circuits as the evaluator does, and
//! decrypts between operations, which nothing that serves anybody can. Knows no network protocol.
//!
//! **Invariant:** a parameter set that would run out of levels, bits or noise is refused before
//! anything of it runs; keys are made here from a fixed seed and never leave the process.

mod forecast;
mod images;
mod memory;
pub mod page;
mod progress;
pub mod report;
mod session;
mod trial;
mod truth;

pub use images::ImagesError;
pub use progress::Progress;
pub use session::{CheckError, Options, check};
pub use trial::TrialError;
