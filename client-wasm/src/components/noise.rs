//! Bytes as a picture: what a ciphertext looks like to anyone without the key.
//!
//! **Invariant:** one pixel for each byte, in order, and nothing done to make it look any wilder.

use std::rc::Rc;

use wasm_bindgen::{Clamped, JsCast};
use web_sys::{CanvasRenderingContext2d, HtmlCanvasElement, ImageData};
use yew::prelude::*;

/// What the picture needs.
#[derive(Clone, PartialEq, Properties)]
pub struct Props {
    /// The bytes, once there are any.
    pub bytes: Option<Rc<[u8]>>,
    /// What they are, for those who don't see the picture.
    pub label: AttrValue,
    /// Its name for programs, where it needs one.
    #[prop_or_default]
    pub id: Option<AttrValue>,
}

/// A square of grey pixels, row by row from the top; empty while there are no bytes.
#[component]
pub fn Noise(Props { bytes, label, id }: &Props) -> Html {
    let node = use_node_ref();
    use_effect_with(bytes.clone(), {
        let node = node.clone();
        move |bytes: &Option<Rc<[u8]>>| {
            if let Some(canvas) = node.cast::<HtmlCanvasElement>() {
                paint(&canvas, bytes.as_deref().unwrap_or_default());
            }
        }
    });
    let count = bytes.as_ref().map(|bytes| bytes.len().to_string());
    html! {
        <canvas
            ref={node}
            {id}
            class="noise"
            role="img"
            aria-label={label.clone()}
            data-bytes={count}
        />
    }
}

/// Sets the canvas to the size of the bytes, which also empties it, and paints them.
fn paint(canvas: &HtmlCanvasElement, bytes: &[u8]) {
    let side = side(bytes.len());
    canvas.set_width(side);
    canvas.set_height(side);
    let context = canvas.get_context("2d").ok().flatten();
    let Some(context) = context.and_then(|context| context.dyn_into().ok()) else {
        return;
    };
    let context: CanvasRenderingContext2d = context;
    let rows = bytes.len() as u32 / side.max(1);
    let pixels: Vec<u8> = bytes
        .iter()
        .take((rows * side) as usize)
        .flat_map(|&byte| [byte, byte, byte, 255])
        .collect();
    if let Ok(image) = ImageData::new_with_u8_clamped_array_and_sh(Clamped(&pixels), side, rows) {
        // Only an image of the wrong size could be refused.
        let _shown = context.put_image_data(&image, 0.0, 0.0);
    }
}

/// The side of the largest square that the bytes fill.
fn side(bytes: usize) -> u32 {
    u32::try_from(bytes.isqrt()).unwrap_or(u32::MAX)
}

/// The share of places where two byte strings agree; chance alone gives one in 256.
pub fn agreement(one: &[u8], other: &[u8]) -> f64 {
    let places = one.len().min(other.len());
    let same = one.iter().zip(other).filter(|(one, other)| one == other);
    same.count() as f64 / places.max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agreement_is_counted_place_by_place() {
        assert_eq!(agreement(b"abcd", b"abxd"), 0.75);
        assert_eq!(agreement(b"ab", b"abcd"), 1.0);
        assert_eq!(agreement(b"", b"x"), 0.0);
    }

    #[test]
    fn squares_are_filled() {
        assert_eq!([0, 1, 8, 9, 29_241].map(side), [0, 1, 2, 3, 171]);
    }
}
