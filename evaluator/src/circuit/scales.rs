//! Scales: how many bits each operand gets.
//!
//! Worked out from the end. The reply may use all of the lowest modulus; going back, a product that
//! a rescale by `R` leaves at scale `s` wants operands whose scales multiply to `s·R`. What a product
//! of ciphertexts has is then worked out from the beginning. How the bits are shared is estimated
//! here, and then moved as long as the predicted error falls ([`super::program`]).

use shared::ring::Level;

use super::layout::Layout;
use super::placement::Placement;
use super::schedule::{Kind, Operation, Output, RegisterId, Schedule};
use super::statistics::Statistics;
use crate::engine::NoiseModel;

/// log2 of the scale of weights under that of the values between layers, about: what chains are made
/// for, before the shares are known.
const USUAL_WEIGHT_BITS: f64 = 6.5;

/// The lowest modulus over the declared bound on the logits: 2 for the sign, and an eighth more for
/// noise.
pub const HEADROOM: f64 = 2.25;

/// The scales of all registers and operations.
#[derive(Clone, Debug, PartialEq)]
pub struct Scales {
    /// Of each register.
    pub registers: Vec<f64>,
    /// Of each operation's result, in front of its rescale.
    pub products: Vec<f64>,
    /// What a product of ciphertexts is multiplied by before its rescale.
    pub boosts: Vec<f64>,
    /// Of the reply, before it is truncated.
    pub reply: f64,
}

/// Wishes for a register's scale; their geometric mean is granted.
#[derive(Clone, Copy, Default)]
struct Wishes {
    log_sum: f64,
    count: f64,
}

impl Wishes {
    fn add(&mut self, scale: f64) {
        self.log_sum += scale.log2();
        self.count += 1.0;
    }

    fn granted(self) -> Option<f64> {
        (self.count > 0.0).then(|| (self.log_sum / self.count).exp2())
    }
}

/// Plans the scales of a schedule at the levels of a parameter set.
pub struct Planner<'a> {
    pub schedule: &'a Schedule,
    pub statistics: &'a Statistics,
    pub placement: &'a Placement,
    pub model: NoiseModel<'a>,
    /// A logit ends up as a coefficient, the mean of this many products; in a slot, of one.
    pub width: f64,
    /// Of logits in coefficients: rows that share a part of the reply.
    pub rows: Option<f64>,
    /// For each register, what its scale is moved by from where simple estimates put it, as log2.
    pub shifts: &'a [f64],
}

/// A matrix product with what is read from one register.
struct Read {
    register: RegisterId,
    /// Mean over the rows of the sum of their squared weights.
    row: f64,
    /// Weights, each rounded, that a value of the output meets.
    met: f64,
}

impl Planner<'_> {
    /// The scales.
    pub fn plan(&self) -> Scales {
        let output = self.model.modulus(Level(0)) / (HEADROOM * self.statistics.bound);
        let mut reply = output * self.width;
        let operations = &self.schedule.operations;
        let mut wishes = vec![Wishes::default(); operations.len() + 1];
        match &self.schedule.output {
            Output::Layer(terms) => {
                let last = self.statistics.rows.len() - 1;
                for (at, &(register, squared)) in terms.iter().enumerate() {
                    let read = self.read(last, at, register, 1.0);
                    let scale = if squared {
                        self.squared_operand(reply, &read, register)
                    } else {
                        self.operand(reply, &read)
                    };
                    wishes[register.0].add(scale);
                }
            }
            Output::Register(register, true) => wishes[register.0].add(reply.sqrt()),
            Output::Register(register, false) => wishes[register.0].add(reply),
        }
        for at in (0..operations.len()).rev() {
            self.wish(at, &mut wishes);
        }
        let input = self.granted(0, &wishes);
        let mut scales = Scales {
            registers: vec![input],
            products: Vec::new(),
            boosts: Vec::new(),
            reply,
        };
        for at in 0..operations.len() {
            self.grant(at, self.granted(at + 1, &wishes), &mut scales);
        }
        if let Output::Register(register, squared) = self.schedule.output {
            let scale = scales.registers[register.0];
            reply = if squared { scale * scale } else { scale };
            scales.reply = reply;
        }
        scales
    }

    fn granted(&self, register: usize, wishes: &[Wishes]) -> f64 {
        let shift = self.shifts.get(register).copied().unwrap_or(0.0);
        let wish = wishes[register].granted().unwrap_or(1.0);
        (wish * shift.exp2()).min(self.most(register))
    }

    /// The largest scale that a register may have: one that leaves has to fit the reply's modulus.
    fn most(&self, register: usize) -> f64 {
        let output = self.model.modulus(Level(0)) / (HEADROOM * self.statistics.bound);
        match self.schedule.output {
            Output::Register(leaves, true) if leaves.0 == register => output.sqrt(),
            Output::Register(leaves, false) if leaves.0 == register => output,
            _ => f64::INFINITY,
        }
    }

    fn divisor(&self, depth: usize) -> f64 {
        self.model.rescale_divisor(self.schedule.level(depth))
    }

    fn read(&self, layer: usize, term: usize, register: RegisterId, factor: f64) -> Read {
        let row = self.statistics.rows[layer][term] * factor.powi(2);
        let layout = self.layout(register);
        let plans = self.placement.plans.get(layer);
        let (row, met) = match (plans, self.rows) {
            (None, Some(rows)) => (row * rows / self.width, layout.fill()),
            (plans, _) => {
                let plan = plans.and_then(|plans| plans.get(term));
                let met = plan.map_or(1, |plan| plan.diagonals() * plan.blocks());
                (row, met as f64 * layout.fill())
            }
        };
        Read { register, row, met }
    }

    fn layout(&self, register: RegisterId) -> &Layout {
        match self.operation(register) {
            None => &self.placement.input,
            Some(operation) => &self.placement.layers[operation.layer],
        }
    }

    fn operation(&self, register: RegisterId) -> Option<&Operation> {
        let made_by = register.0.checked_sub(1)?;
        self.schedule.operations.get(made_by)
    }

    /// The scale of a layer in front of a square that a product of scale `product` reads.
    ///
    /// Of values with rounding errors `ρ` at scale `s`, squares at `s²` have errors `2·x·ρ/s`, which
    /// count as much as the weights `w`; weights at scale `product/s²` have errors of encoding, which
    /// count as much as the squares that they meet. The sum of `4x²ρ²w²/s²` and of
    /// `met·x⁴·(encoding·s²/product)²` is least where the first is twice the second.
    fn squared_operand(&self, product: f64, read: &Read, squared: RegisterId) -> f64 {
        let layer = self
            .operation(squared)
            .map_or(0, |operation| operation.layer);
        let x = self.statistics.sums[layer];
        let values = 4.0 * x * self.model.rounding().0 * read.row;
        let weights = self.model.encoding().0 * read.met * self.statistics.values[layer];
        let scale = (values * product.powi(2) / (2.0 * weights)).powf(1.0 / 6.0);
        if scale.is_normal() {
            scale
        } else {
            product.cbrt()
        }
    }

    /// The scale of what a product of scale `product` reads: where errors of both factors are the
    /// same.
    fn operand(&self, product: f64, read: &Read) -> f64 {
        let operation = self.operation(read.register);
        if let Some(Operation {
            kind: Kind::Square(of),
            ..
        }) = operation
        {
            return self.squared_operand(product, read, *of).powi(2);
        }
        let (noise, values) = match operation {
            None => (self.model.fresh(), self.statistics.input),
            Some(operation) => (
                self.model.rounding(),
                self.statistics.values[operation.layer],
            ),
        };
        let weights = self.model.encoding().0 * read.met * values;
        let scale = (noise.0 * read.row * product.powi(2) / weights).powf(0.25);
        if scale.is_normal() {
            scale
        } else {
            product.sqrt()
        }
    }

    /// Hands an operation's wish on to its operands.
    fn wish(&self, at: usize, wishes: &mut [Wishes]) {
        let operation = &self.schedule.operations[at];
        let granted = self.granted(at + 1, wishes);
        let product = granted * self.divisor(operation.depth);
        match &operation.kind {
            Kind::Linear { of, factor } => {
                for (at, &register) in of.iter().enumerate() {
                    let read = self.read(operation.layer, at, register, *factor);
                    wishes[register.0].add(self.operand(product, &read));
                }
            }
            Kind::Square(of) => wishes[of.0].add(granted.sqrt()),
            Kind::RescaledSquare(of) => wishes[of.0].add(granted),
            Kind::Product { left, right, .. } => {
                wishes[left.0].add(granted);
                wishes[right.0].add(granted);
            }
            Kind::Combination { terms, .. } => {
                for (register, _) in terms {
                    wishes[register.0].add(product.sqrt() * (USUAL_WEIGHT_BITS / 2.0).exp2());
                }
            }
        }
    }

    fn grant(&self, at: usize, wish: f64, scales: &mut Scales) {
        let operation = &self.schedule.operations[at];
        let divisor = self.divisor(operation.depth);
        let scale = |register: &RegisterId| scales.registers[register.0];
        let mut boost = 1.0;
        let boosted = |natural: f64| (wish * divisor / natural).round().max(1.0);
        let (product, result) = match &operation.kind {
            Kind::Linear { .. } | Kind::Combination { .. } => (wish * divisor, wish),
            Kind::Square(of) => (scale(of).powi(2), scale(of).powi(2)),
            Kind::RescaledSquare(of) => {
                let natural = scale(of).powi(2);
                boost = boosted(natural);
                (natural * boost, natural * boost / divisor)
            }
            Kind::Product { left, right, .. } => {
                let natural = scale(left) * scale(right);
                boost = boosted(natural);
                (natural * boost, natural * boost / divisor)
            }
        };
        scales.products.push(product);
        scales.registers.push(result);
        scales.boosts.push(boost);
    }
}

/// log2 of the divisor that an operation wants to be rescaled by where values get `bits` bits.
pub fn divisor_bits(kind: &Kind, schedule: &Schedule, bits: f64) -> f64 {
    match kind {
        Kind::Linear { of, .. } => {
            product_bits(of.iter().map(|&of| (of, false)), schedule, bits) - bits
        }
        Kind::Square(_) => 0.0,
        Kind::RescaledSquare(_) | Kind::Product { .. } => bits,
        Kind::Combination { .. } => bits - USUAL_WEIGHT_BITS,
    }
}

/// log2 of the scale of the reply, or of a layer's products, where values get `bits` bits.
pub fn product_bits(
    terms: impl Iterator<Item = (RegisterId, bool)>,
    schedule: &Schedule,
    bits: f64,
) -> f64 {
    let term = |(register, squared): (RegisterId, bool)| {
        let kind = register
            .0
            .checked_sub(1)
            .map(|at| &schedule.operations[at].kind);
        match kind {
            _ if squared => 3.0 * bits - USUAL_WEIGHT_BITS,
            Some(Kind::Square(_)) => 3.0 * bits - USUAL_WEIGHT_BITS,
            Some(_) | None => 2.0 * bits - USUAL_WEIGHT_BITS,
        }
    };
    terms.map(term).fold(0.0, f64::max)
}
