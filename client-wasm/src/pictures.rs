//! Pictures from outside: pasted, dropped, or chosen from a phone's camera.
//!
//! Knows what browsers give; what is ink in a photograph stands in [`shared::image::ink_of_photo`].
//!
//! **Invariant:** pictures are decoded and scaled by the browser, beside the page's own work, and never
//! leave the page.

use shared::image::{GrayImage, ink_of_photo};
use thiserror::Error;
use wasm_bindgen::JsCast;
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::{
    Blob, CanvasRenderingContext2d, ClipboardEvent, DataTransfer, DragEvent, Event, FileList,
    HtmlCanvasElement, HtmlInputElement, ImageBitmap, ImageBitmapOptions, ResizeQuality,
};
use yew::prelude::*;

use crate::drawing::Picture;
use crate::listen::Listener;

/// Longer side of a picture in which ink is looked for: a digit has a few hundred pixels at most.
const LONGEST: f64 = 448.0;

/// Bytes of the largest file; photographs have a tenth of that.
const LARGEST: f64 = 50e6;

/// Why a picture can't be put on the pad.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum PictureError {
    /// A file of another kind.
    #[error("a file of the kind `{kind}` is no picture; a PNG or JPEG is one")]
    Kind {
        /// What the browser takes it for; empty if it doesn't know.
        kind: String,
    },
    /// A file that would take the browser's memory.
    #[error("a picture of {bytes} bytes is too large; {LARGEST} bytes are the most")]
    TooLarge {
        /// The file's size.
        bytes: f64,
    },
    /// The browser can't decode it.
    #[error("the browser can't decode this picture; a PNG or JPEG will do")]
    Undecodable,
    /// The browser has no canvas to give; some privacy extensions forbid reading one.
    #[error("the browser does not let the page read pictures")]
    Canvas,
    /// Nothing in it stands out.
    #[error(
        "no ink stands out from the paper in this picture; write with a thicker pen, in more light"
    )]
    NoInk,
}

/// What became of a picture that a person gave.
pub type Given = Result<Picture, PictureError>;

/// Reads a picture's ink from a file.
///
/// # Errors
/// What was wrong with the file, as [`PictureError`] says it.
pub async fn read(file: &Blob) -> Given {
    let kind = file.type_();
    if !kind.starts_with("image/") {
        return Err(PictureError::Kind { kind });
    }
    if file.size() > LARGEST {
        let bytes = file.size();
        return Err(PictureError::TooLarge { bytes });
    }
    let ink = ink_of_photo(&decode(file).await?).map_err(|_| PictureError::NoInk)?;
    Ok(Picture::centred(ink))
}

/// The first picture of a list, read and told; an empty list tells nothing.
pub fn read_first(files: Option<&FileList>, on_picture: Callback<Given>) {
    if let Some(file) = files.and_then(|files| files.get(0)) {
        spawn_local(async move { on_picture.emit(read(&file).await) });
    }
}

/// Reads every picture that is pasted, or dropped on the page, as long as the component lives.
#[hook]
pub fn use_pictures(on_picture: Callback<Given>) {
    use_effect_with(on_picture, |on_picture| {
        let listeners = web_sys::window().map(|window| {
            let (pasted, dropped) = (on_picture.clone(), on_picture.clone());
            [
                Listener::new(window.clone().into(), "paste", move |event| {
                    let event: Option<&ClipboardEvent> = event.dyn_ref();
                    take(event.and_then(ClipboardEvent::clipboard_data), &pasted);
                }),
                Listener::new(window.clone().into(), "dragover", |event| {
                    dropped_files(&event);
                }),
                Listener::new(window.into(), "drop", move |event| {
                    take(dropped_files(&event), &dropped);
                }),
            ]
        });
        move || drop(listeners)
    });
}

fn take(data: Option<DataTransfer>, on_picture: &Callback<Given>) {
    let files = data.and_then(|data| data.files());
    read_first(files.as_ref(), on_picture.clone());
}

/// Files that hover over the page or are let go there; without this the browser would open them in the
/// page's place. What is dropped on a field is the field's.
fn dropped_files(event: &Event) -> Option<DataTransfer> {
    let event: &DragEvent = event.dyn_ref()?;
    let target = event.target();
    let on_field = target.is_some_and(|target| target.is_instance_of::<HtmlInputElement>());
    let data = event.data_transfer().filter(|_| !on_field)?;
    let has_files = data.types().iter().any(|kind| kind == "Files");
    has_files.then(|| {
        event.prevent_default();
        data
    })
}

/// Decodes a file and scales it down.
async fn decode(file: &Blob) -> Result<GrayImage, PictureError> {
    let window = web_sys::window().ok_or(PictureError::Canvas)?;
    let undecodable = |_| PictureError::Undecodable;
    let whole = window
        .create_image_bitmap_with_blob(file)
        .map_err(undecodable)?;
    let whole: ImageBitmap = JsFuture::from(whole)
        .await
        .map_err(undecodable)?
        .unchecked_into();
    let (width, height) = (f64::from(whole.width()), f64::from(whole.height()));
    let scale = (LONGEST / width.max(height)).min(1.0);
    let scaled = |side: f64| (side * scale).round().max(1.0) as u32;
    let (width, height) = (scaled(width), scaled(height));
    let options = ImageBitmapOptions::new();
    options.set_resize_width(width);
    options.set_resize_height(height);
    options.set_resize_quality(ResizeQuality::High);
    let small = window
        .create_image_bitmap_with_image_bitmap_and_image_bitmap_options(&whole, &options)
        .map_err(undecodable)?;
    let small: ImageBitmap = JsFuture::from(small)
        .await
        .map_err(undecodable)?
        .unchecked_into();
    whole.close();
    let gray = gray(&small, width, height);
    small.close();
    gray
}

fn gray(bitmap: &ImageBitmap, width: u32, height: u32) -> Result<GrayImage, PictureError> {
    let context = canvas(width, height).ok_or(PictureError::Canvas)?;
    let (across, down) = (f64::from(width), f64::from(height));
    // What a picture leaves transparent is paper.
    context.set_fill_style_str("#fff");
    context.fill_rect(0.0, 0.0, across, down);
    let pixels = context
        .draw_image_with_image_bitmap_and_dw_and_dh(bitmap, 0.0, 0.0, across, down)
        .and_then(|()| context.get_image_data(0.0, 0.0, across, down))
        .map_err(|_| PictureError::Canvas)?;
    let luma: Vec<u8> = pixels.data().chunks_exact(4).map(luma).collect();
    GrayImage::from_luma8(width as usize, height as usize, &luma).map_err(|_| PictureError::Canvas)
}

/// Brightness as television weighs colours (ITU-R BT.601), in integers.
fn luma(rgba: &[u8]) -> u8 {
    let weigh = |weight: u32, at: usize| weight * u32::from(rgba.get(at).copied().unwrap_or(0));
    ((weigh(77, 0) + weigh(150, 1) + weigh(29, 2) + 128) >> 8) as u8
}

fn canvas(width: u32, height: u32) -> Option<CanvasRenderingContext2d> {
    let document = web_sys::window()?.document()?;
    let canvas: HtmlCanvasElement = document.create_element("canvas").ok()?.dyn_into().ok()?;
    canvas.set_width(width);
    canvas.set_height(height);
    // Kept in memory, where it can be read, instead of on the graphics card.
    let options = js_sys::Object::new();
    js_sys::Reflect::set(&options, &"willReadFrequently".into(), &true.into()).ok()?;
    let context = canvas.get_context_with_context_options("2d", &options);
    context.ok()??.dyn_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn green_is_brighter_than_red_and_blue() {
        let luma = |red, green, blue| luma(&[red, green, blue, 255]);
        assert_eq!((luma(0, 0, 0), luma(255, 255, 255)), (0, 255));
        assert_eq!(
            (luma(255, 0, 0), luma(0, 255, 0), luma(0, 0, 255)),
            (77, 149, 29)
        );
    }
}
