//! `LogSoftmax` of the logits: left to the client.

use super::{Op, softmax};

pub const OP: Op = Op {
    name: "LogSoftmax",
    attributes: &["axis"],
    build: softmax::build,
};
