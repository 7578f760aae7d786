//! The models that there are, and the one in use.

use client::models::takes_drawings;
use shared::api::{ModelInfo, ModelSummary, Preparation};

/// Names one choice of a model, the first one included. News that carry an older one come too late.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ChoiceId(u32);

impl ChoiceId {
    /// The one after this.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0.wrapping_add(1))
    }
}

/// A model on the server's list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offer {
    /// Name used in routes.
    pub id: String,
    /// One sentence for people.
    pub description: String,
    /// Sizes of its input, where that is no drawing.
    pub foreign_input: Option<Vec<usize>>,
}

impl From<&ModelSummary> for Offer {
    fn from(model: &ModelSummary) -> Self {
        let shape = &model.input_shape;
        Self {
            id: model.id.clone(),
            description: model.description.clone(),
            foreign_input: (!takes_drawings(shape)).then(|| shape.clone()),
        }
    }
}

/// The model in use.
#[derive(Clone, Debug, PartialEq)]
pub struct Model {
    /// Name used in routes.
    pub id: String,
    /// One sentence for people.
    pub description: String,
    /// Names of the classes.
    pub classes: Vec<String>,
    /// What happens to a drawing before it is encrypted.
    pub preparation: Preparation,
}

impl Model {
    /// Name of a class; its number where the model names none.
    pub fn class_name(&self, class: usize) -> String {
        self.classes
            .get(class)
            .cloned()
            .unwrap_or_else(|| class.to_string())
    }
}

impl From<&ModelInfo> for Model {
    fn from(info: &ModelInfo) -> Self {
        Self {
            id: info.id.clone(),
            description: info.description.clone(),
            classes: info.output.classes.clone(),
            preparation: info.input.preparation,
        }
    }
}
