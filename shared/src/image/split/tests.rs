//! Drawings of one digit and of several through [`split`].

use super::*;

/// An image from rows of text: `#` is ink, `+` is faint ink, everything else paper.
fn image(rows: &[&str]) -> GrayImage {
    let ink = |letter| match letter {
        '#' => 1.0,
        '+' => 0.05,
        _ => 0.0,
    };
    let pixels = rows.iter().flat_map(|row| row.chars()).map(ink).collect();
    GrayImage::new(rows[0].len(), rows.len(), pixels).unwrap()
}

/// What an image of the right size for [`image`] shows.
fn rows(image: &GrayImage) -> Vec<String> {
    let letter = |&pixel: &f32| if pixel > 0.5 { '#' } else { '.' };
    let rows = image.pixels().chunks(image.width());
    rows.map(|row| row.iter().map(letter).collect()).collect()
}

#[track_caller]
fn check(rows: &[&str], digits: usize) {
    let found = split(&image(rows)).unwrap();
    assert_eq!(found.len(), digits, "\n{}", rows.join("\n"));
}

#[test]
fn corners_connect() {
    check(
        &["........", ".#...#..", "..#.#...", "...#....", "........"],
        1,
    );
}

#[test]
fn tall_pieces_side_by_side_are_two_digits() {
    check(
        &[
            "..................",
            "..##......######..",
            "..##..........#...",
            "..##.........#....",
            "..##........#.....",
            "..##........#.....",
            "..##........#.....",
            "..................",
        ],
        2,
    );
}

#[test]
fn the_bar_of_a_five_belongs_to_it() {
    check(
        &[
            "...............",
            "....#########..",
            "...............",
            "..##...........",
            "..##...........",
            "..########.....",
            "........##.....",
            "........##.....",
            "..########.....",
            "...............",
        ],
        1,
    );
}

#[test]
fn a_bar_joins_the_digit_it_is_nearer_to() {
    let digits = [
        "...........................",
        ".##........................",
        ".##........###########.....",
        ".##........................",
        ".##.........##.............",
        ".##.........##.............",
        ".##.........########.......",
        ".##...............##.......",
        ".##...............##.......",
        ".##.........########.......",
        "...........................",
    ];
    check(&digits, 2);
    let right = split(&image(&digits)).unwrap().remove(1);
    assert_eq!((right.width(), right.height()), (13, 10));
}

#[test]
fn the_second_stroke_of_a_four_belongs_to_it() {
    check(
        &[
            "................",
            "..##......##....",
            "..##......##....",
            "..##......##....",
            "..##......##....",
            "..#######.##....",
            "..........##....",
            "..........##....",
            "..........##....",
            "..........##....",
            "................",
        ],
        2, // So far from touching it is a 4 to nobody, so short of it that L1 is as likely.
    );
    check(
        &[
            "................",
            "..##....##......",
            "..##....##......",
            "..##....##......",
            "..##....##......",
            "..##............",
            "..##########....",
            "................",
            "........##......",
            "........##......",
            "........##......",
            "................",
        ],
        1,
    );
}

/// An image of filled boxes: left, top, width, height.
fn boxes(width: usize, height: usize, boxes: &[[usize; 4]]) -> GrayImage {
    let inked = |at: usize| {
        let (x, y) = (at % width, at / width);
        let covers = |&[left, top, wide, high]: &[usize; 4]| {
            (left..left + wide).contains(&x) && (top..top + high).contains(&y)
        };
        f32::from(u8::from(boxes.iter().any(covers)))
    };
    GrayImage::new(width, height, (0..width * height).map(inked).collect()).unwrap()
}

#[track_caller]
fn check_boxes(found: &[[usize; 4]], digits: usize) {
    let image = boxes(200, 120, found);
    assert_eq!(split(&image).unwrap().len(), digits, "{found:?}");
}

#[test]
fn a_zero_broken_at_top_and_bottom_is_one_digit() {
    let halves = [[40, 10, 8, 90], [48, 10, 20, 8], [40, 100, 30, 8]];
    let right = [[72, 10, 20, 8], [92, 10, 8, 98], [72, 100, 20, 8]];
    check_boxes(&[halves, right].concat(), 1);
}

#[test]
fn slanted_neighbours_may_overlap_a_little() {
    // Two stairs leaning to the right, the second under the first one's end.
    let stairs = |left: usize| (0..10).map(move |step| [left + 4 * step, 100 - 10 * step, 8, 12]);
    let two: Vec<_> = stairs(20).chain(stairs(55)).collect();
    check_boxes(&two, 2);
}

#[test]
fn dust_is_left_out_and_specks_at_a_digit_are_kept() {
    let digit = [50, 10, 40, 100];
    let image = boxes(200, 120, &[digit, [150, 60, 3, 3]]);
    let found = split(&image).unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].width(), found[0].height()), (42, 102));
    let image = boxes(200, 120, &[digit, [94, 60, 3, 3]]);
    assert_eq!(split(&image).unwrap()[0].width(), 49);
}

#[test]
fn faint_pixels_connect_nothing() {
    check(
        &[
            "...........",
            ".##+++++##.",
            ".##+++++##.",
            ".##+++++##.",
            ".##+++++##.",
            ".##+++++##.",
            ".##+++++##.",
            ".##+++++##.",
            "...........",
        ],
        2,
    );
}

#[test]
fn a_digit_is_cut_out_without_its_neighbour() {
    let image = image(&[
        "............",
        ".#####......",
        ".#..........",
        ".#......##..",
        ".#......##..",
        ".#####..##..",
        "............",
    ]);
    let pieces = Pieces::of(&image).unwrap();
    let cut: Vec<_> = (0..2).map(|digit| rows(&pieces.cut(digit))).collect();
    let left = [
        ".......", ".#####.", ".#.....", ".#.....", ".#.....", ".#####.", ".......",
    ];
    let right = ["....", ".##.", ".##.", ".##.", "...."];
    assert_eq!(
        cut,
        [
            left.map(str::to_owned).to_vec(),
            right.map(str::to_owned).to_vec()
        ]
    );
    assert_eq!(
        (pieces.at(1, 1), pieces.at(9, 4), pieces.at(3, 3)),
        (Some(0), Some(1), None)
    );
    assert_eq!((pieces.at(500, 1), pieces.at(1, 500)), (None, None));
}

#[test]
fn ink_of_a_neighbour_inside_the_box_is_taken_off() {
    let image = image(&[
        "..............",
        ".#########....",
        ".#............",
        ".#.......####.",
        ".#..........#.",
        ".#..........#.",
        ".#..........#.",
        ".#####......#.",
        "..............",
    ]);
    let cut = split(&image).unwrap();
    assert_eq!(cut.len(), 2);
    assert!(
        cut.iter()
            .map(rows)
            .all(|rows| rows.concat().matches('#').count() < 25)
    );
    let ink: f32 = cut.iter().flat_map(GrayImage::pixels).sum();
    let whole: f32 = image.pixels().iter().sum();
    assert_eq!(ink, whole);
}

#[test]
fn paper_alone_holds_no_digit() {
    for level in [0.0, 0.6] {
        let paper = GrayImage::new(30, 20, vec![level; 600]).unwrap();
        assert_eq!(split(&paper), Err(ImageError::Empty));
    }
}

/// Components by flooding, pixel after pixel.
fn flooded(image: &GrayImage) -> usize {
    let (width, height) = (image.width(), image.height());
    let mut inked: Vec<bool> = image.pixels().iter().map(|&pixel| pixel > 0.5).collect();
    let mut count = 0;
    while let Some(start) = inked.iter().position(|&ink| ink) {
        count += 1;
        inked[start] = false;
        let mut next = vec![start];
        while let Some(at) = next.pop() {
            let (x, y) = (at % width, at / width);
            for y in y.saturating_sub(1)..(y + 2).min(height) {
                for x in x.saturating_sub(1)..(x + 2).min(width) {
                    if std::mem::take(&mut inked[y * width + x]) {
                        next.push(y * width + x);
                    }
                }
            }
        }
    }
    count
}

#[test]
fn components_are_those_of_flooding() {
    let mut seed = 1_u32;
    let mut random = || {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        seed >> 16
    };
    for size in 1..40_usize {
        let (width, height) = (size, 41 - size);
        let sparse = random() % 3 + 2;
        let ink = (0..width * height).map(|_| f32::from(u8::from(random() % sparse == 0)));
        let image = GrayImage::new(width, height, ink.collect()).unwrap();
        let components = Components::of(&image, 0.5);
        assert_eq!(components.bounds.len(), flooded(&image), "{width}×{height}");
        let inked = image.pixels().iter().filter(|&&pixel| pixel > 0.5).count();
        let runs = (0..height).flat_map(|y| components.row(y));
        assert_eq!(runs.map(|run| run.end - run.start).sum::<usize>(), inked);
    }
}

#[test]
fn noise_ends_in_time() {
    let noise = |at: usize| {
        let mixed = at.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40;
        (mixed % 256) as f32 / 255.0
    };
    let image = GrayImage::new(1_000, 1_000, (0..1_000_000).map(noise).collect()).unwrap();
    let pieces = Pieces::of(&image).unwrap();
    assert!(!pieces.bounds().is_empty());
    let comb = |at: usize| f32::from(u8::from(at.is_multiple_of(2) || at / 2_000 == 0));
    let image = GrayImage::new(2_000, 500, (0..1_000_000).map(comb).collect()).unwrap();
    assert_eq!(Pieces::of(&image).unwrap().bounds().len(), 1);
}
