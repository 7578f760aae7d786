//! Drawing, undoing and typing.

use shared::image::GrayImage;

use super::*;

fn at(x: f64, y: f64) -> Point {
    Point { x, y }
}

/// Draws a line and lifts the pen.
fn line(drawing: &mut Drawing, pointer: i32, from: Point, to: Point) {
    assert!(drawing.begin(pointer, from, Pen::Medium));
    assert!(drawing.extend(pointer, to));
    assert!(drawing.end(pointer));
}

fn stroke(drawing: &Drawing) -> &Stroke {
    match drawing.marks() {
        [Mark::Stroke(stroke)] => stroke,
        other => panic!("not one stroke: {other:?}"),
    }
}

fn picture() -> Picture {
    let ink = GrayImage::new(2, 4, vec![1.0; 8]).unwrap();
    Picture::centred(ink)
}

/// What the ink covers, as long as there is some.
fn area(drawing: &Drawing) -> Area {
    ink_area(drawing.marks()).expect("there is ink")
}

#[test]
fn a_second_finger_does_not_draw() {
    let mut drawing = Drawing::default();
    assert!(drawing.begin(1, at(0.1, 0.1), Pen::Medium));
    assert!(!drawing.begin(2, at(0.9, 0.9), Pen::Medium));
    assert!(!drawing.extend(2, at(0.8, 0.8)));
    assert!(drawing.extend(1, at(0.2, 0.2)));
    assert!(!drawing.end(2));
    assert!(drawing.is_drawing());
    assert!(drawing.end(1));
    assert!(!drawing.extend(1, at(0.3, 0.3)));
    assert_eq!(drawing.marks().len(), 1);
}

#[test]
fn a_lost_pointer_frees_the_pad() {
    let mut drawing = Drawing::default();
    assert!(drawing.begin(1, at(0.1, 0.1), Pen::Medium));
    assert!(drawing.end(1));
    assert!(drawing.begin(2, at(0.9, 0.9), Pen::Medium));
    assert!(!drawing.end(1), "told twice");
    assert!(drawing.extend(2, at(0.8, 0.8)));
    assert_eq!(drawing.marks().len(), 2);
}

#[test]
fn points_without_a_place_or_news_are_skipped() {
    let mut drawing = Drawing::default();
    assert!(!drawing.begin(1, at(f64::NAN, 0.0), Pen::Medium));
    assert!(!drawing.can_undo(), "nothing happened");
    assert!(drawing.begin(1, at(0.5, 0.5), Pen::Medium));
    assert!(!drawing.extend(1, at(0.5005, 0.5)));
    assert!(!drawing.extend(1, at(0.5, f64::INFINITY)));
    assert!(stroke(&drawing).is_dot());
}

#[test]
fn a_line_beyond_the_edge_runs_along_it() {
    let mut drawing = Drawing::default();
    line(&mut drawing, 1, at(0.5, 0.5), at(-0.3, 0.7));
    let points: Vec<Point> = stroke(&drawing).points().collect();
    assert_eq!(points, [at(0.5, 0.5), at(0.0, 0.7)]);
}

#[test]
fn curves_meet_in_the_middle_and_end_at_the_last_point() {
    let mut drawing = Drawing::default();
    drawing.begin(1, at(0.0, 0.0), Pen::Thin);
    for to in [at(0.2, 0.0), at(0.4, 0.2), at(0.4, 0.6)] {
        drawing.extend(1, to);
    }
    let ends: Vec<_> = stroke(&drawing).curves().map(|curve| curve.end).collect();
    let wanted = [at(0.3, 0.1), at(0.4, 0.4), at(0.4, 0.6)];
    assert_eq!(ends.len(), wanted.len());
    for (end, wanted) in ends.iter().zip(wanted) {
        assert!(end.distance(wanted) < 1e-12, "{ends:?}");
    }
}

#[test]
fn each_stroke_keeps_its_pen() {
    let mut drawing = Drawing::default();
    for pen in Pen::ALL {
        assert!(drawing.begin(1, at(0.5, 0.5), pen));
        assert!(drawing.end(1));
    }
    let widths = drawing.marks().iter().map(|mark| 2.0 * mark.reach());
    let pens: Vec<f64> = Pen::ALL.iter().map(|pen| pen.width()).collect();
    assert_eq!(widths.collect::<Vec<_>>(), pens);
    assert!(pens.is_sorted_by(|thin, thick| thin < thick));
}

/// One change of a drawing.
type Step = fn(&mut Drawing);

/// Whatever is done to a drawing, undoing goes back through all of it.
#[track_caller]
fn check_undo(steps: &[Step]) {
    let mut drawing = Drawing::default();
    let mut seen = Vec::new();
    for step in steps {
        seen.push(drawing.marks().to_vec());
        step(&mut drawing);
    }
    for before in seen.iter().rev() {
        assert!(drawing.can_undo());
        assert!(drawing.undo());
        assert_eq!(drawing.marks(), before);
        assert!(!drawing.is_drawing());
    }
    assert!(!drawing.can_undo());
    assert!(!drawing.undo());
}

#[test]
fn everything_can_be_undone() {
    const LINE: Step = |drawing| line(drawing, 1, at(0.1, 0.1), at(0.5, 0.5));
    const CLEAR: Step = |drawing| assert!(drawing.clear());
    const PICTURE: Step = |drawing| drawing.put_picture(picture());
    const TYPE: Step = |drawing| drawing.type_digit(4);
    const MORE: Step = |drawing| drawing.type_more(2);
    const HALF: Step = |drawing| {
        drawing.begin(1, at(0.2, 0.2), Pen::Thin);
        drawing.extend(1, at(0.3, 0.9));
    };
    check_undo(&[LINE]);
    check_undo(&[LINE, LINE, CLEAR, LINE]);
    check_undo(&[TYPE, MORE, MORE, PICTURE, CLEAR, MORE]);
    check_undo(&[LINE, PICTURE, LINE, MORE]);
    check_undo(&[TYPE, HALF]);
}

#[test]
fn what_changes_nothing_is_not_undone() {
    let mut drawing = Drawing::default();
    assert!(!drawing.clear());
    drawing.type_digit(10);
    drawing.type_more(10);
    assert!(!drawing.can_undo() && drawing.is_empty());
    drawing.type_digit(3);
    drawing.type_more(11);
    assert!(drawing.undo() && drawing.is_empty());
}

#[test]
fn only_so_many_changes_are_remembered() {
    let mut drawing = Drawing::default();
    for _ in 0..HISTORY + 5 {
        line(&mut drawing, 1, at(0.1, 0.1), at(0.5, 0.5));
    }
    let undone = std::iter::repeat_with(|| drawing.undo()).take_while(|&undone| undone);
    assert_eq!(undone.count(), HISTORY);
    assert_eq!(drawing.marks().len(), 5);
}

#[test]
fn clearing_ends_the_stroke_too() {
    let mut drawing = Drawing::default();
    drawing.begin(1, at(0.5, 0.5), Pen::Medium);
    assert!(drawing.clear());
    assert!(drawing.is_empty());
    assert!(!drawing.extend(1, at(0.9, 0.9)));
    assert!(drawing.begin(2, at(0.5, 0.5), Pen::Medium));
}

#[test]
fn typed_digits_stay_on_the_pad() {
    for digit in 0..10 {
        let mut drawing = Drawing::default();
        for _ in 0..12 {
            drawing.type_more(digit);
            let area = area(&drawing);
            let margins = [
                area.corner.x,
                area.corner.y,
                1.0 - area.end.x,
                1.0 - area.end.y,
            ];
            let least = margins.into_iter().fold(1.0, f64::min);
            assert!(least >= Area::MARGIN - 1e-9, "{digit}: {area:?}");
        }
    }
}

#[test]
fn a_typed_digit_takes_the_place_of_the_drawing() {
    let mut drawing = Drawing::default();
    line(&mut drawing, 1, at(0.1, 0.1), at(0.5, 0.5));
    drawing.type_digit(1);
    let mut other = Drawing::default();
    other.type_digit(1);
    assert_eq!(drawing.marks(), other.marks());
}

#[test]
fn a_digit_is_added_as_high_as_what_is_there() {
    let mut drawing = Drawing::default();
    line(&mut drawing, 1, at(0.2, 0.2), at(0.2, 0.5));
    drawing.type_more(7);
    let (first, rest) = drawing.marks().split_at(1);
    let (first, rest) = (ink_area(first).unwrap(), ink_area(rest).unwrap());
    assert!((first.height() - rest.height()).abs() < 0.02 * first.height());
    assert!(rest.corner.x > first.end.x + 0.1 * first.height());
    assert!((first.corner.y - rest.corner.y).abs() < 0.02);
}

#[test]
fn pictures_lie_in_the_middle() {
    let area = picture().area();
    let near = |value: f64, wanted: f64| (value - wanted).abs() < 1e-12;
    assert!(near(area.height(), 1.0 - 2.0 * Area::MARGIN), "{area:?}");
    assert!(near(area.width(), area.height() / 2.0), "{area:?}");
    let middle = area.corner.middle(area.end);
    assert!(middle.distance(at(0.5, 0.5)) < 1e-12, "{area:?}");
}
