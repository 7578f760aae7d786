//! The pad one draws on.

use std::cell::RefCell;
use std::rc::Rc;

use wasm_bindgen::JsCast;
use web_sys::{HtmlCanvasElement, PointerEvent};
use yew::prelude::*;

use crate::drawing::{Drawing, Point};
use crate::listen::Listener;
use crate::{raster, text};

/// What the pad needs.
#[derive(Clone, PartialEq, Properties)]
pub struct Props {
    /// The drawing, changed as the pointer moves.
    pub drawing: Rc<RefCell<Drawing>>,
    /// True while something is drawn.
    pub inked: bool,
    /// Called after each change of the drawing.
    pub on_drawn: Callback<()>,
}

/// A square canvas that draws with mouse, finger or pen.
#[component]
pub fn Pad(
    Props {
        drawing,
        inked,
        on_drawn,
    }: &Props,
) -> Html {
    let node = use_node_ref();
    use_effect_with(*inked, {
        let (node, drawing) = (node.clone(), drawing.clone());
        move |_| paint(&node, &drawing.borrow())
    });
    use_effect_with((), {
        let (node, drawing) = (node.clone(), drawing.clone());
        move |()| {
            let listeners = repaint_occasions(&node, &drawing);
            move || drop(listeners)
        }
    });

    let on_down = {
        let (node, drawing, on_drawn) = (node.clone(), drawing.clone(), on_drawn.clone());
        Callback::from(move |event: PointerEvent| {
            let Some(canvas) = node.cast::<HtmlCanvasElement>() else {
                return;
            };
            let main_button = event.button() == 0;
            if main_button
                && drawing
                    .borrow_mut()
                    .begin(event.pointer_id(), point(&canvas, &event))
            {
                event.prevent_default();
                // The stroke goes on outside of the pad; without capture it pauses there.
                let _uncaptured = canvas.set_pointer_capture(event.pointer_id());
                paint(&node, &drawing.borrow());
                on_drawn.emit(());
            }
        })
    };
    let on_move = {
        let (node, drawing, on_drawn) = (node.clone(), drawing.clone(), on_drawn.clone());
        Callback::from(move |event: PointerEvent| {
            let Some(canvas) = node.cast::<HtmlCanvasElement>() else {
                return;
            };
            // The button was released where the page couldn't hear of it.
            if event.buttons() == 0 {
                drawing.borrow_mut().end(event.pointer_id());
                return;
            }
            if extend(&mut drawing.borrow_mut(), &canvas, &event) {
                paint(&node, &drawing.borrow());
                on_drawn.emit(());
            }
        })
    };
    let on_up = {
        let drawing = drawing.clone();
        Callback::from(move |event: PointerEvent| {
            drawing.borrow_mut().end(event.pointer_id());
        })
    };

    html! {
        <div class="pad">
            <canvas
                ref={node}
                id="canvas"
                role="img"
                aria-label={text::PAD_LABEL}
                onpointerdown={on_down}
                onpointermove={on_move}
                onpointerup={on_up.clone()}
                onpointercancel={on_up.clone()}
                onlostpointercapture={on_up}
            />
            if !inked {
                <p class="hint" aria-hidden="true">{ text::PAD_HINT }</p>
            }
        </div>
    }
}

/// Browsers bundle the moves between two frames; unbundled they make a rounder line.
fn extend(drawing: &mut Drawing, canvas: &HtmlCanvasElement, event: &PointerEvent) -> bool {
    let bundle = event.get_coalesced_events();
    let mut changed = false;
    for part in bundle
        .iter()
        .filter_map(|part| part.dyn_into::<PointerEvent>().ok())
    {
        changed |= drawing.extend(event.pointer_id(), point(canvas, &part));
    }
    changed | drawing.extend(event.pointer_id(), point(canvas, event))
}

/// A pad without a size gives no finite point, which the drawing skips.
fn point(canvas: &HtmlCanvasElement, event: &PointerEvent) -> Point {
    let place = canvas.get_bounding_client_rect();
    Point {
        x: (f64::from(event.client_x()) - place.left()) / place.width(),
        y: (f64::from(event.client_y()) - place.top()) / place.height(),
    }
}

/// Paints with as many pixels as the screen has where the pad is.
fn paint(node: &NodeRef, drawing: &Drawing) {
    let Some(canvas) = node.cast::<HtmlCanvasElement>() else {
        return;
    };
    let density = web_sys::window().map_or(1.0, |window| window.device_pixel_ratio());
    let side = (f64::from(canvas.client_width()) * density).round() as u32;
    if canvas.width() != side || canvas.height() != side {
        canvas.set_width(side);
        canvas.set_height(side);
    }
    raster::paint(&canvas, drawing);
}

/// Another size, pixel density or colour scheme.
fn repaint_occasions(node: &NodeRef, drawing: &Rc<RefCell<Drawing>>) -> Vec<Listener> {
    let Some(window) = web_sys::window() else {
        return Vec::new();
    };
    let scheme = window
        .match_media("(prefers-color-scheme: dark)")
        .ok()
        .flatten();
    let repaint = || {
        let (node, drawing) = (node.clone(), drawing.clone());
        move |_| paint(&node, &drawing.borrow())
    };
    let mut listeners = vec![Listener::new(window.into(), "resize", repaint())];
    listeners.extend(scheme.map(|scheme| Listener::new(scheme.into(), "change", repaint())));
    listeners
}
