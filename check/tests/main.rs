//! The tester of parameters, against plain inference by another runtime.
//!
//! **Invariant:** everything it takes is made here, but for the model that ships.

mod materials;
mod page;
mod ranges;
mod refusals;
mod shipped;
