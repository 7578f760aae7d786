//! What went wrong, and the way on.

use yew::prelude::*;

use crate::failure::Failure;
use crate::text;

/// What the panel needs.
#[derive(Clone, PartialEq, Properties)]
pub struct Props {
    /// What went wrong.
    pub failure: Failure,
    /// *Try again* was pressed.
    pub on_retry: Callback<()>,
}

/// A few words, advice, details for those who want them, and a button.
#[component]
pub fn FailurePanel(Props { failure, on_retry }: &Props) -> Html {
    let reloads = failure.needs_reload();
    let on_reload = Callback::from(|_: MouseEvent| {
        let reloaded = web_sys::window().map(|window| window.location().reload());
        let _stays = reloaded;
    });
    html! {
        <div id="error" class="failure" role="alert">
            <h2>{ text::failure_title(failure) }</h2>
            <p>{ text::failure_advice(failure) }</p>
            <details>
                <summary>{ text::DETAILS }</summary>
                <p>{ failure.to_string() }</p>
            </details>
            <div class="buttons">
                if reloads {
                    <button id="reload" type="button" class="main" onclick={on_reload}>
                        { text::RELOAD }
                    </button>
                }
                <button
                    id="retry"
                    type="button"
                    class={if reloads { "quiet" } else { "main" }}
                    onclick={on_retry.reform(|_| ())}
                >
                    { text::RETRY }
                </button>
            </div>
        </div>
    }
}
