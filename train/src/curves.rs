//! What a run looked like.

pub mod picture;
pub mod tensorboard;
