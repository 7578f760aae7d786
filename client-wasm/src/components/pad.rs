//! The pad one draws on.

use std::cell::RefCell;
use std::rc::Rc;

use js_sys::Reflect;
use wasm_bindgen::JsCast;
use web_sys::{FocusOptions, HtmlCanvasElement, PointerEvent};
use yew::prelude::*;

use crate::drawing::{Drawing, Pen, Point};
use crate::frame::Frames;
use crate::listen::Listener;
use crate::{raster, text};

/// Where the page gets other colours.
const SCHEMES: [&str; 2] = ["(prefers-color-scheme: dark)", "(forced-colors: active)"];

/// Pixel densities between which screens differ: a window may move from one to the other without
/// getting another size.
const DENSITIES: [&str; 6] = ["1.25", "1.5", "1.75", "2", "2.5", "3"];

/// What a pointer did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// The drawing changed; told at most once for each picture the screen shows.
    Drawing,
    /// A stroke is finished.
    Finished,
}

/// What the pad needs.
#[derive(Clone, PartialEq, Properties)]
pub struct Props {
    /// The drawing, changed as the pointer moves.
    pub drawing: Rc<RefCell<Drawing>>,
    /// Another number whenever the drawing was changed by anything but the pad.
    pub revision: u32,
    /// What strokes are drawn with from now on.
    #[prop_or_default]
    pub pen: Pen,
    /// True while something is drawn.
    pub inked: bool,
    /// Called when a pointer changed the drawing, and when it finished a stroke.
    pub on_change: Callback<Change>,
}

/// A square canvas that draws with mouse, finger or pen.
#[component]
pub fn Pad(props: &Props) -> Html {
    let node = use_node_ref();
    // The screen outlives each callback: a picture that was asked for isn't lost.
    let on_change = use_mut_ref(Callback::noop);
    *on_change.borrow_mut() = props.on_change.clone();
    let screen = use_memo((), {
        let (node, drawing) = (node.clone(), props.drawing.clone());
        move |()| Screen::new(node, drawing, on_change)
    });
    use_effect_with((props.revision, props.inked), {
        let screen = screen.clone();
        move |_| screen.paint()
    });
    use_effect_with((), {
        let screen = screen.clone();
        move |()| {
            let listeners = repaint_occasions(&screen);
            move || drop(listeners)
        }
    });

    let on_down = {
        let (screen, pen) = (screen.clone(), props.pen);
        Callback::from(move |event: PointerEvent| screen.down(&event, pen))
    };
    let on_move = {
        let screen = screen.clone();
        Callback::from(move |event: PointerEvent| screen.moved(&event))
    };
    let on_up = Callback::from(move |event: PointerEvent| screen.up(event.pointer_id()));

    html! {
        <div class="pad">
            <canvas
                ref={node}
                id="canvas"
                role="application"
                tabindex="0"
                aria-label={text::PAD_LABEL}
                aria-description={text::PAD_KEYS}
                onpointerdown={on_down}
                onpointermove={on_move}
                onpointerup={on_up.clone()}
                onpointercancel={on_up.clone()}
                onlostpointercapture={on_up}
            />
            if !props.inked {
                <p class="hint" aria-hidden="true">{ text::PAD_HINT }</p>
            }
        </div>
    }
}

/// The canvas with the drawing on it.
struct Screen {
    node: NodeRef,
    drawing: Rc<RefCell<Drawing>>,
    on_change: Rc<RefCell<Callback<Change>>>,
    frames: Frames,
}

impl Screen {
    fn new(
        node: NodeRef,
        drawing: Rc<RefCell<Drawing>>,
        on_change: Rc<RefCell<Callback<Change>>>,
    ) -> Self {
        let frames = Frames::new({
            let (node, drawing, on_change) = (node.clone(), drawing.clone(), on_change.clone());
            move || {
                paint(&node, &drawing.borrow());
                // Whatever else ended the stroke has told of that.
                let draws = drawing.borrow().is_drawing();
                if draws {
                    tell(&on_change, Change::Drawing);
                }
            }
        });
        Self {
            node,
            drawing,
            on_change,
            frames,
        }
    }

    fn paint(&self) {
        paint(&self.node, &self.drawing.borrow());
    }

    fn down(&self, event: &PointerEvent, pen: Pen) {
        let Some(canvas) = self.node.cast::<HtmlCanvasElement>() else {
            return;
        };
        let (pointer, start) = (event.pointer_id(), point(&canvas, event));
        let main_button = event.button() == 0;
        if main_button && self.drawing.borrow_mut().begin(pointer, start, pen) {
            event.prevent_default();
            // Keys go to the pad that was touched, which the default would have seen to.
            let options = FocusOptions::new();
            options.set_prevent_scroll(true);
            // Who draws with a pointer needs no ring around the pad.
            let _shown = Reflect::set(&options, &"focusVisible".into(), &false.into());
            let _focused = canvas.focus_with_options(&options);
            // The stroke goes on outside of the pad; without capture it pauses there.
            let _uncaptured = canvas.set_pointer_capture(pointer);
            self.frames.ask();
        }
    }

    fn moved(&self, event: &PointerEvent) {
        let Some(canvas) = self.node.cast::<HtmlCanvasElement>() else {
            return;
        };
        // The button was released where the page couldn't hear of it.
        if event.buttons() == 0 {
            self.up(event.pointer_id());
        } else if extend(&mut self.drawing.borrow_mut(), &canvas, event) {
            self.frames.ask();
        }
    }

    fn up(&self, pointer: i32) {
        if !self.drawing.borrow_mut().end(pointer) {
            return;
        }
        // What the last moves drew is told before the end of it.
        if self.frames.cancel() {
            self.paint();
            tell(&self.on_change, Change::Drawing);
        }
        tell(&self.on_change, Change::Finished);
    }
}

fn tell(on_change: &RefCell<Callback<Change>>, change: Change) {
    let callback = on_change.borrow().clone();
    callback.emit(change);
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
fn repaint_occasions(screen: &Rc<Screen>) -> Vec<Listener> {
    let Some(window) = web_sys::window() else {
        return Vec::new();
    };
    let queries = SCHEMES.map(str::to_owned).into_iter();
    let queries =
        queries.chain(DENSITIES.map(|density| format!("(min-resolution: {density}dppx)")));
    let changes = queries.filter_map(|query| window.match_media(&query).ok().flatten());
    let repaint = || {
        let screen = screen.clone();
        move |_| screen.paint()
    };
    let mut listeners = vec![Listener::new(window.clone().into(), "resize", repaint())];
    listeners.extend(changes.map(|change| Listener::new(change.into(), "change", repaint())));
    listeners
}
