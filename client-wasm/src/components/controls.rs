//! What stands under the pad: the preview, the two buttons and a quiet word.

use shared::api::Preparation;
use shared::image::Digit;
use yew::prelude::*;

use super::preview::Preview;
use crate::state::Notice;
use crate::text;

/// What the controls need.
#[derive(Clone, PartialEq, Properties)]
pub struct Props {
    /// The drawing as it is or would be encrypted.
    pub digit: Option<Digit>,
    /// What happens to it before it is encrypted.
    pub preparation: Preparation,
    /// Something worth a quiet word.
    pub notice: Option<Notice>,
    /// True if a drawing can be read now.
    pub enabled: bool,
    /// *Classify* was pressed.
    pub on_classify: Callback<()>,
    /// *Clear* was pressed.
    pub on_clear: Callback<()>,
}

/// Preview, *Clear* and *Classify*.
#[component]
pub fn Controls(props: &Props) -> Html {
    let notice = props
        .notice
        .map_or(text::PREVIEW_CAPTION.into(), text::notice);
    let told = props.notice.is_some().then_some("told");
    html! {
        <>
            <div class="controls">
                <Preview digit={props.digit.clone()} preparation={props.preparation} />
                <button
                    id="clear"
                    type="button"
                    class="quiet"
                    onclick={props.on_clear.reform(|_| ())}
                >
                    { text::CLEAR }
                </button>
                <button
                    id="classify"
                    type="button"
                    class="main"
                    disabled={!props.enabled}
                    onclick={props.on_classify.reform(|_| ())}
                >
                    { text::CLASSIFY }
                </button>
            </div>
            <p id="notice" class={classes!("notice", told)} role="status">{ notice }</p>
        </>
    }
}
