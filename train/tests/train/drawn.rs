//! Digits drawn with a round pen on a canvas, the way people do on the page.

use std::f32::consts::PI;
use std::fs;
use std::path::PathBuf;

use shared::image::{GrayImage, prepare};

use crate::runtime;

const CANVAS: usize = 280;

type Stroke = Vec<(f32, f32)>;

fn line(points: &[(f32, f32)]) -> Stroke {
    points.to_vec()
}

/// Part of an ellipse; angles in half turns, clockwise from the right.
fn arc((x, y): (f32, f32), (width, height): (f32, f32), from: f32, to: f32) -> Stroke {
    let point = |step: u8| {
        let (sin, cos) = (PI * (from + (to - from) * f32::from(step) / 32.0)).sin_cos();
        (x + width * cos, y + height * sin)
    };
    (0..=32).map(point).collect()
}

/// Strokes in a box one unit high, with its left edge at 0.
fn strokes(digit: usize) -> Vec<Stroke> {
    match digit {
        0 => vec![arc((0.32, 0.5), (0.32, 0.5), 0.0, 2.0)],
        1 => vec![line(&[(0.1, 0.0), (0.0, 1.0)])],
        2 => vec![
            arc((0.3, 0.28), (0.3, 0.28), -1.0, 0.25),
            line(&[(0.51, 0.48), (0.0, 1.0), (0.65, 1.0)]),
        ],
        3 => vec![
            arc((0.25, 0.25), (0.27, 0.25), -0.85, 0.5),
            arc((0.25, 0.75), (0.32, 0.25), -0.5, 0.85),
        ],
        4 => vec![
            line(&[(0.1, 0.0), (0.0, 0.55), (0.6, 0.5)]),
            line(&[(0.52, 0.05), (0.45, 1.0)]),
        ],
        5 => vec![
            line(&[(0.6, 0.0), (0.12, 0.0), (0.08, 0.42)]),
            arc((0.22, 0.7), (0.35, 0.3), -0.65, 0.8),
        ],
        6 => vec![
            line(&[(0.45, 0.0), (0.15, 0.35), (0.0, 0.7)]),
            arc((0.28, 0.73), (0.28, 0.27), -1.0, 1.0),
        ],
        7 => vec![line(&[(0.0, 0.05), (0.6, 0.0), (0.2, 1.0)])],
        8 => vec![
            arc((0.3, 0.24), (0.24, 0.24), 0.0, 2.0),
            arc((0.3, 0.74), (0.3, 0.26), 0.0, 2.0),
        ],
        _ => vec![
            arc((0.28, 0.28), (0.28, 0.28), 0.0, 2.0),
            line(&[(0.56, 0.28), (0.5, 1.0)]),
        ],
    }
}

fn draw(digit: usize, size: f32, radius: f32, corner: (f32, f32)) -> GrayImage {
    let place = |(x, y): (f32, f32)| (corner.0 + size * x, corner.1 + size * y);
    let strokes: Vec<Stroke> = strokes(digit)
        .into_iter()
        .map(|stroke| stroke.into_iter().map(place).collect())
        .collect();
    let ink = |at: usize| {
        let (x, y) = ((at % CANVAS) as f32 + 0.5, (at / CANVAS) as f32 + 0.5);
        let segments = strokes.iter().flat_map(|stroke| stroke.windows(2));
        let nearest = segments.map(|pair| distance((x, y), pair[0], pair[1]));
        (radius + 0.5 - nearest.fold(f32::INFINITY, f32::min)).clamp(0.0, 1.0)
    };
    GrayImage::new(CANVAS, CANVAS, (0..CANVAS * CANVAS).map(ink).collect()).unwrap()
}

fn distance((x, y): (f32, f32), (ax, ay): (f32, f32), (bx, by): (f32, f32)) -> f32 {
    let (dx, dy) = (bx - ax, by - ay);
    let along = ((x - ax) * dx + (y - ay) * dy) / (dx * dx + dy * dy);
    let along = along.clamp(0.0, 1.0);
    (x - ax - along * dx).hypot(y - ay - along * dy)
}

#[test]
fn mnist_fast_reads_what_a_pen_draws() {
    let models = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../models");
    let file = fs::read(models.join("mnist-fast.onnx")).unwrap();
    let ways = [
        (180.0, 8.0, (60.0, 50.0)),
        (180.0, 11.0, (30.0, 30.0)),
        (120.0, 9.0, (140.0, 90.0)),
        (220.0, 12.0, (50.0, 30.0)),
    ];
    for (size, radius, corner) in ways {
        let prepared = |digit| prepare(&draw(digit, size, radius, corner)).unwrap();
        let images: Vec<_> = (0..10)
            .map(|digit| prepared(digit).pixels().to_vec())
            .collect();
        let read: Vec<_> = runtime::logits(&file, &images)
            .iter()
            .map(|row| runtime::class(row))
            .collect();
        let right = read
            .iter()
            .enumerate()
            .filter(|&(digit, &class)| digit == class)
            .count();
        println!("size {size}, pen {radius}: read {read:?}");
        assert!(right >= 9, "size {size}, pen {radius}: read {read:?}");
    }
}
