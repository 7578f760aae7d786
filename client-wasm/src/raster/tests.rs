//! Drawings as the model gets them.

use shared::image::PIXELS;

use super::*;
use crate::drawing::Pen;

/// Draws straight lines between these points, as densely as a hand does.
fn draw(drawing: &mut Drawing, corners: &[(f64, f64)], pen: Pen) {
    let (x, y) = corners[0];
    assert!(drawing.begin(1, Point { x, y }, pen));
    for pair in corners.windows(2) {
        let ((from_x, from_y), (to_x, to_y)) = (pair[0], pair[1]);
        for step in 1..=20 {
            let share = f64::from(step) / 20.0;
            let x = from_x + share * (to_x - from_x);
            let y = from_y + share * (to_y - from_y);
            drawing.extend(1, Point { x, y });
        }
    }
    assert!(drawing.end(1));
}

/// One stroke through these points.
fn stroke(points: &[(f64, f64)], pen: Pen) -> Drawing {
    let mut drawing = Drawing::default();
    draw(&mut drawing, points, pen);
    drawing
}

/// An L: a tall line down the left and a short one along the bottom.
fn ell(left: f64, top: f64, size: f64, pen: Pen) -> Drawing {
    let (right, bottom) = (left + size / 2.0, top + size);
    stroke(&[(left, top), (left, bottom), (right, bottom)], pen)
}

#[track_caller]
fn one(drawing: &Drawing) -> Digit {
    let digits = digits(drawing).unwrap();
    assert_eq!(digits.len(), 1);
    digits[0].clone()
}

fn mean_difference(one: &Digit, other: &Digit) -> f32 {
    let pairs = one.pixels().iter().zip(other.pixels());
    pairs.map(|(a, b)| (a - b).abs()).sum::<f32>() / PIXELS as f32
}

fn picture(ink: impl Fn(usize, usize) -> f32) -> Picture {
    let pixels = (0..100 * 100).map(|at| ink(at % 100, at / 100));
    Picture::centred(GrayImage::new(100, 100, pixels.collect()).unwrap())
}

#[test]
fn a_drawing_becomes_a_digit() {
    let digit = one(&ell(0.3, 0.2, 0.6, Pen::Medium));
    let ink = |column: usize, row: usize| digit.pixels()[row * SIDE + column];
    let total: f32 = digit.pixels().iter().sum();
    assert!((40.0..120.0).contains(&total), "{total}");
    for edge in 0..SIDE {
        let margin = ink(edge, 0) + ink(0, edge) + ink(edge, SIDE - 1) + ink(SIDE - 1, edge);
        assert_eq!(margin, 0.0, "the margin at {edge} is not empty");
    }
    // Up and down are as drawn: the short line is at the bottom.
    let row = |row: usize| (0..SIDE).map(|column| ink(column, row)).sum::<f32>();
    let heaviest = (0..SIDE).max_by(|&a, &b| row(a).total_cmp(&row(b)));
    assert!(heaviest > Some(SIDE / 2), "{heaviest:?}");
}

#[track_caller]
fn check_same(drawing: &Drawing) {
    let reference = one(&ell(0.3, 0.2, 0.6, Pen::Medium));
    let difference = mean_difference(&one(drawing), &reference);
    assert!(difference < 0.01, "mean difference {difference}");
}

#[test]
fn place_size_and_pen_do_not_matter() {
    check_same(&ell(0.05, 0.05, 0.6, Pen::Medium));
    check_same(&ell(0.4, 0.3, 0.6, Pen::Medium));
    check_same(&ell(0.5, 0.6, 0.15, Pen::Medium));
    check_same(&ell(0.1, 0.05, 0.9, Pen::Medium));
    check_same(&ell(0.3, 0.2, 0.6, Pen::Thin));
    check_same(&ell(0.3, 0.2, 0.6, Pen::Thick));
}

#[track_caller]
fn check_refused(drawing: &Drawing, expected: &RasterError) {
    assert_eq!(digits(drawing).as_ref(), Err(expected));
}

#[test]
fn an_empty_pad_is_no_digit() {
    check_refused(&Drawing::default(), &RasterError::Empty);
    let mut cleared = ell(0.1, 0.1, 0.5, Pen::Thin);
    cleared.clear();
    check_refused(&cleared, &RasterError::Empty);
}

#[test]
fn specks_are_no_digit() {
    check_refused(&stroke(&[(0.5, 0.5)], Pen::Thick), &RasterError::TooLittle);
    let shaky = [(0.5, 0.5), (0.51, 0.505), (0.52, 0.5)];
    check_refused(&stroke(&shaky, Pen::Thin), &RasterError::TooLittle);
    let mut taps = Drawing::default();
    for place in [0.1, 0.5, 0.9] {
        draw(&mut taps, &[(place, place)], Pen::Medium);
    }
    check_refused(&taps, &RasterError::TooLittle);
}

/// Upright lines in a row.
fn ones(count: usize) -> Drawing {
    let mut drawing = Drawing::default();
    for place in 0..count {
        let x = (place as f64 + 0.5) / count as f64;
        draw(&mut drawing, &[(x, 0.4), (x, 0.6)], Pen::Thin);
    }
    drawing
}

#[test]
fn eight_digits_are_read_together_and_no_more() {
    assert_eq!(digits(&ones(MOST_DIGITS)).unwrap().len(), MOST_DIGITS);
    check_refused(&ones(9), &RasterError::TooMany { found: 9 });
    check_refused(&ones(12), &RasterError::TooMany { found: 12 });
    let words = "12 digits are on the pad; at most 8 are read together";
    assert_eq!(RasterError::TooMany { found: 12 }.to_string(), words);
}

#[test]
fn digits_come_from_left_to_right_in_whatever_order_they_are_drawn() {
    let (left, right) = (ell(0.1, 0.2, 0.4, Pen::Thin), [(0.8, 0.2), (0.8, 0.6)]);
    let mut drawing = stroke(&right, Pen::Thin);
    draw(
        &mut drawing,
        &[(0.1, 0.2), (0.1, 0.6), (0.3, 0.6)],
        Pen::Thin,
    );
    let digits = digits(&drawing).unwrap();
    assert_eq!(digits, [one(&left), one(&stroke(&right, Pen::Thin))]);
}

#[test]
fn a_dot_beside_a_digit_is_not_sent() {
    let mut drawing = ell(0.2, 0.2, 0.6, Pen::Medium);
    draw(&mut drawing, &[(0.9, 0.8)], Pen::Thick);
    assert_eq!(one(&drawing), one(&ell(0.2, 0.2, 0.6, Pen::Medium)));
}

#[test]
fn two_strokes_that_nearly_meet_are_one_digit() {
    // A 5 whose bar was drawn a little too far up.
    let body = [
        (0.35, 0.3),
        (0.35, 0.5),
        (0.6, 0.55),
        (0.6, 0.75),
        (0.35, 0.8),
    ];
    let mut drawing = stroke(&body, Pen::Thin);
    draw(&mut drawing, &[(0.38, 0.22), (0.68, 0.2)], Pen::Thin);
    one(&drawing);
}

#[test]
fn a_picture_is_prepared_like_a_drawing() {
    let mut drawing = Drawing::default();
    drawing.put_picture(picture(|x, y| {
        f32::from(u8::from(x < 14 || y >= 86 && x < 57))
    }));
    check_same_shape(&drawing);
    // A stroke on a picture belongs to what is there.
    draw(&mut drawing, &[(0.15, 0.2), (0.15, 0.8)], Pen::Thin);
    check_same_shape(&drawing);
}

#[track_caller]
fn check_same_shape(drawing: &Drawing) {
    let difference = mean_difference(&one(drawing), &one(&ell(0.3, 0.2, 0.6, Pen::Medium)));
    assert!(difference < 0.03, "mean difference {difference}");
}

#[test]
fn a_long_scribble_ends_in_time() {
    let point = |at: u32| {
        let angle = f64::from(at) * 0.7;
        let reach = 0.1 + 0.35 * f64::from(at % 97) / 97.0;
        (0.5 + reach * angle.cos(), 0.5 + reach * angle.sin())
    };
    let points: Vec<_> = (0..3_000).map(point).collect();
    let digit = one(&stroke(&points, Pen::Thick));
    assert!(
        digit
            .pixels()
            .iter()
            .all(|pixel| (0.0..=1.0).contains(pixel))
    );
}
