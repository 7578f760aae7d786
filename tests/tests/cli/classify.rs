//! Everything from the image to the digit.

use std::fs;
use std::io::Write;

use anyhow::{Context, Result};
use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::Value;
use tempfile::tempdir;
use tests::digits::Hand;
use tests::root;
use tests::server::Server;

use super::front::{Front, Mishap};
use super::{read, refused, run};
use tests::drawings::{idx, mnist, save, save_on_paper};

fn evaluator() -> Result<Server> {
    Server::start_with(&root().join("models"), None, None)
}

#[test]
fn drawn_digits_are_read() -> Result<()> {
    let (server, directory) = (evaluator()?, tempdir()?);
    let url = server.url("");
    let names: Vec<String> = (0..10).map(|digit| format!("{digit}.png")).collect();
    for digit in 0..10 {
        let path = directory.path().join(&names[usize::from(digit)]);
        // Half of them as on a screen, half as on paper.
        let save = if digit % 2 == 0 { save } else { save_on_paper };
        save(&path, digit, &Hand::default())?;
    }
    let mut args = vec!["classify", "--server", &url, "--json"];
    args.extend(names.iter().map(String::as_str));
    let document: Value = serde_json::from_str(&read(directory.path(), args)?)?;
    let images = document["images"].as_array().context("images")?;
    let right = |(digit, image): &(usize, &Value)| {
        assert_eq!(image["name"], format!("{digit}.png"));
        image["index"] == *digit
    };
    let right = images.iter().enumerate().filter(right).count();
    assert!(right >= 9, "{right} of 10: {document:#}");
    assert!(document["accuracy"].is_null());
    for time in ["encrypt", "round_trip", "evaluate", "decrypt"] {
        assert!(
            document["median_ms"][time].as_f64() > Some(0.0),
            "{time}: {document:#}"
        );
    }
    assert!(
        document["keys"]["bytes"].as_u64() > Some(100_000),
        "{document:#}"
    );
    Ok(())
}

#[test]
fn arrays_are_read_with_their_labels() -> Result<()> {
    let (server, directory) = (evaluator()?, tempdir()?);
    let (mut pixels, mut labels) = (Vec::new(), Vec::new());
    for (digit, seed) in (0..50).map(|at| (at % 10, u64::from(at / 10))) {
        pixels.extend(mnist(
            digit,
            &Hand {
                jitter: 0.02,
                seed,
                ..Hand::default()
            },
        )?);
        labels.push(digit);
    }
    let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
    packed.write_all(&idx(&[50, 28, 28], &pixels))?;
    fs::write(directory.path().join("images.gz"), packed.finish()?)?;
    fs::write(directory.path().join("labels"), idx(&[50], &labels))?;
    let url = server.url("");
    let classify = [
        "classify", "--server", &url, "--limit", "40", "--labels", "labels",
    ];
    let text = read(directory.path(), classify.into_iter().chain(["images.gz"]))?;
    assert_eq!(
        text.lines()
            .filter(|line| line.starts_with("images.gz["))
            .count(),
        40,
        "{text}"
    );
    let wrong = text
        .lines()
        .filter(|line| line.contains("   wrong: it is "))
        .count();
    let right = 40 - wrong;
    assert!(right >= 36, "{text}");
    let accuracy = format!("({right} of 40)");
    assert!(text.contains(&accuracy), "{accuracy} in {text}");
    for title in [
        "model ",
        "keys ",
        "encrypt ",
        "round trip ",
        "  evaluate ",
        "decrypt ",
        "sent ",
    ] {
        assert!(
            text.lines().any(|line| line.starts_with(title)),
            "{title} in {text}"
        );
    }
    Ok(())
}

#[test]
fn many_images_go_in_batches_and_come_back_in_order() -> Result<()> {
    let (server, directory) = (evaluator()?, tempdir()?);
    let front = Front::start(&server, &[])?;
    let digits: Vec<u8> = (0..70).map(|at| at % 10).collect();
    let mut pixels = Vec::new();
    for &digit in &digits {
        pixels.extend(mnist(digit, &Hand::default())?);
    }
    fs::write(directory.path().join("images"), idx(&[70, 28, 28], &pixels))?;
    let args = ["classify", "--server", &front.url()?, "--json", "images"];
    let document: Value = serde_json::from_str(&read(directory.path(), args)?)?;
    let images = document["images"].as_array().context("images")?;
    assert_eq!(images.len(), digits.len());
    let of_ten = |from: usize| {
        let ten = images.iter().skip(from).take(10);
        ten.map(|image| image["index"].as_u64()).collect::<Vec<_>>()
    };
    for from in (0..digits.len()).step_by(10) {
        assert_eq!(of_ten(from), of_ten(0), "from {from}");
    }
    let right = |(image, digit): &(&Value, &u8)| image["index"] == **digit;
    assert!(images.iter().zip(&digits).filter(right).count() >= 63);
    let asked = |route: &&String| route.contains("/classify");
    assert_eq!(front.routes().iter().filter(asked).count(), 2, "64 and 6");
    Ok(())
}

/// Neither the server nor what stands before it says beforehand how much it takes.
#[test]
fn batches_are_cut_until_the_server_takes_them() -> Result<()> {
    let models = root().join("models");
    let server = Server::start_with_flags(&models, None, None, &["--batch", "5"])?;
    let (front, directory) = (Front::start(&server, &[])?, tempdir()?);
    let mut pixels = Vec::new();
    for digit in 0..9 {
        pixels.extend(mnist(digit, &Hand::default())?);
    }
    fs::write(directory.path().join("images"), idx(&[9, 28, 28], &pixels))?;
    for url in [server.url(""), front.url()?] {
        let args = ["classify", "--server", &url, "--json", "images"];
        let output = run(directory.path(), args)?;
        let said = String::from_utf8(output.stderr)?;
        assert!(output.status.success(), "{said}");
        let words = "the server takes fewer than 9 digits in a request; sending 4";
        assert!(said.contains(words), "{said}");
        let document: Value = serde_json::from_slice(&output.stdout)?;
        let images = document["images"].as_array().context("images")?;
        let right = |(digit, image): &(usize, &Value)| image["index"] == *digit;
        assert_eq!(images.len(), 9);
        assert!(images.iter().enumerate().filter(right).count() >= 8);
    }
    let asked = |route: &&String| route.contains("/classify");
    assert_eq!(front.routes().iter().filter(asked).count(), 4, "9, 4, 4, 1");
    Ok(())
}

#[test]
fn a_busy_server_and_a_lost_session_are_bridged() -> Result<()> {
    let (server, directory) = (evaluator()?, tempdir()?);
    let front = Front::start(&server, &[Mishap::Busy, Mishap::Lost])?;
    for digit in [3, 1] {
        save(
            &directory.path().join(format!("{digit}.png")),
            digit,
            &Hand::default(),
        )?;
    }
    let args = [
        "classify",
        "--server",
        &front.url()?,
        "--json",
        "3.png",
        "1.png",
    ];
    let output = run(directory.path(), args)?;
    let said = String::from_utf8(output.stderr)?;
    assert!(output.status.success(), "{said}");
    assert!(said.contains("is busy; trying again in 0.5 s"), "{said}");
    assert!(
        said.contains("the server no longer has the keys; uploading them again"),
        "{said}"
    );
    let document: Value = serde_json::from_slice(&output.stdout)?;
    assert_eq!(
        (
            &document["images"][0]["class"],
            &document["images"][1]["class"]
        ),
        (&"3".into(), &"1".into())
    );
    let expected = [
        "GET models",
        "GET models/mnist-fast",
        "POST sessions",
        "POST sessions",
        "POST sessions/ID/classify?model=mnist-fast",
        "POST sessions",
        "POST sessions/ID/classify?model=mnist-fast",
        "DELETE sessions/ID",
    ];
    assert_eq!(front.routes(), expected);
    Ok(())
}

#[test]
fn a_session_that_is_always_lost_and_a_reply_that_is_cut_end_the_run() -> Result<()> {
    let (server, directory) = (evaluator()?, tempdir()?);
    save(&directory.path().join("3.png"), 3, &Hand::default())?;
    let front = Front::start(&server, &[Mishap::Lost, Mishap::Lost])?;
    let said = refused(
        directory.path(),
        ["classify", "--server", &front.url()?, "3.png"],
    )?;
    let expected = format!(
        "{} refused: Session gone (410): the evaluator does not hold this session's keys (any \
         more); upload them again with POST sessions",
        front.url()?
    );
    assert_eq!(said, expected);
    let front = Front::start(&server, &[Mishap::Cut])?;
    let said = refused(
        directory.path(),
        ["classify", "--server", &front.url()?, "3.png"],
    )?;
    assert!(
        said.starts_with("the server's answer to 3.png: message is truncated in "),
        "{said}"
    );
    assert_eq!(
        front.routes().last().map(String::as_str),
        Some("DELETE sessions/ID")
    );
    Ok(())
}

#[test]
fn servers_that_do_not_serve_are_named() -> Result<()> {
    let (server, directory) = (evaluator()?, tempdir()?);
    save(&directory.path().join("3.png"), 3, &Hand::default())?;
    let url = server.url("");
    let classify = |url: &str, model: &str| {
        refused(
            directory.path(),
            ["classify", "--server", url, "--model", model, "3.png"],
        )
    };
    let said = classify(&url, "no/such")?;
    let expected = format!("{url}: no model is called \"no/such\"; the nearest are ");
    assert!(said.starts_with(&expected), "{said}");
    server.stop()?;
    let said = classify(&url, "mnist-fast")?;
    assert!(
        said.starts_with(&format!("{url} can't be reached: ")),
        "{said}"
    );
    let expected = "\"example\" is no server's address; give one such as http://127.0.0.1:8080";
    assert_eq!(classify("example", "mnist-fast")?, expected);
    Ok(())
}
