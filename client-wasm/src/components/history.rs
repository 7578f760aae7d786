//! What was read since the page was opened.

use yew::prelude::*;

use super::preview::Preview;
use crate::state::{Entry, History, Stage};
use crate::text;

/// What the list needs.
#[derive(Clone, PartialEq, Properties)]
pub struct Props {
    /// What was read.
    pub history: History,
    /// *Clear* was pressed.
    pub on_clear: Callback<()>,
    /// *Save* was pressed.
    pub on_export: Callback<()>,
}

/// A line for each drawing, the last one first.
#[component]
pub fn HistoryList(props: &Props) -> Html {
    let entries = props.history.entries();
    html! {
        <section class="history" aria-labelledby="history-heading">
            <h2 id="history-heading">{ text::HISTORY_HEADING }</h2>
            if entries.is_empty() {
                <p class="caption">{ text::HISTORY_EMPTY }</p>
            } else {
                // Keyboards scroll what has the focus.
                <div class="scroll" tabindex="0" role="group" aria-labelledby="history-heading">
                    <table id="history">
                        <thead>
                            <tr>
                                <th scope="col">{ text::HISTORY_DRAWING }</th>
                                <th scope="col">{ text::ANSWER_HEADING }</th>
                                <th scope="col">{ text::SURE }</th>
                                <th scope="col">{ text::stage(Stage::Evaluate) }</th>
                                <th scope="col">{ text::TOTAL }</th>
                            </tr>
                        </thead>
                        <tbody>{ for entries.iter().rev().map(row) }</tbody>
                    </table>
                </div>
            }
            <div class="buttons">
                <button
                    id="export-figures"
                    type="button"
                    class="quiet"
                    onclick={props.on_export.reform(|_| ())}
                >
                    { text::EXPORT_FIGURES }
                </button>
                <button
                    id="clear-history"
                    type="button"
                    class="quiet"
                    disabled={entries.is_empty()}
                    onclick={props.on_clear.reform(|_| ())}
                >
                    { text::CLEAR_HISTORY }
                </button>
            </div>
        </section>
    }
}

fn row(entry: &Entry) -> Html {
    let digits = entry.answer.digits.iter();
    let least_sure = digits
        .map(|digit| digit.probability(digit.class()))
        .fold(1.0, f64::min);
    let evaluate = entry.timings.get(Stage::Evaluate);
    let time = |ms: Option<f64>| ms.map_or(text::UNKNOWN.into(), text::milliseconds);
    html! {
        <tr key={entry.drawing} data-answer={entry.number.clone()} title={entry.answer.model.clone()}>
            <td>
                <Preview digits={entry.digits.clone()} preparation={entry.preparation} />
            </td>
            <td class="number">{ entry.number.clone() }</td>
            <td>{ text::percent(least_sure) }</td>
            <td>{ time(evaluate.map(|measure| measure.ms)) }</td>
            <td>{ time(entry.timings.total()) }</td>
        </tr>
    }
}
