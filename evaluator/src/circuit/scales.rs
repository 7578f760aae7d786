//! Scales: how many bits each operand gets.
//!
//! Worked out from the end. The reply may use all of the lowest modulus; going back, a product that
//! a rescale by `R` leaves at scale `s` wants operands whose scales multiply to `s·R`, and equal
//! shares lose the least to rounding on either side.

use shared::encoding::Scale;
use shared::ring::Level;

use crate::engine::Engine;
use crate::network::{Layer, Network};

/// log2 of how far the first layer's input is above an equal share, and its weights below: fresh
/// noise is about 2^7 in a slot and rotations of the input add 2^9.5, where encoding weights adds
/// about 2^4. Found by trying on `mnist-fast`: 0.5, 1, 1.75, 2.5 and 3.25 leave 9.1, 9.4, 9.9, 9.7
/// and 9.2 bits.
const INPUT_SHARE_BITS: f64 = 1.75;

/// The lowest modulus over the declared bound on the logits: 2 for the sign, and an eighth more for
/// noise.
const HEADROOM: f64 = 2.25;

/// The scale in front of each layer, of its weights, and behind the last.
#[derive(Clone, Debug, PartialEq)]
pub struct ScalePlan {
    /// Per layer, the scale of its input and of its weights (for a square, of the input again).
    layers: Vec<(Scale, Scale)>,
    output: Scale,
    output_bound: f64,
}

impl ScalePlan {
    /// Plans a network whose last layer is at level 1 and each one before it a level higher.
    pub fn new(engine: &Engine, network: &Network) -> Self {
        let q0: f64 = engine.rescale_divisor(Level(0));
        let output = q0 / (HEADROOM * network.logit_bound);
        let mut behind = output;
        let mut layers = Vec::with_capacity(network.layers.len());
        for (level, layer) in (1u8..).zip(network.layers.iter().rev()) {
            let first = usize::from(level) == network.layers.len();
            let product = behind * engine.rescale_divisor(Level(level));
            let share = match layer {
                Layer::Linear(_) if first => INPUT_SHARE_BITS.exp2(),
                Layer::Linear(_) | Layer::Square => 1.0,
            };
            let input = product.sqrt() * share;
            layers.push((Scale(input), Scale(product / input)));
            behind = input;
        }
        layers.reverse();
        Self {
            layers,
            output: Scale(output),
            output_bound: q0 / (2.0 * output),
        }
    }

    /// Scale of a layer's input.
    pub fn input(&self, layer: usize) -> Scale {
        self.layers[layer].0
    }

    /// Scale of a layer's weights.
    pub fn weights(&self, layer: usize) -> Scale {
        self.layers[layer].1
    }

    /// Scale of the logits.
    pub fn output(&self) -> Scale {
        self.output
    }

    /// Magnitude at which logits wrap around the lowest modulus.
    pub fn output_bound(&self) -> f64 {
        self.output_bound
    }
}
