//! What is on the page, one responsibility a file.
//!
//! Knows markup, and the element ids and `data-` attributes the browser tests rely on; takes its
//! words from [`crate::text`] and what is true from [`crate::state`].
//!
//! **Invariant:** a component changes nothing but the canvas it owns; it reports what a person did.

mod answer;
mod app;
mod bars;
mod controls;
mod explanation;
mod failure;
mod masthead;
mod models;
mod pad;
mod preview;
mod status;
mod timings;

pub use app::App;
