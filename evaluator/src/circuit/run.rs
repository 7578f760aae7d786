//! Runs a circuit's operations on its engine.

use shared::ring::Level;

use super::Circuit;
use super::encode::{Encoded, EncodedLinear, EncodedPart, EncodedReply, Minus};
use super::schedule::RegisterId;
use crate::engine::{Engine, EvalError, multiply_matrix};

impl<E: Engine> Circuit<E> {
    /// The parts of the reply; `watch` is shown what each operation makes, and may end it.
    pub(super) fn execute(
        &self,
        keys: &E::Keys,
        input: E::Ciphertext,
        mut watch: impl FnMut(usize, &E::Ciphertext) -> Result<(), EvalError>,
    ) -> Result<Vec<E::Part>, EvalError> {
        let mut registers = Registers {
            values: vec![Some(input)],
        };
        for (at, operation) in self.operations.iter().enumerate() {
            let level = self
                .program
                .schedule
                .level(self.program.schedule.operations[at].depth);
            let made = self.operation(operation, level, &registers, keys)?;
            watch(at, &made)?;
            registers.values.push(Some(made));
            for (value, &last) in registers.values.iter_mut().zip(&self.last_uses) {
                if last == at {
                    *value = None;
                }
            }
        }
        self.end(&registers, keys)
    }

    fn operation(
        &self,
        operation: &Encoded<E>,
        level: Level,
        registers: &Registers<E>,
        keys: &E::Keys,
    ) -> Result<E::Ciphertext, EvalError> {
        let engine = &self.engine;
        let read = |register| registers.at(engine, register, level);
        let boosted = |product: E::Lifted, boost: &Option<E::Plaintext>| match boost {
            Some(boost) => engine.mul_plain_sum(&[(&product, boost)]),
            None => Ok(product),
        };
        let product = match operation {
            Encoded::Linear(linear) => self.linear(linear, level, registers, keys)?,
            Encoded::Square { of } => {
                return engine.lower(&engine.square(read(*of)?.get(), keys)?);
            }
            Encoded::RescaledSquare { of, boost } => {
                boosted(engine.square(read(*of)?.get(), keys)?, boost)?
            }
            Encoded::Product {
                left,
                right,
                minus,
                boost,
            } => {
                let product = if left == right {
                    engine.square(read(*left)?.get(), keys)?
                } else {
                    engine.multiply(read(*left)?.get(), read(*right)?.get(), keys)?
                };
                let product = match minus {
                    Minus::Register(register, factor) => {
                        let taken = engine.lift(read(*register)?.get());
                        engine.sub(product, &engine.mul_plain_sum(&[(&taken, factor)])?)?
                    }
                    Minus::Constant(constant) => engine.add_plain(product, constant)?,
                };
                boosted(product, boost)?
            }
            Encoded::Combination { terms, constant } => {
                let lifted = terms
                    .iter()
                    .map(|(of, _)| Ok(engine.lift(read(*of)?.get())));
                let lifted: Vec<E::Lifted> = lifted.collect::<Result<_, EvalError>>()?;
                let terms: Vec<_> = lifted
                    .iter()
                    .zip(terms.iter().map(|(_, factor)| factor))
                    .collect();
                engine.add_plain(engine.mul_plain_sum(&terms)?, constant)?
            }
        };
        engine.rescale(&product)
    }

    fn linear(
        &self,
        linear: &EncodedLinear<E>,
        level: Level,
        registers: &Registers<E>,
        keys: &E::Keys,
    ) -> Result<E::Lifted, EvalError> {
        let engine = &self.engine;
        let products = linear.terms.iter().map(|(of, matrix)| {
            let x = registers.at(engine, *of, level)?;
            multiply_matrix(engine, matrix, x.get(), keys)
        });
        let mut sum: Option<E::Lifted> = None;
        for product in products {
            sum = Some(match sum {
                Some(sum) => engine.add(sum, &product?)?,
                None => product?,
            });
        }
        let sum = sum.map_or_else(|| engine.mul_plain_sum(&[]), Ok)?;
        engine.add_plain(sum, &linear.bias)
    }

    fn end(&self, registers: &Registers<E>, keys: &E::Keys) -> Result<Vec<E::Part>, EvalError> {
        let (engine, level) = (&self.engine, Level(0));
        let start = |(register, squared): (RegisterId, bool)| {
            let x = registers.at(engine, register, level)?;
            if squared {
                engine.square(x.get(), keys)
            } else {
                Ok(engine.lift(x.get()))
            }
        };
        let all = || (0..self.program.parameters.degree()).collect::<Vec<usize>>();
        let whole = |sum: &E::Lifted| engine.truncate(sum, &all(), self.program.log_modulus);
        match &self.reply {
            EncodedReply::Coefficients { operands, parts } => {
                let operands = operands.iter().copied().map(start);
                let operands: Vec<E::Lifted> = operands.collect::<Result<_, _>>()?;
                let part = |part: &EncodedPart<E>| {
                    let terms: Vec<_> = operands.iter().zip(&part.factors).collect();
                    let sum = engine.add_plain(engine.mul_plain_sum(&terms)?, &part.bias)?;
                    Ok(engine.truncate(&sum, &part.coefficients, self.program.log_modulus))
                };
                parts.iter().map(part).collect()
            }
            EncodedReply::Layer(linear) => {
                Ok(vec![whole(&self.linear(linear, level, registers, keys)?)])
            }
            EncodedReply::Register(register, squared) => {
                Ok(vec![whole(&start((*register, *squared))?)])
            }
        }
    }
}

/// What operations have made and what is still needed of it.
struct Registers<E: Engine> {
    values: Vec<Option<E::Ciphertext>>,
}

/// A register as it is, or brought to a lower level.
enum Read<'a, C> {
    Kept(&'a C),
    Dropped(C),
}

impl<C> Read<'_, C> {
    fn get(&self) -> &C {
        match self {
            Self::Kept(value) => value,
            Self::Dropped(value) => value,
        }
    }
}

impl<E: Engine> Registers<E> {
    /// A register at a level.
    fn at(
        &self,
        engine: &E,
        register: RegisterId,
        level: Level,
    ) -> Result<Read<'_, E::Ciphertext>, EvalError> {
        let value = self.values.get(register.0).and_then(Option::as_ref);
        let value = value.ok_or(EvalError::Register { number: register.0 })?;
        if engine.level(value) == level {
            Ok(Read::Kept(value))
        } else {
            Ok(Read::Dropped(engine.drop_to(value, level)?))
        }
    }
}
