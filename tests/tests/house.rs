//! Rules of the house, as tests.

mod rooms;
mod tidy;
