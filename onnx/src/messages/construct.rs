//! Short ways to write a message down.

use super::{
    AttributeProto, AttributeType, DataType, Dimension, DimensionProto, NodeProto,
    OperatorSetIdProto, StringStringEntryProto, TensorProto, TensorShapeProto, TensorTypeProto,
    TypeProto, ValueInfoProto,
};

impl NodeProto {
    /// A node of the standard operator set, without attributes.
    #[must_use]
    pub fn new(op_type: &str, name: &str, input: &[&str], output: &[&str]) -> Self {
        let owned = |names: &[&str]| names.iter().copied().map(str::to_owned).collect();
        Self {
            op_type: op_type.to_owned(),
            name: name.to_owned(),
            input: owned(input),
            output: owned(output),
            ..Self::default()
        }
    }

    /// The same node with one more attribute.
    #[must_use]
    pub fn with(mut self, attribute: AttributeProto) -> Self {
        self.attribute.push(attribute);
        self
    }
}

impl AttributeProto {
    /// An integer.
    #[must_use]
    pub fn int(name: &str, value: i64) -> Self {
        let kind = AttributeType::Int.into();
        Self {
            name: name.to_owned(),
            kind,
            i: Some(value),
            ..Self::default()
        }
    }

    /// A float.
    #[must_use]
    pub fn float(name: &str, value: f32) -> Self {
        let kind = AttributeType::Float.into();
        Self {
            name: name.to_owned(),
            kind,
            f: Some(value),
            ..Self::default()
        }
    }

    /// A list of integers.
    #[must_use]
    pub fn ints(name: &str, values: &[i64]) -> Self {
        let kind = AttributeType::Ints.into();
        Self {
            name: name.to_owned(),
            kind,
            ints: values.to_vec(),
            ..Self::default()
        }
    }

    /// A text.
    #[must_use]
    pub fn string(name: &str, value: &str) -> Self {
        let kind = AttributeType::String.into();
        Self {
            name: name.to_owned(),
            kind,
            s: Some(value.as_bytes().to_vec()),
            ..Self::default()
        }
    }

    /// A tensor.
    #[must_use]
    pub fn tensor(name: &str, value: TensorProto) -> Self {
        let kind = AttributeType::Tensor.into();
        Self {
            name: name.to_owned(),
            kind,
            t: Some(value),
            ..Self::default()
        }
    }
}

impl TensorProto {
    /// Floats, stored as raw data the way most exporters do.
    #[must_use]
    pub fn floats(name: &str, dims: &[i64], values: &[f32]) -> Self {
        Self {
            name: name.to_owned(),
            dims: dims.to_vec(),
            data_type: DataType::Float.into(),
            raw_data: values
                .iter()
                .flat_map(|value| value.to_le_bytes())
                .collect(),
            ..Self::default()
        }
    }

    /// Integers, stored as raw data.
    #[must_use]
    pub fn ints(name: &str, dims: &[i64], values: &[i64]) -> Self {
        Self {
            name: name.to_owned(),
            dims: dims.to_vec(),
            data_type: DataType::Int64.into(),
            raw_data: values
                .iter()
                .flat_map(|value| value.to_le_bytes())
                .collect(),
            ..Self::default()
        }
    }
}

impl ValueInfoProto {
    /// A float tensor.
    #[must_use]
    pub fn float_tensor(name: &str, dims: &[Dimension]) -> Self {
        let dim = |value: &Dimension| DimensionProto {
            value: Some(value.clone()),
        };
        let shape = Some(TensorShapeProto {
            dim: dims.iter().map(dim).collect(),
        });
        let elem_type = DataType::Float.into();
        Self {
            name: name.to_owned(),
            value_type: Some(TypeProto {
                tensor_type: Some(TensorTypeProto { elem_type, shape }),
            }),
            ..Self::default()
        }
    }
}

impl OperatorSetIdProto {
    /// The standard operators in one version.
    #[must_use]
    pub fn standard(version: i64) -> Self {
        Self {
            version,
            ..Self::default()
        }
    }
}

impl StringStringEntryProto {
    /// A named text.
    #[must_use]
    pub fn new(key: &str, value: &str) -> Self {
        Self {
            key: key.to_owned(),
            value: value.to_owned(),
        }
    }
}
