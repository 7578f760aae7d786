//! What stands under the pad: previews, tools, the switch for live reading and a quiet word.

use shared::api::Preparation;
use shared::image::Digit;
use yew::prelude::*;

use super::preview::Preview;
use crate::state::Notice;
use crate::text;

/// What the controls need.
#[derive(Clone, PartialEq, Properties)]
pub struct Props {
    /// The digits of the drawing as they are or would be encrypted.
    pub digits: Vec<Digit>,
    /// What happens to them before they are encrypted.
    pub preparation: Preparation,
    /// Something worth a quiet word.
    pub notice: Option<Notice>,
    /// True if a drawing can be read now.
    pub enabled: bool,
    /// True if each finished stroke is read at once.
    pub live: bool,
    /// *Classify* was pressed.
    pub on_classify: Callback<()>,
    /// The switch for live reading was turned.
    pub on_live: Callback<bool>,
}

/// Previews, *Live* and *Classify*.
#[component]
pub fn Controls(props: &Props) -> Html {
    let notice = props
        .notice
        .as_ref()
        .map_or(text::PREVIEW_CAPTION.into(), text::notice);
    let told = props.notice.is_some().then_some("told");
    let live = props.live;
    let main = if live { "quiet" } else { "main" };
    html! {
        <>
            <div class="controls">
                <Preview
                    id="preview"
                    digits={props.digits.clone()}
                    preparation={props.preparation}
                />
                <label class="switch">
                    <input
                        id="live"
                        type="checkbox"
                        role="switch"
                        checked={live}
                        onchange={props.on_live.reform(move |_| !live)}
                    />
                    <span>{ text::LIVE }</span>
                </label>
                <button
                    id="classify"
                    type="button"
                    class={main}
                    disabled={!props.enabled}
                    onclick={props.on_classify.reform(|_| ())}
                >
                    { text::CLASSIFY }
                </button>
            </div>
            <p id="notice" class={classes!("notice", told)} role="status">{ notice }</p>
            <p class="help">{ text::PAD_KEYS }</p>
        </>
    }
}
