//! Made-up photographs through [`ink_of_photo`].

use super::*;
use crate::image::split;

const WIDTH: usize = 240;
const HEIGHT: usize = 180;

/// How a photograph is taken.
#[derive(Clone, Copy)]
struct Scene {
    /// Light at the left, and at the right.
    light: (f32, f32),
    /// What paper and ink reflect.
    paper: f32,
    ink: f32,
    /// Half of the line's width.
    reach: f32,
    /// The largest error of a pixel.
    noise: f32,
}

const DAYLIGHT: Scene = Scene {
    light: (0.9, 0.9),
    paper: 0.9,
    ink: 0.15,
    reach: 7.0,
    noise: 0.02,
};

/// From a point to a 7 in the middle.
fn distance(x: f32, y: f32) -> f32 {
    let corners = [(90.0, 50.0), (150.0, 50.0), (110.0, 140.0)];
    let to_line = |pair: &[(f32, f32)]| {
        let ((ax, ay), (bx, by)) = (pair[0], pair[1]);
        let (dx, dy) = (bx - ax, by - ay);
        let along = (((x - ax) * dx + (y - ay) * dy) / (dx * dx + dy * dy)).clamp(0.0, 1.0);
        (x - ax - along * dx).hypot(y - ay - along * dy)
    };
    corners
        .windows(2)
        .map(to_line)
        .fold(f32::INFINITY, f32::min)
}

impl Scene {
    /// A photograph of a 7; `more` says where else the paper is dark or bright.
    fn photograph(&self, more: impl Fn(usize, usize) -> Option<f32>) -> GrayImage {
        let pixel = |at: usize| {
            let (x, y) = (at % WIDTH, at / WIDTH);
            let cover =
                (self.reach + 0.5 - distance(x as f32 + 0.5, y as f32 + 0.5)).clamp(0.0, 1.0);
            let reflected = self.paper + cover * (self.ink - self.paper);
            let share = x as f32 / WIDTH as f32;
            let light = self.light.0 + share * (self.light.1 - self.light.0);
            let noise =
                (at.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40) as f32 / (1 << 23) as f32 - 1.0;
            let seen = more(x, y).unwrap_or(reflected) * light + self.noise * noise;
            seen.clamp(0.0, 1.0)
        };
        let pixels = (0..WIDTH * HEIGHT).map(pixel).collect();
        GrayImage::new(WIDTH, HEIGHT, pixels).unwrap()
    }
}

/// The 7 comes out alone, as large as it is.
#[track_caller]
fn check_seven(photo: &GrayImage, reach: f32) {
    let ink = ink_of_photo(photo).unwrap();
    let near = |side: usize, wanted: f32| (side as f32 - wanted).abs() <= 4.0;
    let (width, height) = (60.0 + 2.0 * reach, 90.0 + 2.0 * reach);
    let found = (ink.width(), ink.height());
    assert!(near(found.0, width) && near(found.1, height), "{found:?}");
    let wrong = |at: usize| {
        let (x, y) = (at % ink.width(), at / ink.width());
        let left = (found.0 as f32 - width) / 2.0 + reach;
        let top = (found.1 as f32 - height) / 2.0 + reach;
        let away = distance(x as f32 + 0.5 - left + 90.0, y as f32 + 0.5 - top + 50.0) - reach;
        let pixel = ink.pixels()[at];
        (away < -2.0 && pixel < 0.5) || (away > 2.0 && pixel > 0.5)
    };
    let wrong = (0..ink.pixels().len()).filter(|&at| wrong(at)).count();
    assert!(
        wrong * 100 <= ink.pixels().len(),
        "{wrong} pixels are wrong"
    );
    assert_eq!(split(&ink).unwrap().len(), 1);
}

/// In this light.
#[track_caller]
fn check(scene: &Scene) {
    check_seven(&scene.photograph(|_, _| None), scene.reach);
}

#[test]
fn ink_on_paper_is_found() {
    check(&DAYLIGHT);
    check(&Scene {
        paper: 0.6,
        ink: 0.35,
        ..DAYLIGHT
    });
    check(&Scene {
        reach: 12.0,
        ..DAYLIGHT
    });
}

#[test]
fn chalk_on_a_board_is_found() {
    check(&Scene {
        paper: 0.1,
        ink: 0.8,
        ..DAYLIGHT
    });
    check(&Scene {
        paper: 0.0,
        ink: 1.0,
        noise: 0.0,
        ..DAYLIGHT
    });
}

#[test]
fn light_from_one_side_does_not_matter() {
    // At the left even the ink is brighter than the paper at the right.
    let light = (1.0, 0.25);
    check(&Scene {
        light,
        ink: 0.3,
        ..DAYLIGHT
    });
    check(&Scene {
        light: (0.3, 1.0),
        ..DAYLIGHT
    });
    check(&Scene {
        light: (1.0, 0.4),
        paper: 0.1,
        ink: 0.9,
        ..DAYLIGHT
    });
}

#[test]
fn what_reaches_in_from_outside_is_left_out() {
    let thumb = |x: usize, y: usize| (x < 30 && y > 120).then_some(0.2);
    check_seven(&DAYLIGHT.photograph(thumb), DAYLIGHT.reach);
    let edge = |x: usize, y: usize| (x + y / 8 > 225).then_some(0.1);
    check_seven(&DAYLIGHT.photograph(edge), DAYLIGHT.reach);
}

#[test]
fn dust_is_left_out() {
    let dust = |x: usize, y: usize| ((x % 61 < 3) && (y % 47 < 3)).then_some(0.1);
    check_seven(&DAYLIGHT.photograph(dust), DAYLIGHT.reach);
}

#[test]
fn a_ballpoint_line_becomes_as_thick_as_a_marker() {
    let photo = Scene {
        reach: 1.5,
        ..DAYLIGHT
    }
    .photograph(|_, _| None);
    let ink = ink_of_photo(&photo).unwrap();
    let mass: f32 = ink.pixels().iter().sum();
    let length = 60.0 + 40_f32.hypot(90.0);
    let width = mass / length;
    assert!((11.0..16.0).contains(&width), "a line of {width} pixels");
}

#[test]
fn paper_without_ink_is_refused() {
    let blank = |scene: Scene| {
        Scene {
            ink: scene.paper,
            ..scene
        }
        .photograph(|_, _| None)
    };
    let shadow = Scene {
        light: (0.9, 0.3),
        ..DAYLIGHT
    };
    for photo in [
        blank(DAYLIGHT),
        blank(shadow),
        blank(Scene {
            noise: 0.04,
            ..DAYLIGHT
        }),
    ] {
        assert_eq!(ink_of_photo(&photo).map(drop), Err(ImageError::Empty));
    }
    for level in [0.0, 0.5, 1.0] {
        let flat = GrayImage::new(50, 40, vec![level; 2_000]).unwrap();
        assert_eq!(ink_of_photo(&flat).map(drop), Err(ImageError::Empty));
    }
}

#[test]
fn images_of_a_few_pixels_do_no_harm() {
    for (width, height) in [(1, 1), (2, 1), (1, 3), (3, 3), (17, 1), (1, 40)] {
        let pixels = (0..width * height).map(|at| (at % 2) as f32).collect();
        let image = GrayImage::new(width, height, pixels).unwrap();
        if let Ok(ink) = ink_of_photo(&image) {
            assert!(ink.pixels().iter().all(|pixel| (0.0..=1.0).contains(pixel)));
        }
    }
}
