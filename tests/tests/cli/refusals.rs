//! Files that are not what they should be: each is named, with what would be right.

use std::fs;
use std::path::Path;

use anyhow::Result;
use tempfile::tempdir;
use tests::digits::Hand;

use super::stages::{describe, evaluate, keygen};
use super::{read, refused};
use tests::drawings::{idx, png, save};

const ENCRYPT: [&str; 3] = ["encrypt", "--out", "new.ct"];

/// A directory with everything that the stages make, for two people.
fn prepare(directory: &Path) -> Result<()> {
    describe(directory)?;
    keygen(directory, "own")?;
    keygen(directory, "other")?;
    save(&directory.join("5.png"), 5, &Hand::default())?;
    let encrypt = ["encrypt", "--model", "model.json", "--secret", "own.key"];
    read(
        directory,
        encrypt.into_iter().chain(["--out", "digit.ct", "5.png"]),
    )?;
    evaluate(directory, "own.keys")
}

/// Writes the files that are wrong in one way each.
fn spoil(directory: &Path) -> Result<()> {
    let write = |name: &str, bytes: &[u8]| fs::write(directory.join(name), bytes);
    write("empty", b"")?;
    write("words.txt", b"seven")?;
    write("blank.png", &png(&[255; 400], 20)?)?;
    write("labels.idx", &idx(&[3], &[1, 2, 3]))?;
    write("small.idx", &idx(&[1, 8, 8], &[0; 64]))?;
    write("cut.idx", &idx(&[9, 28, 28], &[0; 784]))?;
    let secret = fs::read(directory.join("own.key"))?;
    write("cut.key", &secret[..40])?;
    write("long.key", &[&secret[..], &[0; 3]].concat())?;
    let reply = fs::read(directory.join("reply.ct"))?;
    write("long.ct", &[&reply[..], &[0; 2]].concat())?;
    let model = fs::read_to_string(directory.join("model.json"))?;
    write("cut.json", &model.as_bytes()[..model.len() / 2])?;
    write(
        "next.json",
        model
            .replace("\"api_version\": 1", "\"api_version\": 2")
            .as_bytes(),
    )?;
    let mut wide: serde_json::Value = serde_json::from_str(&model)?;
    wide["input"]["shape"] = serde_json::json!([32, 32]);
    write("wide.json", wide.to_string().as_bytes())?;
    Ok(())
}

#[test]
fn wrong_files_are_named_with_what_would_be_right() -> Result<()> {
    let directory = tempdir()?;
    let directory = directory.path();
    prepare(directory)?;
    spoil(directory)?;
    let before = fs::read_dir(directory)?.count();

    let check = |args: &[&str], expected: &str| -> Result<()> {
        let said = refused(directory, args)?;
        // The ends of some messages are a parser's or the system's.
        let same = said == expected
            || expected
                .strip_suffix('…')
                .is_some_and(|start| said.starts_with(start));
        assert!(same, "{args:?}\n    says: {said}\nexpected: {expected}");
        Ok(())
    };
    let image = |image: &str, expected: &str| {
        let args = ["--model", "model.json", "--secret", "own.key", image];
        check(&[&ENCRYPT[..], &args].concat(), expected)
    };
    image("none.png", "none.png: No such file…")?;
    image(
        "empty",
        "empty: is empty; a PNG, JPEG or IDX file is needed",
    )?;
    image(
        "words.txt",
        "words.txt: is neither a PNG nor a JPEG nor an IDX file",
    )?;
    image(
        "digit.ct",
        "digit.ct: is neither a PNG nor a JPEG nor an IDX file",
    )?;
    image(
        "blank.png",
        "blank.png: the drawing is empty: no ink stands out from the paper; draw a digit first",
    )?;
    image(
        "labels.idx",
        "labels.idx: holds an array of [3]; images are one of [count, 28, 28], so these are labels",
    )?;
    image(
        "small.idx",
        "small.idx: holds an array of [1, 8, 8]; images are one of [count, 28, 28]",
    )?;
    image(
        "cut.idx",
        "cut.idx: a damaged IDX file: dimensions [9, 28, 28] need 7056 bytes, found 784",
    )?;

    let secret = |secret: &str, expected: &str| {
        let args = ["--model", "model.json", "--secret", secret, "5.png"];
        check(&[&ENCRYPT[..], &args].concat(), expected)
    };
    let needed = "what is needed is a secret key (from `inkveil keygen --secret`)";
    let keys = format!("own.keys: holds evaluation keys (from `inkveil keygen --out`); {needed}");
    secret("own.keys", &keys)?;
    secret(
        "5.png",
        "5.png: not an Inkveil message: it must start with the bytes \"INKV\"",
    )?;
    secret(
        "empty",
        "empty: message is truncated in the header: 16 bytes needed, 0 left",
    )?;
    secret(
        "cut.key",
        "cut.key: message is truncated in the secret key: 32 bytes needed, 24 left",
    )?;
    secret("long.key", "long.key: message has 3 bytes after its end")?;

    let model = |model: &str, expected: &str| {
        let args = ["--model", model, "--secret", "own.key", "5.png"];
        check(&[&ENCRYPT[..], &args].concat(), expected)
    };
    let what = "not a model's description, as `inkveil describe` writes it: ";
    model("5.png", &format!("5.png: {what}…"))?;
    model("cut.json", &format!("cut.json: {what}EOF…"))?;
    model(
        "next.json",
        "next.json: model mnist-fast can't be used: the service speaks version 2 of the protocol, \
         this client version 1; reload or update",
    )?;
    model(
        "wide.json",
        "wide.json: model mnist-fast takes input of sizes [32, 32]; this program prepares images of \
         28×28",
    )?;

    let reply = |secret: &str, reply: &str, expected: &str| {
        check(
            &[
                "decrypt",
                "--model",
                "model.json",
                "--secret",
                secret,
                reply,
            ],
            expected,
        )
    };
    let needed = "what is needed is an encrypted answer (from `evaluator evaluate`)";
    let input = format!("digit.ct: holds an encrypted drawing (from `inkveil encrypt`); {needed}");
    reply("own.key", "digit.ct", &input)?;
    reply(
        "own.key",
        "long.ct",
        "long.ct: message has 2 bytes after its end",
    )?;
    reply(
        "other.key",
        "reply.ct",
        "reply.ct: decrypts to noise: what is zero in every reply is …",
    )?;

    check(
        &[
            &ENCRYPT[..2],
            &[
                "nowhere/new.ct",
                "--model",
                "model.json",
                "--secret",
                "own.key",
                "5.png",
            ],
        ]
        .concat(),
        "nowhere/new.ct: can't be written: …",
    )?;
    check(
        &[
            &ENCRYPT[..2],
            &[
                "own.key",
                "--model",
                "model.json",
                "--secret",
                "own.key",
                "5.png",
            ],
        ]
        .concat(),
        "own.key: exists already; --force replaces it",
    )?;
    assert_eq!(
        fs::read_dir(directory)?.count(),
        before,
        "something is left over"
    );
    Ok(())
}

#[test]
fn files_are_checked_before_a_server_is_asked() -> Result<()> {
    let directory = tempdir()?;
    let directory = directory.path();
    // Nothing listens on port 1: whoever asked there would say so.
    let classify = ["classify", "--server", "http://127.0.0.1:1"];
    let check = |args: &[&str], expected: &str| -> Result<()> {
        assert_eq!(refused(directory, classify.iter().chain(args))?, expected);
        Ok(())
    };
    save(&directory.join("5.png"), 5, &Hand::default())?;
    fs::write(directory.join("none.idx"), idx(&[0, 28, 28], &[]))?;
    fs::write(directory.join("two.idx"), idx(&[2], &[1, 2]))?;
    fs::write(directory.join("words.txt"), "seven")?;
    check(
        &["5.png", "words.txt"],
        "words.txt: is neither a PNG nor a JPEG nor an IDX file",
    )?;
    check(&["none.idx"], "the files hold no image")?;
    check(
        &["--labels", "two.idx", "5.png"],
        "two.idx: holds 2 labels for 1 images",
    )?;
    check(
        &["--labels", "words.txt", "5.png"],
        "words.txt: no IDX file of labels: starts with [115, 101], but an IDX file starts with [0, 0]",
    )?;
    let said = refused(directory, classify.iter().chain(&["5.png"]))?;
    assert!(
        said.starts_with("http://127.0.0.1:1 can't be reached: "),
        "{said}"
    );
    Ok(())
}
