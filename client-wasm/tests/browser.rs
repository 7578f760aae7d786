//! What needs a browser: canvases, and how messages are delivered.
#![cfg(target_arch = "wasm32")]

use client_wasm::drawing::{Drawing, Point};
use client_wasm::protocol::{self, FromWorker, JobId, KeysId, ProtocolError, ToWorker};
use client_wasm::raster::{self, RasterError};
use js_sys::{ArrayBuffer, Uint8Array};
use shared::api::Preparation;
use shared::image::{Digit, ImageError, SIDE};
use wasm_bindgen::{Clamped, JsCast, JsValue};
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};
use web_sys::{CanvasRenderingContext2d, HtmlCanvasElement};

wasm_bindgen_test_configure!(run_in_browser);

/// One stroke through these points.
fn stroke(points: &[(f64, f64)]) -> Drawing {
    let mut drawing = Drawing::default();
    let mut points = points.iter().map(|&(x, y)| Point { x, y });
    assert!(drawing.begin(1, points.next().unwrap()));
    for point in points {
        assert!(drawing.extend(1, point));
    }
    drawing
}

/// An L: a tall line down the left and a short one along the bottom.
fn ell(left: f64, top: f64, size: f64) -> Drawing {
    stroke(&[
        (left, top),
        (left, top + size),
        (left + size / 2.0, top + size),
    ])
}

fn canvas(side: u32) -> HtmlCanvasElement {
    let document = web_sys::window().unwrap().document().unwrap();
    let canvas: HtmlCanvasElement = document
        .create_element("canvas")
        .unwrap()
        .dyn_into()
        .unwrap();
    canvas.set_width(side);
    canvas.set_height(side);
    canvas
}

fn pixels(canvas: &HtmlCanvasElement) -> Clamped<Vec<u8>> {
    let context: CanvasRenderingContext2d = canvas
        .get_context("2d")
        .unwrap()
        .unwrap()
        .dyn_into()
        .unwrap();
    let (width, height) = (f64::from(canvas.width()), f64::from(canvas.height()));
    context
        .get_image_data(0.0, 0.0, width, height)
        .unwrap()
        .data()
}

fn ink(digit: &Digit, column: usize, row: usize) -> f32 {
    digit.pixels()[row * SIDE + column]
}

#[wasm_bindgen_test]
fn a_drawing_becomes_a_digit() {
    let digit = raster::digit(&ell(0.3, 0.2, 0.6)).unwrap();
    let total: f32 = digit.pixels().iter().sum();
    assert!((20.0..150.0).contains(&total), "{total}");
    for edge in 0..SIDE {
        let margin = ink(&digit, edge, 0) + ink(&digit, 0, edge);
        assert_eq!(margin, 0.0, "the margin at {edge} is not empty");
    }
    // Up and down are as drawn: the short line is at the bottom.
    let row = |row: usize| {
        (0..SIDE)
            .map(|column| ink(&digit, column, row))
            .sum::<f32>()
    };
    let heaviest = (0..SIDE)
        .max_by(|&a, &b| row(a).total_cmp(&row(b)))
        .unwrap();
    assert!(heaviest > SIDE / 2, "{heaviest}");
}

#[wasm_bindgen_test]
fn place_and_size_on_the_pad_do_not_matter() {
    let one = raster::digit(&ell(0.1, 0.1, 0.6)).unwrap();
    let moved = raster::digit(&ell(0.4, 0.3, 0.6)).unwrap();
    let difference = one
        .pixels()
        .iter()
        .zip(moved.pixels())
        .map(|(a, b)| (a - b).abs());
    let largest = difference.fold(0.0, f32::max);
    assert!(largest < 0.05, "{largest}");
}

#[wasm_bindgen_test]
fn an_empty_pad_is_no_digit() {
    let empty = raster::digit(&Drawing::default());
    assert_eq!(empty, Err(RasterError::Image(ImageError::Empty)));
}

#[wasm_bindgen_test]
fn the_preview_is_what_is_encrypted() {
    let digit = raster::digit(&ell(0.3, 0.2, 0.6)).unwrap();
    let preview = canvas(100);
    raster::show(&preview, Some(&digit), Preparation::default());
    assert_eq!((preview.width(), preview.height()), (28, 28));
    for (shown, number) in pixels(&preview).chunks(4).zip(digit.to_input()) {
        assert_eq!(f64::from(shown[0]), (number * 255.0).round());
        assert_eq!(shown[3], 255);
    }
    let threshold = Some(0.5);
    raster::show(&preview, Some(&digit), Preparation { threshold });
    let shown: Vec<u8> = pixels(&preview).iter().copied().step_by(4).collect();
    for (&shown, number) in shown.iter().zip(digit.to_input()) {
        assert_eq!(shown, if number < 0.5 { 0 } else { 255 });
    }
    assert!(shown.contains(&0) && shown.contains(&255));
    raster::show(&preview, None, Preparation::default());
    assert!(pixels(&preview).iter().all(|&byte| byte == 0));
}

#[wasm_bindgen_test]
fn painting_again_replaces_what_was_there() {
    let pad = canvas(64);
    raster::paint(&pad, &stroke(&[(0.5, 0.5)]));
    assert!(
        pixels(&pad)[(32 * 64 + 32) * 4 + 3] == 255,
        "a dot is painted"
    );
    assert_eq!(pixels(&pad)[3], 0);
    raster::paint(&pad, &Drawing::default());
    assert!(pixels(&pad).iter().all(|&byte| byte == 0));
}

#[wasm_bindgen_test]
fn messages_are_handed_over_whole() {
    let message = ToWorker::Decrypt {
        keys: KeysId::default(),
        job: JobId::default(),
        reply: vec![7; 20_000],
    };
    let (value, handed_over) = protocol::to_js(&message).unwrap();
    let first = js_sys::Reflect::get_u32(&handed_over, 0).unwrap();
    let buffer: ArrayBuffer = value.unchecked_ref::<Uint8Array>().buffer();
    assert!(first.is_instance_of::<ArrayBuffer>() && first == JsValue::from(buffer));
    assert_eq!(protocol::from_js(&value), Ok(message));
}

#[wasm_bindgen_test]
fn what_is_no_message_is_refused() {
    let text = protocol::from_js::<FromWorker>(&"hello".into());
    assert_eq!(text, Err(ProtocolError::NotBytes));
    let nonsense = protocol::from_js::<FromWorker>(&Uint8Array::from([99].as_slice()).into());
    assert!(
        matches!(nonsense, Err(ProtocolError::Malformed(_))),
        "{nonsense:?}"
    );
}
