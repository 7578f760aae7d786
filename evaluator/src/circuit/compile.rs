//! From a network to a circuit: parameters, packing, levels, scales, keys and encoded weights.

use shared::api::{
    API_VERSION, InputSpec, KeySpec, ModelInfo, OutputSpec, RotationKeySpec, SwitchingKeySpec,
};
use shared::encoding::{Complex64, Scale};
use shared::packing::{InputPacking, OutputPacking};
use shared::params::{Parameters, shipped};
use shared::ring::{Level, Ring};

use super::bulk::Bulk;
use super::precision::Precision;
use super::scales::ScalePlan;
use super::{Circuit, CircuitError, Hidden, Last};
use crate::engine::{
    Addend, Automorphism, Diagonals, Engine, EvalError, MatrixPlan, SlotContent, Walk,
};
use crate::network::{Layer, Linear, Network};

/// log2 of the reply's modulus: rounding to it leaves ten bits of the logits.
const LOG_REPLY: u32 = 15;

/// Values that are zero in every reply, as far as there is room: six random ones would all be near
/// zero less often than once in a hundred thousand times.
const ZEROS: usize = 6;

/// Largest noise of one key switch over the scale of what is switched.
const KEY_SWITCH_SHARE: f64 = 1.0 / 128.0;

/// What happens at one level: a square, a linear layer, or one behind the other.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stage<'a> {
    pub squared: bool,
    pub linear: Option<&'a Linear>,
}

/// Groups layers into stages; the first and the last have a linear layer.
fn stages(network: &Network) -> Result<Vec<Stage<'_>>, CircuitError> {
    let linear = |layer: Option<&Layer>| matches!(layer, Some(Layer::Linear(_)));
    if !linear(network.layers.first()) {
        return Err(CircuitError::Shape(
            "the first layer must be linear: Gemm, MatMul or Add",
        ));
    }
    if !linear(network.layers.last()) {
        return Err(CircuitError::Shape(
            "the last layer must be linear: Gemm, MatMul or Add",
        ));
    }
    let (mut stages, mut squared) = (Vec::new(), false);
    for layer in &network.layers {
        match layer {
            Layer::Linear(linear) => {
                let linear = Some(linear);
                stages.push(Stage { squared, linear });
                squared = false;
            }
            Layer::Square => {
                if squared {
                    let linear = None;
                    stages.push(Stage { squared, linear });
                }
                squared = true;
            }
        }
    }
    Ok(stages)
}

impl Circuit {
    /// Chooses parameters and packing for a network and encodes its weights.
    ///
    /// # Errors
    /// [`CircuitError`], with what would fit.
    pub fn compile(id: &str, network: &Network) -> Result<Self, CircuitError> {
        let sets: Vec<Parameters> = shipped()
            .into_iter()
            .map(Parameters::new)
            .collect::<Result<_, _>>()?;
        let mut refusal = CircuitError::Shape("the network has no layers");
        for parameters in sets {
            match Self::compile_for(id, network, parameters, Walk::default()) {
                Err(
                    error @ (CircuitError::TooDeep { .. }
                    | CircuitError::TooWide { .. }
                    | CircuitError::Bound { .. }),
                ) => {
                    refusal = error;
                }
                result => return result,
            }
        }
        Err(refusal)
    }

    /// As [`Circuit::compile`], for one parameter set and walk through the products.
    ///
    /// # Errors
    /// As [`Circuit::compile`].
    pub fn compile_for(
        id: &str,
        network: &Network,
        parameters: Parameters,
        walk: Walk,
    ) -> Result<Self, CircuitError> {
        let stages = stages(network)?;
        let available = usize::from(parameters.top().0) + 1;
        if stages.len() > available {
            return Err(CircuitError::TooDeep {
                needed: stages.len(),
                available,
            });
        }
        let engine = Engine::new(&Ring::new(parameters));
        let mut compiler = Compiler::new(engine, network, &stages, walk)?;
        let packing = compiler.input_packing()?;
        let last = stages.len() - 1;
        let hidden = (0..last)
            .map(|at| compiler.hidden(at))
            .collect::<Result<Vec<_>, _>>()?;
        let (last, output) = compiler.last()?;
        let precision = Precision {
            engine: &compiler.engine,
            keys: &compiler.keys,
            scales: &compiler.scales,
            stages: &stages,
            hidden: &hidden,
            last: &last,
            output: &output,
        };
        let predicted_error = precision.logit_error();
        let Compiler {
            engine,
            scales,
            keys,
            ..
        } = compiler;
        let bulk = Bulk::compile(&engine, network);
        let info = ModelInfo {
            api_version: API_VERSION,
            id: id.to_owned(),
            description: network.description.clone(),
            parameters: engine.ring().parameters().spec().clone(),
            input: InputSpec {
                shape: network.input_shape,
                packing,
                scale: scales.input(0).0,
                level: level(stages.len() - 1),
            },
            output,
            keys,
            bulk: bulk.as_ref().map(|bulk| bulk.spec().clone()),
        };
        Ok(Self {
            info,
            engine,
            hidden,
            last,
            predicted_error,
            bulk,
        })
    }
}

/// Where a first layer's input goes.
struct Repeated {
    /// Period and repetition.
    layout: (usize, usize),
    /// As [`Compiler::columns`].
    columns: Vec<Vec<usize>>,
}

pub(super) fn level(depth: usize) -> Level {
    Level(u8::try_from(depth).unwrap_or(u8::MAX))
}

/// A network on its way to a circuit.
struct Compiler<'a> {
    engine: Engine,
    network: &'a Network,
    stages: &'a [Stage<'a>],
    walk: Walk,
    scales: ScalePlan,
    keys: KeySpec,
    /// Period and repetition of what the stages so far have left in the slots.
    layout: (usize, usize),
    /// For each position of the period, which output of the layer before stands there; one list for
    /// all rows, or one for those that have the same remainder by the number of lists.
    columns: Vec<Vec<usize>>,
}

impl<'a> Compiler<'a> {
    fn new(
        engine: Engine,
        network: &'a Network,
        stages: &'a [Stage<'a>],
        walk: Walk,
    ) -> Result<Self, CircuitError> {
        let slots = engine.slots();
        // What the last layer sums over: its input's period.
        let linear = || stages.iter().rev().skip(1).find_map(|stage| stage.linear);
        let width = match (linear(), stages) {
            (Some(before), _) => before.rows,
            (
                None,
                [
                    Stage {
                        linear: Some(only), ..
                    },
                ],
            ) => used_columns(only, 0, 1).len(),
            (None, _) => 1,
        };
        let width = width.next_power_of_two().min(slots);
        let scales = ScalePlan::new(&engine, stages, network.logit_bound, width as f64);
        if scales.output() < 1.0 {
            return Err(CircuitError::Bound {
                bound: network.logit_bound,
            });
        }
        Ok(Self {
            engine,
            network,
            stages,
            walk,
            scales,
            keys: KeySpec::default(),
            layout: (1, 1),
            columns: Vec::new(),
        })
    }

    /// The power of two that a vector takes in the slots.
    fn fits(&self, name: &str, size: usize) -> Result<usize, CircuitError> {
        let slots = self.engine.slots();
        let padded = size.next_power_of_two();
        if padded <= slots {
            Ok(padded)
        } else {
            Err(CircuitError::TooWide {
                name: name.to_owned(),
                size,
                slots,
            })
        }
    }

    /// Where the client puts the input: for a matrix product repeated, for a layer that is first and
    /// last as the last one wants it.
    fn input_packing(&mut self) -> Result<InputPacking, CircuitError> {
        match self.stages {
            [
                Stage {
                    linear: Some(first),
                    ..
                },
                _,
                ..,
            ] => {
                let rows = self.fits(&first.name, first.rows)?;
                let Repeated { layout, columns } = self.repeated(first, rows)?;
                (self.layout, self.columns) = (layout, columns);
            }
            [
                Stage {
                    linear: Some(only), ..
                },
            ] => {
                let columns = used_columns(only, 0, 1);
                self.layout = (self.fits(&only.name, columns.len())?, 1);
                self.columns = vec![columns];
            }
            _ => {}
        }
        let (period, repeat) = self.layout;
        Ok(InputPacking {
            period,
            repeat,
            sources: self.columns.clone(),
        })
    }

    /// The largest repetition that leaves room for what each row reads: slots of the same remainder
    /// serve rows of the same remainder, so only the inputs of those rows need a place there. The
    /// larger the repetition, the fewer the diagonals.
    fn repeated(&self, first: &Linear, rows: usize) -> Result<Repeated, CircuitError> {
        let slots = self.engine.slots();
        let values = match self.walk.input {
            SlotContent::Real => 1,
            SlotContent::Pair => 2,
        };
        let mut repeat = rows;
        loop {
            let mut lists: Vec<_> = (0..repeat)
                .map(|class| used_columns(first, class, repeat))
                .collect();
            let longest = lists.iter().map(Vec::len).max().unwrap_or(0);
            let period = longest.div_ceil(values).next_power_of_two();
            if period * repeat <= slots {
                if lists.iter().all(|list| *list == lists[0]) {
                    lists.truncate(1);
                }
                return Ok(Repeated {
                    layout: (period, repeat),
                    columns: lists,
                });
            }
            if repeat == 1 {
                return Err(CircuitError::TooWide {
                    name: first.name.clone(),
                    size: longest,
                    slots: values * slots,
                });
            }
            repeat /= 2;
        }
    }

    /// A stage before the last.
    fn hidden(&mut self, at: usize) -> Result<Hidden, CircuitError> {
        let Stage { squared, linear } = self.stages[at];
        let level = level(self.stages.len() - 1 - at);
        let input = self.scales.input(at).0;
        if squared {
            self.require_relinearization(level, input * input);
        }
        let encode = |linear| self.matrix(at, linear, level);
        let linear = linear.map(encode).transpose()?;
        Ok(Hidden { squared, linear })
    }

    fn matrix(
        &mut self,
        at: usize,
        linear: &Linear,
        level: Level,
    ) -> Result<(Diagonals, Addend), CircuitError> {
        let rows = self.fits(&linear.name, linear.rows)?;
        let slots = self.engine.slots();
        let (period, _) = self.layout;
        // Only what the client packs may come in pairs.
        let content = if at == 0 {
            self.walk.input
        } else {
            SlotContent::Real
        };
        let plan = MatrixPlan::new(slots, self.layout, rows, content, self.walk);
        let (operand, product) = (self.scales.operand(at), self.scales.product(at));
        for automorphism in plan.of_input() {
            self.require(automorphism, level, operand.0);
        }
        for automorphism in plan.of_products() {
            self.require(automorphism, level, product.0);
        }
        let columns = &self.columns;
        let weight = |row: usize, position: usize| {
            let column = columns[row % columns.len()].get(position);
            let column = column.filter(|_| row < linear.rows);
            column.map_or(0.0, |column| linear.weights[row * linear.columns + column])
        };
        let entry = |row: usize, position: usize| match content {
            SlotContent::Real => Complex64::from(weight(row, position)),
            SlotContent::Pair => {
                Complex64::new(weight(row, position), -weight(row, position + period)) / 2.0
            }
        };
        let bias = |slot: usize| linear.bias.get(slot % rows).copied().unwrap_or(0.0);
        let biases: Vec<f64> = (0..slots).map(bias).collect();
        let weights = Scale(product.0 / operand.0);
        let matrix = self.engine.encode_matrix(plan, entry, weights, level);
        let bias = self.engine.encode_addend(&biases, product, level);
        let failed = |source| refused(linear, source);
        let encoded = (matrix.map_err(failed)?, bias.map_err(failed)?);
        self.layout = (rows, 1);
        self.columns = vec![(0..linear.rows).collect()];
        Ok(encoded)
    }

    /// The last stage, and how its result is read.
    ///
    /// Its input `x` has the period `H` and stands `C` times in the slots, so it is a polynomial in
    /// `X^C`. The factor `Σ X^r·w_r`, with `w_r` the polynomial in `X^C` whose slots are row `r` of
    /// the weights, keeps the rows apart: coefficient `r` of the product is that of `1` in `w_r·x`,
    /// the mean of its slots, the dot product over `H`. Imaginary weights, which end up in
    /// coefficient `r + N/2`, make room for as many rows again.
    fn last(&mut self) -> Result<(Last, OutputSpec), CircuitError> {
        let Some(Stage {
            squared,
            linear: Some(linear),
        }) = self.stages.last().copied()
        else {
            return Err(CircuitError::Shape("the last layer must be linear"));
        };
        let at = self.stages.len() - 1;
        let (slots, level) = (self.engine.slots(), Level(0));
        let (width, _) = self.layout;
        if squared {
            self.require_relinearization(level, self.scales.operand(at).0);
        }
        self.fits(&linear.name, linear.rows)?;
        let copies = slots / width;
        // As far as the last part has room; one for their own would not pay.
        let zeros = ZEROS.min(linear.rows.next_multiple_of(2 * copies) - linear.rows);
        let packing = OutputPacking {
            classes: linear.rows,
            zeros,
            copies,
        };
        let rows: Vec<usize> = (0..linear.rows + zeros).collect();
        let factor = |rows: &[usize]| {
            let slot = |slot: usize| {
                let column = self.columns.first().and_then(|list| list.get(slot % width));
                let Some(column) = column else {
                    return Complex64::ZERO;
                };
                let term = |(index, row): (usize, &usize)| {
                    // Beyond the last row are the zeros.
                    let weight = linear.weights.get(row * linear.columns + column);
                    let weight = weight.copied().unwrap_or(0.0);
                    let turn = if index < packing.copies {
                        Complex64::ONE
                    } else {
                        Complex64::I
                    };
                    turn * self.engine.monomial(index % packing.copies, slot) * weight
                };
                rows.iter().enumerate().map(term).sum()
            };
            let values: Vec<Complex64> = (0..slots).map(slot).collect();
            let weights = Scale(self.scales.product(at).0 / self.scales.operand(at).0);
            self.engine.encode(&values, weights, level)
        };
        let parts = rows
            .chunks(2 * packing.copies)
            .map(factor)
            .collect::<Result<_, _>>()
            .map_err(|source| refused(linear, source))?;
        let modulus = 2f64.powi(LOG_REPLY.cast_signed());
        let scale = self.scales.output() / self.engine.modulus(level) * modulus;
        let bias = |&bias: &f64| (bias * scale).round() as i64;
        let output = OutputSpec {
            classes: self.network.classes.clone(),
            packing,
            scale,
            log_modulus: LOG_REPLY,
            bound: modulus / 2.0 / scale,
        };
        let last = Last {
            squared,
            parts,
            bias: linear
                .bias
                .iter()
                .chain(&[0.0; ZEROS][..zeros])
                .map(bias)
                .collect(),
        };
        Ok((last, output))
    }

    fn require_relinearization(&mut self, level: Level, scale: f64) {
        let key = self.key(level, scale);
        let known = self.keys.relinearization.get_or_insert(key);
        *known = finest(*known, key);
    }

    /// Adds an automorphism to those that need keys.
    fn require(&mut self, automorphism: Automorphism, level: Level, scale: f64) {
        let key = self.key(level, scale);
        match automorphism {
            Automorphism::Conjugation => {
                let known = self.keys.conjugation.get_or_insert(key);
                *known = finest(*known, key);
            }
            Automorphism::Rotation(step) => {
                let rotations = &mut self.keys.rotations;
                match rotations.binary_search_by_key(&step, |rotation| rotation.step) {
                    Ok(at) => rotations[at].key = finest(rotations[at].key, key),
                    Err(at) => rotations.insert(at, RotationKeySpec { step, key }),
                }
            }
        }
    }

    /// The key with the largest digits whose noise what is switched can bear at this scale.
    fn key(&self, level: Level, scale: f64) -> SwitchingKeySpec {
        let primes = self.engine.ring().parameters().primes_at(level).len();
        let (model, most) = (self.engine.noise_model(), scale * KEY_SWITCH_SHARE);
        let bearable = |&digits: &usize| model.key_switch(level, digits).rms() <= most;
        SwitchingKeySpec {
            level,
            digit_primes: (1..=primes).rev().find(bearable).unwrap_or(1),
        }
    }
}

fn refused(linear: &Linear, source: EvalError) -> CircuitError {
    CircuitError::Weights {
        name: linear.name.clone(),
        source,
    }
}

/// The inputs that the rows with this remainder depend on; the others need no slot.
fn used_columns(linear: &Linear, remainder: usize, classes: usize) -> Vec<usize> {
    let rows = linear.weights.chunks(linear.columns);
    let mut used = vec![false; linear.columns];
    for row in rows.skip(remainder).step_by(classes) {
        for (used, &weight) in used.iter_mut().zip(row) {
            *used |= weight != 0.0;
        }
    }
    let columns: Vec<usize> = (0..linear.columns).filter(|&column| used[column]).collect();
    if columns.is_empty() { vec![0] } else { columns }
}

/// The key that serves where either of two does.
fn finest(left: SwitchingKeySpec, right: SwitchingKeySpec) -> SwitchingKeySpec {
    SwitchingKeySpec {
        level: left.level.max(right.level),
        digit_primes: left.digit_primes.min(right.digit_primes),
    }
}
