//! Everything that crosses rooms, in one binary.
//!
//! **Invariant:** nothing here is skipped but the networks of `trained`, where the data that isn't
//! part of the project is missing; another test that lacks what it needs fails and says what.

mod browser;
mod bulk;
mod circuit;
mod cli;
mod drawn;
#[cfg(target_os = "linux")]
mod faults;
mod graphs;
mod hostile;
mod hosting;
mod house;
mod noise_estimate;
mod scheme;
mod server;
mod service;
mod trained;
mod wire;
