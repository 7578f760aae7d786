//! Which operations a network takes, and how many levels: everything that doesn't depend on a
//! parameter set.
//!
//! **Invariant:** an operation's operands are registers made before it, at the depth at which it
//! works or above.

use shared::ring::Level;

use crate::network::{Activation, Chebyshev, Network, ValueId};

/// A value on its way: 0 is the input, `i + 1` what operation `i` makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RegisterId(pub usize);

/// One operation. Each works at a depth, the number of rescales in front of it, and but for
/// [`Kind::Square`] ends with a rescale.
#[derive(Clone, Debug, PartialEq)]
pub struct Operation {
    /// What it does.
    pub kind: Kind,
    /// Rescales before it.
    pub depth: usize,
    /// The layer that it is a part of.
    pub layer: usize,
}

/// What an operation does.
#[derive(Clone, Debug, PartialEq)]
pub enum Kind {
    /// The layer's matrix products and bias, times a factor. The registers are those of its terms.
    Linear {
        /// One for each term of the layer.
        of: Vec<RegisterId>,
        /// What the layer's values are multiplied by.
        factor: f64,
    },
    /// A square that is not rescaled: its scale is the square of the operand's.
    Square(RegisterId),
    /// A square that is.
    RescaledSquare(RegisterId),
    /// `left·right - minus`, where no `minus` is the number 2.
    Product {
        /// A factor.
        left: RegisterId,
        /// Another one, or the same.
        right: RegisterId,
        /// What is taken off.
        minus: Option<RegisterId>,
    },
    /// A sum of registers times numbers, and a constant.
    Combination {
        /// The registers and their factors.
        terms: Vec<(RegisterId, f64)>,
        /// What is added.
        constant: f64,
    },
}

/// Where the reply comes from.
#[derive(Clone, Debug, PartialEq)]
pub enum Output {
    /// The last layer, whose terms read these registers; those marked are squared first.
    Layer(Vec<(RegisterId, bool)>),
    /// A register, squared first if marked: the network ends with an activation.
    Register(RegisterId, bool),
}

/// All operations of a network.
#[derive(Clone, Debug, PartialEq)]
pub struct Schedule {
    pub operations: Vec<Operation>,
    pub output: Output,
    /// Rescales in front of the reply.
    pub depth: usize,
}

/// The forms in which a layer's value was made so far.
#[derive(Clone, Copy, Debug, Default)]
struct Forms {
    /// In front of the activation, or behind a polynomial.
    plain: Option<RegisterId>,
    square: Option<RegisterId>,
    rescaled_square: Option<RegisterId>,
}

struct Scheduler<'a> {
    network: &'a Network,
    in_coefficients: bool,
    operations: Vec<Operation>,
    forms: Vec<Forms>,
}

impl Schedule {
    /// Puts a network's operations in order, each as early as its operands allow. A square that the
    /// last layer reads is a part of the output where that is in coefficients, which saves a
    /// rounding; matrix products take it as an operation of its own.
    pub fn new(network: &Network, in_coefficients: bool) -> Self {
        let mut scheduler = Scheduler {
            network,
            in_coefficients,
            operations: Vec::new(),
            forms: vec![Forms::default(); network.layers.len()],
        };
        let last = network.layers.len().saturating_sub(1);
        for layer in 0..last {
            scheduler.layer(layer);
        }
        let output = scheduler.output(last);
        let depth = match &output {
            Output::Layer(_) => scheduler.terms_depth(last),
            Output::Register(register, _) => scheduler.depth(*register),
        };
        Self {
            operations: scheduler.operations,
            output,
            depth,
        }
    }

    /// The depth of a register: rescales in front of it.
    pub fn register_depth(&self, register: RegisterId) -> usize {
        register_depth(&self.operations, register)
    }

    /// The level at a depth.
    pub fn level(&self, depth: usize) -> Level {
        Level(u8::try_from(self.depth.saturating_sub(depth)).unwrap_or(u8::MAX))
    }

    /// Steps of the last use of each register.
    pub fn last_uses(&self) -> Vec<usize> {
        let mut last = vec![0; self.operations.len() + 1];
        for (at, operation) in self.operations.iter().enumerate() {
            for register in operation.kind.operands() {
                last[register.0] = at;
            }
        }
        let read: Vec<RegisterId> = match &self.output {
            Output::Layer(terms) => terms.iter().map(|&(register, _)| register).collect(),
            Output::Register(register, _) => vec![*register],
        };
        for register in read {
            last[register.0] = self.operations.len();
        }
        last
    }
}

impl Kind {
    /// The registers it reads.
    pub fn operands(&self) -> Vec<RegisterId> {
        match self {
            Self::Linear { of, .. } => of.clone(),
            Self::Square(of) | Self::RescaledSquare(of) => vec![*of],
            Self::Product { left, right, minus } => {
                [*left, *right].into_iter().chain(*minus).collect()
            }
            Self::Combination { terms, .. } => terms.iter().map(|&(of, _)| of).collect(),
        }
    }
}

fn register_depth(operations: &[Operation], register: RegisterId) -> usize {
    let made_by = register.0.checked_sub(1).and_then(|at| operations.get(at));
    made_by.map_or(0, |operation| match operation.kind {
        Kind::Square(_) => operation.depth,
        _ => operation.depth + 1,
    })
}

impl Scheduler<'_> {
    fn depth(&self, register: RegisterId) -> usize {
        register_depth(&self.operations, register)
    }

    fn push(&mut self, kind: Kind, depth: usize, layer: usize) -> RegisterId {
        self.operations.push(Operation { kind, depth, layer });
        RegisterId(self.operations.len())
    }

    /// The least depth at which all terms of a layer can be read.
    fn terms_depth(&self, layer: usize) -> usize {
        let terms = self.network.layers[layer].terms.iter();
        terms
            .map(|term| self.value_depth(term.of))
            .max()
            .unwrap_or(0)
    }

    fn value_depth(&self, value: ValueId) -> usize {
        let made = value.layer().and_then(|layer| self.forms[layer].plain);
        made.map_or(0, |register| self.depth(register))
    }

    /// The register that holds a value, to be read at this depth.
    fn operand(&mut self, value: ValueId, depth: usize) -> RegisterId {
        let Some(layer) = value.layer() else {
            return RegisterId(0);
        };
        let forms = self.forms[layer];
        let plain = forms.plain.unwrap_or(RegisterId(0));
        if self.network.layers[layer].activation != Activation::Square {
            return plain;
        }
        let at = self.depth(plain);
        if at == depth {
            let made = forms.square;
            let made = made.unwrap_or_else(|| self.push(Kind::Square(plain), at, layer));
            self.forms[layer].square = Some(made);
            made
        } else {
            let made = forms.rescaled_square;
            let made = made.unwrap_or_else(|| self.push(Kind::RescaledSquare(plain), at, layer));
            self.forms[layer].rescaled_square = Some(made);
            made
        }
    }

    fn layer(&mut self, layer: usize) {
        let depth = self.terms_depth(layer);
        let values: Vec<ValueId> = self.network.layers[layer]
            .terms
            .iter()
            .map(|term| term.of)
            .collect();
        let of = values
            .into_iter()
            .map(|value| self.operand(value, depth))
            .collect();
        let activation = &self.network.layers[layer].activation;
        let factor = match activation {
            Activation::Polynomial(polynomial) => 2.0 / polynomial.range(),
            Activation::Identity | Activation::Square => 1.0,
        };
        let sums = self.push(Kind::Linear { of, factor }, depth, layer);
        let plain = match activation {
            Activation::Polynomial(polynomial) => self.polynomial(polynomial, sums, layer),
            Activation::Identity | Activation::Square => sums,
        };
        self.forms[layer].plain = Some(plain);
    }

    /// With `V_k = 2·T_k`, products need no constants: `V_(m+n) = V_m·V_n - V_(m-n)`.
    fn polynomial(
        &mut self,
        polynomial: &Chebyshev,
        first: RegisterId,
        layer: usize,
    ) -> RegisterId {
        let mut made = vec![None; polynomial.degree() + 1];
        if let Some(made) = made.get_mut(1) {
            *made = Some(first);
        }
        let mut terms = Vec::new();
        for (k, &coefficient) in polynomial.coefficients().iter().enumerate().skip(1) {
            if coefficient != 0.0 {
                terms.push((self.chebyshev(k, &mut made, layer), coefficient / 2.0));
            }
        }
        let depth = terms
            .iter()
            .map(|&(register, _)| self.depth(register))
            .max();
        let constant = polynomial.coefficients().first().copied().unwrap_or(0.0);
        self.push(
            Kind::Combination { terms, constant },
            depth.unwrap_or(0),
            layer,
        )
    }

    fn chebyshev(&mut self, k: usize, made: &mut [Option<RegisterId>], layer: usize) -> RegisterId {
        if let Some(register) = made[k] {
            return register;
        }
        let (high, low) = (k.div_ceil(2), k / 2);
        let [left, right] = [high, low].map(|part| self.chebyshev(part, made, layer));
        let minus = (high != low).then(|| self.chebyshev(high - low, made, layer));
        let depth = self.depth(left).max(self.depth(right));
        let register = self.push(Kind::Product { left, right, minus }, depth, layer);
        made[k] = Some(register);
        register
    }

    fn output(&mut self, last: usize) -> Output {
        let layer = &self.network.layers[last];
        if layer.activation != Activation::Identity {
            self.layer(last);
            let register = self.forms[last].plain.unwrap_or(RegisterId(0));
            let squared = self.network.layers[last].activation == Activation::Square;
            return Output::Register(register, squared);
        }
        let depth = self.terms_depth(last);
        let values: Vec<ValueId> = layer.terms.iter().map(|term| term.of).collect();
        let mut operand = |value: ValueId| {
            let squared = value.layer().is_some_and(|layer| {
                self.in_coefficients
                    && self.network.layers[layer].activation == Activation::Square
                    && self.value_depth(value) == depth
            });
            if squared {
                let plain = value.layer().and_then(|layer| self.forms[layer].plain);
                (plain.unwrap_or(RegisterId(0)), true)
            } else {
                (self.operand(value, depth), false)
            }
        };
        Output::Layer(values.into_iter().map(&mut operand).collect())
    }
}
