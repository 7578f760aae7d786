//! What is on the page, one responsibility a file.
//!
//! Knows markup, and the element ids and `data-` attributes the browser tests rely on; takes its
//! words from [`crate::text`] and what is true from [`crate::state`].
//!
//! **Invariant:** a component changes nothing but the canvas it owns; it reports what a person did,
//! and `hands` alone turns that into actions and commands.

// The whole.
mod app;
mod hands;
mod masthead;

// The drawing.
mod controls;
mod models;
mod pad;
mod picture;
mod preview;
mod tools;

// The answer.
mod answer;
mod bars;
mod failure;
mod status;

// What happened to it, and to the keys.
mod explanation;
mod history;
mod key_file;
mod keys;
mod noise;
mod privacy;
mod timings;

pub use app::App;
pub use pad::{Change, Pad, Props as PadProps};
