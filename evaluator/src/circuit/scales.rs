//! Scales: how many bits each operand gets.
//!
//! Worked out from the end. The reply may use all of the lowest modulus; going back, a product that
//! a rescale by `R` leaves at scale `s` wants operands whose scales multiply to `s·R`.

use shared::encoding::Scale;
use shared::ring::Level;

use super::compile::Stage;
use crate::engine::Engine;
use crate::network::Linear;

/// log2 of the input's scale over that of the weights it meets. Fresh noise is about 2^8 in a slot,
/// where encoding weights adds about 2^4.
const INPUT_SHARE_BITS: f64 = 1.5;

/// log2 of a squared layer's scale over that of the weights behind, where the rows of both layers
/// have the same norm. Noise in the layer counts as much as the weights that read it, rounding in
/// those weights as much as what they read, so the share shifts with the ratio of the norms. Found
/// by trying on a dense network of the size of `mnist-fast`: 6.4, 7.4 and 8.4 leave errors of 0.058,
/// 0.051 and 0.060.
const SQUARE_SHARE_BITS: f64 = 7.4;

/// The lowest modulus over the declared bound on the logits: 2 for the sign, and an eighth more for
/// noise.
pub(super) const HEADROOM: f64 = 2.25;

/// The scales of one stage.
#[derive(Clone, Copy, Debug, PartialEq)]
struct StageScales {
    /// In front of it.
    input: Scale,
    /// Where the linear layer starts: behind the square.
    operand: Scale,
    /// At its end, before the rescale.
    product: Scale,
}

/// The scales of all stages.
#[derive(Clone, Debug, PartialEq)]
pub struct ScalePlan {
    stages: Vec<StageScales>,
    output: f64,
}

impl ScalePlan {
    /// Plans stages of which the last is at level 0 and each one before it a level higher.
    ///
    /// A logit ends up as a coefficient, the mean of `width` products.
    pub fn new(engine: &Engine, stages: &[Stage<'_>], logit_bound: f64, width: f64) -> Self {
        let output = engine.modulus(Level(0)) / (HEADROOM * logit_bound);
        let mut product = output * width;
        let mut plan = Vec::with_capacity(stages.len());
        for (at, stage) in stages.iter().enumerate().rev() {
            let (input, operand) = match (stage.squared, stage.linear) {
                (true, Some(_)) => {
                    let before = at.checked_sub(1).and_then(|before| stages[before].linear);
                    let ratio = norm(stage.linear) / norm(before);
                    let ratio = if ratio.is_normal() { ratio } else { 1.0 };
                    let input = (product * ratio * SQUARE_SHARE_BITS.exp2()).cbrt();
                    (input, input * input)
                }
                (true, None) => (product.sqrt(), product),
                (false, _) => {
                    let input = product.sqrt() * (INPUT_SHARE_BITS / 2.0).exp2();
                    (input, input)
                }
            };
            plan.push(StageScales {
                input: Scale(input),
                operand: Scale(operand),
                product: Scale(product),
            });
            let above = u8::try_from(stages.len() - at).unwrap_or(u8::MAX);
            product = input * engine.rescale_divisor(Level(above));
        }
        plan.reverse();
        Self {
            stages: plan,
            output,
        }
    }

    /// Scale of a stage's input.
    pub fn input(&self, stage: usize) -> Scale {
        self.stages[stage].input
    }

    /// Scale of what a stage's linear layer takes.
    pub fn operand(&self, stage: usize) -> Scale {
        self.stages[stage].operand
    }

    /// Scale of a stage's result, before its rescale.
    pub fn product(&self, stage: usize) -> Scale {
        self.stages[stage].product
    }

    /// What a logit is multiplied by, modulo the lowest modulus.
    pub fn output(&self) -> f64 {
        self.output
    }
}

/// Root mean square of the weights read from one unit, or that make one: by columns and by rows it
/// is the same but for the number of them, which both layers share.
fn norm(linear: Option<&Linear>) -> f64 {
    let squares = |linear: &Linear| linear.weights.iter().map(|weight| weight * weight).sum();
    linear.map_or(1.0, squares).sqrt()
}
