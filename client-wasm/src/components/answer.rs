//! The answer: a large digit or number, how sure the model is, and the bars.

use yew::prelude::*;

use super::bars::Bars;
use crate::state::{Answer, DigitAnswer, Model, Reading};
use crate::text;

/// What the answer needs.
#[derive(Clone, PartialEq, Properties)]
pub struct Props {
    /// How far the drawing has come.
    pub reading: Reading,
    /// The last answer.
    pub answer: Option<Answer>,
    /// The model, for the names of its classes.
    pub model: Option<Model>,
}

/// The answer. One to an earlier state of the drawing stays in
/// sight, faded.
#[component]
pub fn AnswerCard(props: &Props) -> Html {
    let Props {
        reading,
        answer,
        model,
    } = props;
    let selected = use_state(|| 0);
    let digits = answer.as_ref().map_or(&[][..], |answer| &answer.digits);
    let at = (*selected).min(digits.len().saturating_sub(1));
    let name = |class: usize| class_name(model.as_ref(), class);
    let number: Vec<String> = digits.iter().map(|digit| name(digit.class())).collect();
    html! {
        <div class="answer" aria-busy={(*reading == Reading::Working).to_string()}>
            <div class="verdict">
                <h2>{ text::ANSWER_HEADING }</h2>
                // Read aloud once it is there, and not at every stroke on the way.
                <p id="announcement" class="unseen" aria-live="polite" aria-atomic="true">
                    if matches!(reading, Reading::Done | Reading::Failed) {
                        { format!("{} {}", number.concat(), caption(*reading, digits, &name)) }
                    }
                </p>
                <p
                    id="answer"
                    data-state={state(*reading, answer.as_ref())}
                    data-digits={digits.len().to_string()}
                    data-sure={answer.as_ref().map(|answer| answer.is_sure().to_string())}
                >
                    { number.concat() }
                </p>
                <p id="caption" class="caption">
                    { caption(*reading, digits, &name) }
                    if let Some(answer) = answer {
                        <span id="answered-by" data-model={answer.model.clone()}>
                            <span class="unseen">{ text::ANSWERED_BY }</span>
                            { answer.model.clone() }
                        </span>
                    }
                </p>
            </div>
            <div class="shares">
                if digits.len() > 1 {
                    <div class="which" role="group" aria-label={text::WHICH_DIGIT}>
                        { for number.iter().enumerate().map(|(index, name)| {
                            let selected = selected.clone();
                            html! {
                                <button
                                    type="button"
                                    class="quiet"
                                    key={index}
                                    aria-label={text::bars_of(index, name)}
                                    aria-pressed={(index == at).to_string()}
                                    onclick={move |_| selected.set(index)}
                                >
                                    { name }
                                </button>
                            }
                        }) }
                    </div>
                }
                <Bars
                    answer={digits.get(at).cloned()}
                    names={model.as_ref().map(|model| model.classes.clone())}
                />
            </div>
        </div>
    }
}

/// How sure the model is, or what the answer waits for.
fn caption(reading: Reading, digits: &[DigitAnswer], name: &dyn Fn(usize) -> String) -> String {
    match (reading, digits) {
        (Reading::Failed, _) => text::ANSWER_FAILED.to_owned(),
        (Reading::Working, _) => text::ANSWER_WORKING.to_owned(),
        (Reading::Idle, []) => text::ANSWER_IDLE.to_owned(),
        (Reading::Idle, _) => text::ANSWER_OUTDATED.to_owned(),
        (Reading::Done, [digit]) => {
            let class = digit.class();
            let share = digit.probability(class);
            match digit.runner_up().filter(|_| !digit.is_sure()) {
                Some(next) => text::unsure(
                    (&name(class), share),
                    (&name(next), digit.probability(next)),
                ),
                None => text::confidence(share),
            }
        }
        (Reading::Done, digits) => {
            let unsure = (1..).zip(digits).filter(|(_, digit)| !digit.is_sure());
            text::confidence_in_all(&unsure.map(|(number, _)| number).collect::<Vec<_>>())
        }
    }
}

fn class_name(model: Option<&Model>, class: usize) -> String {
    model.map_or_else(|| class.to_string(), |model| model.class_name(class))
}

/// The state's name, for styles and programs.
fn state(reading: Reading, answer: Option<&Answer>) -> &'static str {
    match reading {
        Reading::Idle if answer.is_some() => "outdated",
        Reading::Idle => "idle",
        Reading::Working => "working",
        Reading::Done => "done",
        Reading::Failed => "failed",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(reading: Reading, digits: &[&[f64]], part: &str) {
        let digits = digits
            .iter()
            .map(|shares| DigitAnswer::new(shares.to_vec()));
        let said = caption(reading, &digits.collect::<Vec<_>>(), &|class| {
            class.to_string()
        });
        assert!(said.contains(part), "{said}");
    }

    #[test]
    fn close_classes_are_both_named() {
        check(Reading::Done, &[&[0.1, 0.9]], "90.0 % sure");
        check(
            Reading::Done,
            &[&[0.1, 0.4, 0.5]],
            "Not sure: 2 (50.0 %) or 1 (40.0 %)",
        );
        let (sure, unsure): (&[f64], &[f64]) = (&[0.0, 1.0], &[0.5, 0.5]);
        check(Reading::Done, &[sure, sure], "Sure of every digit");
        check(Reading::Done, &[sure, unsure], "Not sure of digit 2");
        check(
            Reading::Done,
            &[unsure, sure, unsure],
            "Not sure of digits 1 and 3",
        );
    }

    #[test]
    fn an_answer_to_an_earlier_stroke_claims_nothing() {
        check(Reading::Idle, &[&[0.0, 1.0]], "Go on drawing");
        check(Reading::Working, &[&[0.0, 1.0]], "Reading");
        check(Reading::Failed, &[], "No answer");
    }
}
