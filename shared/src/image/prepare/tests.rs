//! Drawings of all kinds through [`prepare`].

use super::*;

/// A pen of the given radius drawn along a path, edges softened over one pixel.
fn pen(width: usize, height: usize, path: &[(f32, f32)], radius: f32) -> GrayImage {
    let distance = |x: f32, y: f32| {
        let to_segment = |pair: &[(f32, f32)]| {
            let ((ax, ay), (bx, by)) = (pair[0], pair[1]);
            let (dx, dy) = (bx - ax, by - ay);
            let along = ((x - ax) * dx + (y - ay) * dy) / (dx * dx + dy * dy);
            let along = along.clamp(0.0, 1.0);
            (x - ax - along * dx).hypot(y - ay - along * dy)
        };
        path.windows(2)
            .map(to_segment)
            .fold(f32::INFINITY, f32::min)
    };
    let ink = |at: usize| {
        let (x, y) = ((at % width) as f32 + 0.5, (at / width) as f32 + 0.5);
        (radius + 0.5 - distance(x, y)).clamp(0.0, 1.0)
    };
    GrayImage::new(width, height, (0..width * height).map(ink).collect()).unwrap()
}

/// A seven in a unit square, scaled and moved.
fn seven(scale: f32, left: f32, top: f32) -> Vec<(f32, f32)> {
    let points = [(0.0, 0.0), (0.7, 0.0), (0.65, 0.2), (0.25, 1.0)];
    points
        .iter()
        .map(|&(x, y)| (left + scale * x, top + scale * y))
        .collect()
}

fn centre_of_mass(digit: &Digit) -> (f32, f32) {
    let mass: f32 = digit.pixels().iter().sum();
    let along = |coordinate: fn(usize) -> usize| {
        let terms = digit.pixels().iter().enumerate();
        terms
            .map(|(at, pixel)| coordinate(at) as f32 * pixel)
            .sum::<f32>()
            / mass
    };
    (along(|at| at % SIDE), along(|at| at / SIDE))
}

/// Width and height of the box of everything that is not exactly paper.
fn box_of(digit: &Digit) -> (usize, usize) {
    let image = GrayImage::from(digit.clone());
    let bounds = Bounds::of(&image, 0.0).unwrap();
    (bounds.width, bounds.height)
}

fn mean_difference(left: &Digit, right: &Digit) -> f32 {
    let pairs = left.pixels().iter().zip(right.pixels());
    pairs.map(|(a, b)| (a - b).abs()).sum::<f32>() / PIXELS as f32
}

/// What every prepared digit has: 20 pixels at its longer side, its mass in the centre.
#[track_caller]
fn check_form(image: &GrayImage) -> Digit {
    let digit = prepare(image).unwrap();
    let (width, height) = box_of(&digit);
    assert_eq!(width.max(height), BOX, "box {width}×{height}");
    let (x, y) = centre_of_mass(&digit);
    let near = |value: f32| (value - CENTRE).abs() <= 0.5001;
    assert!(near(x) && near(y), "centre of mass at {x}, {y}");
    assert!(
        digit
            .pixels()
            .iter()
            .all(|pixel| (0.0..=1.0).contains(pixel))
    );
    digit
}

#[track_caller]
fn check_same_as_reference(image: &GrayImage, tolerance: f32) {
    let reference = prepare(&pen(280, 280, &seven(180.0, 60.0, 50.0), 10.0)).unwrap();
    let difference = mean_difference(&check_form(image), &reference);
    assert!(
        difference <= tolerance,
        "mean absolute difference {difference}"
    );
}

#[test]
fn moving_the_drawing_changes_nothing() {
    for (left, top) in [(12.0, 11.0), (61.0, 50.0), (120.0, 88.0), (12.0, 88.0)] {
        check_same_as_reference(&pen(280, 280, &seven(180.0, left, top), 10.0), 0.0);
    }
}

#[test]
fn the_canvas_size_changes_nothing() {
    check_same_as_reference(&pen(320, 500, &seven(180.0, 20.0, 30.0), 10.0), 0.0);
}

#[test]
fn the_size_of_the_drawing_hardly_matters() {
    check_same_as_reference(&pen(140, 140, &seven(90.0, 30.0, 20.0), 5.0), 0.01);
    check_same_as_reference(&pen(2000, 1500, &seven(1260.0, 600.0, 100.0), 70.0), 0.01);
    check_same_as_reference(&pen(280, 280, &seven(36.0, 7.0, 200.0), 2.0), 0.02);
}

#[test]
fn faint_ink_on_grey_paper_is_stretched() {
    let drawing = pen(280, 280, &seven(180.0, 60.0, 50.0), 10.0);
    let pixels = drawing
        .pixels()
        .iter()
        .map(|pixel| 0.3 + 0.4 * pixel)
        .collect();
    check_same_as_reference(&GrayImage::new(280, 280, pixels).unwrap(), 1e-6);
}

#[test]
fn a_few_specks_below_the_threshold_do_not_widen_the_box() {
    let drawing = pen(280, 280, &seven(180.0, 60.0, 50.0), 10.0);
    let mut pixels = drawing.pixels().to_vec();
    for speck in [3 * 280 + 3, 270 * 280 + 270] {
        pixels[speck] = 0.08;
    }
    check_same_as_reference(&GrayImage::new(280, 280, pixels).unwrap(), 0.0);
}

#[test]
fn thick_thin_wide_and_touching_drawings_keep_the_form() {
    check_form(&pen(280, 280, &seven(180.0, 60.0, 50.0), 40.0));
    check_form(&pen(280, 280, &seven(180.0, 60.0, 50.0), 1.0));
    check_form(&pen(280, 280, &[(20.0, 140.0), (260.0, 140.0)], 10.0));
    check_form(&pen(280, 280, &[(140.0, 0.0), (140.0, 280.0)], 10.0));
    check_form(&pen(3, 3, &[(1.4, 1.5), (1.6, 1.5)], 0.3));
}

#[test]
fn a_drawing_in_the_right_form_is_nearly_reproduced() {
    let digit = prepare(&pen(280, 280, &seven(180.0, 60.0, 50.0), 10.0)).unwrap();
    let again = prepare(&digit.clone().into()).unwrap();
    let difference = mean_difference(&digit, &again);
    assert!(difference < 0.005, "mean absolute difference {difference}");
}

#[test]
fn area_averaging_keeps_ink_and_aspect() {
    // A solid 40×20 bar becomes 20×10, all ink.
    let bar = |at: usize| {
        f32::from(u8::from(
            (10..50).contains(&(at % 60)) && (5..25).contains(&(at / 60)),
        ))
    };
    let image = GrayImage::new(60, 30, (0..1800).map(bar).collect()).unwrap();
    let digit = check_form(&image);
    assert_eq!(box_of(&digit), (20, 10));
    assert_eq!(
        digit
            .pixels()
            .iter()
            .filter(|&&pixel| (pixel - 1.0).abs() < 1e-6)
            .count(),
        200
    );
}

#[test]
fn lopsided_ink_is_not_cut_off() {
    // Nearly all mass at one end: centring it would push the other end out.
    let ink = |at: usize| {
        let (x, y) = (at % 100, at / 100);
        let (blob, whisker) = (x < 30 && y < 30, y == 15);
        f32::from(u8::from(blob || whisker))
    };
    let pixels = (0..100 * 100).map(ink).collect();
    let digit = prepare(&GrayImage::new(100, 100, pixels).unwrap()).unwrap();
    assert_eq!(box_of(&digit).0, BOX);
}

#[test]
fn paper_without_ink_is_refused_in_words() {
    for level in [0.0, 0.5, 1.0] {
        let blank = GrayImage::new(28, 28, vec![level; PIXELS]).unwrap();
        assert_eq!(prepare(&blank), Err(ImageError::Empty));
    }
    let mut faint = vec![0.0; PIXELS];
    faint[400] = 0.05;
    assert_eq!(
        prepare(&GrayImage::new(28, 28, faint).unwrap()),
        Err(ImageError::Empty)
    );
    let words = "the drawing is empty: no ink stands out from the paper; draw a digit first";
    assert_eq!(ImageError::Empty.to_string(), words);
}
