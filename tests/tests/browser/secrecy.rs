//! What someone learns who sees every byte between page and evaluator: when, and how much.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use tests::page::SIDE;
use tests::proxy::Exchange;
use tests::secrecy::{
    Needle, agreement, assert_absent, byte_needles, entropy, image_needles, leading_needles,
    number_needles, secret_needles,
};
use tests::tap;

use super::{Run, is_key_upload, is_query, is_upload_start};
use crate::service::secret_coefficients;

const OCTETS: &str = "application/octet-stream";

/// Formats may open with so many bytes that are no ciphertext: version, parameter set, level.
const LONGEST_HEADER: usize = 256;

/// Everything a request says besides its body.
fn envelope(exchange: &Exchange) -> String {
    exchange
        .headers
        .iter()
        .fold(exchange.line(), |mut text, (name, value)| {
            text.push_str(&format!("\n{name}: {value}"));
            text
        })
}

/// Envelope and body with the boundary as it would be on the wire.
pub(super) fn message(exchange: &Exchange) -> Vec<u8> {
    [envelope(exchange).as_bytes(), b"\n\n", &exchange.body].concat()
}

const CLASSES: usize = 10;

/// What the worker's code handles for each drawing, unrounded.
struct Plain {
    /// The input that is encrypted.
    input: Vec<f64>,
    /// What decryption gives, up to the last bits.
    logits: Vec<f64>,
    probabilities: Vec<f64>,
}

/// The numbers in `[0, 1]` that some messages end with; before them stand as many bytes of other
/// fields as `header` allows.
fn endings(run: &Run, count: usize, header: std::ops::RangeInclusive<usize>) -> Vec<Vec<f64>> {
    let messages = run.told.iter().filter_map(|message| -> Option<Vec<f64>> {
        let before = message.len().checked_sub(8 * count)?;
        let (numbers, _) = message[before..].as_chunks();
        let numbers = numbers
            .iter()
            .map(|&number| f64::from_le_bytes(number))
            .collect();
        header.contains(&before).then_some(numbers)
    });
    let plausible = |number: &f64| (0.0..=1.0).contains(number);
    messages
        .filter(|numbers| numbers.iter().all(plausible))
        .collect()
}

/// Reads them off the messages between page and worker; what the page shows proves them right, and
/// that the key that decrypts the replies is the page's.
fn plain(run: &Run) -> Vec<Plain> {
    // Before the pixels: the message's number, a job and a length; before the probabilities also
    // a time and a class.
    let inputs = endings(run, SIDE * SIDE, 3..=16);
    let answers = endings(run, CLASSES, 8..=24);
    let queries = run.queries();
    let drawings = &run.drawings;
    assert_eq!(inputs.len(), drawings.len(), "inputs of drawings");
    assert_eq!(answers.len(), drawings.len(), "answers to drawings");
    assert_eq!(queries.len(), drawings.len(), "queries for drawings");
    let mut all = Vec::new();
    for (((drawing, input), probabilities), query) in
        drawings.iter().zip(inputs).zip(answers).zip(queries)
    {
        for (shown, pixel) in drawing.preview.iter().zip(&input) {
            assert!(
                (f64::from(*shown) - 255.0 * pixel).abs() <= 1.0,
                "another drawing"
            );
        }
        for ((_, shown), probability) in drawing.answer.bars.iter().zip(&probabilities) {
            assert!((shown - probability).abs() < 1e-5, "another answer");
        }
        let logits = run.keys.decrypt(&query.reply).expect("the page's reply");
        assert_eq!(logits.argmax().to_string(), drawing.answer.class);
        for (ours, theirs) in logits.probabilities().iter().zip(&probabilities) {
            assert!(
                (ours - theirs).abs() < 1e-9,
                "another secret key: {ours}, not {theirs}"
            );
        }
        all.push(Plain {
            input,
            logits: logits.values().to_vec(),
            probabilities,
        });
    }
    all
}

fn needles(run: &Run) -> Vec<Needle> {
    let mut needles = key_needles(run);
    for plain in plain(run) {
        // The worker's own logits aren't told; other sines may give other last bits.
        needles.extend(leading_needles("the logits", &plain.logits));
        for (label, values, window) in [
            ("the input", &plain.input, 4),
            ("the logits", &plain.logits, 2),
            ("the probabilities", &plain.probabilities, 3),
        ] {
            needles.extend(number_needles(label, values, window, window.min(3)));
            let bytes: Vec<u8> = values
                .iter()
                .flat_map(|value| value.to_le_bytes())
                .collect();
            needles.extend(byte_needles(label, &bytes, 24, 18));
        }
    }
    needles.extend(shown_needles(run));
    needles
}

/// The secret key in every form that is searched for.
fn key_needles(run: &Run) -> Vec<Needle> {
    let seed = tap::known_bytes();
    let coefficients = secret_coefficients(seed, run.keys.plan().ring().degree());
    secret_needles(&seed, &run.keys, &coefficients)
}

/// What the page makes of them for people.
fn shown_needles(run: &Run) -> Vec<Needle> {
    let mut needles = Vec::new();
    for drawing in &run.drawings {
        needles.extend(image_needles(&drawing.preview));
        for picture in &drawing.pictures {
            let png = STANDARD.decode(picture).expect("a data URL is base64");
            // Past the signature and the first chunk, which every PNG of this size shares.
            needles.extend(byte_needles(
                "a picture",
                png.get(48..).unwrap_or_default(),
                16,
                12,
            ));
        }
        let probabilities: Vec<f64> = drawing.answer.bars.iter().map(|bar| bar.1).collect();
        needles.extend(number_needles("the probabilities", &probabilities, 3, 3));
        let logs: Vec<f64> = probabilities
            .iter()
            .map(|probability| probability.ln())
            .collect();
        needles.extend(number_needles("the log-probabilities", &logs, 2, 2));
    }
    needles
}

#[test]
fn the_worker_keeps_its_key_to_itself() {
    let run = Run::get();
    // A wrong key would be absent, too.
    assert_eq!(plain(run).len(), run.drawings.len());
    let told: Vec<(&str, &[u8])> = run
        .told
        .iter()
        .map(|bytes| ("a message", &bytes[..]))
        .collect();
    assert_absent(&told, &key_needles(run));
}

#[test]
fn no_request_holds_a_drawing_an_answer_or_the_key() {
    let run = Run::get();
    let messages: Vec<(String, Vec<u8>)> = run
        .exchanges
        .iter()
        .map(|exchange| (exchange.line(), message(exchange)))
        .collect();
    let haystacks: Vec<(&str, &[u8])> = messages
        .iter()
        .map(|(line, bytes)| (line.as_str(), bytes.as_slice()))
        .collect();
    let needles = needles(run);
    assert_absent(&haystacks, &needles);

    // The search finds what is there.
    let first = &plain(run)[0];
    let double = |values: &[f64]| values.iter().flat_map(|x| x.to_le_bytes()).collect();
    let single = |&value: &f64| (value as f32).to_le_bytes();
    let others = first.logits.iter().map(|x| x * (1.0 + 1e-14));
    let leaks: [Vec<u8>; 6] = [
        tap::known_bytes::<32>().to_vec(),
        double(&first.input),
        first.input.iter().flat_map(single).collect(),
        double(&first.logits),
        others.flat_map(f64::to_le_bytes).collect(),
        double(&first.probabilities),
    ];
    for (index, leak) in leaks.iter().enumerate() {
        let leaky = [&run.queries()[0].body[..], leak].concat();
        let search = || assert_absent(&[("a leak", &leaky)], &needles);
        assert!(
            std::panic::catch_unwind(search).is_err(),
            "leak {index} was overlooked"
        );
    }
}

#[test]
fn the_page_makes_the_expected_requests_and_no_others() {
    for exchange in Run::get()
        .exchanges
        .iter()
        .filter(|exchange| exchange.is_ours())
    {
        let line = exchange.line();
        let path = exchange.path();
        let api = path.strip_prefix("/api/v1/");
        let known = match (exchange.method.as_str(), api) {
            ("GET", None) => !path.starts_with("/api"),
            ("GET", Some(route)) => route == "models" || route.starts_with("models/"),
            ("POST", Some(_)) => {
                is_upload_start(exchange) || is_key_upload(exchange) || is_query(exchange)
            }
            _ => false,
        };
        assert!(known, "unexpected: {line}");
        match exchange.method.as_str() {
            "GET" => assert!(exchange.body.is_empty(), "{line} has a body"),
            _ => assert_eq!(exchange.header("content-type"), Some(OCTETS), "{line}"),
        }
        let query = exchange.url.split_once('?').map(|(_, query)| query);
        let expected = query.is_none_or(|query| is_query(exchange) && query.starts_with("model="));
        assert!(expected, "unexpected query: {line}");
        assert_eq!(exchange.header("cookie"), None, "{line}");
        let status = exchange.status.unwrap_or_default();
        let icon = path == "/favicon.ico";
        assert!(
            (200..400).contains(&status) || icon,
            "{line} was answered with {status}"
        );
    }
}

#[test]
fn queries_differ_in_their_ciphertexts_alone() {
    let queries = Run::get().queries();
    let [first, rest @ ..] = queries.as_slice() else {
        panic!("no queries")
    };
    for query in rest {
        assert_eq!(envelope(query), envelope(first));
        assert_eq!(query.body.len(), first.body.len());
    }
}

/// Whether Chromium asks there on its own account, whatever page is open: time, updates, sign-in.
fn is_the_browsers_own(exchange: &Exchange) -> bool {
    let address = exchange
        .url
        .strip_prefix("http://")
        .unwrap_or(&exchange.url);
    let host = address.split(['/', ':', '?']).next().unwrap_or_default();
    let from_a_page = exchange
        .header("origin")
        .or(exchange.header("referer"))
        .is_some();
    let makers = [
        ".google.com",
        ".googleapis.com",
        ".gstatic.com",
        ".gvt1.com",
    ];
    !from_a_page && makers.iter().any(|maker| host.ends_with(maker))
}

#[test]
fn page_and_workers_asked_nobody_else() {
    let others = Run::get().exchanges.iter().filter(|seen| !seen.is_ours());
    let strangers: Vec<String> = others
        .filter(|seen| !is_the_browsers_own(seen))
        .map(Exchange::line)
        .collect();
    assert_eq!(strangers, Vec::<String>::new());
}

#[test]
fn nothing_went_past_the_proxy() {
    let run = Run::get();
    let local = ["data:", "blob:", "chrome:"];
    let mut sent = run
        .requested
        .iter()
        .filter(|url| !local.iter().any(|kind| url.starts_with(kind)));
    assert!(sent.clone().count() > 0, "Chromium recorded nothing");
    let unseen = sent.find(|url| {
        let path = url.strip_prefix(&run.origin).unwrap_or(url);
        !run.exchanges.iter().any(|seen| seen.url == path)
    });
    assert_eq!(unseen, None);
}

#[test]
fn ciphertexts_look_random_and_unrelated() {
    let run = Run::get();
    let last_two = &run.drawings[run.drawings.len() - 2..];
    assert_eq!(
        last_two[0].preview, last_two[1].preview,
        "the same strokes gave another image"
    );

    let keys = run
        .exchanges
        .iter()
        .filter(|exchange| is_key_upload(exchange));
    let queries = run.queries();
    for exchange in keys.chain(queries.iter().copied()) {
        let body = &exchange.body[LONGEST_HEADER.min(exchange.body.len())..];
        // Uniform bytes in this number have an entropy of 8 - 255 / (2 n ln 2) bits; residues
        // modulo primes that aren't close to a power of two stay a little below.
        let expected = 8.0 - 255.0 / (2.0 * body.len() as f64 * std::f64::consts::LN_2);
        assert!(
            entropy(body) > expected - 0.03,
            "{}: {} bits",
            exchange.line(),
            entropy(body)
        );
        for shift in 1..=64 {
            let same = agreement(&body[shift..], body);
            assert!(
                same < 0.02,
                "{} repeats itself after {shift} bytes: {same}",
                exchange.line()
            );
        }
    }
    for (index, left) in queries.iter().enumerate() {
        for right in &queries[index + 1..] {
            let same = agreement(&left.body[LONGEST_HEADER..], &right.body[LONGEST_HEADER..]);
            assert!(same < 0.02, "two ciphertexts share {same} of their bytes");
        }
    }
}
