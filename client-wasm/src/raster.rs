//! From strokes to pixels: on the pad, for the model, and back into the preview.
//!
//! Knows canvases; what makes 28×28 numbers of a picture stands in [`shared::image`].
//!
//! **Invariant:** the picture that is prepared depends on the strokes alone: not on the pad's size,
//! the pixel density or the colours of the page.

use std::f64::consts::TAU;

use shared::api::Preparation;
use shared::image::{Digit, GrayImage, ImageError, SIDE, prepare};
use thiserror::Error;
use wasm_bindgen::{Clamped, JsCast};
use web_sys::{CanvasRenderingContext2d, HtmlCanvasElement, ImageData};

use crate::drawing::{Drawing, PEN_WIDTH};

/// Side of the picture that is prepared: ten pixels for each one of the result.
const PICTURE_SIDE: u32 = 280;

/// Where only the opacity counts.
const OPAQUE: &str = "#000";

/// Why a drawing can't be prepared.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum RasterError {
    /// The browser has no canvas to give; some privacy extensions forbid reading one.
    #[error("the browser does not let the page read its own canvas")]
    Canvas,
    /// Nothing drawn, or nothing that can be prepared.
    #[error(transparent)]
    Image(#[from] ImageError),
}

/// Paints a drawing over the whole of a square canvas, in the canvas's text colour.
pub fn paint(canvas: &HtmlCanvasElement, drawing: &Drawing) {
    if let Some(context) = context(canvas) {
        let colour = text_colour(canvas).unwrap_or_else(|| OPAQUE.into());
        paint_on(&context, f64::from(canvas.width()), &colour, drawing);
    }
}

/// Makes the model's input from a drawing.
///
/// # Errors
/// [`ImageError::Empty`] if there is no ink, [`RasterError::Canvas`] if the browser forbids it.
pub fn digit(drawing: &Drawing) -> Result<Digit, RasterError> {
    if drawing.is_empty() {
        return Err(ImageError::Empty.into());
    }
    let canvas = new_canvas(PICTURE_SIDE).ok_or(RasterError::Canvas)?;
    let context = context(&canvas).ok_or(RasterError::Canvas)?;
    paint_on(&context, f64::from(PICTURE_SIDE), OPAQUE, drawing);
    let side = f64::from(PICTURE_SIDE);
    let pixels = context
        .get_image_data(0.0, 0.0, side, side)
        .map_err(|_| RasterError::Canvas)?;
    Ok(prepare(&ink(&pixels.data())?)?)
}

/// Shows what is encrypted of a digit by a model that wants it prepared like this, one pixel for each
/// number, white on black.
pub fn show(canvas: &HtmlCanvasElement, digit: Option<&Digit>, preparation: Preparation) {
    let Some(context) = context(canvas) else {
        return;
    };
    let side = SIDE as u32;
    canvas.set_width(side);
    canvas.set_height(side);
    let Some(digit) = digit else { return };
    let numbers = digit.to_input().into_iter();
    let bytes: Vec<u8> = numbers
        .flat_map(|ink| gray(preparation.apply(ink)))
        .collect();
    if let Ok(image) = ImageData::new_with_u8_clamped_array_and_sh(Clamped(&bytes), side, side) {
        // Only an image of the wrong size could be refused.
        let _shown = context.put_image_data(&image, 0.0, 0.0);
    }
}

fn gray(ink: f64) -> [u8; 4] {
    let level = (ink * 255.0).round() as u8;
    [level, level, level, 255]
}

/// The picture's ink is where the pen made it opaque.
fn ink(rgba: &[u8]) -> Result<GrayImage, ImageError> {
    let alpha: Vec<u8> = rgba.iter().skip(3).step_by(4).copied().collect();
    GrayImage::from_luma8(PICTURE_SIDE as usize, PICTURE_SIDE as usize, &alpha)
}

fn paint_on(context: &CanvasRenderingContext2d, side: f64, colour: &str, drawing: &Drawing) {
    context.clear_rect(0.0, 0.0, side, side);
    context.set_stroke_style_str(colour);
    context.set_fill_style_str(colour);
    context.set_line_width(PEN_WIDTH * side);
    context.set_line_cap("round");
    context.set_line_join("round");
    for stroke in drawing.strokes() {
        let start = stroke.start();
        context.begin_path();
        if stroke.is_dot() {
            let radius = PEN_WIDTH * side / 2.0;
            // Fails for a negative radius only.
            let _round = context.arc(start.x * side, start.y * side, radius, 0.0, TAU);
            context.fill();
        } else {
            context.move_to(start.x * side, start.y * side);
            for curve in stroke.curves() {
                let (control, end) = (curve.control, curve.end);
                context.quadratic_curve_to(
                    control.x * side,
                    control.y * side,
                    end.x * side,
                    end.y * side,
                );
            }
            context.stroke();
        }
    }
}

fn new_canvas(side: u32) -> Option<HtmlCanvasElement> {
    let document = web_sys::window()?.document()?;
    let canvas: HtmlCanvasElement = document.create_element("canvas").ok()?.dyn_into().ok()?;
    canvas.set_width(side);
    canvas.set_height(side);
    // Kept in memory, where it can be read, instead of on the graphics card.
    let options = js_sys::Object::new();
    js_sys::Reflect::set(&options, &"willReadFrequently".into(), &true.into()).ok()?;
    canvas
        .get_context_with_context_options("2d", &options)
        .ok()??;
    Some(canvas)
}

fn text_colour(canvas: &HtmlCanvasElement) -> Option<String> {
    let style = web_sys::window()?.get_computed_style(canvas).ok()??;
    style.get_property_value("color").ok()
}

fn context(canvas: &HtmlCanvasElement) -> Option<CanvasRenderingContext2d> {
    canvas.get_context("2d").ok()??.dyn_into().ok()
}
