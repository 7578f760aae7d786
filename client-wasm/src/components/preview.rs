//! What is encrypted: 28×28 numbers for each digit.

use shared::api::Preparation;
use shared::image::Digit;
use web_sys::HtmlCanvasElement;
use yew::prelude::*;

use crate::{raster, text};

/// What a preview needs.
#[derive(Clone, PartialEq, Properties)]
pub struct Props {
    /// What to show, from left to right.
    pub digits: Vec<Digit>,
    /// What happens to it before it is encrypted.
    pub preparation: Preparation,
    /// Its name for programs, where it needs one.
    #[prop_or_default]
    pub id: Option<AttrValue>,
}

/// The numbers as pixels, one to one, the digits side by side.
#[component]
pub fn Preview(props: &Props) -> Html {
    let node = use_node_ref();
    use_effect_with((props.digits.clone(), props.preparation), {
        let node = node.clone();
        move |(digits, preparation): &(Vec<Digit>, Preparation)| {
            if let Some(canvas) = node.cast::<HtmlCanvasElement>() {
                raster::show(&canvas, digits, *preparation);
            }
        }
    });
    html! {
        <canvas
            ref={node}
            id={props.id.clone()}
            class="preview"
            role="img"
            aria-label={text::PREVIEW_LABEL}
        />
    }
}
