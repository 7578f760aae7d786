//! From strokes to pixels: for the model, on the pad, and back into the preview.
//!
//! Knows canvases, and paints on them only what a person is to see; what makes 28×28 numbers of a
//! picture stands in [`shared::image`].
//!
//! **Invariant:** the digits that are encrypted depend on the drawing alone: not on the browser, the
//! pad's size, the pixel density or the colours of the page.

mod brush;

use std::f64::consts::TAU;

use shared::api::Preparation;
use shared::image::{Digit, GrayImage, ImageError, Pieces, SIDE, prepare};
use thiserror::Error;
use wasm_bindgen::{Clamped, JsCast};
use web_sys::{CanvasRenderingContext2d, HtmlCanvasElement, ImageData};

use self::brush::Sheet;
use crate::drawing::{Area, Drawing, Frame, Mark, Picture, Point, Stroke};

/// Digits that are read together at most.
pub const MOST_DIGITS: usize = 8;

/// Side of the picture in which connected ink is looked for.
const PAD_SIDE: usize = 224;

/// The part of a stroke's width that connects it with others. Digits in a row often touch where people
/// draw with a thick pen, but strokes of one digit cross.
const CORE: f64 = 0.5;

/// Longer side of a digit that is prepared: five pixels for each one of the result.
const DIGIT_SIDE: f64 = 100.0;

/// Width of a digit's line for the model, as a share of its longer side: 2.75 of 20 pixels.
const MODEL_WIDTH: f64 = 0.1375;

/// What is smaller than this, as a part of the pad's side, is a speck.
const LEAST: f64 = 0.05;

/// What is smaller than this share of the largest digit is a dot beside it.
const DOT: f64 = 0.1;

/// Where only the opacity counts.
const OPAQUE: &str = "#000";

/// Why a drawing can't be prepared.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum RasterError {
    /// Nothing is drawn.
    #[error("nothing is drawn; draw a digit first")]
    Empty,
    /// A tap or a speck.
    #[error("there is only a speck on the pad; draw a digit at least a twentieth of the pad high")]
    TooLittle,
    /// More digits than are read together.
    #[error("{found} digits are on the pad; at most {MOST_DIGITS} are read together")]
    TooMany {
        /// Digits on the pad.
        found: usize,
    },
    /// What was drawn can't be prepared.
    #[error(transparent)]
    Image(#[from] ImageError),
}

/// Makes the model's inputs from a drawing, one for each digit from left to right.
///
/// Strokes reach the model with the width that its digits have, whatever pen drew them.
///
/// # Errors
/// [`RasterError::Empty`] if nothing is drawn, [`RasterError::TooLittle`] if that is no more than a
/// speck, [`RasterError::TooMany`] beyond [`MOST_DIGITS`].
pub fn digits(drawing: &Drawing) -> Result<Vec<Digit>, RasterError> {
    let areas = drawing.marks().iter().filter_map(Mark::area);
    let longest = areas.map(|area| area.longer()).reduce(f64::max);
    if longest.ok_or(RasterError::Empty)? < LEAST {
        return Err(RasterError::TooLittle);
    }
    let cores = cores(drawing)?;
    let pieces = Pieces::of(&cores)?;
    let digits = match strokes(drawing) {
        Some(strokes) => from_strokes(&strokes, &pieces)?,
        None => {
            let images = (0..pieces.bounds().len()).map(|piece| pieces.cut(piece));
            images.collect()
        }
    };
    match digits.len() {
        found if found > MOST_DIGITS => Err(RasterError::TooMany { found }),
        _ => Ok(digits.iter().map(prepare).collect::<Result<_, _>>()?),
    }
}

/// The strokes of a drawing that consists of nothing else.
fn strokes(drawing: &Drawing) -> Option<Vec<&Stroke>> {
    let strokes = drawing.marks().iter().map(|mark| match mark {
        Mark::Stroke(stroke) => Some(stroke),
        Mark::Picture(_) => None,
    });
    strokes.collect()
}

/// The pad in pixels, strokes with their cores only.
fn cores(drawing: &Drawing) -> Result<GrayImage, ImageError> {
    let mut sheet = Sheet::new(PAD_SIDE, PAD_SIDE);
    let frame = Frame {
        scale: PAD_SIDE as f64,
        origin: Point { x: 0.0, y: 0.0 },
    };
    for mark in drawing.marks() {
        match mark {
            Mark::Stroke(stroke) => {
                sheet.stroke(stroke, frame, frame.scale * CORE * stroke.width());
            }
            Mark::Picture(picture) => sheet.picture(picture, frame),
        }
    }
    sheet.finish()
}

/// Each digit's strokes in the model's width.
fn from_strokes(strokes: &[&Stroke], pieces: &Pieces<'_>) -> Result<Vec<GrayImage>, ImageError> {
    let pixel = |part: f64| ((part * PAD_SIDE as f64) as usize).min(PAD_SIDE - 1);
    let mut digits: Vec<Vec<&Stroke>> = vec![Vec::new(); pieces.bounds().len()];
    for stroke in strokes {
        let start = stroke.start();
        if let Some(piece) = pieces.at(pixel(start.x), pixel(start.y)) {
            digits[piece].push(stroke);
        }
    }
    let area = |digit: Vec<_>| {
        let points = digit.iter().flat_map(|stroke: &&Stroke| stroke.points());
        Some((Area::around(points)?, digit))
    };
    let digits: Vec<_> = digits.into_iter().filter_map(area).collect();
    let sizes = digits.iter().map(|(area, _)| area.longer());
    let least = DOT * sizes.fold(0.0, f64::max);
    digits
        .iter()
        .filter(|(area, _)| area.longer() > least)
        .map(|(area, strokes)| in_model_width(area, strokes))
        .collect()
}

/// One digit, its longer side [`DIGIT_SIDE`] pixels with its line.
fn in_model_width(area: &Area, strokes: &[&Stroke]) -> Result<GrayImage, ImageError> {
    let width = MODEL_WIDTH * DIGIT_SIDE;
    let scale = (DIGIT_SIDE - width) / area.longer();
    // The line reaches beyond its middle, and a pixel of paper stays around it.
    let border = width / 2.0 + 1.0;
    let frame = Frame {
        scale,
        origin: Point {
            x: border - scale * area.corner.x,
            y: border - scale * area.corner.y,
        },
    };
    let pixels = |side: f64| (scale * side + 2.0 * border).ceil() as usize;
    let mut sheet = Sheet::new(pixels(area.width()), pixels(area.height()));
    for stroke in strokes {
        sheet.stroke(stroke, frame, width);
    }
    sheet.finish()
}

/// Paints a drawing over the whole of a square canvas, in the canvas's text colour.
pub fn paint(canvas: &HtmlCanvasElement, drawing: &Drawing) {
    let Some(context) = context(canvas) else {
        return;
    };
    let (side, colour) = (f64::from(canvas.width()), text_colour(canvas));
    let colour = colour.unwrap_or_else(|| OPAQUE.into());
    context.clear_rect(0.0, 0.0, side, side);
    context.set_stroke_style_str(&colour);
    context.set_fill_style_str(&colour);
    context.set_line_cap("round");
    context.set_line_join("round");
    // What lies over the pad's pictures would be tinted with them.
    for mark in drawing.marks() {
        if let Mark::Picture(picture) = mark {
            paint_picture(&context, side, picture);
        }
    }
    for mark in drawing.marks() {
        if let Mark::Stroke(stroke) = mark {
            paint_stroke(&context, side, stroke);
        }
    }
}

fn paint_stroke(context: &CanvasRenderingContext2d, side: f64, stroke: &Stroke) {
    let start = stroke.start();
    context.begin_path();
    if stroke.is_dot() {
        let radius = stroke.width() * side / 2.0;
        // Fails for a negative radius only.
        let _round = context.arc(start.x * side, start.y * side, radius, 0.0, TAU);
        context.fill();
        return;
    }
    context.set_line_width(stroke.width() * side);
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

/// Paints a picture's ink, which is opaque, and then gives it the colour that is set.
fn paint_picture(context: &CanvasRenderingContext2d, side: f64, picture: &Picture) {
    let (ink, area) = (picture.ink(), picture.area());
    let (width, height) = (ink.width() as u32, ink.height() as u32);
    let pixel = |ink: &f32| [0, 0, 0, (ink * 255.0).round() as u8];
    let bytes: Vec<u8> = ink.pixels().iter().flat_map(pixel).collect();
    let Some(scratch) = new_canvas(width, height) else {
        return;
    };
    let image = ImageData::new_with_u8_clamped_array_and_sh(Clamped(&bytes), width, height);
    let (Ok(image), Some(on_scratch)) = (image, self::context(&scratch)) else {
        return;
    };
    // Neither an image of its canvas's size nor a canvas with pixels is refused.
    let _put = on_scratch.put_image_data(&image, 0.0, 0.0);
    let _drawn = context.draw_image_with_html_canvas_element_and_dw_and_dh(
        &scratch,
        area.corner.x * side,
        area.corner.y * side,
        area.width() * side,
        area.height() * side,
    );
    let _known = context.set_global_composite_operation("source-in");
    context.fill_rect(0.0, 0.0, side, side);
    let _known = context.set_global_composite_operation("source-over");
}

/// Shows what is encrypted of digits by a model that wants them prepared like this: side by side, one
/// pixel for each number, white on black.
pub fn show(canvas: &HtmlCanvasElement, digits: &[Digit], preparation: Preparation) {
    let Some(context) = context(canvas) else {
        return;
    };
    let side = SIDE as u32;
    canvas.set_width(side * digits.len().max(1) as u32);
    canvas.set_height(side);
    for (place, digit) in digits.iter().enumerate() {
        let numbers = digit.to_input().into_iter();
        let bytes: Vec<u8> = numbers
            .flat_map(|ink| gray(preparation.apply(ink)))
            .collect();
        if let Ok(image) = ImageData::new_with_u8_clamped_array_and_sh(Clamped(&bytes), side, side)
        {
            // Only an image of the wrong size could be refused.
            let _shown = context.put_image_data(&image, (place * SIDE) as f64, 0.0);
        }
    }
}

fn gray(ink: f64) -> [u8; 4] {
    let level = (ink * 255.0).round() as u8;
    [level, level, level, 255]
}

fn new_canvas(width: u32, height: u32) -> Option<HtmlCanvasElement> {
    let document = web_sys::window()?.document()?;
    let canvas: HtmlCanvasElement = document.create_element("canvas").ok()?.dyn_into().ok()?;
    canvas.set_width(width);
    canvas.set_height(height);
    Some(canvas)
}

fn text_colour(canvas: &HtmlCanvasElement) -> Option<String> {
    let style = web_sys::window()?.get_computed_style(canvas).ok()??;
    style.get_property_value("color").ok()
}

fn context(canvas: &HtmlCanvasElement) -> Option<CanvasRenderingContext2d> {
    canvas.get_context("2d").ok()??.dyn_into().ok()
}

#[cfg(test)]
mod tests;
