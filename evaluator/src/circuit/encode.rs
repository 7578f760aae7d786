//! A program with a network's weights, encoded for an engine.

use rayon::prelude::*;
use shared::encoding::{Complex64, Scale};
use shared::ring::Level;

use super::CircuitError;
use super::layout::Layout;
use super::program::{CoefficientReply, Program, Reply, SlotReply};
use super::schedule::{Kind, RegisterId};
use crate::engine::{Diagonals, Engine, EvalError, MatrixPlan, encode_matrix};
use crate::network::{Layer, Network};

/// One operation, ready to run.
pub enum Encoded<E: Engine> {
    Linear(EncodedLinear<E>),
    Square {
        of: RegisterId,
    },
    RescaledSquare {
        of: RegisterId,
        boost: Option<E::Plaintext>,
    },
    Product {
        left: RegisterId,
        right: RegisterId,
        minus: Minus<E>,
        boost: Option<E::Plaintext>,
    },
    Combination {
        terms: Vec<(RegisterId, E::Plaintext)>,
        constant: E::Addend,
    },
}

/// Matrix products and a bias.
pub struct EncodedLinear<E: Engine> {
    pub terms: Vec<(RegisterId, Diagonals<E::Plaintext>)>,
    pub bias: E::Addend,
}

/// What is taken off a product.
pub enum Minus<E: Engine> {
    Register(RegisterId, E::Plaintext),
    /// Added, so it has the sign changed already.
    Constant(E::Addend),
}

/// How the outputs leave.
pub enum EncodedReply<E: Engine> {
    Coefficients {
        /// What the terms read; those marked are squared first.
        operands: Vec<(RegisterId, bool)>,
        parts: Vec<EncodedPart<E>>,
    },
    Layer(EncodedLinear<E>),
    Register(RegisterId, bool),
}

/// Part of a reply in coefficients.
pub struct EncodedPart<E: Engine> {
    /// For each operand, a factor that leaves each logit in its coefficient.
    pub factors: Vec<E::Plaintext>,
    pub bias: E::Addend,
    /// The coefficients that leave.
    pub coefficients: Vec<usize>,
}

/// Encodes the weights of a program's network.
pub struct Encoder<'a, E: Engine> {
    pub engine: &'a E,
    pub network: &'a Network,
    pub program: &'a Program,
}

impl<E: Engine> Encoder<'_, E> {
    fn slots(&self) -> usize {
        self.program.parameters.slots()
    }

    fn everywhere(&self, value: f64) -> Vec<Complex64> {
        vec![Complex64::from(value); self.slots()]
    }

    /// All operations in order.
    ///
    /// # Errors
    /// [`CircuitError::Weights`] for weights that can't be encoded, naming their layer.
    pub fn operations(&self) -> Result<Vec<Encoded<E>>, CircuitError> {
        let operations = 0..self.program.schedule.operations.len();
        operations.map(|at| self.operation(at)).collect()
    }

    fn operation(&self, at: usize) -> Result<Encoded<E>, CircuitError> {
        let program = self.program;
        let operation = &program.schedule.operations[at];
        let level = program.schedule.level(operation.depth);
        let layer = &self.network.layers[operation.layer];
        let encoded = match &operation.kind {
            Kind::Linear { of, factor } => {
                let plans = &program.placement.plans[operation.layer];
                let output = &program.placement.layers[operation.layer];
                let product = (program.scales.products[at], *factor);
                return self
                    .linear(layer, (of, plans), output, product, level)
                    .map(Encoded::Linear);
            }
            Kind::Square(of) => Ok(Encoded::Square { of: *of }),
            Kind::RescaledSquare(of) => self
                .boost(at, level)
                .map(|boost| Encoded::RescaledSquare { of: *of, boost }),
            Kind::Product { left, right, minus } => self.boost(at, level).and_then(|boost| {
                Ok(Encoded::Product {
                    left: *left,
                    right: *right,
                    minus: self.minus(at, *minus, level)?,
                    boost,
                })
            }),
            Kind::Combination { terms, constant } => self.combination(at, terms, *constant, level),
        };
        encoded.map_err(|source| refused(layer, source))
    }

    fn boost(&self, at: usize, level: Level) -> Result<Option<E::Plaintext>, EvalError> {
        let boost = self.program.scales.boosts[at];
        let encode = || {
            self.engine
                .encode(&self.everywhere(1.0), Scale(boost), level)
        };
        (boost > 1.0).then(encode).transpose()
    }

    fn minus(
        &self,
        at: usize,
        minus: Option<RegisterId>,
        level: Level,
    ) -> Result<Minus<E>, EvalError> {
        let scales = &self.program.scales;
        let product = scales.products[at] / scales.boosts[at];
        match minus {
            Some(register) => {
                let factor = Scale(product / scales.registers[register.0]);
                let factor = self.engine.encode(&self.everywhere(1.0), factor, level)?;
                Ok(Minus::Register(register, factor))
            }
            None => {
                let constant = self.everywhere(-2.0);
                let constant = self
                    .engine
                    .encode_addend(&constant, Scale(product), level)?;
                Ok(Minus::Constant(constant))
            }
        }
    }

    fn combination(
        &self,
        at: usize,
        terms: &[(RegisterId, f64)],
        constant: f64,
        level: Level,
    ) -> Result<Encoded<E>, EvalError> {
        let scales = &self.program.scales;
        let product = scales.products[at];
        let term = |&(register, factor): &(RegisterId, f64)| {
            let scale = Scale(product / scales.registers[register.0]);
            let factor = self.engine.encode(&self.everywhere(factor), scale, level)?;
            Ok((register, factor))
        };
        let constant = self.everywhere(constant);
        Ok(Encoded::Combination {
            terms: terms.iter().map(term).collect::<Result<_, EvalError>>()?,
            constant: self
                .engine
                .encode_addend(&constant, Scale(product), level)?,
        })
    }

    fn linear(
        &self,
        layer: &Layer,
        (of, plans): (&[RegisterId], &[MatrixPlan]),
        output: &Layout,
        (product, factor): (f64, f64),
        level: Level,
    ) -> Result<EncodedLinear<E>, CircuitError> {
        let reads = of.iter().zip(plans).zip(&layer.terms);
        let term =
            |((&register, plan), term): ((&RegisterId, &MatrixPlan), &crate::network::Term)| {
                let input = self.program.register_layout(register);
                let entry =
                    |slot: usize, at: usize| input.weight(&term.matrix, output, slot, at) * factor;
                let scale = Scale(product / self.program.scales.registers[register.0]);
                let matrix = encode_matrix(self.engine, plan.clone(), entry, scale, level)?;
                Ok((register, matrix))
            };
        let terms = reads.map(term).collect::<Result<_, EvalError>>();
        let bias = |slot: usize| {
            let value = output.value(slot).map_or(0.0, |row| layer.bias[row]);
            Complex64::from(value * factor)
        };
        let biases: Vec<Complex64> = (0..self.slots()).map(bias).collect();
        let bias = self.engine.encode_addend(&biases, Scale(product), level);
        Ok(EncodedLinear {
            terms: terms.map_err(|source| refused(layer, source))?,
            bias: bias.map_err(|source| refused(layer, source))?,
        })
    }

    /// How the outputs leave.
    ///
    /// # Errors
    /// As [`Encoder::operations`].
    pub fn reply(&self) -> Result<EncodedReply<E>, CircuitError> {
        let program = self.program;
        let Some(layer) = self.network.layers.last() else {
            return Err(CircuitError::Shape("the network has no layers"));
        };
        match &program.reply {
            Reply::Coefficients(reply) => {
                let parts = self.parts(layer, reply);
                Ok(EncodedReply::Coefficients {
                    operands: reply.terms.clone(),
                    parts: parts.map_err(|source| refused(layer, source))?,
                })
            }
            Reply::Slots(SlotReply::Register(register, squared)) => {
                Ok(EncodedReply::Register(*register, *squared))
            }
            Reply::Slots(SlotReply::Layer(of)) => {
                let placement = &program.placement;
                let (Some(output), Some(plans)) = (placement.layers.last(), placement.plans.last())
                else {
                    return Err(CircuitError::Shape("the network has no layers"));
                };
                let product = (program.scales.reply, 1.0);
                let linear = self.linear(layer, (of, plans), output, product, Level(0));
                linear.map(EncodedReply::Layer)
            }
        }
    }

    /// Logits as coefficients.
    ///
    /// An input `x` of period `H` stands `C` times in the slots, so it is a polynomial in `X^C`. The
    /// factor `Σ X^r·w_r`, with `w_r` the polynomial in `X^C` whose slots are row `r` of the weights,
    /// keeps the rows apart: coefficient `r` of the product is that of `1` in `w_r·x`, the mean of
    /// its slots, the dot product over `H`. Imaginary weights, which end up in coefficient
    /// `r + N/2`, make room for as many rows again. Inputs of shorter periods have the longest one,
    /// too.
    fn parts(
        &self,
        layer: &Layer,
        reply: &CoefficientReply,
    ) -> Result<Vec<EncodedPart<E>>, EvalError> {
        let packing = &reply.packing;
        let degree = 2 * self.slots();
        let rows: Vec<usize> = (0..packing.classes + packing.zeros).collect();
        let part = |rows: &[usize]| {
            let operands = reply.terms.iter().zip(&layer.terms);
            let factors = operands.map(|(&(register, squared), term)| {
                let layout = self.program.register_layout(register);
                let scale = self.program.scales.registers[register.0];
                let operand = if squared { scale * scale } else { scale };
                // A layout of a shorter period stands in the mean as often as it fits.
                let share = layout.period() as f64 / reply.width as f64;
                let slot = |slot: usize| {
                    let Some(column) = layout.value(slot) else {
                        return Complex64::ZERO;
                    };
                    let term = |(index, &row): (usize, &usize)| {
                        let turn = if index < packing.copies {
                            Complex64::ONE
                        } else {
                            Complex64::I
                        };
                        // Beyond the last row are the zeros.
                        let weight = term.matrix.get(row, column) * share;
                        turn * self.engine.monomial(index % packing.copies, slot) * weight
                    };
                    rows.iter().enumerate().map(term).sum()
                };
                let values: Vec<Complex64> = (0..self.slots()).map(slot).collect();
                let scale = Scale(self.program.scales.reply / operand);
                self.engine.encode(&values, scale, Level(0))
            });
            let coefficients = 0..rows.len();
            let coefficients = coefficients.map(|index| packing.coefficient(index, degree));
            let coefficients: Vec<usize> = coefficients.collect();
            let mut biases = vec![0.0; degree];
            for (&row, &at) in rows.iter().zip(&coefficients) {
                biases[at] = layer
                    .bias
                    .get(row)
                    .map_or(0.0, |bias| bias / reply.width as f64);
            }
            let scale = Scale(self.program.scales.reply);
            Ok(EncodedPart {
                factors: factors.collect::<Result<_, _>>()?,
                bias: self.engine.encode_coefficients(&biases, scale, Level(0))?,
                coefficients,
            })
        };
        let parts: Vec<&[usize]> = rows.chunks(2 * packing.copies).collect();
        parts.into_par_iter().map(part).collect()
    }
}

fn refused(layer: &Layer, source: EvalError) -> CircuitError {
    CircuitError::Weights {
        name: layer.name.clone(),
        source,
    }
}
