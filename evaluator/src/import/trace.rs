//! What is written down while the graph is walked.
//!
//! A value that depends on the image is a polynomial, for each of its numbers, in an affine map of
//! a *root*. A root is a linear map of *atoms*: of the image, or of what a layer makes behind its
//! activation. So steps that meet and are linear become one as they come, and it doesn't matter how
//! a polynomial is spelled. Numbers are counted in row-major order whatever the shape, so operators
//! that change the shape alone change nothing here. An atom is made where a polynomial is read by
//! something linear ([`super::lower`]).

use std::collections::BTreeMap;
use std::rc::Rc;

use onnx::Tensor;

use super::approximate::Approximated;
use super::ops::OpError;
use super::polynomial::{Affine, Coefficient, Polynomial};
use super::samples::Samples;
use super::{MAX_DEGREE, MAX_NAME, MAX_PRODUCTS, MAX_WEIGHTS, Options};
use crate::network::{Activation, Matrix, ValueId};

/// What a name in the graph stands for.
#[derive(Clone)]
pub enum Value {
    /// Known from the file.
    Constant(Rc<Tensor>),
    /// Depends on the image.
    Encrypted(Encrypted),
    /// What a last node would make of logits, which the client can do.
    LeftToClient(LeftToClient),
    /// A second output that means nothing outside of training.
    Mask,
    /// Made by a node that was refused.
    Refused,
}

/// Logits and what is done to them in the clear.
#[derive(Clone)]
pub struct LeftToClient {
    pub logits: Encrypted,
    /// The operator.
    pub op: String,
    /// The node.
    pub node: String,
}

/// A value that depends on the image.
#[derive(Clone, Debug)]
pub struct Encrypted {
    /// Its sizes; their product is the number of values of its root.
    pub shape: Vec<usize>,
    /// Names of the nodes since its root's atoms.
    pub name: String,
    pub root: RootId,
    /// The unknown of the polynomial, as a map of the root.
    pub unknown: Affine,
    pub polynomial: Polynomial,
    /// Counts values in the order in which they are made.
    pub made: usize,
}

/// A linear map of atoms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RootId(usize);

impl RootId {
    const IMAGE: Self = Self(0);
}

pub struct Root {
    /// Sizes without the batch.
    pub shape: Vec<usize>,
    pub terms: BTreeMap<ValueId, Matrix>,
    pub bias: Vec<f64>,
    /// The value whose numbers these are, if it is a polynomial of another root.
    pub origin: Option<Encrypted>,
}

/// What a layer makes: an activation of an affine map of a root.
pub struct Atom {
    pub name: String,
    pub shape: Vec<usize>,
    pub root: RootId,
    pub before: Affine,
    pub activation: Activation,
}

/// Two values as polynomials in the same unknown.
struct Aligned {
    root: RootId,
    unknown: Affine,
    left: Polynomial,
    right: Polynomial,
}

/// More than [`MAX_WEIGHTS`] numbers, all nodes together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooManyWeights;

/// Everything that the nodes so far make of the image.
pub struct Trace<'a> {
    pub options: &'a Options<'a>,
    /// Atom `i` makes value `i + 1`; value 0 is the image.
    pub atoms: Vec<Atom>,
    pub samples: Samples,
    /// What was said of each activation that was replaced.
    pub approximated: Vec<Approximated>,
    roots: Vec<Root>,
    claimed: usize,
    merged: usize,
    products: usize,
    made: usize,
}

impl<'a> Trace<'a> {
    /// Nothing is done yet to an image of this shape, whose first size is the batch.
    pub fn new(options: &'a Options<'a>, samples: Samples, shape: &[usize]) -> (Self, Encrypted) {
        let count = shape.iter().product();
        let image = Root {
            shape: without_batch(shape),
            terms: BTreeMap::from([(ValueId::IMAGE, Matrix::identity(count))]),
            bias: vec![0.0; count],
            origin: None,
        };
        let mut trace = Self {
            options,
            atoms: Vec::new(),
            samples,
            approximated: Vec::new(),
            roots: vec![image],
            claimed: 0,
            merged: 0,
            products: 0,
            made: 0,
        };
        let image = trace.variable(String::new(), shape.to_vec(), RootId::IMAGE);
        (trace, image)
    }

    /// Takes `count` numbers out of what all nodes together may copy from the file's constants:
    /// any number of nodes may use the same one. To be asked before copying.
    pub fn claim(&mut self, count: usize) -> Result<(), TooManyWeights> {
        self.claimed = self
            .claimed
            .checked_add(count)
            .filter(|&claimed| claimed <= MAX_WEIGHTS)
            .ok_or(TooManyWeights)?;
        Ok(())
    }

    pub fn root(&self, id: RootId) -> Option<&Root> {
        self.roots.get(id.0)
    }

    /// How many values the image has.
    pub fn inputs(&self) -> usize {
        self.roots.first().map_or(0, |image| image.bias.len())
    }

    /// The sum of linear maps and a bias.
    pub fn linear(
        &mut self,
        name: String,
        shape: Vec<usize>,
        maps: Vec<(Matrix, &Encrypted)>,
        mut bias: Vec<f64>,
    ) -> Result<Encrypted, OpError> {
        let mut terms = BTreeMap::new();
        let mut products = self.products;
        for (map, of) in maps {
            let sum = self.lower(of)?;
            map.add_product(&sum.constant.to_vec(map.columns()), &mut bias);
            for (atom, factor) in &sum.atoms {
                let part = map.clone().scale_columns(&factor.to_vec(map.columns()));
                self.add_term(&mut terms, *atom, part)?;
            }
            for (root, factor) in &sum.roots {
                let part = map.clone().scale_columns(&factor.to_vec(map.columns()));
                let Some(Root {
                    terms: first,
                    bias: offset,
                    ..
                }) = self.roots.get(root.0)
                else {
                    continue;
                };
                part.add_product(offset, &mut bias);
                let mut merged = Vec::new();
                for (atom, first) in first {
                    products = products.saturating_add(part.products(first));
                    if products > MAX_PRODUCTS {
                        return Err(OpError::new(
                            "merging it with the linear maps before it takes too many products",
                        )
                        .instead("put an activation between the two, or make them smaller"));
                    }
                    merged.push((*atom, self.merge(&part, first)?));
                }
                for (atom, part) in merged {
                    self.add_term(&mut terms, atom, part)?;
                }
            }
        }
        self.products = products;
        terms.retain(|_, map| map.nonzeros() > 0);
        if terms.is_empty() {
            let rows = bias.iter().map(|_| Vec::new());
            terms.insert(ValueId::IMAGE, Matrix::from_rows(self.inputs(), rows));
        }
        let weights = terms.values().map(Matrix::nonzeros);
        self.merged = weights.fold(self.merged, usize::saturating_add);
        if self.merged > MAX_WEIGHTS {
            return Err(too_many_merged());
        }
        let root = RootId(self.roots.len());
        self.roots.push(Root {
            shape: without_batch(&shape),
            terms,
            bias,
            origin: None,
        });
        Ok(self.variable(name, shape, root))
    }

    fn merge(&self, second: &Matrix, first: &Matrix) -> Result<Matrix, OpError> {
        second
            .after(first, MAX_WEIGHTS.saturating_sub(self.merged))
            .map_err(|_| too_many_merged())
    }

    fn add_term(
        &self,
        terms: &mut BTreeMap<ValueId, Matrix>,
        atom: ValueId,
        part: Matrix,
    ) -> Result<(), OpError> {
        let sum = match terms.remove(&atom) {
            Some(sum) => sum.plus(&part),
            None => part,
        };
        if sum.nonzeros() > MAX_WEIGHTS.saturating_sub(self.merged) {
            return Err(too_many_merged());
        }
        terms.insert(atom, sum);
        Ok(())
    }

    fn variable(&mut self, name: String, shape: Vec<usize>, root: RootId) -> Encrypted {
        self.made = self.made.saturating_add(1);
        Encrypted {
            shape,
            name,
            root,
            unknown: Affine::IDENTITY,
            polynomial: Polynomial::variable(),
            made: self.made,
        }
    }

    /// An atom as a value of its own.
    pub fn atom(&mut self, shape: Vec<usize>, atom: ValueId) -> Encrypted {
        let count = shape.iter().product();
        let root = RootId(self.roots.len());
        self.roots.push(Root {
            shape: without_batch(&shape),
            terms: BTreeMap::from([(atom, Matrix::identity(count))]),
            bias: vec![0.0; count],
            origin: None,
        });
        self.variable(String::new(), shape, root)
    }

    /// The value as a root of its own.
    pub fn rooted(&mut self, value: &Encrypted) -> Result<Encrypted, OpError> {
        let is_it = |root: &Root| root.origin.as_ref().is_some_and(|origin| origin.is(value));
        if let Some(index) = self.roots.iter().position(is_it) {
            let (name, shape) = (value.name.clone(), value.shape.clone());
            return Ok(self.variable(name, shape, RootId(index)));
        }
        let count = value.count();
        let map = (Matrix::identity(count), value);
        let (name, shape) = (value.name.clone(), value.shape.clone());
        let rooted = self.linear(name, shape, vec![map], vec![0.0; count])?;
        if let Some(root) = self.roots.last_mut() {
            root.origin = Some(value.clone());
        }
        Ok(rooted)
    }

    /// `factor · value + addend`.
    pub fn rescale(
        &mut self,
        node: &str,
        value: &Encrypted,
        factor: &Coefficient,
        addend: &Coefficient,
    ) -> Result<Encrypted, OpError> {
        if factor.is_each() || addend.is_each() || value.polynomial.has_each() {
            self.claim_values(value, value.polynomial.len())?;
        }
        let constant = Polynomial::new(vec![addend.clone()]);
        let polynomial = value.polynomial.scaled(factor).plus(&constant);
        let unknown = value.unknown.clone();
        Ok(self.changed(node, value, value.root, unknown, polynomial))
    }

    /// The sum of two values of the same shape.
    pub fn sum(
        &mut self,
        node: &str,
        left: &Encrypted,
        right: &Encrypted,
    ) -> Result<Encrypted, OpError> {
        if let Some(aligned) = self.align(left, right)? {
            let sum = aligned.left.plus(&aligned.right);
            return Ok(self.changed(node, left, aligned.root, aligned.unknown, sum));
        }
        let count = left.shape.iter().product();
        self.claim(count)?;
        let identity = Matrix::identity(count);
        let maps = vec![(identity.clone(), left), (identity, right)];
        let name = joined(&left.name, node);
        self.linear(name, left.shape.clone(), maps, vec![0.0; count])
    }

    /// The product of two values of the same shape, if both are made of the same one.
    pub fn product(
        &mut self,
        node: &str,
        left: &Encrypted,
        right: &Encrypted,
    ) -> Result<Encrypted, OpError> {
        let (first, second) = if right.made < left.made {
            (right, left)
        } else {
            (left, right)
        };
        let first = first.clone().rebased();
        let Some(aligned) = self.align(&first, second)? else {
            return Err(OpError::new(
                "it multiplies two encrypted values that are not made of the same one",
            )
            .instead("multiply a value by itself, by polynomials of it, or by constants"));
        };
        let (low, high) = (&aligned.left, &aligned.right);
        let degree = low.degree().saturating_add(high.degree());
        let has_each = low.has_each() || high.has_each();
        if has_each && low.degree() > 1 && low.map_to(high).is_some() {
            // One polynomial could not do for all values; one behind the other can.
            let first = self.rooted(&first)?;
            let is_square = second.is(left) && second.is(right);
            return self.product(node, &first, if is_square { &first } else { second });
        }
        if degree > MAX_DEGREE {
            return Err(OpError::new(format!(
                "it makes a polynomial of degree {degree}; at most {MAX_DEGREE} is supported"
            )));
        }
        if has_each {
            self.claim_values(left, degree.saturating_add(1))?;
        }
        let product = low.times(high);
        Ok(self.changed(node, &first, aligned.root, aligned.unknown, product))
    }

    /// Both as polynomials in the same unknown, if there is one.
    fn align(&mut self, left: &Encrypted, right: &Encrypted) -> Result<Option<Aligned>, OpError> {
        let [low, high] = [left, right].map(|value| value.polynomial.degree());
        let plain = |of: &Encrypted| {
            Some(Aligned {
                root: of.root,
                unknown: of.unknown.clone(),
                left: left.polynomial.clone(),
                right: right.polynomial.clone(),
            })
        };
        if low == 0 {
            return Ok(plain(right));
        }
        if high == 0 || (left.root == right.root && left.unknown == right.unknown) {
            return Ok(plain(left));
        }
        if left.root != right.root {
            if let Some(left) = self.through_origin(left, right.root)? {
                return self.align(&left, right);
            }
            return match self.through_origin(right, left.root)? {
                Some(right) => self.align(left, &right),
                None => Ok(None),
            };
        }
        let target = match [left, right].map(|value| value.unknown.is_invertible()) {
            [true, true] if low >= high => left,
            [_, true] => right,
            [true, false] => left,
            [false, false] => return Ok(None),
        };
        let count = low.max(high).saturating_add(1).saturating_mul(2);
        self.claim_values(left, count)?;
        Ok(Some(Aligned {
            root: target.root,
            unknown: target.unknown.clone(),
            left: left.polynomial_in(&target.unknown),
            right: right.polynomial_in(&target.unknown),
        }))
    }

    /// A value as an affine map of `root`, if that is made of the same one.
    fn through_origin(
        &mut self,
        value: &Encrypted,
        root: RootId,
    ) -> Result<Option<Encrypted>, TooManyWeights> {
        let origin = self.root(root).and_then(|root| root.origin.clone());
        let Some(origin) =
            origin.filter(|origin| origin.root == value.root && origin.unknown == value.unknown)
        else {
            return Ok(None);
        };
        self.claim_values(value, value.polynomial.len())?;
        let map = origin.polynomial.map_to(&value.polynomial);
        Ok(map.map(|map| Encrypted {
            root,
            unknown: Affine::IDENTITY,
            polynomial: Polynomial::new(vec![map.offset, map.slope]),
            ..value.clone()
        }))
    }

    fn claim_values(&mut self, value: &Encrypted, times: usize) -> Result<(), TooManyWeights> {
        let count: usize = value.shape.iter().product();
        self.claim(count.saturating_mul(times))
    }

    fn changed(
        &mut self,
        node: &str,
        value: &Encrypted,
        root: RootId,
        unknown: Affine,
        polynomial: Polynomial,
    ) -> Encrypted {
        let name = joined(&value.name, node);
        Encrypted {
            unknown,
            polynomial,
            ..self.variable(name, value.shape.clone(), root)
        }
    }
}

impl Encrypted {
    /// The same values in other sizes, of the same product.
    pub fn with_shape(&self, shape: Vec<usize>) -> Self {
        Self {
            shape,
            ..self.clone()
        }
    }

    /// Whether it is the image as it came.
    pub fn is_image(&self) -> bool {
        self.root == RootId::IMAGE
            && self.unknown == Affine::IDENTITY
            && self.polynomial == Polynomial::variable()
    }

    /// Whether it is the same values, whatever their shape.
    fn is(&self, other: &Self) -> bool {
        self.root == other.root
            && self.unknown == other.unknown
            && self.polynomial == other.polynomial
    }

    /// Number of values.
    pub fn count(&self) -> usize {
        self.shape.iter().product()
    }

    /// What the next linear map of it is called.
    pub fn name_with(&self, node: &str) -> String {
        if self.polynomial.degree() > 1 {
            node.to_owned()
        } else {
            joined(&self.name, node)
        }
    }

    /// The polynomial in another unknown of the same root, which has to be invertible.
    fn polynomial_in(&self, unknown: &Affine) -> Polynomial {
        if self.unknown == *unknown {
            return self.polynomial.clone();
        }
        if self.polynomial.degree() > 1 {
            return self.polynomial.of(&self.unknown.after_inverse_of(unknown));
        }
        let [offset, slope] = [0, 1].map(|power| self.polynomial.coefficient(power));
        let map = self.unknown.then(&slope, &offset).after_inverse_of(unknown);
        Polynomial::new(vec![map.offset, map.slope])
    }

    /// A linear polynomial that differs from value to value becomes the unknown itself, so that
    /// its powers have coefficients that don't.
    pub fn rebased(self) -> Self {
        if self.polynomial.degree() != 1 || !self.polynomial.has_each() {
            return self;
        }
        let [offset, slope] = [0, 1].map(|power| self.polynomial.coefficient(power));
        let unknown = self.unknown.then(&slope, &offset);
        if !unknown.is_invertible() {
            return self;
        }
        Self {
            unknown,
            polynomial: Polynomial::variable(),
            ..self
        }
    }
}

/// Names of nodes, one behind the other, as long as people read them.
fn joined(names: &str, node: &str) -> String {
    if names.is_empty() || names == node {
        node.to_owned()
    } else if names.len().saturating_add(node.len()) > MAX_NAME {
        names.to_owned()
    } else {
        format!("{names} + {node}")
    }
}

pub fn without_batch(shape: &[usize]) -> Vec<usize> {
    match shape {
        [1, rest @ ..] if !rest.is_empty() => rest.to_vec(),
        shape => shape.to_vec(),
    }
}

fn too_many_merged() -> OpError {
    OpError::new(format!(
        "merging it with the linear maps before it takes more than {MAX_WEIGHTS} weights in all"
    ))
    .instead("put an activation between the two, or make them smaller")
}
