//! An array of numbers, however it was stored.

use crate::messages::{DataType, TensorProto};
use crate::{Limits, TensorError};

/// `TensorProto.DataLocation.EXTERNAL`.
const EXTERNAL: i32 = 1;

/// A checked array: as many numbers as the dimensions say, floats finite.
#[derive(Clone, Debug, PartialEq)]
pub struct Tensor {
    /// Sizes; none for a scalar.
    pub dims: Vec<usize>,
    /// The numbers in row-major order.
    pub data: TensorData,
}

/// Numbers of a [`Tensor`].
#[derive(Clone, Debug, PartialEq)]
pub enum TensorData {
    /// From float or double.
    Floats(Vec<f32>),
    /// From int32, int64 or bool.
    Ints(Vec<i64>),
}

impl Tensor {
    /// The numbers, if they are floats.
    #[must_use]
    pub fn floats(&self) -> Option<&[f32]> {
        match &self.data {
            TensorData::Floats(values) => Some(values),
            TensorData::Ints(_) => None,
        }
    }

    /// The numbers, if they are integers.
    #[must_use]
    pub fn ints(&self) -> Option<&[i64]> {
        match &self.data {
            TensorData::Floats(_) => None,
            TensorData::Ints(values) => Some(values),
        }
    }

    /// How many numbers there are.
    #[must_use]
    pub fn len(&self) -> usize {
        match &self.data {
            TensorData::Floats(values) => values.len(),
            TensorData::Ints(values) => values.len(),
        }
    }

    /// Whether a dimension is zero.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Checks a message.
    ///
    /// # Errors
    /// The first property that doesn't hold.
    pub fn from_proto(proto: &TensorProto, limits: &Limits) -> Result<Self, TensorError> {
        if proto.data_location == EXTERNAL {
            return Err(TensorError::External);
        }
        let dims = read_dims(&proto.dims)?;
        let unsupported = TensorError::ElementType {
            code: proto.data_type,
        };
        let element = DataType::try_from(proto.data_type).map_err(|_| unsupported.clone())?;
        let shape = Shape {
            dims: &proto.dims,
            count: count(proto, &dims, limits)?,
        };
        let raw = &proto.raw_data;
        let data = match element {
            DataType::Float => {
                let values = shape.take(&proto.float_data, raw, f32::from_le_bytes)?;
                TensorData::Floats(finite(values.into_iter().map(f64::from))?)
            }
            DataType::Double => {
                let values = shape.take(&proto.double_data, raw, f64::from_le_bytes)?;
                TensorData::Floats(finite(values)?)
            }
            DataType::Int32 => {
                let values = shape.take(&proto.int32_data, raw, i32::from_le_bytes)?;
                TensorData::Ints(values.into_iter().map(i64::from).collect())
            }
            DataType::Int64 => {
                TensorData::Ints(shape.take(&proto.int64_data, raw, i64::from_le_bytes)?)
            }
            DataType::Bool => {
                let one = |[byte]: [u8; 1]| i32::from(byte);
                let values = shape.take(&proto.int32_data, raw, one)?;
                TensorData::Ints(values.into_iter().map(i64::from).collect())
            }
            DataType::Undefined => return Err(unsupported),
        };
        Ok(Self { dims, data })
    }
}

fn read_dims(dims: &[i64]) -> Result<Vec<usize>, TensorError> {
    let size = |(index, &value): (usize, &i64)| {
        usize::try_from(value).map_err(|_| TensorError::Dimension { index, value })
    };
    dims.iter().enumerate().map(size).collect()
}

fn count(proto: &TensorProto, dims: &[usize], limits: &Limits) -> Result<usize, TensorError> {
    let limit = limits.tensor_elements;
    dims.iter()
        .try_fold(1_usize, |count, &size| count.checked_mul(size))
        .filter(|&count| count <= limit)
        .ok_or_else(|| TensorError::Elements {
            dims: proto.dims.clone(),
            limit,
        })
}

/// What the data has to fill.
struct Shape<'a> {
    dims: &'a [i64],
    count: usize,
}

impl Shape<'_> {
    /// The elements: from the typed field, or from raw bytes where those are used.
    fn take<T: Copy, const BYTES: usize>(
        &self,
        typed: &[T],
        raw: &[u8],
        from_bytes: fn([u8; BYTES]) -> T,
    ) -> Result<Vec<T>, TensorError> {
        if raw.is_empty() {
            self.check(self.count, typed.len(), "elements")?;
            return Ok(typed.to_vec());
        }
        self.check(self.count.saturating_mul(BYTES), raw.len(), "bytes")?;
        let (elements, _) = raw.as_chunks();
        Ok(elements.iter().copied().map(from_bytes).collect())
    }

    fn check(&self, expected: usize, found: usize, unit: &'static str) -> Result<(), TensorError> {
        if expected == found {
            return Ok(());
        }
        Err(TensorError::Length {
            dims: self.dims.to_vec(),
            expected,
            found,
            unit,
        })
    }
}

fn finite(values: impl IntoIterator<Item = f64>) -> Result<Vec<f32>, TensorError> {
    let narrow = |(index, value): (usize, f64)| {
        let narrowed = value as f32;
        if narrowed.is_finite() {
            Ok(narrowed)
        } else {
            Err(TensorError::NotFinite { index, value })
        }
    };
    values.into_iter().enumerate().map(narrow).collect()
}
