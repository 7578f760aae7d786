//! The evaluator as a program.

mod program;
