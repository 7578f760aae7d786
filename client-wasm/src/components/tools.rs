//! What one draws with: pens, *Undo*, *Clear* and pictures.

use yew::prelude::*;

use super::picture::PictureChoice;
use crate::drawing::Pen;
use crate::pictures::Given;
use crate::text;

/// What the tools need.
#[derive(Clone, PartialEq, Properties)]
pub struct Props {
    /// The pen in use.
    pub pen: Pen,
    /// True if something can be taken back.
    pub undoable: bool,
    /// A pen was chosen.
    pub on_pen: Callback<Pen>,
    /// *Undo* was pressed.
    pub on_undo: Callback<()>,
    /// *Clear* was pressed.
    pub on_clear: Callback<()>,
    /// A picture was chosen.
    pub on_picture: Callback<Given>,
}

/// A row of small buttons.
#[component]
pub fn Tools(props: &Props) -> Html {
    html! {
        <div class="tools">
            <fieldset class="pens">
                <legend class="unseen">{ text::PENS }</legend>
                { for Pen::ALL.into_iter().map(|pen| choice(pen, props.pen, &props.on_pen)) }
            </fieldset>
            <PictureChoice on_picture={props.on_picture.clone()} />
            <button
                id="undo"
                type="button"
                class="quiet icon"
                title={text::UNDO}
                aria-label={text::UNDO}
                disabled={!props.undoable}
                onclick={props.on_undo.reform(|_| ())}
            >
                <svg viewBox="0 0 24 24" aria-hidden="true">
                    <path d="M8 5 4 9l4 4M4 9h9.5a5.5 5.5 0 0 1 0 11H9" />
                </svg>
            </button>
            <button
                id="clear"
                type="button"
                class="quiet"
                onclick={props.on_clear.reform(|_| ())}
            >
                { text::CLEAR }
            </button>
        </div>
    }
}

/// A pen, shown by a dot as thick as its line.
fn choice(pen: Pen, chosen: Pen, on_pen: &Callback<Pen>) -> Html {
    let radius = format!("{:.1}", pen.width() * 80.0);
    html! {
        <label title={text::pen(pen)}>
            <input
                type="radio"
                name="pen"
                class="unseen"
                aria-label={text::pen(pen)}
                checked={pen == chosen}
                onchange={on_pen.reform(move |_| pen)}
            />
            <svg viewBox="0 0 24 24" aria-hidden="true"><circle cx="12" cy="12" r={radius} /></svg>
        </label>
    }
}
