//! Everything that crosses rooms, in one binary.
//!
//! **Invariant:** nothing here is skipped; a test that lacks what it needs fails and says what.

mod browser;
mod bulk;
mod circuit;
mod cli;
mod house;
mod noise_estimate;
mod scheme;
mod server;
mod service;
mod wire;
