//! The answer: a large digit, how sure the model is, and the bars.

use yew::prelude::*;

use super::bars::Bars;
use crate::state::{Model, Reading};
use crate::text;

/// What the answer needs.
#[derive(Clone, PartialEq, Properties)]
pub struct Props {
    /// What is known about the drawing.
    pub reading: Reading,
    /// The model, for the names of its classes.
    pub model: Option<Model>,
}

/// The answer, read aloud when it changes.
#[component]
pub fn AnswerCard(Props { reading, model }: &Props) -> Html {
    let answer = match reading {
        Reading::Done(answer) => Some(answer.clone()),
        _ => None,
    };
    let digit = answer
        .as_ref()
        .map(|answer| class_name(model.as_ref(), answer.class));
    let caption = match reading {
        Reading::Idle => text::ANSWER_IDLE.to_owned(),
        Reading::Working => text::ANSWER_WORKING.to_owned(),
        Reading::Failed => text::ANSWER_FAILED.to_owned(),
        Reading::Done(answer) => text::confidence(answer.confidence()),
    };
    html! {
        <div class="answer">
            <div class="verdict" aria-live="polite" aria-atomic="true">
                <h2>{ text::ANSWER_HEADING }</h2>
                <p id="answer" data-state={name(reading)}>{ digit }</p>
                <p class="caption">
                    { caption }
                    if let Some(answer) = &answer {
                        <span id="answered-by" data-model={answer.model.clone()}>
                            <span class="unseen">{ text::ANSWERED_BY }</span>
                            { answer.model.clone() }
                        </span>
                    }
                </p>
            </div>
            <Bars {answer} names={model.as_ref().map(|model| model.classes.clone())} />
        </div>
    }
}

fn class_name(model: Option<&Model>, class: usize) -> String {
    model.map_or_else(|| class.to_string(), |model| model.class_name(class))
}

fn name(reading: &Reading) -> &'static str {
    match reading {
        Reading::Idle => "idle",
        Reading::Working => "working",
        Reading::Done(_) => "done",
        Reading::Failed => "failed",
    }
}
