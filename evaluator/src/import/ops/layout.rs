//! Values in other places: what only moves numbers.

use super::OpError;
use crate::import::trace::{Encrypted, Trace};
use crate::network::Matrix;

/// The values at `places`, in another shape.
pub fn gather(
    name: &str,
    value: &Encrypted,
    places: &[usize],
    shape: Vec<usize>,
    trace: &mut Trace<'_>,
) -> Result<Encrypted, OpError> {
    if places.len() == value.count() && places.iter().enumerate().all(|(to, &from)| to == from) {
        return Ok(value.with_shape(shape));
    }
    trace.claim(places.len())?;
    let rows = places.iter().map(|&place| vec![(place, 1.0)]);
    let map = Matrix::from_rows(value.count(), rows);
    let name = value.name_with(name);
    trace.linear(name, shape, vec![(map, value)], vec![0.0; places.len()])
}

/// Where each value comes from when axes change places: axis `to` of the result is `order[to]`.
pub fn permuted(shape: &[usize], order: &[usize]) -> Option<Vec<usize>> {
    let mut strides = vec![1_usize; shape.len()];
    let mut stride = 1_usize;
    for (to, &size) in strides.iter_mut().zip(shape).rev() {
        *to = stride;
        stride = stride.checked_mul(size)?;
    }
    let mut places = vec![0_usize];
    for &axis in order {
        let (size, stride) = (*shape.get(axis)?, *strides.get(axis)?);
        let steps = places.iter().flat_map(|&place| {
            (0..size).map(move |step| step.checked_mul(stride)?.checked_add(place))
        });
        places = steps.collect::<Option<_>>()?;
    }
    Some(places)
}
