//! What needs a browser: canvases, pictures, and how messages are delivered.
#![cfg(target_arch = "wasm32")]

mod pad;
mod token;

use client_wasm::drawing::{Area, Drawing, Pen, Point};
use client_wasm::pictures::{self, PictureError};
use client_wasm::protocol::{self, FromWorker, JobId, KeysId, ProtocolError, ToWorker};
use client_wasm::raster;
use js_sys::{Array, ArrayBuffer, Function, Promise, Uint8Array};
use shared::api::Preparation;
use shared::image::Digit;
use wasm_bindgen::{Clamped, JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use wasm_bindgen_test::{console_log, wasm_bindgen_test, wasm_bindgen_test_configure};
use web_sys::{Blob, BlobPropertyBag, CanvasRenderingContext2d, HtmlCanvasElement};

wasm_bindgen_test_configure!(run_in_browser);

/// Draws one stroke through these points.
fn draw(drawing: &mut Drawing, points: &[(f64, f64)], pen: Pen) {
    let mut points = points.iter().map(|&(x, y)| Point { x, y });
    assert!(drawing.begin(1, points.next().unwrap(), pen));
    for point in points {
        drawing.extend(1, point);
    }
    assert!(drawing.end(1));
}

fn stroke(points: &[(f64, f64)], pen: Pen) -> Drawing {
    let mut drawing = Drawing::default();
    draw(&mut drawing, points, pen);
    drawing
}

fn canvas(width: u32, height: u32) -> HtmlCanvasElement {
    let document = web_sys::window().unwrap().document().unwrap();
    let canvas: HtmlCanvasElement = document
        .create_element("canvas")
        .unwrap()
        .dyn_into()
        .unwrap();
    canvas.set_width(width);
    canvas.set_height(height);
    canvas
}

fn context(canvas: &HtmlCanvasElement) -> CanvasRenderingContext2d {
    let context = canvas.get_context("2d").unwrap().unwrap();
    context.dyn_into().unwrap()
}

/// Red, green, blue and opacity of each pixel.
fn pixels(canvas: &HtmlCanvasElement) -> Clamped<Vec<u8>> {
    let (width, height) = (f64::from(canvas.width()), f64::from(canvas.height()));
    let data = context(canvas).get_image_data(0.0, 0.0, width, height);
    data.unwrap().data()
}

/// The share of pixels that are more than half opaque.
fn inked(canvas: &HtmlCanvasElement) -> f64 {
    let pixels = pixels(canvas);
    let inked = pixels.chunks(4).filter(|pixel| pixel[3] > 127).count();
    inked as f64 * 4.0 / pixels.len() as f64
}

/// An eight of two circles, as a hand draws it.
fn eight() -> Drawing {
    let point = |at: u32| {
        let angle = f64::from(at) * std::f64::consts::TAU / 60.0;
        let down = if at < 60 { 0.3 } else { 0.65 };
        (0.5 + 0.16 * angle.sin(), down + 0.18 * angle.cos())
    };
    stroke(&(0..120).map(point).collect::<Vec<_>>(), Pen::Medium)
}

/// A drawing and the digits that are made of it.
fn prepared(drawing: &Drawing) -> Vec<Digit> {
    raster::digits(drawing).unwrap()
}

#[wasm_bindgen_test]
fn the_preview_is_what_is_encrypted() {
    let digits = prepared(&eight());
    let preview = canvas(100, 100);
    raster::show(&preview, &digits, Preparation::default());
    assert_eq!((preview.width(), preview.height()), (28, 28));
    for (shown, number) in pixels(&preview).chunks(4).zip(digits[0].to_input()) {
        assert_eq!(f64::from(shown[0]), (number * 255.0).round());
        assert_eq!(shown[3], 255);
    }
    let threshold = Some(0.5);
    raster::show(&preview, &digits, Preparation { threshold });
    let shown: Vec<u8> = pixels(&preview).iter().copied().step_by(4).collect();
    for (&shown, number) in shown.iter().zip(digits[0].to_input()) {
        assert_eq!(shown, if number < 0.5 { 0 } else { 255 });
    }
    assert!(shown.contains(&0) && shown.contains(&255));
    raster::show(&preview, &[], Preparation::default());
    assert!(pixels(&preview).iter().all(|&byte| byte == 0));
}

#[wasm_bindgen_test]
fn several_digits_are_shown_side_by_side() {
    let mut row = Drawing::default();
    for digit in [4, 0, 7] {
        row.type_more(digit);
    }
    let digits = prepared(&row);
    let preview = canvas(1, 1);
    raster::show(&preview, &digits, Preparation::default());
    assert_eq!((preview.width(), preview.height()), (84, 28));
    let shown = pixels(&preview);
    for (place, digit) in digits.iter().enumerate() {
        let row = &digit.pixels()[14 * 28..15 * 28];
        for (column, ink) in row.iter().enumerate() {
            let at = (14 * 84 + place * 28 + column) * 4;
            assert_eq!(f32::from(shown[at]), (ink * 255.0).round());
        }
    }
}

#[wasm_bindgen_test]
fn painting_again_replaces_what_was_there() {
    let pad = canvas(64, 64);
    raster::paint(&pad, &stroke(&[(0.5, 0.5)], Pen::Medium));
    let middle = pixels(&pad)[(32 * 64 + 32) * 4 + 3];
    assert_eq!(middle, 255, "a dot is painted");
    assert_eq!(pixels(&pad)[3], 0);
    raster::paint(&pad, &Drawing::default());
    assert!(pixels(&pad).iter().all(|&byte| byte == 0));
}

#[wasm_bindgen_test]
fn a_drawing_looks_the_same_at_every_size_and_density() {
    // 320 px at one pixel each to a 4K screen's pad at three.
    let shares: Vec<f64> = [280, 840, 2400]
        .into_iter()
        .map(|side| {
            let pad = canvas(side, side);
            raster::paint(&pad, &eight());
            inked(&pad)
        })
        .collect();
    let all = shares.iter().all(|share| (share - shares[0]).abs() < 0.01);
    assert!(all && shares[0] > 0.08, "{shares:?}");
}

#[wasm_bindgen_test]
fn each_pen_is_as_wide_as_it_says() {
    let pad = canvas(400, 400);
    for pen in Pen::ALL {
        raster::paint(&pad, &stroke(&[(0.1, 0.5), (0.9, 0.5)], pen));
        let share = inked(&pad);
        let radius = pen.width() / 2.0;
        let expected = 0.8 * pen.width() + std::f64::consts::PI * radius * radius;
        assert!((share - expected).abs() < 0.004, "{pen:?}: {share}");
    }
}

#[wasm_bindgen_test]
fn preparing_a_digit_takes_less_than_a_quarter_of_a_frame() {
    const TIMES: u32 = 50;
    let (drawing, clock) = (eight(), web_sys::window().unwrap().performance().unwrap());
    prepared(&drawing);
    let start = clock.now();
    for _ in 0..TIMES {
        prepared(&drawing);
    }
    let each = (clock.now() - start) / f64::from(TIMES);
    console_log!("a digit is prepared in {each:.2} ms");
    assert!(each < 4.0 * SLOWDOWN, "{each} ms");
}

/// What is tested is not optimised as the page is, and shares its processor.
const SLOWDOWN: f64 = 10.0;

/// A seven in black on light grey, with a shadow across it, as a PNG file.
async fn photograph(width: u32, height: u32) -> Blob {
    let paper = canvas(width, height);
    let on = context(&paper);
    let (across, down) = (f64::from(width), f64::from(height));
    for column in 0..width {
        let light = 230 - 110 * column / width;
        on.set_fill_style_str(&format!("rgb({light}, {light}, {light})"));
        on.fill_rect(f64::from(column), 0.0, 1.0, down);
    }
    on.set_stroke_style_str("#000");
    on.set_line_width(0.05 * down);
    on.begin_path();
    on.move_to(0.4 * across, 0.3 * down);
    on.line_to(0.6 * across, 0.3 * down);
    on.line_to(0.5 * across, 0.8 * down);
    on.stroke();
    file(&paper).await
}

async fn file(canvas: &HtmlCanvasElement) -> Blob {
    let promise = Promise::new(&mut |resolve: Function, _| canvas.to_blob(&resolve).unwrap());
    JsFuture::from(promise).await.unwrap().dyn_into().unwrap()
}

#[wasm_bindgen_test]
async fn a_photograph_of_any_size_becomes_a_drawing() {
    for (width, height) in [(60, 80), (400, 300), (3_000, 2_000)] {
        let picture = pictures::read(&photograph(width, height).await).await;
        let mut drawing = Drawing::default();
        drawing.put_picture(picture.unwrap());
        assert_eq!(prepared(&drawing).len(), 1, "{width}×{height}");
        let pad = canvas(300, 300);
        raster::paint(&pad, &drawing);
        let share = inked(&pad);
        assert!((0.04..0.3).contains(&share), "{width}×{height}: {share}");
        // Its ink lies between the margins.
        let margin = (300.0 * Area::MARGIN) as usize - 1;
        let shown = pixels(&pad);
        let rows = shown.chunks(300 * 4);
        assert!(rows.take(margin).flatten().all(|&byte| byte == 0));
    }
}

#[wasm_bindgen_test]
async fn a_picture_has_the_colour_of_the_ink() {
    let picture = pictures::read(&photograph(400, 300).await).await;
    let mut drawing = Drawing::default();
    drawing.put_picture(picture.unwrap());
    let pad = canvas(200, 200);
    pad.set_attribute("style", "color: rgb(10, 200, 30)")
        .unwrap();
    let document = web_sys::window().unwrap().document().unwrap();
    document.body().unwrap().append_child(&pad).unwrap();
    raster::paint(&pad, &drawing);
    let shown = pixels(&pad);
    let opaque: Vec<&[u8]> = shown.chunks(4).filter(|pixel| pixel[3] == 255).collect();
    pad.remove();
    assert!(opaque.len() > 500, "{} pixels", opaque.len());
    assert!(opaque.iter().all(|pixel| pixel[..3] == [10, 200, 30]));
}

/// A file of this content.
fn made_of(content: &str, kind: &str) -> Blob {
    let options = BlobPropertyBag::new();
    options.set_type(kind);
    let parts = Array::of1(&content.into());
    Blob::new_with_str_sequence_and_options(&parts, &options).unwrap()
}

#[wasm_bindgen_test]
async fn what_is_no_picture_is_refused_in_words() {
    let text = pictures::read(&made_of("a seven", "text/plain")).await;
    let kind = "text/plain".to_owned();
    assert_eq!(text, Err(PictureError::Kind { kind }));
    let damaged = pictures::read(&made_of("no PNG", "image/png")).await;
    assert_eq!(damaged, Err(PictureError::Undecodable));
}

#[wasm_bindgen_test]
async fn a_picture_of_nothing_is_refused() {
    for colour in ["#fff", "#345", "#000"] {
        let paper = canvas(200, 100);
        context(&paper).set_fill_style_str(colour);
        context(&paper).fill_rect(0.0, 0.0, 200.0, 100.0);
        let nothing = pictures::read(&file(&paper).await).await;
        assert_eq!(nothing, Err(PictureError::NoInk), "{colour}");
    }
    let transparent = pictures::read(&file(&canvas(90, 90)).await).await;
    assert_eq!(transparent, Err(PictureError::NoInk));
}

#[wasm_bindgen_test]
fn messages_are_handed_over_whole() {
    let message = ToWorker::Decrypt {
        keys: KeysId::default(),
        job: JobId::default(),
        digits: 1,
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
