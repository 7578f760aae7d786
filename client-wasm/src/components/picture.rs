//! The choice of a picture from a file, or from a phone's camera.

use web_sys::HtmlInputElement;
use yew::prelude::*;

use crate::pictures::{Given, read_first};
use crate::text;

/// What the choice needs.
#[derive(Clone, PartialEq, Properties)]
pub struct Props {
    /// Called with what became of a picture.
    pub on_picture: Callback<Given>,
}

/// A button that asks for a picture.
#[component]
pub fn PictureChoice(Props { on_picture }: &Props) -> Html {
    let on_chosen = {
        let on_picture = on_picture.clone();
        Callback::from(move |event: Event| {
            let input: HtmlInputElement = event.target_unchecked_into();
            read_first(input.files().as_ref(), on_picture.clone());
            // The same file chosen again is a new choice.
            input.set_value("");
        })
    };
    html! {
        <label class="button quiet icon" title={text::PICTURE_LABEL}>
            <input
                id="picture"
                type="file"
                class="unseen"
                accept="image/*"
                aria-label={text::PICTURE_LABEL}
                onchange={on_chosen}
            />
            <svg viewBox="0 0 24 24" aria-hidden="true">
                <path d="M4 7.5h3.5L9 5h6l1.5 2.5H20V19H4z" />
                <circle cx="12" cy="13" r="3.2" />
            </svg>
        </label>
    }
}
