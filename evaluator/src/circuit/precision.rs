//! How precise the outputs will be: the noise model walked through the operations.
//!
//! Errors are taken for independent of the values, whose sizes are those seen on sample inputs.

use std::ops::Add;

use shared::ring::Level;

use super::program::{Program, Reply, SlotReply};
use super::schedule::{Kind, RegisterId};
use super::statistics::Statistics;
use crate::engine::{MatrixPlan, Noise, NoiseModel, SlotContent};

/// A register's values and what is wrong with them.
#[derive(Clone, Copy, Debug, Default)]
pub struct State {
    /// Mean square of a value.
    pub values: f64,
    /// Errors that differ from slot to slot.
    pub apart: Noise,
    /// Real errors that are the same wherever a value is repeated.
    pub repeated: Noise,
}

impl State {
    /// Root mean square of the error of a value at this scale.
    pub fn error(&self, scale: f64) -> f64 {
        (self.apart + self.repeated).rms() / scale
    }
}

/// What precision is predicted from.
pub struct Precision<'a> {
    pub statistics: &'a Statistics,
    pub program: &'a Program,
}

impl Precision<'_> {
    fn model(&self) -> NoiseModel<'_> {
        NoiseModel::new(&self.program.parameters)
    }

    /// What is expected of each register.
    pub fn registers(&self) -> Vec<State> {
        let mut states = vec![State {
            values: self.statistics.input,
            apart: self.model().fresh(),
            repeated: Noise::default(),
        }];
        for at in 0..self.program.schedule.operations.len() {
            let state = self.behind(at, &states);
            states.push(state);
        }
        states
    }

    fn behind(&self, at: usize, states: &[State]) -> State {
        let program = self.program;
        let operation = &program.schedule.operations[at];
        let level = program.schedule.level(operation.depth);
        let state = |register: RegisterId| states[register.0];
        let product = match &operation.kind {
            Kind::Linear { of, factor } => {
                let values = self.statistics.sums[operation.layer] * factor.powi(2);
                let scale = program.scales.products[at];
                let terms = of.iter().zip(&program.placement.plans[operation.layer]);
                let rows = &self.statistics.rows[operation.layer];
                let sum = terms.zip(rows).map(|((&register, plan), row)| {
                    let row = row * factor.powi(2);
                    self.behind_matrix((state(register), register), plan, row, scale, level)
                });
                let sum = sum.fold(State::default(), add);
                State { values, ..sum }
            }
            Kind::Square(of) => {
                let squared = self.squared(state(*of), *of, level, operation.layer);
                return State {
                    apart: self.model().lower(squared.apart),
                    ..squared
                };
            }
            Kind::RescaledSquare(of) => {
                let squared = self.squared(state(*of), *of, level, operation.layer);
                boosted(squared, program.scales.boosts[at])
            }
            Kind::Product { left, right, minus } => {
                let product = self.product([*left, *right].map(|of| (state(of), of)), level);
                let taken = minus.map_or(Noise::default(), |of| {
                    let factor = program.scales.products[at]
                        / program.scales.boosts[at]
                        / program.scales.registers[of.0];
                    let values = state(of).values * program.scales.registers[of.0].powi(2);
                    self.model()
                        .product(total(state(of)), values, factor.powi(2))
                });
                let product = State {
                    apart: product.apart + taken,
                    ..product
                };
                boosted(product, program.scales.boosts[at])
            }
            Kind::Combination { terms, .. } => {
                let term = |&(of, factor): &(RegisterId, f64)| {
                    let scale = program.scales.registers[of.0];
                    let weight = factor * program.scales.products[at] / scale;
                    let message = state(of).values * scale.powi(2);
                    self.model()
                        .product(total(state(of)), message, weight.powi(2))
                };
                State {
                    values: self.statistics.values[operation.layer],
                    apart: terms.iter().map(term).fold(Noise::default(), Add::add),
                    repeated: Noise::default(),
                }
            }
        };
        let divisor = self.model().rescale_divisor(level);
        State {
            values: product.values,
            apart: self.model().rescale(product.apart, level),
            repeated: product.repeated.times(divisor.powi(-2)),
        }
    }

    fn squared(&self, state: State, of: RegisterId, level: Level, layer: usize) -> State {
        let message = state.values * self.program.scales.registers[of.0].powi(2);
        State {
            values: self.statistics.values[layer],
            apart: self.model().square(
                state.apart,
                message,
                level,
                self.program.relinearization_digits(),
            ),
            repeated: state.repeated.times(4.0 * message),
        }
    }

    fn product(&self, factors: [(State, RegisterId); 2], level: Level) -> State {
        let messages = factors.map(|(state, of)| {
            (
                total(state),
                state.values * self.program.scales.registers[of.0].powi(2),
            )
        });
        let [(left, left_message), (right, right_message)] = messages;
        let crossed = left.times(right_message) + right.times(left_message + left.0);
        let switched = self
            .model()
            .key_switch(level, self.program.relinearization_digits());
        State {
            // Chebyshev polynomials, twice over.
            values: 2.0,
            apart: crossed + switched,
            repeated: Noise::default(),
        }
    }

    fn behind_matrix(
        &self,
        (state, register): (State, RegisterId),
        plan: &MatrixPlan,
        row: f64,
        product: f64,
        level: Level,
    ) -> State {
        let (model, program) = (self.model(), self.program);
        let operand = program.scales.registers[register.0];
        let weights = product / operand;
        // The rotated copies of the input have their key switches' noise besides.
        let babies = plan.of_input();
        let copies = babies.len() as f64 + 1.0;
        let switched = babies
            .iter()
            .map(|&baby| model.key_switch(level, program.digits(baby)));
        let added = switched.fold(Noise::default(), Add::add);
        let input = state.apart + added.times(copies.recip());
        // Each value meets one rounded weight. Of pairs, the sum with the conjugate keeps the real
        // part of products with half the weights, and doubles it.
        let met = (plan.diagonals() * plan.blocks()) as f64;
        let layout = program.register_layout(register);
        let terms = met * state.values * layout.fill() * operand.powi(2);
        let (kept, rounded) = match plan.content() {
            SlotContent::Real => (1.0, model.encoding().times(terms)),
            SlotContent::Pair => (0.5, model.encoding().times(2.0 * terms)),
        };
        let products = input.times(kept * row * weights.powi(2)) + rounded;
        let repeated = state.repeated.times(row * weights.powi(2));
        let giants = plan.giant_steps().into_iter();
        let giants = giants.fold(Noise::default(), |sum, step| {
            model.rotate(sum, level, program.digits(step))
        });
        let switches = plan.sums().iter().fold(giants, |sum, stage| {
            let digits: Vec<usize> = stage.iter().map(|&image| program.digits(image)).collect();
            model.sum_of_images(sum, level, &digits)
        });
        // Blocks that are added up are nearly the same ones for every copy of a value.
        if plan.blocks() > 1 {
            let real = match plan.content() {
                SlotContent::Real => 0.5,
                SlotContent::Pair => 1.0,
            };
            State {
                values: 0.0,
                apart: switches,
                repeated: repeated + products.times(real),
            }
        } else {
            State {
                values: 0.0,
                apart: products + switches,
                repeated,
            }
        }
    }

    /// Root mean square of an output's error.
    pub fn output_error(&self, registers: &[State]) -> f64 {
        let (model, program) = (self.model(), self.program);
        let degree = program.parameters.degree() as f64;
        let last = self.statistics.rows.len() - 1;
        match &program.reply {
            Reply::Coefficients(spec) => {
                let mut noise = Noise::default();
                let rows = &self.statistics.rows[last];
                for (&(register, squared), row) in spec.terms.iter().zip(rows) {
                    let layout = program.register_layout(register);
                    let (mut state, mut operand) =
                        (registers[register.0], program.scales.registers[register.0]);
                    if squared {
                        let layer = program.layer_of(register);
                        state = self.squared(state, register, Level(0), layer);
                        operand *= operand;
                    }
                    let weights = program.scales.reply / operand;
                    let width = spec.width as f64;
                    let row = row * weights.powi(2) / width;
                    let rows = spec.packing.classes.min(2 * spec.packing.copies) as f64;
                    let message = state.values * operand.powi(2) * layout.fill();
                    let apart = model.product(state.apart, message, rows * row);
                    // The repeated error lies in the coefficients that logits are read from, so it
                    // is counted as much noise over all of them.
                    let repeated = state.repeated.times(row / width * degree);
                    noise = noise + apart + repeated;
                }
                let reply = model.truncate(noise, Level(0), program.log_modulus);
                reply.times(degree.recip()).rms() / program.output_scale()
            }
            Reply::Slots(spec) => {
                let noise = match spec {
                    SlotReply::Layer(terms) => {
                        let plans = terms.iter().zip(&program.placement.plans[last]);
                        let sum =
                            plans
                                .zip(&self.statistics.rows[last])
                                .map(|((&of, plan), &row)| {
                                    let read = (registers[of.0], of);
                                    self.behind_matrix(
                                        read,
                                        plan,
                                        row,
                                        program.scales.reply,
                                        Level(0),
                                    )
                                });
                        total(sum.fold(State::default(), add))
                    }
                    SlotReply::Register(register, squared) => {
                        let state = registers[register.0];
                        if *squared {
                            total(self.squared(state, *register, Level(0), last))
                        } else {
                            total(state)
                        }
                    }
                };
                let reply = model.truncate(noise, Level(0), program.log_modulus);
                // Only the real part of a slot is read.
                reply.times(0.5).rms() / program.output_scale()
            }
        }
    }
}

fn add(left: State, right: State) -> State {
    State {
        values: left.values + right.values,
        apart: left.apart + right.apart,
        repeated: left.repeated + right.repeated,
    }
}

fn total(state: State) -> Noise {
    state.apart + state.repeated
}

fn boosted(state: State, boost: f64) -> State {
    State {
        apart: state.apart.times(boost.powi(2)),
        repeated: state.repeated.times(boost.powi(2)),
        ..state
    }
}
