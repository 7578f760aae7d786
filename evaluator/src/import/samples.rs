//! What values become on a few images, which tells where polynomials have to be good.
//!
//! The images are given, or else made up; a range that comes from those is only good for the
//! conditioning, never for what a network computes.

use std::mem;

use super::ops::OpError;
use super::polynomial::Affine;
use super::trace::{RootId, Trace};
use crate::network::{ValueId, samples};

/// Most numbers that are kept for all images and layers together; beyond, fewer images do.
const MOST: usize = 1 << 24;

/// How many images are made up.
const MADE_UP: u64 = 16;

/// How much larger than on made-up images values may become.
const MARGIN_MADE_UP: f64 = 2.0;

/// How much larger than on given images values may become.
const MARGIN: f64 = 1.1;

/// Images, and what each layer makes of them as far as that was asked for.
pub struct Samples {
    /// By [`ValueId`], then by image.
    values: Vec<Vec<Vec<f64>>>,
    given: bool,
}

impl Samples {
    /// Images that were given.
    pub fn given(images: Vec<Vec<f64>>) -> Self {
        Self {
            values: vec![images],
            given: true,
        }
    }

    /// Images of noise, and drawings, with these rows and columns at the end of their shape.
    pub fn made_up(shape: &[usize]) -> Self {
        let count = shape.iter().product();
        let images = (0..MADE_UP).map(|number| match number {
            0 => vec![0.0; count],
            1 => vec![1.0; count],
            _ if number.is_multiple_of(2) => samples::noise(shape, number),
            _ => samples::drawing(shape, number),
        });
        Self {
            values: vec![images.collect()],
            given: false,
        }
    }

    /// A bound on values like these, if there are any and all are finite.
    pub fn range(&self, values: &[Vec<f64>]) -> Option<f64> {
        let largest = largest(values)?;
        let margin = if self.given { MARGIN } else { MARGIN_MADE_UP };
        Some(if largest > 0.0 { margin * largest } else { 1.0 })
    }

    /// Room for `more` numbers an image.
    fn shrink(&mut self, more: usize) -> Result<(), OpError> {
        loop {
            let each = |values: &Vec<Vec<f64>>| values.first().map_or(0, Vec::len);
            let numbers = self
                .values
                .iter()
                .map(each)
                .fold(more, usize::saturating_add);
            let images = self.values.first().map_or(0, Vec::len);
            if images == 0 {
                return Err(OpError::new("there is no room to try it on an image"));
            }
            if numbers.saturating_mul(images) <= MOST {
                return Ok(());
            }
            for values in &mut self.values {
                values.truncate(images >> 1);
            }
        }
    }
}

fn largest(values: &[Vec<f64>]) -> Option<f64> {
    let mut numbers = values.iter().flatten();
    let largest = numbers.try_fold(0.0_f64, |most, value| {
        value.is_finite().then(|| most.max(value.abs()))
    })?;
    largest.is_finite().then_some(largest)
}

impl Trace<'_> {
    /// A root's values for each image, behind an affine map.
    pub fn sampled(&mut self, root: RootId, map: &Affine) -> Result<Vec<Vec<f64>>, OpError> {
        let mut samples = mem::replace(&mut self.samples, Samples::given(Vec::new()));
        let values = self.sample(&mut samples, root, map);
        self.samples = samples;
        values
    }

    /// The largest magnitude among them.
    pub fn largest(&mut self, root: RootId, map: &Affine) -> Result<f64, OpError> {
        let values = self.sampled(root, map)?;
        Ok(largest(&values).unwrap_or(f64::INFINITY))
    }

    fn sample(
        &self,
        samples: &mut Samples,
        root: RootId,
        map: &Affine,
    ) -> Result<Vec<Vec<f64>>, OpError> {
        let missing = samples.values.len().saturating_sub(1);
        for atom in self.atoms.iter().skip(missing) {
            let mut values = self.apply(samples, atom.root, &atom.before)?;
            for value in values.iter_mut().flatten() {
                *value = atom.activation.apply(*value);
            }
            samples.values.push(values);
        }
        self.apply(samples, root, map)
    }

    fn apply(
        &self,
        samples: &mut Samples,
        root: RootId,
        map: &Affine,
    ) -> Result<Vec<Vec<f64>>, OpError> {
        let Some(root) = self.root(root) else {
            return Ok(Vec::new());
        };
        samples.shrink(root.bias.len())?;
        let images = samples.values.first().map_or(0, Vec::len);
        let mut sums = vec![root.bias.clone(); images];
        for (&ValueId(value), matrix) in &root.terms {
            let values = samples.values.get(value).into_iter().flatten();
            for (sum, values) in sums.iter_mut().zip(values) {
                matrix.add_product(values, sum);
            }
        }
        for sum in &mut sums {
            for (index, sum) in sum.iter_mut().enumerate() {
                *sum = map.slope.get(index) * *sum + map.offset.get(index);
            }
        }
        Ok(sums)
    }
}
