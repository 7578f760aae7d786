//! Several digits in one drawing, and two hundred one by one.

use anyhow::{Result, ensure};
use tests::browser::Browser;
use tests::digits::{Hand, Stroke, strokes};
use tests::page::Page;
use tests::proxy::Proxy;
use tests::server::Server;
use tests::webdriver::Pointer;

use super::{WINDOW, count, is_query};

/// Digits side by side.
fn row(digits: &[u8]) -> Vec<Stroke> {
    let share = 1.0 / digits.len() as f64;
    let hand = |place: usize| Hand {
        centre: ((place as f64 + 0.5) * share, 0.5),
        // Digits are about half as wide as their square.
        size: (1.3 * share).min(0.8),
        ..Hand::default()
    };
    let drawn = digits.iter().enumerate();
    drawn
        .flat_map(|(place, &digit)| strokes(digit, &hand(place)))
        .collect()
}

#[test]
fn a_postcode_is_sent_as_one_batch_and_read_as_a_number() -> Result<()> {
    let server = Server::start()?;
    let proxy = Proxy::start(server.address())?;
    let browser = Browser::start(WINDOW.0, WINDOW.1, Some(&proxy))?;
    let page = Page::open(&browser, &server.url("/"))?;
    for number in ["10", "407", "90210"] {
        let digits: Vec<u8> = number.bytes().map(|digit| digit - b'0').collect();
        page.draw(Pointer::Mouse, &row(&digits))?;
        let before = count(&proxy, is_query);
        assert_eq!(page.classify()?.class, number);
        assert_eq!(
            count(&proxy, is_query),
            before + 1,
            "{number} takes one request"
        );
        page.clear()?;
    }
    Ok(())
}

#[test]
fn each_digit_of_a_number_has_its_bars() -> Result<()> {
    let server = Server::start()?;
    let browser = Browser::start(WINDOW.0, WINDOW.1, None)?;
    let page = Page::open(&browser, &server.url("/"))?;
    page.draw(Pointer::Mouse, &row(&[4, 0, 7]))?;
    page.classify()?;
    for (place, class) in (1..).zip(["4", "0", "7"]) {
        browser.click(&format!(".which button:nth-child({place})"))?;
        assert_eq!(page.attribute("#bars .likeliest", "data-class")?, class);
    }
    Ok(())
}

/// How many of this many digits are to be read right, in percent.
const RIGHT: usize = 97;

/// Twenty hands for each digit: other places, sizes, slants and pens, and no steady line.
fn hands() -> impl Iterator<Item = (u8, Hand)> {
    let hand = |seed: u64| {
        // Digits of an irrational number's multiples: spread, and the same each time.
        let spread = |step: f64| (seed as f64 * step).fract();
        let size = 0.3 + 0.5 * spread(0.618_034);
        let room = 1.0 - size;
        Hand {
            centre: (
                size / 2.0 + room * spread(0.414_214),
                size / 2.0 + room * spread(0.732_051),
            ),
            size,
            slant: -0.1 + 0.4 * spread(0.236_068),
            jitter: 0.02,
            seed,
        }
    };
    (0..200).map(move |number: u64| ((number % 10) as u8, hand(number)))
}

#[test]
fn two_hundred_digits_of_many_hands_are_read_right() -> Result<()> {
    let server = Server::start()?;
    let browser = Browser::start(WINDOW.0, WINDOW.1, None)?;
    let page = Page::open(&browser, &server.url("/"))?;
    let mut wrong = Vec::new();
    for (digit, hand) in hands() {
        // Each pen has its turn with each digit.
        page.pick((hand.seed / 10 % 3) as usize)?;
        page.draw(Pointer::Mouse, &strokes(digit, &hand))?;
        let answer = page.classify()?;
        if answer.class != digit.to_string() {
            wrong.push(format!("{digit} as {} ({hand:?})", answer.class));
        }
        page.clear()?;
    }
    let (all, right) = (200, 200 - wrong.len());
    println!("{right} of {all} right; not: {wrong:#?}");
    ensure!(
        right * 100 >= all * RIGHT,
        "{right} of {all} right; not: {wrong:#?}"
    );
    Ok(())
}
