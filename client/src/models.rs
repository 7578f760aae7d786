//! Which of a service's models is meant.
//!
//! **Invariant:** without a wish, the answer depends on the list alone; a wish is met exactly or
//! not at all.

use shared::api::{ModelSummary, Problem};
use shared::image::SIDE;
use thiserror::Error;

/// Models to take where nobody asks for another, the first that there is.
pub const PREFERRED: [&str; 4] = [
    "mnist-fast",
    "mnist-accurate",
    "lenet1",
    "homomorphic-mnist",
];

/// Most ids that are suggested for one that isn't there.
const SUGGESTIONS: usize = 3;

/// Why no model is meant.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ChoiceError {
    /// The list has no model that takes a drawing.
    #[error("the server has no model for drawings of {SIDE}×{SIDE}")]
    None,
    /// The list doesn't have the one that was asked for.
    #[error("no model is called {id:?}; {}", suggestion(.near))]
    Unknown {
        /// The id asked for.
        id: String,
        /// Ids that look like it, the nearest first.
        near: Vec<String>,
    },
    /// It takes something else than a drawing.
    #[error("model {id} takes input of sizes {shape:?}, not a drawing of {SIDE}×{SIDE}")]
    Input {
        /// The id asked for.
        id: String,
        /// Sizes of its input.
        shape: Vec<usize>,
    },
}

fn suggestion(ids: &[String]) -> String {
    match ids {
        [] => "there is none at all".to_owned(),
        ids => format!("the nearest are {}", ids.join(", ")),
    }
}

/// Whether an input of these sizes is one grey image of 28×28. A service that doesn't tell the
/// sizes leaves it to the model's description.
#[must_use]
pub fn takes_drawings(shape: &[usize]) -> bool {
    let one_image = matches!(shape, [ones @ .., SIDE, SIDE] if ones.iter().all(|&size| size == 1));
    shape.is_empty() || one_image
}

/// The model to use: the one asked for, or else the first of [`PREFERRED`] that there is, or else the
/// list's first.
///
/// # Errors
/// [`ChoiceError`], if there is no such model that takes drawings.
pub fn choose<'a>(
    models: &'a [ModelSummary],
    wanted: Option<&str>,
) -> Result<&'a ModelSummary, ChoiceError> {
    let usable = |model: &&ModelSummary| takes_drawings(&model.input_shape);
    let called = |id: &str| models.iter().find(|model| model.id == id);
    let Some(id) = wanted else {
        let mut preferred = PREFERRED.into_iter().filter_map(called).filter(usable);
        let first = || models.iter().find(usable);
        return preferred.next().or_else(first).ok_or(ChoiceError::None);
    };
    match called(id) {
        Some(model) if usable(&model) => Ok(model),
        Some(model) => Err(ChoiceError::Input {
            id: id.to_owned(),
            shape: model.input_shape.clone(),
        }),
        None => Err(ChoiceError::Unknown {
            id: id.to_owned(),
            near: nearest(models, id),
        }),
    }
}

/// The ids that take the fewest changes to become `wanted`; equally near ones in the list's order.
#[must_use]
pub fn nearest(models: &[ModelSummary], wanted: &str) -> Vec<String> {
    let mut ids: Vec<&str> = models.iter().map(|model| model.id.as_str()).collect();
    ids.sort_by_cached_key(|id| distance(id, wanted));
    ids.into_iter()
        .take(SUGGESTIONS)
        .map(str::to_owned)
        .collect()
}

/// Insertions, deletions and replacements that turn one text into the other (Levenshtein).
fn distance(from: &str, to: &str) -> usize {
    let to: Vec<char> = to.chars().collect();
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (length, letter) in (1..).zip(from.chars()) {
        let mut diagonal = std::mem::replace(&mut row[0], length);
        for (at, &other) in to.iter().enumerate() {
            let replaced = diagonal + usize::from(letter != other);
            diagonal = row[at + 1];
            row[at + 1] = replaced.min(diagonal + 1).min(row[at] + 1);
        }
    }
    row[to.len()]
}

/// Whether a service refused because it doesn't have the model.
#[must_use]
pub fn is_unknown(problem: &Problem) -> bool {
    problem.kind == shared::api::PROBLEM_UNKNOWN_MODEL
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(models: &[(&str, &[usize])]) -> Vec<ModelSummary> {
        let summary = |&(id, shape): &(&str, &[usize])| ModelSummary {
            id: id.to_owned(),
            description: String::new(),
            input_shape: shape.to_vec(),
        };
        models.iter().map(summary).collect()
    }

    const DRAWING: &[usize] = &[1, 28, 28];
    const PHOTO: &[usize] = &[3, 32, 32];

    #[track_caller]
    fn check(models: &[(&str, &[usize])], wanted: Option<&str>, expected: Result<&str, &str>) {
        let list = list(models);
        let chosen = choose(&list, wanted).map(|model| model.id.as_str());
        let chosen = chosen.map_err(|error| error.to_string());
        assert_eq!(chosen, expected.map_err(str::to_owned));
    }

    #[test]
    fn without_a_wish_the_fixed_preference_decides() {
        let (fast, accurate) = (("mnist-fast", DRAWING), ("mnist-accurate", DRAWING));
        check(&[accurate, fast], None, Ok("mnist-fast"));
        check(
            &[("a", DRAWING), ("lenet1", DRAWING), accurate],
            None,
            Ok("mnist-accurate"),
        );
        check(&[("photo", PHOTO), ("a", DRAWING)], None, Ok("a"));
        check(&[("mnist-fast", PHOTO), ("a", DRAWING)], None, Ok("a"));
        check(&[("untold", &[])], None, Ok("untold"));
        let none = "the server has no model for drawings of 28×28";
        check(&[("photo", PHOTO)], None, Err(none));
        check(&[], None, Err(none));
    }

    #[test]
    fn a_wish_is_met_exactly_or_not_at_all() {
        let models = [
            ("lenet1", DRAWING),
            ("mnist-accurate", DRAWING),
            ("mnist-fast", DRAWING),
            ("photo", PHOTO),
        ];
        check(&models, Some("lenet1"), Ok("lenet1"));
        check(
            &models,
            Some("mnist-fats"),
            Err(
                "no model is called \"mnist-fats\"; the nearest are mnist-fast, mnist-accurate, lenet1",
            ),
        );
        check(
            &models,
            Some("photo"),
            Err("model photo takes input of sizes [3, 32, 32], not a drawing of 28×28"),
        );
        check(
            &[],
            Some("x"),
            Err("no model is called \"x\"; there is none at all"),
        );
    }

    #[test]
    fn distances_count_changes() {
        for (from, to, changes) in [
            ("", "", 0),
            ("abc", "abc", 0),
            ("", "abc", 3),
            ("kitten", "sitting", 3),
            ("mnist-fats", "mnist-fast", 2),
            ("é", "e", 1),
        ] {
            assert_eq!(distance(from, to), changes, "{from} {to}");
            assert_eq!(distance(to, from), changes, "{to} {from}");
        }
    }

    #[test]
    fn one_grey_image_is_a_drawing() {
        for shape in [&[28, 28][..], DRAWING, &[1, 1, 28, 28], &[]] {
            assert!(takes_drawings(shape), "{shape:?}");
        }
        for shape in [PHOTO, &[2, 28, 28], &[28, 28, 1], &[784], &[28], &[28, 29]] {
            assert!(!takes_drawings(shape), "{shape:?}");
        }
    }
}
