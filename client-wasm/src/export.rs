//! All figures of the page as JSON.
//!
//! Knows what the page shows; knows no browser. Pixels and keys are no figures.
//!
//! **Invariant:** times are milliseconds and sizes bytes, and what was not measured is left out.

use serde::Serialize;

use crate::state::{DigitAnswer, Entry, Measure, Stage, State, Timings};

/// Raised when a field changes its meaning.
const FORMAT: u32 = 1;

/// The whole file.
#[derive(Serialize)]
struct Figures<'a> {
    inkveil: &'static str,
    format: u32,
    exported_at_ms: f64,
    model: Option<&'a str>,
    parameters: Option<Parameters<'a>>,
    keys: Vec<StageFigures>,
    drawings: Vec<DrawingFigures<'a>>,
}

#[derive(Serialize)]
struct Parameters<'a> {
    name: &'a str,
    degree: u64,
    log2_qp: u32,
    classical_line: Option<u32>,
    quantum_line: Option<u32>,
}

#[derive(Serialize)]
struct StageFigures {
    stage: &'static str,
    ms: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    bytes: Option<u64>,
}

#[derive(Serialize)]
struct DrawingFigures<'a> {
    drawing: u32,
    at_ms: f64,
    model: &'a str,
    answer: &'a str,
    probabilities: Vec<Vec<f64>>,
    stages: Vec<StageFigures>,
    total_ms: Option<f64>,
}

/// The file's text; `now` is in milliseconds since 1970.
///
/// # Errors
/// If a figure has no JSON.
pub fn to_json(state: &State, now: f64) -> Result<String, serde_json::Error> {
    let facts = state.keys.as_ref().map(|keys| &keys.parameters);
    let figures = Figures {
        inkveil: env!("CARGO_PKG_VERSION"),
        format: FORMAT,
        exported_at_ms: now,
        model: state.model.as_ref().map(|model| model.id.as_str()),
        parameters: facts.map(|facts| Parameters {
            name: &facts.name,
            degree: facts.degree,
            log2_qp: facts.log2_qp,
            classical_line: facts.line.map(|line| line.classical),
            quantum_line: facts.line.map(|line| line.quantum),
        }),
        keys: stages(&state.timings, &Stage::ONCE),
        drawings: state.history.entries().iter().map(drawing).collect(),
    };
    serde_json::to_string_pretty(&figures)
}

fn drawing(entry: &Entry) -> DrawingFigures<'_> {
    let digits = entry.answer.digits.iter();
    DrawingFigures {
        drawing: entry.drawing,
        at_ms: entry.at,
        model: &entry.answer.model,
        answer: &entry.number,
        probabilities: digits.map(rounded).collect(),
        stages: stages(&entry.timings, &Stage::EACH),
        total_ms: entry.timings.total(),
    }
}

/// Probabilities as exactly as the page shows them: a file may come into other hands, and exact results
/// of decryption help to find the key (`docs/security.md`, CPA-D).
fn rounded(digit: &DigitAnswer) -> Vec<f64> {
    let probabilities = digit.probabilities().iter();
    probabilities
        .map(|probability| (probability * 1e3).round() / 1e3)
        .collect()
}

fn stages(timings: &Timings, stages: &[Stage]) -> Vec<StageFigures> {
    let measured = stages.iter().filter_map(|&stage| {
        let Measure { ms, bytes } = timings.get(stage)?;
        let stage = stage.id();
        Some(StageFigures { stage, ms, bytes })
    });
    measured.collect()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use yew::Reducible;

    use super::*;
    use crate::protocol::JobId;
    use crate::state::{Action, Answer, ChoiceId, News};

    #[test]
    fn what_was_measured_is_told_and_nothing_else() {
        let job = JobId::default();
        let news = |news| Action::News(ChoiceId::default(), news);
        let answer = Answer {
            model: "first".into(),
            digits: vec![DigitAnswer::new(vec![0.250_04, 0.749_96])],
        };
        let actions = [
            news(News::KeysMade(Measure::new(40.0, 900))),
            Action::Asked {
                job,
                digits: Vec::new(),
                prepared: Measure::time(1.5),
                at: 7.0,
            },
            news(News::Answered(job, Measure::time(0.5), answer)),
        ];
        let start = std::rc::Rc::new(State::default());
        let state = actions.into_iter().fold(start, Reducible::reduce);
        let text = to_json(&state, 9.0).unwrap();
        let value: Value = serde_json::from_str(&text).unwrap();
        let keys = json!([{ "stage": "keys", "ms": 40.0, "bytes": 900 }]);
        assert_eq!(value["keys"], keys);
        let drawings = json!([{
            "drawing": 1,
            "at_ms": 7.0,
            "model": "first",
            "answer": "1",
            "probabilities": [[0.25, 0.75]],
            "stages": [{ "stage": "prepare", "ms": 1.5 }, { "stage": "decrypt", "ms": 0.5 }],
            "total_ms": null,
        }]);
        assert_eq!(value["drawings"], drawings);
        assert_eq!(
            (&value["model"], &value["exported_at_ms"]),
            (&Value::Null, &json!(9.0))
        );
    }
}
