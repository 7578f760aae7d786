//! The pad under a pointer.

use std::cell::RefCell;
use std::rc::Rc;

use client_wasm::components::{Change, Pad, PadProps};
use client_wasm::drawing::{Drawing, Mark, Pen};
use gloo_timers::future::TimeoutFuture;
use js_sys::{Array, Function, Object, Promise, Reflect};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use wasm_bindgen_test::wasm_bindgen_test;
use web_sys::{Element, Event, HtmlCanvasElement};
use yew::Callback;

/// A pad on the page, and what it told.
struct Desk {
    root: Element,
    canvas: HtmlCanvasElement,
    drawing: Rc<RefCell<Drawing>>,
    told: Rc<RefCell<Vec<Change>>>,
    app: Option<yew::AppHandle<Pad>>,
}

impl Desk {
    async fn new() -> Self {
        let document = web_sys::window().unwrap().document().unwrap();
        let root = document.create_element("div").unwrap();
        document.body().unwrap().append_child(&root).unwrap();
        let drawing = Rc::new(RefCell::new(Drawing::default()));
        let told = Rc::new(RefCell::new(Vec::new()));
        let props = PadProps {
            drawing: drawing.clone(),
            revision: 0,
            pen: Pen::Thick,
            inked: false,
            on_change: {
                let told = told.clone();
                Callback::from(move |change| told.borrow_mut().push(change))
            },
        };
        let renderer = yew::Renderer::<Pad>::with_root_and_props(root.clone(), props);
        let app = renderer.render();
        TimeoutFuture::new(50).await;
        let canvas = root.query_selector("#canvas").unwrap().unwrap();
        let canvas: HtmlCanvasElement = canvas.dyn_into().unwrap();
        let style = "width: 200px; height: 200px; position: fixed; left: 0; top: 0";
        canvas.set_attribute("style", style).unwrap();
        Self {
            root,
            canvas,
            drawing,
            told,
            app: Some(app),
        }
    }

    /// A pointer at a place on the pad; the main button is held if `held`.
    fn point(&self, kind: &str, pointer: i32, (x, y): (f64, f64), held: bool) -> bool {
        let options = Object::new();
        let set = |name: &str, value: JsValue| Reflect::set(&options, &name.into(), &value);
        set("bubbles", true.into()).unwrap();
        set("cancelable", true.into()).unwrap();
        set("pointerId", pointer.into()).unwrap();
        set("clientX", (x * 200.0).into()).unwrap();
        set("clientY", (y * 200.0).into()).unwrap();
        set("buttons", i32::from(held).into()).unwrap();
        let window = web_sys::window().unwrap();
        let class: Function = Reflect::get(&window, &"PointerEvent".into())
            .unwrap()
            .dyn_into()
            .unwrap();
        let event = Reflect::construct(&class, &Array::of2(&kind.into(), &options)).unwrap();
        let event: Event = event.dyn_into().unwrap();
        self.canvas.dispatch_event(&event).unwrap()
    }

    fn told(&self) -> Vec<Change> {
        self.told.borrow().clone()
    }

    /// Points of each stroke.
    fn strokes(&self) -> Vec<usize> {
        let drawing = self.drawing.borrow();
        let points = drawing.marks().iter().map(|mark| match mark {
            Mark::Stroke(stroke) => stroke.points().count(),
            Mark::Picture(_) => 0,
        });
        points.collect()
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        if let Some(app) = self.app.take() {
            app.destroy();
        }
        self.root.remove();
    }
}

/// Until the screen shows the next picture, and whoever asked before was told of it.
async fn next_picture() {
    let mut ask = |shown: Function, _| {
        let window = web_sys::window().unwrap();
        window.request_animation_frame(&shown).unwrap();
    };
    JsFuture::from(Promise::new(&mut ask)).await.unwrap();
}

#[wasm_bindgen_test]
async fn moves_are_told_once_for_each_picture() {
    let desk = Desk::new().await;
    let taken = !desk.point("pointerdown", 1, (0.2, 0.2), true);
    assert!(taken, "the browser has to leave the pointer to the pad");
    for step in 1..20 {
        desk.point("pointermove", 1, (0.2, 0.2 + 0.03 * f64::from(step)), true);
    }
    assert_eq!(desk.told(), []);
    next_picture().await;
    assert_eq!(desk.told(), [Change::Drawing]);
    next_picture().await;
    assert_eq!(desk.told(), [Change::Drawing], "nothing moved");
    desk.point("pointerup", 1, (0.2, 0.8), false);
    assert_eq!(desk.told(), [Change::Drawing, Change::Finished]);
    assert_eq!(desk.strokes(), [20]);
}

#[wasm_bindgen_test]
async fn the_last_moves_are_told_before_the_end() {
    let desk = Desk::new().await;
    desk.point("pointerdown", 1, (0.2, 0.2), true);
    desk.point("pointermove", 1, (0.2, 0.7), true);
    desk.point("pointerup", 1, (0.2, 0.7), false);
    let wanted = [Change::Drawing, Change::Finished];
    assert_eq!(desk.told(), wanted);
    next_picture().await;
    assert_eq!(desk.told(), wanted);
}

#[wasm_bindgen_test]
async fn a_lost_pointer_ends_the_stroke() {
    for lost in ["pointercancel", "lostpointercapture"] {
        let desk = Desk::new().await;
        desk.point("pointerdown", 1, (0.2, 0.2), true);
        desk.point(lost, 1, (0.2, 0.2), false);
        desk.point("pointermove", 1, (0.9, 0.9), true);
        assert_eq!(desk.told(), [Change::Drawing, Change::Finished], "{lost}");
        assert_eq!(desk.strokes(), [1]);
    }
    let desk = Desk::new().await;
    desk.point("pointerdown", 1, (0.2, 0.2), true);
    desk.point("pointermove", 1, (0.9, 0.9), false); // Released outside of the window.
    assert_eq!(desk.told(), [Change::Drawing, Change::Finished]);
    assert_eq!(desk.strokes(), [1]);
}

#[wasm_bindgen_test]
async fn a_second_finger_does_not_draw() {
    let desk = Desk::new().await;
    desk.point("pointerdown", 1, (0.2, 0.2), true);
    assert!(desk.point("pointerdown", 2, (0.8, 0.8), true));
    desk.point("pointermove", 2, (0.8, 0.2), true);
    desk.point("pointerup", 2, (0.8, 0.2), false);
    assert_eq!(desk.strokes(), [1]);
    assert_eq!(desk.told(), []);
    desk.point("pointerup", 1, (0.2, 0.2), false);
    assert_eq!(desk.told(), [Change::Drawing, Change::Finished]);
}

#[wasm_bindgen_test]
async fn the_pad_shows_what_the_pointer_draws() {
    let desk = Desk::new().await;
    desk.point("pointerdown", 1, (0.5, 0.2), true);
    desk.point("pointermove", 1, (0.5, 0.8), true);
    desk.point("pointerup", 1, (0.5, 0.8), false);
    let density = web_sys::window().unwrap().device_pixel_ratio();
    let side = (f64::from(desk.canvas.client_width()) * density).round();
    assert_eq!(f64::from(desk.canvas.width()), side);
    let share = super::inked(&desk.canvas);
    assert!((share - 0.068).abs() < 0.02, "{share}");
}
