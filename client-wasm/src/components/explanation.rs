//! How it works, in three sentences.

use yew::prelude::*;

use crate::text;

/// Three numbered sentences.
#[component]
pub fn Explanation() -> Html {
    html! {
        <section class="how">
            <h2>{ text::HOW_HEADING }</h2>
            <ol>{ for text::HOW.into_iter().map(|sentence| html! { <li>{ sentence }</li> }) }</ol>
        </section>
    }
}
