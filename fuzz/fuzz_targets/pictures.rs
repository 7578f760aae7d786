//! Image files of the command line: PNG, JPEG and IDX, packed with gzip or not.
#![no_main]

use std::io::{Cursor, Write};
use std::panic::Location;

use client::pictures::{Pictures, labels, read, unpack};
use flate2::Compression;
use flate2::write::GzEncoder;
use image::{DynamicImage, ImageFormat, ImageReader};
use libfuzzer_sys::fuzz_target;
use shared::image::MAX_PIXELS;

/// Longest content of a packed file here.
const LIMIT: u64 = 1 << 16;

/// Most pixels of a picture here, unless there are so many that it has to be refused: a short file may
/// claim many, and then is slow.
const MOST_PIXELS: u64 = 1 << 20;

/// Images taken of an array.
const MOST: usize = 2;

fuzz_target!(
    init: {
        forgive_the_decoder();
        fuzz::seeds(seeds);
    },
    |file: &[u8]| run(file)
);

/// zune-jpeg panics over some damaged files, which `client::pictures` catches; every other panic is a
/// finding.
fn forgive_the_decoder() {
    let report = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        let place = panic.location().map(Location::file);
        if !place.is_some_and(|file| file.contains("/zune-jpeg-")) {
            report(panic);
        }
    }));
}

fn run(file: &[u8]) {
    let Ok(bytes) = unpack(file, LIMIT) else {
        return;
    };
    if (MOST_PIXELS..=MAX_PIXELS as u64).contains(&claimed_pixels(&bytes)) {
        return;
    }
    if let Ok(Pictures { digits, count }) = read(&bytes, MOST) {
        assert_eq!(digits.len(), count.min(MOST));
        let mut pixels = digits.iter().flat_map(|digit| digit.pixels());
        assert!(pixels.all(|pixel| (0.0..=1.0).contains(pixel)));
    }
    let _ = labels(&bytes);
}

fn claimed_pixels(bytes: &[u8]) -> u64 {
    let reader = ImageReader::new(Cursor::new(bytes)).with_guessed_format();
    let sizes = reader.ok().and_then(|reader| reader.into_dimensions().ok());
    sizes.map_or(0, |(width, height)| u64::from(width) * u64::from(height))
}

fn seeds() -> Vec<Vec<u8>> {
    let ink = |x: u32, y: u32| {
        if (4..7).contains(&x) && (2..14).contains(&y) {
            0
        } else {
            255
        }
    };
    let gray = image::GrayImage::from_fn(16, 16, |x, y| image::Luma([ink(x, y)]));
    let alpha = image::RgbaImage::from_fn(16, 16, |x, y| image::Rgba([0, 0, 0, 255 - ink(x, y)]));
    let deep = DynamicImage::from(gray.clone()).into_rgb16();
    let write = |image: DynamicImage, format| {
        let mut bytes = Cursor::new(Vec::new());
        image.write_to(&mut bytes, format).expect("can be written");
        bytes.into_inner()
    };
    let array = |dims: &[u32], data: &[u8]| {
        let sizes = dims.iter().flat_map(|size| size.to_be_bytes());
        let header = [0, 0, 8, dims.len() as u8].into_iter().chain(sizes);
        header.chain(data.iter().copied()).collect::<Vec<u8>>()
    };
    let images = array(&[1, 28, 28], &[9; 784]);
    let mut packed = GzEncoder::new(Vec::new(), Compression::best());
    packed.write_all(&images).expect("memory");
    vec![
        write(gray.clone().into(), ImageFormat::Png),
        write(alpha.into(), ImageFormat::Png),
        write(deep.into(), ImageFormat::Png),
        write(gray.clone().into(), ImageFormat::Jpeg),
        write(
            DynamicImage::from(gray).into_rgb8().into(),
            ImageFormat::Jpeg,
        ),
        packed.finish().expect("memory"),
        array(&[3], &[1, 2, 3]),
        images,
    ]
}
