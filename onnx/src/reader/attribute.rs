//! A node's settings by name.

use super::Tensor;
use crate::messages::{AttributeProto, AttributeType, NodeProto};
use crate::{Limits, OnnxError};

impl NodeProto {
    /// How messages call this node: operator and name, or operator and first output.
    #[must_use]
    pub fn label(&self) -> String {
        let name = if self.name.is_empty() {
            self.output.first()
        } else {
            Some(&self.name)
        };
        match name {
            Some(name) => format!("{} '{name}'", self.op_type),
            None => self.op_type.clone(),
        }
    }

    /// An integer attribute; `None` if the node doesn't have it.
    ///
    /// # Errors
    /// [`OnnxError::Attribute`] if it is something else.
    pub fn attribute_int(&self, name: &str) -> Result<Option<i64>, OnnxError> {
        self.attribute(name, "an integer", |attribute| attribute.i)
    }

    /// A float attribute; `None` if the node doesn't have it.
    ///
    /// # Errors
    /// [`OnnxError::Attribute`] if it is something else or not finite.
    pub fn attribute_float(&self, name: &str) -> Result<Option<f32>, OnnxError> {
        let finite = |attribute: &AttributeProto| attribute.f.filter(|value| value.is_finite());
        self.attribute(name, "a finite float", finite)
    }

    /// A text attribute; `None` if the node doesn't have it.
    ///
    /// # Errors
    /// [`OnnxError::Attribute`] if it is something else or not UTF-8.
    pub fn attribute_string(&self, name: &str) -> Result<Option<String>, OnnxError> {
        let text = |attribute: &AttributeProto| String::from_utf8(attribute.s.clone()?).ok();
        self.attribute(name, "a text", text)
    }

    /// A list of integers; `None` if the node doesn't have it.
    ///
    /// # Errors
    /// [`OnnxError::Attribute`] if it is something else.
    pub fn attribute_ints(&self, name: &str) -> Result<Option<Vec<i64>>, OnnxError> {
        let list = |attribute: &AttributeProto| {
            (attribute.kind() == AttributeType::Ints).then(|| attribute.ints.clone())
        };
        self.attribute(name, "a list of integers", list)
    }

    /// A list of floats; `None` if the node doesn't have it.
    ///
    /// # Errors
    /// [`OnnxError::Attribute`] if it is something else or not finite.
    pub fn attribute_floats(&self, name: &str) -> Result<Option<Vec<f32>>, OnnxError> {
        let list = |attribute: &AttributeProto| {
            let finite = attribute.floats.iter().all(|value| value.is_finite());
            let is_list = attribute.kind() == AttributeType::Floats;
            (is_list && finite).then(|| attribute.floats.clone())
        };
        self.attribute(name, "a list of finite floats", list)
    }

    /// A tensor attribute, such as a Constant's `value`; `None` if the node doesn't have it.
    ///
    /// # Errors
    /// [`OnnxError::Attribute`] if it is something else, [`OnnxError::Tensor`] if it is bad.
    pub fn attribute_tensor(&self, name: &str) -> Result<Option<Tensor>, OnnxError> {
        let proto = self.attribute(name, "a tensor", |attribute| attribute.t.as_ref())?;
        proto
            .map(|proto| Tensor::from_proto(proto, &Limits::default()))
            .transpose()
            .map_err(|problem| OnnxError::Tensor {
                name: self.label(),
                problem,
            })
    }

    fn attribute<'a, T>(
        &'a self,
        name: &str,
        expected: &'static str,
        value: impl FnOnce(&'a AttributeProto) -> Option<T>,
    ) -> Result<Option<T>, OnnxError> {
        let Some(attribute) = self
            .attribute
            .iter()
            .find(|attribute| attribute.name == name)
        else {
            return Ok(None);
        };
        let wrong = || OnnxError::Attribute {
            node: self.label(),
            attribute: name.to_owned(),
            expected,
        };
        value(attribute).map(Some).ok_or_else(wrong)
    }
}
