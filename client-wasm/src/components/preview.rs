//! What is encrypted: 28×28 numbers.

use shared::api::Preparation;
use shared::image::Digit;
use web_sys::HtmlCanvasElement;
use yew::prelude::*;

use crate::{raster, text};

/// What the preview needs.
#[derive(Clone, PartialEq, Properties)]
pub struct Props {
    /// What to show.
    pub digit: Option<Digit>,
    /// What happens to it before it is encrypted.
    pub preparation: Preparation,
}

/// The numbers as pixels, one to one.
#[component]
pub fn Preview(Props { digit, preparation }: &Props) -> Html {
    let node = use_node_ref();
    use_effect_with((digit.clone(), *preparation), {
        let node = node.clone();
        move |(digit, preparation): &(Option<Digit>, Preparation)| {
            if let Some(canvas) = node.cast::<HtmlCanvasElement>() {
                raster::show(&canvas, digit.as_ref(), *preparation);
            }
        }
    });
    html! {
        <canvas
            ref={node}
            id="preview"
            role="img"
            aria-label={text::PREVIEW_LABEL}
            width="28"
            height="28"
        />
    }
}
