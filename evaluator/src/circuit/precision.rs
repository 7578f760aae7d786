//! How precise the logits will be: the noise model walked through the stages.
//!
//! Inputs are taken for independent numbers of root mean square [`INPUT_RMS`], and a layer's values
//! for Gaussian with the mean square that its weights make of that.

use std::ops::Add;

use shared::api::{KeySpec, OutputSpec};
use shared::ring::Level;

use super::compile::{Stage, level};
use super::scales::ScalePlan;
use super::{Hidden, Last};
use crate::engine::{Automorphism, Engine, MatrixPlan, Noise, NoiseModel, SlotContent};
use crate::network::Linear;

/// Root mean square of an input value; that of MNIST's pixels is 0.32.
const INPUT_RMS: f64 = 0.3;

/// The mean of x⁴ over the square of that of x², for a Gaussian.
const KURTOSIS: f64 = 3.0;

/// What precision is predicted from.
pub(super) struct Precision<'a> {
    pub engine: &'a Engine,
    pub keys: &'a KeySpec,
    pub scales: &'a ScalePlan,
    pub stages: &'a [Stage<'a>],
    pub hidden: &'a [Hidden],
    pub last: &'a Last,
    pub output: &'a OutputSpec,
}

/// The values between two operations and what is wrong with them.
#[derive(Clone, Copy)]
struct State {
    /// Mean square of a value.
    values: f64,
    /// Errors that differ from slot to slot.
    apart: Noise,
    /// Real errors that are the same wherever a value is repeated.
    repeated: Noise,
}

impl Precision<'_> {
    /// Root mean square of a logit's error.
    pub fn logit_error(&self) -> f64 {
        let mut state = State {
            values: INPUT_RMS.powi(2),
            apart: self.model().fresh(),
            repeated: Noise::default(),
        };
        for (at, hidden) in self.hidden.iter().enumerate() {
            state = self.behind_hidden(state, at, hidden);
        }
        self.behind_last(state)
    }

    fn model(&self) -> NoiseModel<'_> {
        self.engine.noise_model()
    }

    fn behind_hidden(&self, mut state: State, at: usize, hidden: &Hidden) -> State {
        let level = level(self.stages.len() - 1 - at);
        if hidden.squared {
            state = self.behind_square(state, at, level);
        }
        if let (Some((matrix, _)), Some(linear)) = (&hidden.linear, self.stages[at].linear) {
            if hidden.squared {
                state.apart = self.model().lower(state.apart);
            }
            state = self.behind_matrix(state, at, matrix.plan(), linear);
        }
        let divisor = self.model().rescale_divisor(level);
        State {
            values: state.values,
            apart: self.model().rescale(state.apart, level),
            repeated: state.repeated.times(divisor.powi(-2)),
        }
    }

    fn behind_square(&self, state: State, at: usize, level: Level) -> State {
        let message = state.values * self.scales.input(at).0.powi(2);
        let digits = self.keys.relinearization.map_or(1, |key| key.digit_primes);
        State {
            values: KURTOSIS * state.values.powi(2),
            apart: self.model().square(state.apart, message, level, digits),
            repeated: state.repeated.times(4.0 * message),
        }
    }

    fn behind_matrix(&self, state: State, at: usize, plan: &MatrixPlan, linear: &Linear) -> State {
        let (model, level) = (self.model(), level(self.stages.len() - 1 - at));
        let operand = self.scales.operand(at).0;
        let weights = self.scales.product(at).0 / operand;
        let row = mean_square_of_rows(linear);
        // The rotated copies of the input have their key switches' noise besides.
        let babies = plan.of_input();
        let copies = babies.len() as f64 + 1.0;
        let switched = babies
            .iter()
            .map(|&baby| model.key_switch(level, self.digits(baby)));
        let added = switched.fold(Noise::default(), Noise::add);
        let input = state.apart + added.times(copies.recip());
        // Each value meets one rounded weight. Of pairs, the sum with the conjugate keeps the real
        // part of products with half the weights, and doubles it.
        let terms = linear.columns as f64 * state.values * operand.powi(2);
        let (kept, rounded) = match plan.content() {
            SlotContent::Real => (1.0, model.encoding().times(terms)),
            SlotContent::Pair => (0.5, model.encoding().times(2.0 * terms)),
        };
        let products = input.times(kept * row * weights.powi(2)) + rounded;
        let repeated = state.repeated.times(row * weights.powi(2));
        let giants = (1..plan.giants()).fold(Noise::default(), |sum, _| {
            model.rotate(sum, level, self.digits(plan.giant_step()))
        });
        let switches = plan.sums().iter().fold(giants, |sum, stage| {
            let digits: Vec<usize> = stage.iter().map(|&image| self.digits(image)).collect();
            model.sum_of_images(sum, level, &digits)
        });
        let bias = linear.bias.iter().map(|bias| bias * bias).sum::<f64>() / linear.rows as f64;
        let values = row * state.values + bias;
        if plan.sums_all_slots() {
            let real = if plan.content() == SlotContent::Real {
                0.5
            } else {
                1.0
            };
            State {
                values,
                apart: switches,
                repeated: repeated + products.times(real),
            }
        } else {
            State {
                values,
                apart: products + switches,
                repeated,
            }
        }
    }

    /// In the reply a logit is the coefficient that the mean of `width` products makes.
    fn behind_last(&self, mut state: State) -> f64 {
        let at = self.stages.len() - 1;
        let Some(linear) = self.stages[at].linear else {
            return f64::NAN;
        };
        let (model, degree) = (self.model(), 2.0 * self.engine.slots() as f64);
        if self.last.squared {
            state = self.behind_square(state, at, Level(0));
        }
        let operand = self.scales.operand(at).0;
        let weights = self.scales.product(at).0 / operand;
        let copies = self.output.packing.copies;
        let width = self.engine.slots() as f64 / copies as f64;
        let row = mean_square_of_rows(linear) * weights.powi(2) / width;
        let rows = linear.rows.min(2 * copies) as f64;
        let message = state.values * operand.powi(2) * linear.columns as f64 / width;
        let apart = model.product(state.apart, message, rows * row);
        // The repeated error lies in the coefficients that logits are read from, so it is counted
        // as much noise over all of them.
        let repeated = state.repeated.times(row / width * degree);
        let reply = model.truncate(apart + repeated, Level(0), self.output.log_modulus);
        reply.times(degree.recip()).rms() / self.output.scale
    }

    fn digits(&self, automorphism: Automorphism) -> usize {
        let key = match automorphism {
            Automorphism::Conjugation => self.keys.conjugation,
            Automorphism::Rotation(step) => {
                let rotations = &self.keys.rotations;
                let found = rotations.iter().find(|rotation| rotation.step == step);
                found.map(|rotation| rotation.key)
            }
        };
        key.map_or(1, |key| key.digit_primes)
    }
}

/// Mean over the rows of the sum of their squared weights.
fn mean_square_of_rows(linear: &Linear) -> f64 {
    let squares = linear.weights.iter().map(|weight| weight * weight);
    squares.sum::<f64>() / linear.rows as f64
}
