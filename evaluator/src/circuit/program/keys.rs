//! The evaluation keys that a program takes: which, at which level, with digits of which size.

use shared::api::{RotationKeySpec, SwitchingKeySpec};
use shared::ring::Level;

use super::{Program, Reply, SlotReply};
use crate::circuit::CircuitError;
use crate::circuit::schedule::{Kind, RegisterId};
use crate::engine::{Automorphism, MatrixPlan, NoiseModel};

/// Largest noise of one key switch over the scale of what is switched, where values may be as
/// imprecise.
const KEY_SWITCH_SHARE: f64 = 1.0 / 128.0;

impl Program {
    /// The key of an automorphism, if it is needed.
    fn key(&self, automorphism: Automorphism) -> Option<SwitchingKeySpec> {
        match automorphism {
            Automorphism::Conjugation => self.keys.conjugation,
            Automorphism::Rotation(step) => {
                let rotations = &self.keys.rotations;
                let found = rotations.iter().find(|rotation| rotation.step == step);
                found.map(|rotation| rotation.key)
            }
        }
    }

    /// Primes in a digit of an automorphism's key.
    pub fn digits(&self, automorphism: Automorphism) -> usize {
        self.key(automorphism).map_or(1, |key| key.digit_primes)
    }

    /// Primes in a digit of the relinearization key.
    pub fn relinearization_digits(&self) -> usize {
        self.keys.relinearization.map_or(1, |key| key.digit_primes)
    }

    /// Gathers the keys that operations take, and then holds each use against what was gathered.
    pub(super) fn require_keys(&mut self) -> Result<(), CircuitError> {
        let share = self.key_switch_share();
        let mut uses = Vec::new();
        for (at, operation) in self.schedule.operations.iter().enumerate() {
            let level = self.schedule.level(operation.depth);
            let product = self.scales.products[at];
            match &operation.kind {
                Kind::Linear { of, .. } => {
                    let plans = self.placement.plans[operation.layer].iter();
                    for (&register, plan) in of.iter().zip(plans) {
                        self.uses_of_plan(plan, (register, product), level, &mut uses);
                    }
                }
                Kind::Square(_) | Kind::RescaledSquare(_) | Kind::Product { .. } => {
                    let scale = product / self.scales.boosts[at];
                    uses.push((None, level, scale));
                }
                Kind::Combination { .. } => {}
            }
        }
        match &self.reply {
            Reply::Coefficients(reply) => {
                for &(register, _) in reply.terms.iter().filter(|(_, squared)| *squared) {
                    let scale = self.scales.registers[register.0].powi(2);
                    uses.push((None, Level(0), scale));
                }
            }
            Reply::Slots(SlotReply::Layer(terms)) => {
                let plans = self.placement.plans.last().into_iter().flatten();
                for (&register, plan) in terms.iter().zip(plans) {
                    let product = self.scales.reply;
                    self.uses_of_plan(plan, (register, product), Level(0), &mut uses);
                }
            }
            Reply::Slots(SlotReply::Register(_, squared)) => {
                uses.extend(squared.then_some((None, Level(0), self.scales.reply)));
            }
        }
        for &(automorphism, level, scale) in &uses {
            let key = self.finest_bearable(level, scale * share);
            self.require(automorphism, key);
        }
        for (automorphism, level, _) in uses {
            let key = match automorphism {
                None => self.keys.relinearization,
                Some(automorphism) => self.key(automorphism),
            };
            key.map_or(Ok(()), |key| self.check_serves(key.level, level))?;
        }
        Ok(())
    }

    fn uses_of_plan(
        &self,
        plan: &MatrixPlan,
        (register, product): (RegisterId, f64),
        level: Level,
        uses: &mut Vec<(Option<Automorphism>, Level, f64)>,
    ) {
        let operand = self.scales.registers[register.0];
        let of_input = plan
            .of_input()
            .into_iter()
            .map(|it| (Some(it), level, operand));
        uses.extend(of_input);
        let of_products = plan.of_products().into_iter();
        uses.extend(of_products.map(|it| (Some(it), level, product)));
    }

    fn require(&mut self, automorphism: Option<Automorphism>, key: SwitchingKeySpec) {
        let single = match automorphism {
            None => &mut self.keys.relinearization,
            Some(Automorphism::Conjugation) => &mut self.keys.conjugation,
            Some(Automorphism::Rotation(step)) => {
                let rotations = &mut self.keys.rotations;
                match rotations.binary_search_by_key(&step, |rotation| rotation.step) {
                    Ok(at) => rotations[at].key = finest(rotations[at].key, key),
                    Err(at) => rotations.insert(at, RotationKeySpec { step, key }),
                }
                return;
            }
        };
        let known = single.get_or_insert(key);
        *known = finest(*known, key);
    }

    /// How large a key switch's noise may be over the scale: as large as the rounding that the next
    /// rescale adds to a value.
    fn key_switch_share(&self) -> f64 {
        let rounding = NoiseModel::new(&self.parameters).rounding().rms();
        let linear = self
            .schedule
            .operations
            .iter()
            .zip(&self.scales.registers[1..]);
        let scales = linear.filter(|(operation, _)| matches!(operation.kind, Kind::Linear { .. }));
        let largest = scales.map(|(_, &scale)| scale).fold(0.0, f64::max);
        (rounding / largest).min(KEY_SWITCH_SHARE)
    }

    /// The key with the largest digits whose noise is at most this.
    fn finest_bearable(&self, level: Level, most: f64) -> SwitchingKeySpec {
        let model = NoiseModel::new(&self.parameters);
        let primes = self.parameters.primes_at(level).len();
        let bearable = |&digits: &usize| model.key_switch(level, digits).rms() <= most;
        SwitchingKeySpec {
            level,
            digit_primes: (1..=primes).rev().find(bearable).unwrap_or(1),
        }
    }

    /// Bytes of all keys as they are uploaded, without headers.
    pub fn key_bytes(&self) -> usize {
        let rotations = self.keys.rotations.iter().map(|rotation| rotation.key);
        let single = self
            .keys
            .relinearization
            .into_iter()
            .chain(self.keys.conjugation);
        let bits = |prime: &u32| (u32::BITS - prime.leading_zeros()) as usize;
        let bytes = |key: SwitchingKeySpec| {
            let primes = self.parameters.primes_at(key.level);
            let all = primes.iter().chain(&self.parameters.spec().special);
            let digit: usize = all.map(bits).sum::<usize>() * self.parameters.degree() / 8;
            primes.len().div_ceil(key.digit_primes.max(1)) * digit
        };
        single.chain(rotations).map(bytes).sum()
    }
}

/// The key that serves where either of two does.
fn finest(left: SwitchingKeySpec, right: SwitchingKeySpec) -> SwitchingKeySpec {
    SwitchingKeySpec {
        level: left.level.max(right.level),
        digit_primes: left.digit_primes.min(right.digit_primes),
    }
}
