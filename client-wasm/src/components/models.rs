//! The choice of a model: which one is in use, and the list of all.

use client::models::ChoiceError;
use web_sys::HtmlElement;
use yew::prelude::*;

use crate::state::Offer;
use crate::text;

/// What the choice needs.
#[derive(Clone, PartialEq, Properties)]
pub struct Props {
    /// The models on the server's list.
    pub offers: Vec<Offer>,
    /// Id of the one that was chosen, or is in use.
    pub chosen: Option<String>,
    /// Why the chosen one can't be used, so that another has to be chosen.
    pub problem: Option<ChoiceError>,
    /// A model was chosen.
    pub on_choose: Callback<String>,
}

/// A line that opens into a list of buttons, one for each model. Buttons, as arrow keys would choose
/// every model on the way to another, and each makes keys.
#[component]
pub fn ModelChoice(props: &Props) -> Html {
    let (details, summary) = (use_node_ref(), use_node_ref());
    use_effect_with(props.problem.is_some(), {
        let details = details.clone();
        move |&problem: &bool| {
            if problem {
                open(&details, true);
            }
        }
    });
    let on_choose = {
        let (details, summary) = (details.clone(), summary.clone());
        props.on_choose.reform(move |id| {
            open(&details, false);
            // The button that had the focus is gone.
            if let Some(summary) = summary.cast::<HtmlElement>() {
                let _unfocused = summary.focus();
            }
            id
        })
    };
    let chosen = props.chosen.as_deref();
    let offer = props.offers.iter().find(|offer| chosen == Some(&offer.id));
    let name = chosen.unwrap_or(text::MODEL_UNKNOWN).to_owned();
    html! {
        <details ref={details} id="models" class="card models">
            <summary ref={summary}>
                <span class="label">{ text::MODEL }</span>
                <strong id="chosen-model" data-model={chosen.map(str::to_owned)}>{ name }</strong>
                <span class="sentence">{ offer.map(|offer| offer.description.clone()) }</span>
                <span class="change">{ text::CHANGE_MODEL }</span>
            </summary>
            if let Some(problem) = &props.problem {
                <p class="problem">{ text::model_problem(problem) }</p>
            }
            <ul aria-label={text::MODELS_LABEL}>
                { for props.offers.iter().map(|offer| item(offer, chosen, &on_choose)) }
            </ul>
        </details>
    }
}

fn item(offer: &Offer, chosen: Option<&str>, on_choose: &Callback<String>) -> Html {
    let id = offer.id.clone();
    let pressed = chosen == Some(&offer.id);
    let reason = offer.foreign_input.as_deref().map(text::foreign_input);
    html! {
        <li key={id.clone()}>
            <button
                type="button"
                class="quiet"
                data-model={id.clone()}
                aria-pressed={pressed.to_string()}
                disabled={reason.is_some()}
                onclick={on_choose.reform({ let id = id.clone(); move |_| id.clone() })}
            >
                <strong>{ id }</strong>
                <span>{ offer.description.clone() }</span>
                if let Some(reason) = reason {
                    <span class="reason">{ reason }</span>
                }
            </button>
        </li>
    }
}

/// Opens or closes the list.
fn open(details: &NodeRef, open: bool) {
    if let Some(details) = details.cast::<HtmlElement>() {
        let _changed = details.toggle_attribute_with_force("open", open);
    }
}
