//! What a program does, operation by operation: for reports, and counted for the cost model.

use shared::ring::Level;

use super::{Program, Reply, SlotReply};
use crate::circuit::cost::{At, Count};
use crate::circuit::schedule::{Kind, Operation, RegisterId};
use crate::engine::{MatrixPlan, NoiseModel};

/// What an operation makes, for reports.
#[derive(Clone, Debug)]
pub struct Step {
    /// The layer that it is a part of, by its number.
    pub layer: usize,
    /// That layer's name.
    pub name: String,
    /// What is done.
    pub what: String,
    /// The level at which it works.
    pub worked_at: Level,
    /// The level of what it makes.
    pub level: Level,
    /// The scale of that.
    pub scale: f64,
    /// Q at that level.
    pub modulus: f64,
    /// The slot of each of the layer's values.
    pub slots: Vec<usize>,
    /// Size of a value, root mean square, on the inputs that the circuit was made with.
    pub values: f64,
    /// Predicted error of a value, root mean square.
    pub predicted_error: f64,
    /// Its matrix products.
    pub plans: Vec<MatrixPlan>,
    /// Automorphisms.
    pub rotations: usize,
    /// Its operations on the residues of one prime.
    pub count: Count,
}

impl Program {
    /// What each operation makes.
    pub fn steps(&self, network: &str, layers: &[String]) -> Vec<Step> {
        let model = NoiseModel::new(&self.parameters);
        let operations = self.schedule.operations.iter().enumerate();
        let step = |(at, operation): (usize, &Operation)| {
            let register = RegisterId(at + 1);
            let level = self.register_level(register);
            let scale = self.scales.registers[register.0];
            let layer = layers.get(operation.layer).map_or(network, String::as_str);
            Step {
                layer: operation.layer,
                name: layer.to_owned(),
                what: self.in_words(operation),
                worked_at: self.schedule.level(operation.depth),
                level,
                scale,
                modulus: model.modulus(level),
                slots: self.register_layout(register).slots(),
                values: self.states[register.0].values.sqrt(),
                predicted_error: self.states[register.0].error(scale),
                plans: self.plans(operation).to_vec(),
                rotations: self.rotations(operation),
                count: self.count_operation(operation),
            }
        };
        operations.map(step).collect()
    }

    fn plans(&self, operation: &Operation) -> &[MatrixPlan] {
        match &operation.kind {
            Kind::Linear { of, .. } => &self.placement.plans[operation.layer][..of.len()],
            _ => &[],
        }
    }

    fn rotations(&self, operation: &Operation) -> usize {
        let plans = self.plans(operation).iter();
        let each = plans.map(|plan| plan.of_input().len() + plan.of_products().len());
        each.sum()
    }

    fn in_words(&self, operation: &Operation) -> String {
        match &operation.kind {
            Kind::Linear { .. } => {
                let plans = self.plans(operation).iter();
                let plans: Vec<String> = plans.map(MatrixPlan::to_string).collect();
                plans.join(" + ")
            }
            Kind::Square(_) => "square".to_owned(),
            Kind::RescaledSquare(_) => "square, rescaled".to_owned(),
            Kind::Product { .. } => "product of Chebyshev polynomials".to_owned(),
            Kind::Combination { terms, .. } => {
                format!("sum of {} Chebyshev polynomials", terms.len())
            }
        }
    }

    /// The operations of one input, counted.
    pub fn count(&self) -> Count {
        let at = |level| At::new(&self.parameters, level);
        let operations = self.schedule.operations.iter();
        let start = at(self.schedule.level(0)).expand();
        let counted = operations.map(|operation| self.count_operation(operation));
        let here = at(Level(0));
        let end = match &self.reply {
            Reply::Coefficients(reply) => {
                let start = reply.terms.iter().map(|&(_, squared)| {
                    if squared {
                        here.multiply(self.relinearization_digits())
                    } else {
                        here.lift()
                    }
                });
                let part = here.mul_plain(reply.terms.len()) + here.truncate();
                start.sum::<Count>() + part * reply.packing.parts().len() as f64
            }
            Reply::Slots(SlotReply::Layer(terms)) => {
                let plans = self.placement.plans.last().map_or(&[][..], Vec::as_slice);
                self.count_matrices(here, &plans[..terms.len()]) + here.truncate()
            }
            Reply::Slots(SlotReply::Register(_, squared)) => {
                let square = if *squared { 1.0 } else { 0.0 };
                here.multiply(self.relinearization_digits()) * square + here.truncate()
            }
        };
        start + counted.sum::<Count>() + end
    }

    fn count_operation(&self, operation: &Operation) -> Count {
        let level = self.schedule.level(operation.depth);
        let here = At::new(&self.parameters, level);
        let digits = self.relinearization_digits();
        let work = match &operation.kind {
            Kind::Linear { .. } => self.count_matrices(here, self.plans(operation)),
            Kind::Square(_) => return here.multiply(digits) + here.mod_down() * 2.0,
            Kind::RescaledSquare(_) => here.multiply(digits),
            Kind::Product { .. } => {
                here.multiply(digits) + here.lift() + here.mul_plain(1) + here.add()
            }
            Kind::Combination { terms, .. } => {
                here.lift() * terms.len() as f64 + here.mul_plain(terms.len())
            }
        };
        let (above, below) = (level, Level(level.0.saturating_sub(1)));
        let primes = |level| self.parameters.primes_at(level);
        let kept = primes(below)
            .iter()
            .filter(|prime| primes(above).contains(prime));
        work + here.rescale(primes(below).len(), kept.count())
    }

    fn count_matrices(&self, here: At, plans: &[MatrixPlan]) -> Count {
        let each = plans
            .iter()
            .map(|plan| here.matrix(plan, |it| self.digits(it)));
        each.sum::<Count>() + here.add() * (plans.len() as f64 - 0.5)
    }
}
