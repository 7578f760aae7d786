//! Name and purpose.

use yew::prelude::*;

use crate::text;

/// A drop of ink under two waves of a veil, the name, and what it does.
#[component]
pub fn Masthead() -> Html {
    html! {
        <header class="masthead">
            <svg class="mark" viewBox="6 1.5 20 28" aria-hidden="true">
                <path d="M16 2c5.2 7 9.5 11.7 9.5 17.5a9.5 9.5 0 0 1-19 0C6.5 13.7 10.8 9 16 2z" />
                <path
                    class="veil"
                    d="M9.8 17.6c2.1-1.7 4.1-1.7 6.2 0s4.1 1.7 6.2 0M9.8 22.1c2.1-1.7 4.1-1.7 6.2 0s4.1 \
                       1.7 6.2 0"
                />
            </svg>
            <h1>{ text::NAME }</h1>
            <p>{ text::TAGLINE }</p>
        </header>
    }
}
