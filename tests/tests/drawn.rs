//! Drawings on the pad, prepared by the page, read by the plain model.
//!
//! The strokes are those of [`tests::digits`], which know nothing of the page's own.

use client_wasm::drawing::{Drawing, Pen, Picture, Point};
use client_wasm::raster;
use shared::image::{Digit, GrayImage, ink_of_photo, prepare, split};
use tests::data::{missing, mnist_directory};
use tests::digits::{Hand, Noise, strokes};
use tests::plain::PlainModel;
use tests::{drawings, root};
use train::mnist::LabelledImages;

/// Reads prepared digits.
struct Reader(PlainModel);

impl Reader {
    fn new() -> Self {
        let file = root().join("models/mnist-fast.onnx");
        Self(PlainModel::load(&file, &[1, 28, 28]).expect("tract reads the file"))
    }

    fn read(&self, digit: &Digit) -> u8 {
        let logits = self.0.logits(digit.pixels()).expect("tract runs the model");
        let largest = (0_u8..).zip(&logits).max_by(|a, b| a.1.total_cmp(b.1));
        largest.map_or(0, |(class, _)| class)
    }

    /// What the page finds on the pad.
    fn read_pad(&self, drawing: &Drawing) -> Vec<u8> {
        let digits = raster::digits(drawing).expect("digits are drawn");
        digits.iter().map(|digit| self.read(digit)).collect()
    }
}

fn draw(drawing: &mut Drawing, digit: u8, hand: &Hand, pen: Pen) {
    for stroke in strokes(digit, hand) {
        let mut points = stroke.into_iter().map(|(x, y)| Point { x, y });
        let start = points.next().expect("a stroke has points");
        assert!(drawing.begin(1, start, pen));
        for point in points {
            drawing.extend(1, point);
        }
        assert!(drawing.end(1));
    }
}

/// Numbers of which those within `0..1` are uniform.
struct Dice(Noise);

impl Dice {
    fn new(seed: u64) -> Self {
        Self(Noise::new(seed))
    }

    fn between(&mut self, from: f64, to: f64) -> f64 {
        from + (to - from) * f64::midpoint(self.0.next_number(), 1.0)
    }

    fn digit(&mut self) -> u8 {
        (self.between(0.0, 10.0) as u8).min(9)
    }
}

/// Digits of all classes somewhere on the pad, none falls apart, and so many of 100 are read right.
#[track_caller]
fn check_hands(pen: Pen, size: f64, jitter: f64, at_least: f64) {
    const COUNT: u32 = 200;
    let (reader, mut dice) = (Reader::new(), Dice::new(size.to_bits()));
    let mut right = 0;
    for at in 0..COUNT {
        let digit = (at % 10) as u8;
        let mut place = || dice.between(size / 2.0, 1.0 - size / 2.0);
        let centre = (place(), place());
        let hand = Hand {
            centre,
            size,
            slant: dice.between(-0.1, 0.35),
            jitter,
            seed: u64::from(at),
        };
        let mut drawing = Drawing::default();
        draw(&mut drawing, digit, &hand, pen);
        let found = reader.read_pad(&drawing);
        assert_eq!(
            found.len(),
            1,
            "a {digit} by {hand:?} in {pen:?} falls apart: {found:?}"
        );
        right += u32::from(found == [digit]);
    }
    let share = f64::from(right) * 100.0 / f64::from(COUNT);
    println!("{pen:?}, size {size}: {share:.1} % right");
    assert!(
        share >= at_least,
        "{pen:?}, size {size}: {share:.1} % right"
    );
}

#[test]
fn small_digits_are_read_whatever_the_pen() {
    for pen in Pen::ALL {
        check_hands(pen, 0.15, 0.03, 97.0);
    }
}

#[test]
fn usual_digits_are_read_whatever_the_pen() {
    for pen in Pen::ALL {
        check_hands(pen, 0.5, 0.04, 97.0);
    }
}

#[test]
fn large_digits_are_read_whatever_the_pen() {
    for pen in Pen::ALL {
        check_hands(pen, 0.95, 0.03, 97.0);
    }
}

/// Rows of digits with little space between them: so many of 100 rows are read right.
#[track_caller]
fn check_rows(count: u8, pen: Pen, at_least: f64) {
    const ROWS: u32 = 60;
    let (reader, mut dice) = (Reader::new(), Dice::new(u64::from(count)));
    let mut right = 0;
    for row in 0..ROWS {
        let pitch = 1.0 / f64::from(count);
        let size = (pitch * dice.between(1.2, 1.5)).min(0.8);
        let (mut drawing, mut written) = (Drawing::default(), Vec::new());
        for place in 0..count {
            let digit = dice.digit();
            let hand = Hand {
                centre: (
                    pitch * (f64::from(place) + 0.5),
                    0.5 + dice.between(-0.05, 0.05),
                ),
                size: size * dice.between(0.9, 1.05),
                slant: dice.between(-0.05, 0.3),
                jitter: 0.02,
                seed: u64::from(row * 10) + u64::from(place),
            };
            draw(&mut drawing, digit, &hand, pen);
            written.push(digit);
        }
        right += u32::from(reader.read_pad(&drawing) == written);
    }
    let share = f64::from(right) * 100.0 / f64::from(ROWS);
    println!("{count} digits in {pen:?}: {share:.1} % right");
    assert!(
        share >= at_least,
        "{count} digits in {pen:?}: {share:.1} % right"
    );
}

#[test]
fn two_digits_are_two() {
    for pen in Pen::ALL {
        check_rows(2, pen, 98.0);
    }
}

#[test]
fn a_postcode_is_read_from_left_to_right() {
    check_rows(5, Pen::Thin, 97.0);
    check_rows(5, Pen::Medium, 95.0);
}

#[test]
fn six_digits_fit_with_a_thin_pen() {
    check_rows(6, Pen::Thin, 97.0);
}

#[test]
fn typed_digits_are_read_as_what_they_are() {
    let reader = Reader::new();
    for digit in 0..10 {
        let mut drawing = Drawing::default();
        drawing.type_digit(digit);
        assert_eq!(reader.read_pad(&drawing), [digit]);
    }
}

#[test]
fn typed_rows_are_read_up_to_the_eighth_digit() {
    let reader = Reader::new();
    for start in 0..10 {
        let (mut drawing, mut row) = (Drawing::default(), Vec::new());
        for step in 0..raster::MOST_DIGITS as u8 {
            let digit = (start + 3 * step) % 10;
            drawing.type_more(digit);
            row.push(digit);
            assert_eq!(reader.read_pad(&drawing), row);
        }
    }
}

#[test]
fn a_digit_typed_after_a_drawn_one_stands_beside_it() {
    let (reader, mut drawing) = (Reader::new(), Drawing::default());
    let hand = Hand {
        centre: (0.3, 0.4),
        size: 0.4,
        ..Hand::default()
    };
    draw(&mut drawing, 4, &hand, Pen::Medium);
    drawing.type_more(2);
    drawing.type_more(7);
    assert_eq!(reader.read_pad(&drawing), [4, 2, 7]);
}

#[test]
fn a_picture_of_several_digits_is_several() {
    let (reader, hand) = (Reader::new(), Hand::default());
    let halves = [4, 2].map(|digit| drawings::draw(digit, &hand));
    let side = drawings::SIDE;
    let rows = halves[0].chunks(side).zip(halves[1].chunks(side));
    let luma: Vec<u8> = rows
        .flat_map(|(left, right)| [left, right].concat())
        .collect();
    let image = GrayImage::from_luma8(2 * side, side, &luma).expect("two images side by side");
    let ink = ink_of_photo(&image).expect("there is ink");
    let mut drawing = Drawing::default();
    drawing.put_picture(Picture::centred(ink));
    assert_eq!(reader.read_pad(&drawing), [4, 2]);
}

/// The test images as they are, with their labels.
fn mnist() -> Option<Vec<(Digit, u8)>> {
    let directory = mnist_directory(&root())?;
    let LabelledImages { images, labels } = LabelledImages::load_test(&directory).ok()?;
    let images = images.iter().map(Digit::from_mnist);
    Some(images.zip(labels).collect())
}

#[test]
fn hardly_any_test_image_falls_apart() {
    let Some(images) = mnist() else {
        println!("{}", missing());
        return;
    };
    let pieces = |digit: &Digit| split(&digit.clone().into()).map_or(0, |pieces| pieces.len());
    let apart = images
        .iter()
        .filter(|(digit, _)| pieces(digit) != 1)
        .count();
    println!("{apart} of {} fall apart", images.len());
    assert!(apart * 500 <= images.len(), "{apart} of {}", images.len());
}

#[test]
fn photographs_in_uneven_light_are_read() {
    let Some(images) = mnist() else {
        println!("{}", missing());
        return;
    };
    const COUNT: usize = 200;
    let (reader, mut dice) = (Reader::new(), Dice::new(5));
    let mut right = 0;
    for (at, (digit, label)) in images.iter().take(COUNT).enumerate() {
        let photo = photograph(digit, at % 2 == 0, &mut dice);
        let Ok(ink) = ink_of_photo(&photo) else {
            continue;
        };
        let mut drawing = Drawing::default();
        drawing.put_picture(Picture::centred(ink));
        let read = raster::digits(&drawing).unwrap_or_default();
        let read: Vec<u8> = read.iter().map(|digit| reader.read(digit)).collect();
        right += usize::from(read == [*label]);
    }
    println!("{right} of {COUNT} photographs are read right");
    assert!(right * 100 >= COUNT * 95, "{right} of {COUNT}");
    let plain = images.iter().take(COUNT);
    let plain = plain.filter(|(digit, label)| {
        prepare(&digit.clone().into()).is_ok_and(|digit| reader.read(&digit) == *label)
    });
    println!("{} of the images themselves", plain.count());
}

/// A digit on a large sheet, in light that comes from one side, with a camera's noise.
fn photograph(digit: &Digit, dark_on_light: bool, dice: &mut Dice) -> GrayImage {
    const WIDTH: usize = 320;
    const HEIGHT: usize = 240;
    let scale = dice.between(3.0, 7.0);
    let mut corner = |side: usize| dice.between(8.0, side as f64 - 28.0 * scale - 8.0);
    let (left, top) = (corner(WIDTH), corner(HEIGHT));
    let (across, down) = (dice.between(-0.2, 0.2), dice.between(-0.2, 0.2));
    let ink = |x: f64, y: f64| {
        let inside = (0.0..28.0).contains(&x) && (0.0..28.0).contains(&y);
        let at = y.max(0.0) as usize * 28 + x.max(0.0) as usize;
        if inside {
            f64::from(digit.pixels()[at])
        } else {
            0.0
        }
    };
    let mut pixel = |at: usize| {
        let (x, y) = ((at % WIDTH) as f64, (at / WIDTH) as f64);
        let ink = ink((x - left) / scale, (y - top) / scale);
        let reflected = if dark_on_light {
            0.85 - 0.6 * ink
        } else {
            0.15 + 0.6 * ink
        };
        let slope = |share: f64, at: f64, side: usize| share * (2.0 * at / side as f64 - 1.0);
        let light = 0.6 + slope(across, x, WIDTH) + slope(down, y, HEIGHT);
        (light * reflected + dice.between(-0.02, 0.02)).clamp(0.0, 1.0) as f32
    };
    let pixels = (0..WIDTH * HEIGHT).map(&mut pixel).collect();
    GrayImage::new(WIDTH, HEIGHT, pixels).expect("every pixel is within the range")
}
