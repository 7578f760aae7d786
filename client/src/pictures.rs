//! Images as files hold them: photographs and drawings, or MNIST's own arrays.
//!
//! Knows bytes; knows no path.
//!
//! **Invariant:** what comes out is in MNIST's form: a PNG or JPEG went through
//! [`shared::image::prepare`], an IDX image is unchanged. What a file claims of its size is checked
//! against a limit before memory is taken for it. A decoder that panics over a damaged file is an
//! error like any other.

use std::borrow::Cow;
use std::io::{self, Cursor, Read};
use std::panic::catch_unwind;

use flate2::read::MultiGzDecoder;
use image::{DynamicImage, ImageDecoder, ImageFormat, ImageReader, Limits, Rgba};
use shared::idx::{self, IdxError};
use shared::image::{Digit, GrayImage, ImageError, MAX_PIXELS, PIXELS, SIDE, prepare};
use thiserror::Error;

const WHITE: f32 = 255.0;

/// Why a file holds no images.
#[derive(Debug, Error)]
pub enum PictureError {
    /// It holds nothing.
    #[error("is empty; a PNG, JPEG or IDX file is needed")]
    Empty,
    /// It is something else.
    #[error("is neither a PNG nor a JPEG nor an IDX file")]
    Format,
    /// What was packed can't be unpacked.
    #[error("can't be unpacked")]
    Packed(#[source] io::Error),
    /// It is too long, once unpacked.
    #[error("holds more than the {limit} bytes that are read at most")]
    TooLong {
        /// Most bytes that are read.
        limit: u64,
    },
    /// It is no array.
    #[error("a damaged IDX file")]
    Idx(#[source] IdxError),
    /// It is an array of something else.
    #[error(
        "holds an array of {dims:?}; images are one of [count, {SIDE}, {SIDE}]{}",
        if dims.len() == 1 { ", so these are labels" } else { "" }
    )]
    Shape {
        /// The array's sizes.
        dims: Vec<usize>,
    },
    /// It is no labels.
    #[error("no IDX file of labels")]
    NoLabels(#[source] IdxError),
    /// It is an array of something else than labels.
    #[error("holds an array of {dims:?}; labels are one number for each image")]
    LabelShape {
        /// The array's sizes.
        dims: Vec<usize>,
    },
    /// It is no image.
    #[error("a damaged image")]
    Decode(#[source] image::ImageError),
    /// It is so damaged that its decoder panicked.
    #[error("a damaged image: its decoder gave up")]
    Decoder,
    /// It shows nothing, or too much.
    #[error(transparent)]
    Drawing(#[from] ImageError),
}

/// What a file of images holds.
#[derive(Clone, Debug, PartialEq)]
pub struct Pictures {
    /// The first images.
    pub digits: Vec<Digit>,
    /// Images in the file.
    pub count: usize,
}

/// Reads the images that a file's bytes stand for, of an array the first `most`.
///
/// # Errors
/// If the bytes are of another format, are damaged or show nothing.
pub fn read(bytes: &[u8], most: usize) -> Result<Pictures, PictureError> {
    match *bytes {
        [0x89, b'P', b'N', b'G', ..] => photograph(bytes, ImageFormat::Png),
        [0xff, 0xd8, 0xff, ..] => photograph(bytes, ImageFormat::Jpeg),
        [0, 0, ..] => array(bytes, most),
        [] => Err(PictureError::Empty),
        _ => Err(PictureError::Format),
    }
}

/// Reads the labels that a file's bytes stand for.
///
/// # Errors
/// If they are anything else.
pub fn labels(bytes: &[u8]) -> Result<Vec<usize>, PictureError> {
    let array = idx::parse(bytes).map_err(PictureError::NoLabels)?;
    match array.dims.as_slice() {
        [_] => Ok(array.data.iter().copied().map(usize::from).collect()),
        _ => Err(PictureError::LabelShape { dims: array.dims }),
    }
}

/// What a file holds that may be packed with gzip, if it is no longer than `limit` bytes.
///
/// # Errors
/// If it can't be unpacked or is longer.
pub fn unpack(bytes: &[u8], limit: u64) -> Result<Cow<'_, [u8]>, PictureError> {
    if !bytes.starts_with(&[0x1f, 0x8b]) {
        return Ok(Cow::Borrowed(bytes));
    }
    let mut unpacked = Vec::new();
    MultiGzDecoder::new(bytes)
        .take(limit + 1)
        .read_to_end(&mut unpacked)
        .map_err(PictureError::Packed)?;
    if unpacked.len() as u64 > limit {
        return Err(PictureError::TooLong { limit });
    }
    Ok(Cow::Owned(unpacked))
}

fn array(bytes: &[u8], most: usize) -> Result<Pictures, PictureError> {
    let array = idx::parse(bytes).map_err(PictureError::Idx)?;
    match (array.dims.as_slice(), array.data.as_chunks::<PIXELS>()) {
        (&[count, SIDE, SIDE], (images, [])) => Ok(Pictures {
            digits: images.iter().take(most).map(Digit::from_mnist).collect(),
            count,
        }),
        _ => Err(PictureError::Shape { dims: array.dims }),
    }
}

fn photograph(bytes: &[u8], format: ImageFormat) -> Result<Pictures, PictureError> {
    // zune-jpeg 0.5.15 does that; it shares nothing with what goes on.
    let image = catch_unwind(|| decode(bytes, format)).unwrap_or(Err(PictureError::Decoder))?;
    let gray = gray(image)?;
    let gray = if gray.is_dark_on_light() {
        gray.inverted()
    } else {
        gray
    };
    Ok(Pictures {
        digits: vec![prepare(&gray)?],
        count: 1,
    })
}

/// Decodes, upright as the camera was held.
fn decode(bytes: &[u8], format: ImageFormat) -> Result<DynamicImage, PictureError> {
    let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
    let mut limits = Limits::default();
    // For what the decoder itself takes; the image is made by us.
    limits.max_alloc = Some(MAX_PIXELS as u64 * 9);
    reader.limits(limits);
    let mut decoder = reader.into_decoder().map_err(PictureError::Decode)?;
    let (width, height) = decoder.dimensions();
    let (width, height) = (width as usize, height as usize);
    if width.saturating_mul(height) > MAX_PIXELS {
        return Err(ImageError::TooLarge { width, height }.into());
    }
    let orientation = decoder.orientation().map_err(PictureError::Decode)?;
    let mut image = DynamicImage::from_decoder(decoder).map_err(PictureError::Decode)?;
    image.apply_orientation(orientation);
    Ok(image)
}

/// Brightness, transparent parts on white paper.
fn gray(image: DynamicImage) -> Result<GrayImage, ImageError> {
    let (width, height) = (image.width() as usize, image.height() as usize);
    if !image.color().has_alpha() {
        return GrayImage::from_luma8(width, height, &image.into_luma8());
    }
    let opaque = |&Rgba([red, green, blue, alpha]): &Rgba<u8>| {
        let [red, green, blue, alpha] = [red, green, blue, alpha].map(f32::from);
        let luma = 0.2126 * red + 0.7152 * green + 0.0722 * blue;
        ((WHITE + (luma - WHITE) * (alpha / WHITE)) / WHITE).clamp(0.0, 1.0)
    };
    GrayImage::new(
        width,
        height,
        image.into_rgba8().pixels().map(opaque).collect(),
    )
}
