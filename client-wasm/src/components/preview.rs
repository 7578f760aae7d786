//! What is encrypted: 28×28 numbers.

use shared::image::Digit;
use web_sys::HtmlCanvasElement;
use yew::prelude::*;

use crate::{raster, text};

/// What the preview needs.
#[derive(Clone, PartialEq, Properties)]
pub struct Props {
    /// What to show.
    pub digit: Option<Digit>,
}

/// The numbers as pixels, one to one.
#[component]
pub fn Preview(Props { digit }: &Props) -> Html {
    let node = use_node_ref();
    use_effect_with(digit.clone(), {
        let node = node.clone();
        move |digit: &Option<Digit>| {
            if let Some(canvas) = node.cast::<HtmlCanvasElement>() {
                raster::show(&canvas, digit.as_ref());
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
